//! The law of the shell reader, tried on the shell itself: nothing that bash runs is missing from the list.
//!
//! Lines are made at random, from a grammar and from a soup of tokens, and run by bash in a world where every program is a
//! stub that writes its words down, but for those that run others. Then each call that was written down has to be one
//! that the reader listed.

#![allow(clippy::disallowed_methods, reason = "this test makes a world for a shell")]

use policy::{ShellLine, Word};
use proptest::prelude::*;
use proptest::sample::select;
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use tools::shell_line::{ShellGrammar, read};

/// Programs that only write down how they were called.
const STUBS: [&str; 6] = ["git", "rm", "cat", "ls", "make", "deploy"];
/// Programs that are what they are.
const REAL: [&str; 11] = ["env", "xargs", "find", "timeout", "nice", "nohup", "setsid", "stdbuf", "sh", "bash", "dash"];

/// A folder with nothing but these programs in its search path.
struct World {
    folder: tempfile::TempDir,
    log: PathBuf,
    runs: AtomicUsize,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let (bin, log) = (folder.path().join("bin"), folder.path().join("log"));
        fs::create_dir(&bin).unwrap();
        fs::create_dir(&log).unwrap();
        let record = format!("#!/bin/sh\nprintf '%s\\0' \"${{0##*/}}\" \"$@\" > {}/$$\n", log.display());
        for name in STUBS {
            program(&bin.join(name), &record);
        }
        // What stands for `sudo` has its form, and only writes the inner call down by running it.
        program(
            &bin.join("sudo"),
            "#!/bin/sh\nwhile :; do case $1 in -[ugpChDRrtTU]) shift 2;; -*) shift;; *=*) shift;; *) break;; esac; done\nexec \"$@\"\n",
        );
        for name in REAL {
            if let Some(target) = real(name) {
                std::os::unix::fs::symlink(target, bin.join(name)).unwrap();
            }
        }
        World { folder, log, runs: AtomicUsize::new(0) }
    }

    /// Every call that running the line led to.
    fn run(&self, shell: ShellGrammar, line: &str) -> Vec<Vec<String>> {
        let room = self.folder.path().join(format!("room-{}", self.runs.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&room).unwrap();
        // Everything that the line leads to holds the ninth descriptor, so its end is the end of all of it.
        let script = "exec 9>&1 >/dev/null 2>&1; ulimit -t 2 -f 100 -v 400000; exec timeout -k 1 3 $1 -c \"$0\"";
        let shell = match shell {
            ShellGrammar::Bash => "bash",
            ShellGrammar::Sh => "sh",
        };
        let mut command = Command::new("/bin/bash");
        command
            .args(["--norc", "-c", script, line, shell])
            .current_dir(&room)
            .env_clear()
            .env("PATH", self.folder.path().join("bin"))
            .env("HOME", &room)
            .env("v", "git push --force")
            .stdin(Stdio::null())
            .process_group(0);
        command.output().unwrap();
        let calls = fs::read_dir(&self.log).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let words = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            words
        });
        let calls = calls.filter(|words| !words.is_empty()).map(|words| {
            let text = String::from_utf8_lossy(words.strip_suffix(&[0]).unwrap_or(&words)).into_owned();
            text.split('\0').map(str::to_owned).collect()
        });
        calls.collect()
    }
}

fn real(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name)).into_iter().find(|path| path.exists())
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Whether a call is one that the list has room for: the same words, up to one that is known only when it runs.
fn has(listed: &[Vec<Word>], call: &[String]) -> bool {
    listed.iter().any(|simple| {
        let known: Vec<&String> = simple
            .iter()
            .map_while(|word| match word {
                Word::Literal(text) => Some(text),
                Word::Opaque => None,
            })
            .collect();
        let same = call.len() >= known.len() && call.iter().zip(&known).all(|(one, other)| one == *other);
        same && (known.len() < simple.len() || known.len() == call.len())
    })
}

/// Runs a line and holds what ran against what was listed. Says how the line was read.
fn tried(world: &World, shell: ShellGrammar, line: &str) -> Result<ShellLine, TestCaseError> {
    let taken = read(line, shell);
    let listed: Vec<Vec<Word>> = match &taken {
        ShellLine::Plain(simples) => {
            simples.iter().map(|words| words.iter().cloned().map(Word::Literal).collect()).collect()
        }
        ShellLine::Adorned(simples) => simples.clone(),
        // It may hold anything, so there is nothing to be missing.
        ShellLine::Unreadable => return Ok(taken),
    };
    for call in world.run(shell, line) {
        prop_assert!(has(&listed, &call), "{line:?}\nran {call:?}\nlisted {listed:?}");
    }
    Ok(taken)
}

fn name() -> impl Strategy<Value = String> {
    select(&["git", "git", "rm", "cat", "ls", "make", "deploy", "true", ":"][..]).prop_map(str::to_owned)
}

/// One word, quoted in some way, or something that is expanded.
fn word() -> BoxedStrategy<String> {
    let plain = select(
        &[
            "push", "--force", "-x", "a b", "*", "a;b", "$x", "it's", "x\\y", "\"q\"", "#c", "{}", "a#b", "~", "é", "",
            "(", "&&", "a=b",
        ][..],
    );
    prop_oneof![
        4 => select(&["push", "--force", "-C", "origin", "x1", "HEAD~1", "a=b", "a#b", "{}", "-", "5", "5a", "é"][..]).prop_map(str::to_owned),
        2 => plain.clone().prop_map(|text| format!("'{}'", text.replace('\'', "'\\''"))),
        2 => plain.clone().prop_map(|text| format!("\"{}\"", text.replace(['"', '\\', '$', '`'], "\\$0").replace("\\$0", "q"))),
        1 => plain.prop_map(|text| text.chars().map(|letter| format!("\\{letter}")).collect::<String>()),
        1 => select(&["$v", "\"$v\"", "${v}", "${v:-x}", "${v%x}", "{a,b}", "*", "$'a\\'b'", "$(( 1 + 2 ))", "~", "p\"us\"h", "\"$v\"x", "\"a $v b\""][..]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn simple() -> BoxedStrategy<String> {
    let redirect = select(&["", "", "", " > f", " 2>&1", " > f x", " >> f 2>&1", " < .", " &> f", " <<< x"][..]);
    let assignment = select(&["", "", "", "", "A=1 ", "A= ", "A='x y' B=2 ", "A=$v "][..]);
    (assignment, name(), proptest::collection::vec(word(), 0..3), redirect, proptest::collection::vec(word(), 0..2))
        .prop_map(|(assignment, name, words, redirect, more)| {
            let words: String = words.iter().map(|word| format!(" {word}")).collect();
            let more: String = more.iter().map(|word| format!(" {word}")).collect();
            format!("{assignment}{name}{words}{redirect}{more}")
        })
        .boxed()
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}

/// What runs the command after it.
const BEFORE: &[&str] = &[
    "env ",
    "env -i PATH=$PATH ",
    "env X=1 ",
    "sudo ",
    "sudo -u x ",
    "nice -n 1 ",
    "nohup ",
    "timeout 5 ",
    "timeout -k 1 5 ",
    "command ",
    "exec ",
    "setsid -w ",
    "stdbuf -oL ",
    "time ",
    "time -p ",
    "! ",
    "xargs ",
    "xargs -n 1 ",
    "xargs -I{} ",
    "builtin command ",
    "find . -maxdepth 0 -exec ",
    "sudo env A=b ",
];

/// What holds a line between its two ends.
const ROUND: &[(&str, &str)] = &[
    ("(", ")"),
    ("{ ", "; }"),
    ("$(", ")"),
    ("echo $(", ")"),
    ("echo \"$(", ")\""),
    ("echo `", "`"),
    ("cat <(", ")"),
    ("if ", "; then ls; else rm; fi"),
    ("for i in a b; do ", "; done"),
    ("case x in x) ", ";; esac"),
    ("f() { ", "; }; f"),
    ("while ", "; do break; done"),
    ("x=$(", ")"),
    ("[[ -z $(", ") ]]"),
    ("[ -z \"$(", ")\" ]"),
    ("echo ${nothing:-$(", ")}"),
    ("cat <<E\n$(", ")\nE\n"),
    ("cat <<'E'\n", "\nE\nls"),
    ("function g { ", "; }\ng"),
    ("until ", "; do break; done"),
    ("echo $(( $(", ") + 1 ))"),
    ("git commit -m \"$(cat <<'E'\n", "\nE\n)\""),
    ("a=(x $(", "))"),
    ("export A=$(", ")"),
];

/// A line that holds others, as shells and the programs that run programs let one write it.
fn line() -> BoxedStrategy<String> {
    simple()
        .prop_recursive(4, 24, 3, |inner| {
            let pair = (inner.clone(), inner.clone());
            let joint =
                select(&[" && ", " || ", "; ", " | ", " & ", "\n", " |& ", " &&\n", "\n\n", ";", "&&", " # c\n"][..]);
            let before = select(BEFORE);
            let round = select(ROUND);
            let shell = select(&["sh -c ", "bash -c ", "bash -lc ", "eval ", "sh -e -c ", "trap "][..]);
            prop_oneof![
                4 => (pair, joint).prop_map(|((one, other), joint)| format!("{one}{joint}{other}")),
                3 => (before, inner.clone()).prop_map(|(before, line)| match before {
                    find if find.starts_with("find") => format!("{find}{line} \\;"),
                    xargs if xargs.starts_with("xargs") => format!("ls | {xargs}{line}"),
                    other => format!("{other}{line}"),
                }),
                3 => (round, inner.clone()).prop_map(|((open, close), line)| format!("{open}{line}{close}")),
                2 => (shell, inner).prop_map(|(shell, line)| match shell {
                    "trap " => format!("trap {} EXIT", quoted(&line)),
                    other => format!("{other}{}", quoted(&line)),
                }),
            ]
        })
        .boxed()
}

/// Tokens in any order. Nothing in them leaves the room, and the limits of the world end what does not end.
const TOKENS: &[&str] = &[
    "git",
    "rm",
    "ls",
    "push",
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\t",
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "\\",
    "`",
    "$(",
    ")",
    "(",
    "{ ",
    "}",
    "${v",
    "}",
    "$v",
    "x",
    "=",
    ";",
    "&",
    "|",
    "&&",
    "||",
    "<",
    ">",
    "> f",
    "<<E\n",
    "\nE\n",
    "<<'E'\n",
    "<<<",
    "#",
    " #",
    "! ",
    "[[ ",
    " ]]",
    "[ ",
    " ]",
    "((",
    "))",
    "if ",
    "then ",
    "fi",
    "else ",
    "for x in ",
    "do ",
    "done",
    "case x in ",
    "x) ",
    "esac",
    ";;",
    "sh -c ",
    "eval ",
    "env ",
    "sudo ",
    "command ",
    "time ",
    "{a,b}",
    "*",
    "~",
    "2>&1",
    "$'",
    "\\'",
    "@",
    "-",
    "-c ",
    "A=",
    "a[",
    "]",
    "$((",
    "&>",
    "|&",
    ">|",
    "<(",
    "-z ",
    "==",
    "1",
    "é",
    "\\\n",
    "$",
    "%",
    ":-",
    "#v",
    "f() ",
    "xargs ",
];

#[test]
fn nothing_that_a_line_runs_is_missing_from_the_list() {
    let world = World::new();
    let (readable, plain, all) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let more = |count: &Cell<u32>, is_so: fn(&ShellLine) -> bool, taken: &ShellLine| {
        count.set(count.get() + u32::from(is_so(taken)))
    };
    let mut runner = runner(500);
    runner
        .run(&line(), |line| {
            let taken = tried(&world, ShellGrammar::Bash, &line)?;
            more(&all, |_| true, &taken);
            more(&readable, |taken| *taken != ShellLine::Unreadable, &taken);
            more(&plain, |taken| matches!(taken, ShellLine::Plain(_)), &taken);
            Ok(())
        })
        .unwrap_or_else(|why| panic!("{why}"));
    let (readable, plain, all) = (readable.get(), plain.get(), all.get());
    // A reader that gives up on everything would obey the law, too.
    assert!(
        readable * 10 >= all * 6 && plain * 100 >= all * 2,
        "of {all} lines {readable} were readable, {plain} plain"
    );
}

#[test]
fn nothing_that_a_soup_of_tokens_runs_is_missing_from_the_list() {
    let world = World::new();
    let soup = proptest::collection::vec(select(TOKENS), 1..14).prop_map(|tokens| tokens.concat());
    let begun = (select(&["", "git ", "git push", "git push; ", "ls | ", "cat <<E\n", "\"", "$("][..]), soup);
    let mut runner = runner(1500);
    runner
        .run(&begun, |(start, soup)| tried(&world, ShellGrammar::Bash, &format!("{start}{soup}")).map(drop))
        .unwrap_or_else(|why| panic!("{why}"));
}

/// A line with tokens put in, and letters taken out, at random.
fn damaged() -> impl Strategy<Value = String> {
    let damage = (any::<prop::sample::Index>(), prop_oneof![2 => select(TOKENS).prop_map(Some), 1 => Just(None)]);
    (line(), proptest::collection::vec(damage, 1..4)).prop_map(|(line, damages)| {
        let mut letters: Vec<String> = line.chars().map(String::from).collect();
        for (place, token) in damages {
            let at = place.index(letters.len() + 1);
            match token {
                Some(token) => letters.insert(at, token.to_owned()),
                None if at < letters.len() => drop(letters.remove(at)),
                None => {}
            }
        }
        letters.concat()
    })
}

#[test]
fn nothing_that_a_damaged_line_runs_is_missing_from_the_list() {
    let world = World::new();
    let mut runner = runner(1000);
    runner
        .run(&damaged(), |line| tried(&world, ShellGrammar::Bash, &line).map(drop))
        .unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn nothing_that_another_shell_runs_is_missing_from_the_list_for_any_shell() {
    let world = World::new();
    let mut runner = runner(500);
    runner
        .run(&damaged(), |line| tried(&world, ShellGrammar::Sh, &line).map(drop))
        .unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn the_world_writes_down_what_runs() {
    let world = World::new();
    let mut calls = world
        .run(ShellGrammar::Bash, "git push 'a b' && env X=1 sh -c 'rm -f \"$v\"'; sudo -u x ls | xargs make; true");
    calls.sort();
    let calls: Vec<Vec<&str>> = calls.iter().map(|call| call.iter().map(String::as_str).collect()).collect();
    assert_eq!(calls, [vec!["git", "push", "a b"], vec!["ls"], vec!["make"], vec!["rm", "-f", "git push --force"]]);
}

fn runner(cases: u32) -> proptest::test_runner::TestRunner {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let seed: u64 = std::env::var("REMIT_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
