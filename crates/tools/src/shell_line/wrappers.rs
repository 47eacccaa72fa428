//! Looking through commands that run other commands: both are listed, the outer and the inner one.
//!
//! Not here: the syntax of a line (that is `grammar`).
//!
//! Where the inner command can be told exactly, the line stays plain. Where it cannot (an option that is not known, a
//! command that runs others in ways of its own), every end of the words is taken for what could run, every word with a
//! blank in it for a line of its own, and the line is adorned.

use super::{Dress, Level, ShellGrammar, Simple, Unreadable, read_into};
use policy::Word;
use std::collections::HashSet;

/// How many simple commands a line may come to.
const MOST_SIMPLES: usize = 2_000;
/// How many words they may have together.
const MOST_WORDS: usize = 100_000;

type Outcome<T = ()> = Result<T, Unreadable>;

/// What a line would run, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) simples: Vec<Simple>,
    pub(super) dress: Dress,
    seen: HashSet<Vec<Option<String>>>,
    words: usize,
}

/// A command that runs the rest of its words.
struct Wrapper {
    /// The words it begins with.
    words: &'static [&'static str],
    /// Options of one letter without a value.
    flags: &'static str,
    /// Options of one letter with a value.
    valued: &'static str,
    /// Long options without a value, or with one after `=`.
    long: &'static [&'static str],
    /// Long options with a value.
    long_valued: &'static [&'static str],
    /// How many words stand between the options and the command.
    operands: usize,
    assignments: Assignments,
}

/// Whether `NAME=VALUE` may stand before the command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Assignments {
    None,
    Some,
}

const fn wrapper(words: &'static [&'static str], flags: &'static str, valued: &'static str) -> Wrapper {
    Wrapper { words, flags, valued, long: &[], long_valued: &[], operands: 0, assignments: Assignments::None }
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        long: &["ignore-environment", "null", "debug"],
        long_valued: &["unset", "chdir"],
        assignments: Assignments::Some,
        ..wrapper(&["env"], "i0v", "uC")
    },
    Wrapper {
        long: &["preserve-env", "non-interactive", "set-home", "background", "askpass", "stdin", "preserve-groups"],
        long_valued: &["user", "group", "prompt", "chdir", "host", "close-from", "chroot", "role", "type"],
        assignments: Assignments::Some,
        ..wrapper(&["sudo"], "AbEHknPS", "ugpChDRrtT")
    },
    Wrapper { assignments: Assignments::Some, ..wrapper(&["doas"], "n", "uC") },
    Wrapper { long_valued: &["adjustment"], ..wrapper(&["nice"], "0123456789", "n") },
    wrapper(&["nohup"], "", ""),
    Wrapper { long: &["ctty", "fork", "wait"], ..wrapper(&["setsid"], "cfw", "") },
    Wrapper {
        long: &["portability", "append", "verbose", "quiet"],
        long_valued: &["format", "output"],
        assignments: Assignments::Some,
        ..wrapper(&["time"], "pavq", "fo")
    },
    Wrapper {
        long: &["foreground", "preserve-status", "verbose"],
        long_valued: &["kill-after", "signal"],
        operands: 1,
        ..wrapper(&["timeout"], "v", "ks")
    },
    Wrapper { long_valued: &["input", "output", "error"], ..wrapper(&["stdbuf"], "", "ioe") },
    Wrapper { long: &["ignore"], long_valued: &["class", "classdata"], ..wrapper(&["ionice"], "t", "cn") },
    Wrapper { long_valued: &["userspec", "groups"], operands: 1, ..wrapper(&["chroot"], "", "") },
    wrapper(&["command"], "p", ""),
    wrapper(&["builtin"], "", ""),
    wrapper(&["exec"], "cl", "a"),
    wrapper(&["busybox"], "", ""),
    wrapper(&["toybox"], "", ""),
    wrapper(&["unbuffer"], "p", ""),
    wrapper(&["fakeroot"], "", ""),
    wrapper(&["eatmydata"], "", ""),
    wrapper(&["nocache"], "", ""),
    wrapper(&["caffeinate"], "disu", "tw"),
    wrapper(&["linux32"], "", ""),
    wrapper(&["linux64"], "", ""),
    Wrapper { long: &["yes"], long_valued: &["package"], ..wrapper(&["npx"], "y", "p") },
    Wrapper { long_valued: &["with", "from", "python"], ..wrapper(&["uvx"], "", "p") },
    wrapper(&["uv", "run"], "", ""),
    wrapper(&["poetry", "run"], "", ""),
    wrapper(&["pipenv", "run"], "", ""),
    wrapper(&["pdm", "run"], "", ""),
    wrapper(&["hatch", "run"], "", ""),
    wrapper(&["rye", "run"], "", ""),
    Wrapper { long_valued: &["name", "prefix"], long: &["no-capture-output"], ..wrapper(&["conda", "run"], "", "np") },
    wrapper(&["npm", "exec"], "", ""),
    wrapper(&["npm", "x"], "", ""),
    wrapper(&["pnpm", "exec"], "", ""),
    wrapper(&["pnpm", "dlx"], "", ""),
    wrapper(&["yarn", "exec"], "", ""),
    wrapper(&["yarn", "dlx"], "", ""),
    wrapper(&["bundle", "exec"], "", ""),
    Wrapper { operands: 1, ..wrapper(&["rustup", "run"], "", "") },
    Wrapper { operands: 1, ..wrapper(&["direnv", "exec"], "", "") },
    wrapper(&["git", "bisect", "run"], "", ""),
];

/// Commands that run others in ways of their own: always, or where a word is one of these or begins so and a `=`.
const RUNNERS: &[(&[&str], &[&str])] = &[
    (&["at"], &[]),
    (&["batch"], &[]),
    (&["bwrap"], &[]),
    (&["cargo", "watch"], &[]),
    (&["chrt"], &[]),
    (&["dbus-run-session"], &[]),
    (&["distrobox"], &[]),
    (&["docker"], &["run", "exec", "compose", "buildx"]),
    (&["entr"], &[]),
    (&["expect"], &[]),
    (&["fd"], &["-x", "-X", "--exec", "--exec-batch"]),
    (&["fdfind"], &["-x", "-X", "--exec", "--exec-batch"]),
    (&["firejail"], &[]),
    (&["flock"], &[]),
    (&["gdb"], &[]),
    (&["git", "difftool"], &[]),
    (&["git", "filter-branch"], &[]),
    (&["git", "mergetool"], &[]),
    (&["git", "rebase"], &["-x", "--exec"]),
    (&["git", "submodule", "foreach"], &[]),
    (&["hyperfine"], &[]),
    (&["kubectl"], &["exec", "run", "debug"]),
    (&["ltrace"], &[]),
    (&["lxc"], &[]),
    (&["machinectl"], &[]),
    (&["mise"], &["exec", "x"]),
    (&["mosh"], &[]),
    (&["nerdctl"], &["run", "exec", "compose"]),
    (&["nix"], &["develop", "run", "shell", "-c", "--command"]),
    (&["nix-shell"], &[]),
    (&["nsenter"], &[]),
    (&["numactl"], &[]),
    (&["opam"], &["exec"]),
    (&["parallel"], &[]),
    (&["perf"], &[]),
    (&["podman"], &["run", "exec", "compose"]),
    (&["proot"], &[]),
    (&["proxychains"], &[]),
    (&["proxychains4"], &[]),
    (&["rlwrap"], &[]),
    (&["rsync"], &["-e", "--rsh", "--rsync-path"]),
    (&["runuser"], &[]),
    (&["screen"], &[]),
    (&["script"], &[]),
    (&["setarch"], &[]),
    (&["ssh"], &[]),
    (&["strace"], &[]),
    (&["su"], &[]),
    (&["systemd-run"], &[]),
    (&["tar"], &["--to-command", "--checkpoint-action", "-I", "--use-compress-program"]),
    (&["taskset"], &[]),
    (&["tmux"], &[]),
    (&["toolbox"], &[]),
    (&["torsocks"], &[]),
    (&["tsocks"], &[]),
    (&["unshare"], &[]),
    (&["valgrind"], &[]),
    (&["watch"], &[]),
    (&["wsl"], &[]),
    (&["xvfb-run"], &[]),
];

/// Shells whose lines this module reads.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "rbash"];
/// Shells whose lines it does not.
const OTHER_SHELLS: &[&str] =
    &["zsh", "fish", "ksh", "ksh93", "mksh", "pdksh", "csh", "tcsh", "elvish", "nu", "pwsh", "yash", "oksh"];

/// Builtins that change what a later word means, or run what is in a string; with the options by which they do.
const SHIFTY: &[(&str, &[&str])] = &[
    ("alias", &["="]),
    ("bind", &["-x"]),
    ("compgen", &["-C", "-F"]),
    ("complete", &["-C", "-F"]),
    ("enable", &["-f"]),
    ("fc", &[]),
    ("hash", &["-p"]),
    ("jobs", &["-x"]),
    ("mapfile", &["-C"]),
    ("readarray", &["-C"]),
    ("shopt", &["expand_aliases", "extglob"]),
];

/// Builtins that look at a word as the name of an array's element, and so evaluate its index.
const INDEXING: &[&str] = &[
    "[",
    "declare",
    "export",
    "getopts",
    "let",
    "local",
    "mapfile",
    "printf",
    "read",
    "readarray",
    "readonly",
    "test",
    "typeset",
    "unset",
    "wait",
];

/// Variables that programs take for a command line.
const COMMAND_VARIABLES: &[&str] = &[
    "BROWSER",
    "EDITOR",
    "FCEDIT",
    "GIT_ASKPASS",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "LESSCLOSE",
    "LESSOPEN",
    "MANPAGER",
    "PAGER",
    "PROMPT_COMMAND",
    "RSYNC_RSH",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "SUDO_EDITOR",
    "VISUAL",
];

/// Options of git before its subcommand: those with a value of their own, and those without.
const GIT_VALUED: &[&str] = &["-C", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--attr-source"];
const GIT_FLAGS: &[&str] = &[
    "-p",
    "--paginate",
    "-P",
    "--no-pager",
    "--bare",
    "--no-replace-objects",
    "--literal-pathspecs",
    "--glob-pathspecs",
    "--noglob-pathspecs",
    "--icase-pathspecs",
    "--no-optional-locks",
    "--no-lazy-fetch",
    "--no-advice",
];
/// Settings of git whose value is no command.
const GIT_HARMLESS: &[&str] = &[
    "advice.",
    "color.",
    "commit.gpgsign",
    "core.autocrlf",
    "core.quotepath",
    "http.",
    "init.",
    "log.",
    "protocol.",
    "safe.",
    "user.",
];

/// A word whose text is known.
fn known(word: &Word) -> Option<&str> {
    match word {
        Word::Literal(text) => Some(text),
        Word::Opaque => None,
    }
}

fn literal(text: &str) -> Word {
    Word::Literal(text.to_owned())
}

fn begins_with(simple: &[Word], words: &[&str]) -> bool {
    simple.len() > words.len() && simple.iter().zip(words).all(|(word, wanted)| known(word) == Some(wanted))
}

impl Found {
    pub(super) fn put_on(&mut self, dress: Dress) {
        if dress == Dress::Adorned {
            self.dress = dress;
        }
    }

    fn adorn(&mut self) {
        self.dress = Dress::Adorned;
    }

    /// Adds a simple command and whatever it runs.
    pub(super) fn simple(&mut self, simple: &[Word], level: Level) -> Outcome {
        if simple.is_empty() || !self.add(simple)? {
            return Ok(());
        }
        let Some(name) = known(&simple[0]) else {
            self.adorn();
            return Ok(());
        };
        let base = name.rsplit('/').next().unwrap_or(name);
        if base != name && !base.is_empty() {
            let bare: Simple = [&[literal(base)], &simple[1..]].concat();
            return self.simple(&bare, level);
        }
        match base {
            "eval" => return self.evaluated(&simple[1..], level),
            "trap" => return self.trap(&simple[1..], level),
            "source" | "." => return sourced(&simple[1..]),
            "set" => return settings(&simple[1..]),
            "find" => return self.find(&simple[1..], level),
            "xargs" => return self.xargs(simple, level),
            "git" => self.git(&simple[1..], level)?,
            shell if SHELLS.contains(&shell) => {
                let dialect = if shell.ends_with("bash") { ShellGrammar::Bash } else { ShellGrammar::Sh };
                return self.shell(&simple[1..], level.below(dialect));
            }
            other if OTHER_SHELLS.contains(&other) => return Err(Unreadable),
            _program => {}
        }
        shifty(base, &simple[1..])?;
        if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| begins_with(simple, wrapper.words)) {
            return self.wrapped(wrapper, simple, level);
        }
        match RUNNERS.iter().find(|(words, _)| begins_with(simple, words)) {
            Some((words, when)) if runs_others(&simple[words.len()..], when) => self.anything_in(simple, level),
            Some(_) | None => Ok(()),
        }
    }

    /// Lists a command once; whether it is new.
    fn add(&mut self, simple: &[Word]) -> Outcome<bool> {
        if !self.seen.insert(simple.iter().map(|word| known(word).map(str::to_owned)).collect()) {
            return Ok(false);
        }
        self.words += simple.len();
        if self.simples.len() >= MOST_SIMPLES || self.words > MOST_WORDS {
            return Err(Unreadable);
        }
        if simple.contains(&Word::Opaque) {
            self.adorn();
        }
        self.simples.push(simple.to_vec());
        Ok(true)
    }

    fn line(&mut self, text: &Word, level: Level) -> Outcome {
        read_into(known(text).ok_or(Unreadable)?, level, self)
    }

    /// A variable that is set for a command, or for what follows.
    pub(super) fn assignment(&mut self, name: &str, value: &Word, level: Level) -> Outcome {
        if name.starts_with("BASH_FUNC_") || name.starts_with("GIT_CONFIG_") || name.starts_with("BASH_ALIASES") {
            return Err(Unreadable);
        }
        match name {
            "PS4" | "PS0" | "BASH_CMDS" => match known(value) {
                Some(text) if !text.contains(['`', '$']) => Ok(()),
                Some(_) | None => Err(Unreadable),
            },
            "BASH_ENV" | "ENV" => self.simple(&[literal("."), value.clone()], level),
            name if COMMAND_VARIABLES.contains(&name) => match known(value) {
                Some("") => Ok(()),
                Some(_) => self.line(value, level.below(ShellGrammar::Sh)),
                None => self.simple(&[Word::Opaque], level),
            },
            _other => Ok(()),
        }
    }

    fn wrapped(&mut self, wrapper: &Wrapper, simple: &[Word], level: Level) -> Outcome {
        let is_question = wrapper.words == ["command"]
            && simple.get(1).and_then(known).is_some_and(|option| ["-v", "-V", "-pv", "-pV"].contains(&option));
        if is_question {
            return Ok(());
        }
        match wrapper.inner(simple) {
            Some(inner) => {
                for word in &inner.assignments {
                    let (name, value) = word.split_once('=').unwrap_or((word, ""));
                    self.assignment(name, &literal(value), level)?;
                }
                self.simple(&simple[inner.at..], level)
            }
            // It splits a string into words, by rules of its own.
            None if wrapper.words == ["env"] => Err(Unreadable),
            None => self.anything_in(simple, level),
        }
    }

    /// Takes every end of the words for a command, and every word that could be a line for one.
    fn anything_in(&mut self, simple: &[Word], level: Level) -> Outcome {
        self.adorn();
        for (at, word) in simple.iter().enumerate().skip(1) {
            match known(word) {
                None => self.simple(&[Word::Opaque], level)?,
                Some(text) => {
                    let value = text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(_, value)| value);
                    if value.contains([' ', '\t', '\n', ';', '&', '|', '`', '$']) || value.len() < text.len() {
                        self.line(&literal(value), level.below(ShellGrammar::Sh))?;
                    }
                }
            }
            self.simple(&simple[at..], level)?;
        }
        Ok(())
    }

    fn evaluated(&mut self, words: &[Word], level: Level) -> Outcome {
        let words = if words.first().and_then(known) == Some("--") { &words[1..] } else { words };
        let known: Vec<&str> = words.iter().map(known).collect::<Option<_>>().ok_or(Unreadable)?;
        self.line(&Word::Literal(known.join(" ")), level.below(level.dialect))
    }

    fn trap(&mut self, words: &[Word], level: Level) -> Outcome {
        let words = if words.first().and_then(known) == Some("--") { &words[1..] } else { words };
        match words.first() {
            None => Ok(()),
            Some(Word::Literal(option)) if option.starts_with('-') => Ok(()),
            Some(line) => self.line(line, level.below(level.dialect)),
        }
    }

    /// `sh -c LINE`; without a line or a file, a shell reads what it runs from its input.
    fn shell(&mut self, words: &[Word], level: Level) -> Outcome {
        let (mut takes_line, mut at) = (false, 0);
        while let Some(word) = words.get(at) {
            let option = known(word).ok_or(Unreadable)?;
            match option {
                "--" => {
                    at += 1;
                    break;
                }
                "--version" | "--help" => return Ok(()),
                "--rcfile" | "--init-file" | "-o" | "+o" | "-O" | "+O" => at += 1,
                long if long.starts_with("--") => {}
                "-" => break,
                short if short.len() > 1 && short.starts_with(['-', '+']) => {
                    if short.contains('s') {
                        return Err(Unreadable);
                    }
                    takes_line |= short.contains('c');
                    // The names of options follow, as many as there are letters for them.
                    at += short.chars().skip(1).filter(|letter| letter.eq_ignore_ascii_case(&'o')).count();
                }
                _operand => break,
            }
            at += 1;
        }
        if words.iter().take(at).any(|word| *word == Word::Opaque) {
            return Err(Unreadable);
        }
        match words.get(at) {
            Some(line) if takes_line => self.line(line, level),
            Some(Word::Literal(file)) if !reads_elsewhere(file) && !takes_line => Ok(()),
            Some(_) | None => Err(Unreadable),
        }
    }

    fn find(&mut self, words: &[Word], level: Level) -> Outcome {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            match known(word) {
                None => self.simple(&[Word::Opaque], level)?,
                Some("-exec" | "-execdir" | "-ok" | "-okdir") => {
                    let length = words[at..].iter().position(|word| known(word) == Some(";"));
                    let with_plus = words[at..]
                        .windows(2)
                        .position(|pair| known(&pair[0]) == Some("{}") && known(&pair[1]) == Some("+"));
                    let end =
                        at + length.into_iter().chain(with_plus.map(|at| at + 1)).min().unwrap_or(words.len() - at);
                    let inner: Simple = words[at..end]
                        .iter()
                        .map(|word| {
                            if known(word).is_some_and(|text| text.contains("{}")) {
                                Word::Opaque
                            } else {
                                word.clone()
                            }
                        })
                        .collect();
                    self.simple(&inner, level)?;
                    at = end;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn xargs(&mut self, simple: &[Word], level: Level) -> Outcome {
        let (mut at, mut replaced) = (1, None::<String>);
        while let Some(word) = simple.get(at) {
            let Some(option) = known(word) else { return self.anything_in(simple, level) };
            if !option.starts_with('-') || option == "-" {
                break;
            }
            at += 1;
            if option == "--" {
                break;
            }
            let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            match name {
                "--null" | "--open-tty" | "--interactive" | "--no-run-if-empty" | "--verbose" | "--exit"
                | "--max-lines" | "--eof" => {}
                "--replace" => replaced = Some(value.unwrap_or("{}").to_owned()),
                "--arg-file" | "--delimiter" | "--max-args" | "--max-procs" | "--max-chars" | "--process-slot-var" => {
                    at += usize::from(value.is_none());
                }
                short if !short.starts_with("--") => {
                    let letters = option[1..].char_indices().find(|(_, letter)| !"0oprtx".contains(*letter));
                    let Some((place, letter)) = letters else { continue };
                    let rest = &option[1 + place + letter.len_utf8()..];
                    match letter {
                        'i' => replaced = Some(if rest.is_empty() { "{}".to_owned() } else { rest.to_owned() }),
                        'e' | 'l' => {}
                        'I' if rest.is_empty() => {
                            replaced = simple.get(at).and_then(known).map(str::to_owned);
                            at += 1;
                        }
                        'I' => replaced = Some(rest.to_owned()),
                        'a' | 'd' | 'E' | 'L' | 'n' | 'P' | 's' => at += usize::from(rest.is_empty()),
                        _unknown => return self.anything_in(simple, level),
                    }
                }
                _unknown => return self.anything_in(simple, level),
            }
        }
        if simple.iter().take(at).any(|word| *word == Word::Opaque) {
            return self.anything_in(simple, level);
        }
        let is_filled = |text: &str| replaced.as_ref().is_some_and(|mark| text.contains(mark.as_str()));
        let mut inner: Simple = simple[at.min(simple.len())..]
            .iter()
            .map(|word| if known(word).is_some_and(is_filled) { Word::Opaque } else { word.clone() })
            .collect();
        if inner.is_empty() {
            return Ok(());
        }
        inner.push(Word::Opaque);
        self.simple(&inner, level)
    }

    /// Lists a call of git without the options before its subcommand, and what those options run.
    fn git(&mut self, words: &[Word], level: Level) -> Outcome {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let Some(option) = known(word) else {
                // Whatever it becomes, the command as it stands already says so.
                return if at == 0 { Ok(()) } else { self.simple(&[literal("git"), Word::Opaque], level) };
            };
            let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            match name {
                "-c" => {
                    at += 1;
                    let Some(setting) = words.get(at) else { return Ok(()) };
                    self.git_setting(known(setting).ok_or(Unreadable)?, level)?;
                }
                "--config-env" => return Err(Unreadable),
                "--exec-path" => {}
                valued if GIT_VALUED.contains(&valued) && value.is_none() => {
                    at += 1;
                    if words.get(at) == Some(&Word::Opaque) {
                        return self.simple(&[literal("git"), Word::Opaque], level);
                    }
                }
                valued if GIT_VALUED.contains(&valued) => {}
                flag if GIT_FLAGS.contains(&flag) => {}
                unknown if unknown.starts_with('-') => break,
                _subcommand => break,
            }
            at += 1;
        }
        let rest = words.get(at..).unwrap_or_default();
        if rest.first().and_then(known) == Some("config") {
            self.git_config(&rest[1..], level)?;
        }
        if at == 0 {
            return Ok(());
        }
        self.simple(&[&[literal("git")], rest].concat(), level)
    }

    fn git_setting(&mut self, setting: &str, level: Level) -> Outcome {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let key = key.to_ascii_lowercase();
        if key.starts_with("alias.") || key.starts_with("include") {
            return Err(Unreadable);
        }
        if GIT_HARMLESS.iter().any(|harmless| key.starts_with(harmless)) {
            return Ok(());
        }
        self.adorn();
        self.line(&literal(value.trim_start_matches('!')), level.below(ShellGrammar::Sh))
    }

    /// An alias that is set now can run in the same line.
    fn git_config(&mut self, words: &[Word], level: Level) -> Outcome {
        for (at, word) in words.iter().enumerate() {
            let Some(key) = known(word) else {
                self.simple(&[Word::Opaque], level)?;
                continue;
            };
            if !key.to_ascii_lowercase().starts_with("alias.") {
                continue;
            }
            match words.get(at + 1).map(|value| known(value).ok_or(Unreadable)).transpose()? {
                Some(value) if value.starts_with('!') => {
                    self.line(&literal(&value[1..]), level.below(ShellGrammar::Sh))?
                }
                Some(value) => self.line(&Word::Literal(format!("git {value}")), level.below(ShellGrammar::Sh))?,
                None => {}
            }
        }
        Ok(())
    }
}

/// The command inside a wrapper.
struct Inner<'a> {
    at: usize,
    assignments: Vec<&'a str>,
}

impl Wrapper {
    /// Where the inner command begins; `None` when that is not certain.
    fn inner<'a>(&self, simple: &'a [Word]) -> Option<Inner<'a>> {
        let mut at = self.words.len();
        while let Some(word) = simple.get(at) {
            let option = known(word)?;
            if option == "-" && self.words == ["env"] {
                at += 1;
                continue;
            }
            if !option.starts_with('-') || option == "-" {
                break;
            }
            at += 1;
            if option == "--" {
                break;
            }
            let values = self.values_after(option)?;
            simple.get(at..at + values)?.iter().try_for_each(|value| known(value).map(drop))?;
            at += values;
        }
        for _ in 0..self.operands {
            simple.get(at).map(known).unwrap_or(Some(""))?;
            at += 1;
        }
        let mut assignments = Vec::new();
        if self.assignments == Assignments::Some {
            while let Some(word) = simple.get(at) {
                let word = known(word)?;
                if !word.contains('=') {
                    break;
                }
                assignments.push(word);
                at += 1;
            }
        }
        // Some take options after assignments, some a command that looks like one.
        if simple.get(at).and_then(known).is_some_and(|word| word.starts_with('-')) {
            return None;
        }
        Some(Inner { at: at.min(simple.len()), assignments })
    }

    /// How many words after an option belong to it; `None` when the option is not known.
    fn values_after(&self, option: &str) -> Option<usize> {
        if let Some(long) = option.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            return match value {
                Some(_) if self.long.contains(&name) || self.long_valued.contains(&name) => Some(0),
                None if self.long.contains(&name) => Some(0),
                None if self.long_valued.contains(&name) => Some(1),
                Some(_) | None => None,
            };
        }
        for (place, letter) in option.char_indices().skip(1) {
            if self.valued.contains(letter) {
                return Some(usize::from(place + letter.len_utf8() == option.len()));
            }
            if !self.flags.contains(letter) {
                return None;
            }
        }
        Some(0)
    }
}

fn runs_others(words: &[Word], when: &[&str]) -> bool {
    when.is_empty()
        || words.iter().any(|word| match known(word) {
            None => true,
            Some(text) => {
                when.iter().any(|trigger| text == *trigger || (trigger.starts_with('-') && text.starts_with(trigger)))
            }
        })
}

/// Whether a file of commands is the shell's input, or made on the spot.
fn reads_elsewhere(file: &str) -> bool {
    file == "-" || file.starts_with("/dev/") || file.starts_with("/proc/")
}

fn sourced(words: &[Word]) -> Outcome {
    let first = words.iter().find(|word| known(word) != Some("--"));
    match first.map(known) {
        Some(None) => Err(Unreadable),
        Some(Some(file)) if reads_elsewhere(file) => Err(Unreadable),
        Some(Some(_)) | None => Ok(()),
    }
}

/// `set -k` makes an assignment of every word that looks like one.
fn settings(words: &[Word]) -> Outcome {
    for word in words {
        match known(word) {
            Some("--" | "-") => return Ok(()),
            Some("keyword") => return Err(Unreadable),
            Some(option) if option.starts_with('-') && option.contains('k') => return Err(Unreadable),
            Some(option) if option.starts_with(['-', '+']) => {}
            None => return Err(Unreadable),
            Some(_) => {}
        }
    }
    Ok(())
}

fn shifty(name: &str, words: &[Word]) -> Outcome {
    if let Some((_, when)) = SHIFTY.iter().find(|(builtin, _)| *builtin == name) {
        let is_shifty = |word: &Word| match known(word) {
            None => true,
            Some(text) => when.is_empty() || when.iter().any(|part| has_part(text, part)),
        };
        if words.iter().any(is_shifty) || (when.is_empty() && name == "fc") {
            return Err(Unreadable);
        }
    }
    let smuggles = |word: &Word| known(word).is_some_and(super::words::is_smuggled);
    if INDEXING.contains(&name) && words.iter().any(smuggles) { Err(Unreadable) } else { Ok(()) }
}

/// Whether a word is an option with this letter among others, or has this text in it.
fn has_part(text: &str, part: &str) -> bool {
    match part.strip_prefix('-') {
        Some(letter) => text.starts_with('-') && text.contains(letter),
        None => text.contains(part),
    }
}
