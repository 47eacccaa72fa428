//! What command lines are taken apart into, line by line.

use policy::{ShellLine, Word};
use proptest::prelude::*;
use tools::shell_line::{ShellGrammar, read as read_as};

fn read(line: &str) -> ShellLine {
    read_as(line, ShellGrammar::Bash)
}

/// The simple commands of a line, `?` for an opaque word; `unreadable` when there is no telling.
fn taken_apart(line: &str) -> (&'static str, Vec<String>) {
    let word = |word: &Word| match word {
        Word::Literal(text) => text.clone(),
        Word::Opaque => "?".to_owned(),
    };
    match read(line) {
        ShellLine::Plain(simples) => ("plain", simples.iter().map(|words| words.join(" ")).collect()),
        ShellLine::Adorned(simples) => {
            ("adorned", simples.iter().map(|words| words.iter().map(word).collect::<Vec<_>>().join(" ")).collect())
        }
        ShellLine::Unreadable => ("unreadable", Vec::new()),
    }
}

#[track_caller]
fn check(line: &str, kind: &str, simples: &[&str]) {
    let (found, listed) = taken_apart(line);
    assert_eq!(
        (found, listed.as_slice()),
        (kind, simples.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().as_slice()),
        "{line}"
    );
}

#[track_caller]
fn unreadable(lines: &[&str]) {
    for line in lines {
        assert_eq!(read(line), ShellLine::Unreadable, "{line}");
    }
}

#[test]
fn chains_of_literal_words_are_plain() {
    check("git push", "plain", &["git push"]);
    check("cargo test && npm publish", "plain", &["cargo test", "npm publish"]);
    check("a; b & c | d || e\nf", "plain", &["a", "b", "c", "d", "e", "f"]);
    check("git commit -m 'a; b' --x=\"y z\" p\\ush ''", "plain", &["git commit -m a; b --x=y z push "]);
    check("'g'i\"t\" pu'sh'", "plain", &["git push"]);
    check("  git   push  ", "plain", &["git push"]);
    check("git reset --soft HEAD~1", "plain", &["git reset --soft HEAD~1"]);
    check("", "plain", &[]);
}

#[test]
fn redirections_assignments_and_patterns_adorn_a_line() {
    check("git push > log", "adorned", &["git push"]);
    check("git push >/dev/null 2>&1", "adorned", &["git push"]);
    check("git > log push 2>&1 --force", "adorned", &["git push --force"]);
    check("> log git push", "adorned", &["git push"]);
    check("A=1 B= git push", "adorned", &["git push"]);
    check("A=1", "adorned", &[]);
    check("rm *.log ~/x {a,b} c?", "adorned", &["rm ? ? ? ?"]);
    check("echo $x \"$y\" ${z:-1} $1 $?", "adorned", &["echo ? ? ? ? ?"]);
    check("cat <<< word", "adorned", &["cat"]);
    check("a # b; c", "adorned", &["a"]);
}

#[test]
fn commands_inside_other_things_are_listed() {
    check("cargo test $(rm -rf x)", "adorned", &["rm -rf x", "cargo test ?"]);
    check("echo `git push`", "adorned", &["git push", "echo ?"]);
    check("echo \"a $(git push) b\"", "adorned", &["git push", "echo ?"]);
    check("diff <(a 1) >(b 2)", "adorned", &["a 1", "b 2", "diff ? ?"]);
    check("x=$(git push) y", "adorned", &["git push", "y"]);
    check("echo ${x:-$(git push)}", "adorned", &["git push", "echo ?"]);
    check("echo $(( $(git push) + 1 ))", "adorned", &["git push", "echo ?"]);
    check("(a; b) > f", "adorned", &["a", "b"]);
    check("{ a; b; }", "adorned", &["a", "b"]);
    check("if a; then b; elif c; then d; else e; fi", "adorned", &["a", "b", "c", "d", "e"]);
    check("for i in $(a) b; do c $i; done", "adorned", &["a", "c ?"]);
    check("while a; do b; done; until c; do d; done", "adorned", &["a", "b", "c", "d"]);
    check("case $(a) in x) b;; y|z) c;; *) d; esac", "adorned", &["a", "b", "c", "d"]);
    check("f() { git push; }; f", "adorned", &["git push", "f"]);
    check("function g { a; }", "adorned", &["a"]);
    check("! git push", "adorned", &["git push"]);
    check("[ -f $(a) ] && b", "adorned", &["a", "[ ?", "b"]);
    check("[[ $(a) == b* ]] || c", "adorned", &["a", "[[ ?", "c"]);
    check("export A=$(a); declare B=c; local d", "adorned", &["a", "export ?", "declare B=c", "local d"]);
    check("a=(b $(c))", "adorned", &["c"]);
}

#[test]
fn here_documents_hide_nothing_and_are_no_commands() {
    check("cat <<'END'\n$(git push)\nEND\nafter", "adorned", &["cat", "after"]);
    check("cat <<END && rm x\n$(git push)\nEND\n", "adorned", &["rm x", "git push", "cat"]);
    check("cat <<-END\n\ttext\n\tEND\nafter", "adorned", &["cat", "after"]);
    check(
        "git commit -m \"$(cat <<'E'\nfix `this` and $(that)\nE\n)\" && git push",
        "adorned",
        &["cat", "git commit -m ?", "git push"],
    );
    check("cat <<END | sort\nx\nEND\n", "adorned", &["sort", "cat"]);
    unreadable(&[
        "cat <<END\n`git push`\nEND\n",
        "cat <<E\"N\"D\nx\nEND\n",
        "sh <<END\ngit push\nEND\n",
        "cat <<END\nx\n",
    ]);
}

#[test]
fn wrappers_are_looked_through_and_both_commands_listed() {
    check(
        "true; env X=1 /usr/bin/git push --force origin main",
        "plain",
        &[
            "true",
            "env X=1 /usr/bin/git push --force origin main",
            "/usr/bin/git push --force origin main",
            "git push --force origin main",
        ],
    );
    check("sudo -u root -n git push", "plain", &["sudo -u root -n git push", "git push"]);
    check("sudo -uroot X=1 git push", "plain", &["sudo -uroot X=1 git push", "git push"]);
    check("nice -n 5 nohup git push", "plain", &["nice -n 5 nohup git push", "nohup git push", "git push"]);
    check("timeout -k 1 -s KILL 5 git push", "plain", &["timeout -k 1 -s KILL 5 git push", "git push"]);
    check("timeout --signal=KILL 5s git push", "plain", &["timeout --signal=KILL 5s git push", "git push"]);
    check("setsid -f git push", "plain", &["setsid -f git push", "git push"]);
    check("stdbuf -oL -eL git push", "plain", &["stdbuf -oL -eL git push", "git push"]);
    check("command git push; command -v git", "plain", &["command git push", "git push", "command -v git"]);
    check("exec -a x git push", "plain", &["exec -a x git push", "git push"]);
    check("env -i - PATH=/bin git push", "plain", &["env -i - PATH=/bin git push", "git push"]);
    check("uv run pytest -x", "plain", &["uv run pytest -x", "pytest -x"]);
    check("npx tsc --noEmit", "plain", &["npx tsc --noEmit", "tsc --noEmit"]);
    check("time -p git push", "adorned", &["time -p git push", "git push"]);
    unreadable(&["env $x git push", "env -S 'git push'", "env --split-string='git push'"]);
    check(
        "nice -n $x git push",
        "adorned",
        &["nice -n ? git push", "-n ? git push", "?", "? git push", "git push", "push"],
    );
}

#[test]
fn a_command_that_finds_its_arguments_elsewhere_is_opaque_at_its_end() {
    check("xargs git push", "adorned", &["xargs git push", "git push ?"]);
    check(
        "xargs -0 -n 1 -P4 --no-run-if-empty git push",
        "adorned",
        &["xargs -0 -n 1 -P4 --no-run-if-empty git push", "git push ?"],
    );
    check("xargs -I{} git {} x", "adorned", &["xargs -I{} git {} x", "git ? x ?"]);
    check("xargs", "plain", &["xargs"]);
    check(
        "find . -exec rm -rf {} \\; -okdir a b{} +",
        "adorned",
        &["find . -exec rm -rf {} ; -okdir a b{} +", "rm -rf ?", "a ? +"],
    );
}

#[test]
fn lines_inside_lines_are_read() {
    check("sh -c 'git push'", "plain", &["sh -c git push", "git push"]);
    check("bash -lc \"cd x && git push\" name", "plain", &["bash -lc cd x && git push name", "cd x", "git push"]);
    check("bash -euo pipefail -c 'git push > x'", "adorned", &["bash -euo pipefail -c git push > x", "git push"]);
    check("eval 'git' push", "plain", &["eval git push", "git push"]);
    check("trap 'git push' EXIT", "plain", &["trap git push EXIT", "git push"]);
    check(
        "sudo sh -c 'env sh -c \"git push\"'",
        "plain",
        &[
            "sudo sh -c env sh -c \"git push\"",
            "sh -c env sh -c \"git push\"",
            "env sh -c git push",
            "sh -c git push",
            "git push",
        ],
    );
    check("GIT_SSH_COMMAND='ssh -i k' git fetch", "adorned", &["ssh -i k", "-i k", "k", "git fetch"]);
    check("sh script.sh arg", "plain", &["sh script.sh arg"]);
    unreadable(&[
        "sh -c \"$x\"",
        "eval $x",
        "trap \"$x\" EXIT",
        "a | sh",
        "bash -s",
        "bash",
        "sh -",
        "bash <(a)",
        "source <(a)",
        ". /dev/stdin",
        "sh -c 'git push",
        "zsh -c 'git push'",
        "xargs sh -c",
        "xargs sh",
        "sh -c 'a `b \\` c`'",
        "env -S 'git push'",
        "bash -c",
    ]);
}

#[test]
fn options_of_git_before_its_subcommand_do_not_hide_it() {
    check("git -C /r push --force", "plain", &["git -C /r push --force", "git push --force"]);
    check("git --git-dir=/r --no-pager -p push", "plain", &["git --git-dir=/r --no-pager -p push", "git push"]);
    check("git -c user.name=x commit", "plain", &["git -c user.name=x commit", "git commit"]);
    check("git -c core.pager='less x' log", "adorned", &["git -c core.pager=less x log", "less x", "git log"]);
    check(
        "git config alias.p '!git push --force'",
        "plain",
        &["git config alias.p !git push --force", "git push --force"],
    );
    check("git config alias.p 'push --force'", "plain", &["git config alias.p push --force", "git push --force"]);
    check("git bisect run make test", "plain", &["git bisect run make test", "make test"]);
    check("git -C $x push", "adorned", &["git -C ? push", "git ?"]);
    unreadable(&["git -c alias.p='push --force' p", "GIT_CONFIG_COUNT=1 git p", "git -c include.path=x p"]);
}

#[test]
fn commands_that_run_others_in_their_own_ways_are_taken_apart_at_every_word() {
    check("ssh host 'git push'", "adorned", &["ssh host git push", "host git push", "git push", "git push"]);
    check("ssh host git push", "adorned", &["ssh host git push", "host git push", "git push", "push"]);
    check("docker ps", "plain", &["docker ps"]);
    let (kind, listed) = taken_apart("docker run -it img sh -c 'git push'");
    assert_eq!(kind, "adorned");
    assert!(listed.contains(&"git push".to_owned()));
    let (kind, listed) = taken_apart("sudo --unheard-of git push");
    assert_eq!(kind, "adorned");
    assert!(listed.contains(&"git push".to_owned()));
}

#[test]
fn what_the_tree_gets_wrong_is_unreadable() {
    unreadable(&[
        // A backslash before a blank or an end of line, and characters that only look like blanks.
        "gi\\\nt push",
        "\"a\"\\ b",
        "a\r\ngit push",
        "git\u{a0}push\u{b}",
        // Operators of the shell inside a test.
        "[ a | b ]",
        "[ a && git push ]",
        "[ a\ngit push ]",
        // Statements after a word that only looks like a command.
        "time { rm x; }",
        "time if a; then b; fi",
        "coproc git push",
        "{git push; }",
        // A dollar before a quote, more than one digit before a redirection, a delimiter that goes on after its quotes.
        "git push$\"\"",
        "git -$ x",
        "git -2>&1",
        "git push 2>& --force",
        "cat <<'E'if\ngit push\nE\n",
        "git \"\">}\\)",
        // Joined lines that join more than words.
        "echo \"$\\\n(git push)\"",
        "A='x y'\\\n B=2 make",
        "cat <<E\n\\\nx\nE\n",
        "cat <<E\n$(git '\\\npush')\nE\n",
        "echo $(( $(cat <<'E'\ngit\nE\nls; git) + 1 ))",
        // Quotes that end elsewhere, and quotes that quote nothing.
        "echo $'a\\\\' ; rm 'x'",
        "echo \"${x:-'$(git push)'}\"",
        // Values that are expanded once more.
        "echo ${x@P}",
        "x='a[$(git push)]'; echo $((x))",
        "test -v 'a[$(git push)]'",
        "printf -v 'a[$(git push)]' x",
        // Words that change their meaning.
        "alias git=rm",
        "shopt -s expand_aliases",
        "hash -p /bin/git x",
        "set -k",
        "enable -f x y",
        "cmd (rm x)",
        "1A=b git",
    ]);
}

#[test]
fn what_shells_read_differently_is_unreadable_where_any_of_them_may_run_it() {
    let lines = [
        "[[ a && git push ]]",
        "((git))",
        "echo $'\\'; git push; '",
        "a &> f b",
        "a |& b",
        "diff <(a)",
        "cat <<< a",
        "x=(a)",
        "x+=a b",
        "function f { a; }",
        "select x in a; do b; done",
        "for ((;;)); do a; done",
        "echo $\"x\"",
    ];
    for line in lines {
        assert_eq!(read_as(line, ShellGrammar::Sh), ShellLine::Unreadable, "{line}");
    }
    check("bash -c '[[ -f x && -d y ]] && a'", "adorned", &["bash -c [[ -f x && -d y ]] && a", "[[ ?", "a"]);
    unreadable(&["sh -c '[[ -f x && -d y ]] && a'", "a 12>&1", "env A=b -u x git push"]);
    check("sh -c 'git push && (a; b)'", "adorned", &["sh -c git push && (a; b)", "git push", "a", "b"]);
    let (kind, listed) = taken_apart("sudo A=b -u x git push");
    assert!(kind == "adorned" && listed.contains(&"git push".to_owned()), "{listed:?}");
}

#[test]
fn lines_that_are_too_long_or_too_deep_are_unreadable() {
    assert_eq!(read(&format!("echo {}", "x".repeat(64 << 10))), ShellLine::Unreadable);
    assert_eq!(read(&"(".repeat(60_000)), ShellLine::Unreadable);
    assert_eq!(read(&"$(".repeat(30_000)), ShellLine::Unreadable);
    assert_eq!(read(&"\"$(".repeat(20_000)), ShellLine::Unreadable);
    assert_eq!(read(&format!("{}x", "a && ".repeat(10_000))), ShellLine::Unreadable);
    assert_eq!(read(&"{".repeat(60_000)), ShellLine::Unreadable);
    let nested = (0..30).fold("git push".to_owned(), |line, _| format!("eval {line}"));
    assert!(matches!(read(&nested), ShellLine::Plain(_) | ShellLine::Unreadable));
    let sudo = format!("{}git push", "sudo --unheard-of ".repeat(2000));
    assert_eq!(read(&sudo), ShellLine::Unreadable);
    assert_eq!(read("git \0 push"), ShellLine::Unreadable);
    let many = "a;".repeat(1900);
    assert!(matches!(read(&many), ShellLine::Plain(simples) if simples.len() == 1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_text_makes_the_reader_fall_over(line in ".{0,80}") {
        let _ = read(&line);
    }

    #[test]
    fn no_soup_of_tokens_makes_the_reader_fall_over(tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..30)) {
        let _ = read(&tokens.concat());
    }
}

const TOKENS: &[&str] = &[
    "git",
    "push",
    " ",
    " ",
    "\n",
    "\t",
    "'",
    "\"",
    "\\",
    "`",
    "$(",
    ")",
    "(",
    "{",
    "}",
    "${",
    "$",
    "x",
    "=",
    ";",
    "&",
    "|",
    "&&",
    "<",
    ">",
    "<<E\n",
    "\nE\n",
    "<<<",
    "#",
    "!",
    "[[",
    "]]",
    "[",
    "]",
    "((",
    "))",
    "if",
    "then",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "case",
    "esac",
    ";;",
    "sh -c ",
    "eval ",
    "xargs ",
    "env ",
    "sudo ",
    "find . -exec ",
    "é",
    "\u{a0}",
    "*",
    "~",
    "2>&1",
    "$'",
    "@",
    "-",
    "time ",
    "function ",
];
