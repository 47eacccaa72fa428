//! `history`: what git knows, from ordinary repositories and from such as were made to make git run something.

use crate::stage::Stage;
use policy::{Effect, Subject};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

/// Plain git, as a person runs it, but with no configuration besides the repository's own.
fn git_says(folder: &Path, words: &[&str]) -> Output {
    let mut git = Command::new("git");
    git.current_dir(folder).args(words).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "Ann").env(format!("GIT_{role}_EMAIL"), "ann@example.org");
        git.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05Z");
    }
    git.output().unwrap()
}

fn git(folder: &Path, words: &[&str]) -> String {
    let output = git_says(folder, words);
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Two commits, and a change that is in none.
fn repository(stage: &Stage) {
    let root = stage.at("");
    git(&root, &["init", "-q", "-b", "main"]);
    stage.put("a.txt", "one\ntwo\n");
    stage.put("src/b.rs", "fn b() {}\n");
    git(&root, &["add", "."]);
    git(&root, &["commit", "-qm", "first"]);
    stage.put("a.txt", "one\n2\n");
    git(&root, &["commit", "-qam", "second: a number"]);
    stage.put("a.txt", "one\n2\nthree\n");
}

#[tokio::test]
async fn git_is_asked_about_commits_changes_lines_and_state() {
    let mut stage = Stage::new().await;
    repository(&stage);
    let log = stage.done("history", json!({"operation": "log"})).await;
    assert!(log.contains("2026-01-02 Ann (HEAD -> main) second: a number\n") && log.contains("Ann first"), "{log}");
    let one = stage.done("history", json!({"operation": "log", "limit": 1, "detail": "patch", "path": "a.txt"})).await;
    assert!(one.contains("+2") && !one.contains("first"), "{one}");
    let found = stage.done("history", json!({"operation": "log", "contains": "fn b"})).await;
    assert!(found.contains("first") && !found.contains("second"), "{found}");
    let show = stage.done("history", json!({"operation": "show", "revision": "HEAD~1", "path": "src/b.rs"})).await;
    assert!(show.contains("+fn b() {}") && !show.contains("a.txt"), "{show}");
    let file = stage.done("history", json!({"operation": "show", "revision": "HEAD~1:a.txt"})).await;
    assert_eq!(file, "one\ntwo\n");
    let diff = stage.done("history", json!({"operation": "diff"})).await;
    assert!(diff.contains("+three") && diff.contains("+++ b/a.txt"), "{diff}");
    let range = stage.done("history", json!({"operation": "diff", "revision": "HEAD~1..HEAD", "detail": "stat"})).await;
    assert!(range.contains("a.txt | 2 +-"), "{range}");
    let staged = stage.done("history", json!({"operation": "diff", "staged": true})).await;
    assert_eq!(staged, "git has nothing to show for this");
    let blame = stage.done("history", json!({"operation": "blame", "path": "a.txt", "lines": [2, 2]})).await;
    assert!(blame.contains("(Ann 2026-01-02 2) 2") && !blame.contains("one"), "{blame}");
    let status = stage.done("history", json!({"operation": "status"})).await;
    assert_eq!(status, "## main\n M a.txt\n");
    let action = stage.action("history", json!({"operation": "log", "revision": "main", "path": "src"}));
    assert_eq!((action.effect, action.summary.as_str()), (Effect::Read, "history: git log main src"));
    assert!(matches!(action.subject, Subject::Read(place) if place.real.inside.as_deref() == Some("src")));
}

#[tokio::test]
async fn a_question_that_git_cannot_be_asked_is_an_error() {
    let mut stage = Stage::new().await;
    let none = stage.fails("history", json!({"operation": "log"})).await;
    assert!(none.contains("there is no git repository here"), "{none}");
    repository(&stage);
    for (arguments, why) in [
        (json!({"operation": "log", "revision": "--output=/tmp/x"}), "cannot begin with `-`"),
        (json!({"operation": "show", "revision": ""}), "`revision`: 1 to 500"),
        (json!({"operation": "show", "revision": "a\0b"}), "on one line"),
        (json!({"operation": "status", "revision": "HEAD"}), "`revision` is not for this operation"),
        (json!({"operation": "diff", "limit": 3}), "`limit` is not for this operation"),
        (json!({"operation": "log", "limit": 0}), "`limit`: 1 to 1000"),
        (json!({"operation": "blame"}), "`blame` needs a file"),
        (json!({"operation": "blame", "path": "a.txt", "lines": [3, 1]}), "`lines`"),
        (json!({"operation": "log", "path": "../x"}), "only what is in the workspace"),
        (json!({"operation": "log", "format": "%h"}), "unknown field `format`"),
    ] {
        let said = stage.invalid("history", arguments.clone());
        assert!(said.contains(why), "{arguments}: {said}");
    }
    let unknown = stage.fails("history", json!({"operation": "show", "revision": "no-such"})).await;
    assert!(unknown.contains("exit 128") && unknown.contains("no-such"), "{unknown}");
    // A path is never an option nor a pattern, whatever it looks like.
    for path in ["--output=x", ":(top)*", "*"] {
        let said = stage.done("history", json!({"operation": "log", "path": path})).await;
        assert_eq!(said, "git has nothing to show for this");
        assert!(!stage.at("x").exists());
    }
}

/// Fills a repository's configuration with programs to run, each of which leaves a mark.
fn trap(stage: &Stage, marks: &Path) {
    let root = stage.at("");
    fs::create_dir_all(marks).unwrap();
    let script = stage.folder.path().join("trap");
    fs::write(
        &script,
        format!(
            "#!/bin/sh\nfor word in \"$@\"; do case $word in mark-*) : > {}/$word;; esac; done\ncat\n",
            marks.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |mark: &str| format!("{} mark-{mark}", script.display());

    fs::create_dir_all(root.join(".git/traps")).unwrap();
    for hook in ["post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman"] {
        let hook = root.join(".git/traps").join(hook);
        fs::write(&hook, format!("#!/bin/sh\n{} </dev/null\n", run("hook"))).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // git runs these two as files, not as lines.
    for (name, mark) in [("gpg", "gpg"), ("ssh-keygen", "gpg-ssh")] {
        let file = root.join(".git/traps").join(name);
        fs::write(&file, format!("#!/bin/sh\n{} </dev/null\n", run(mark))).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    configure(&root, &run);
    fs::write(
        root.join(".git/more"),
        format!("[filter \"included\"]\n\tclean = {}\n\trequired = true\n", run("clean-included")),
    )
    .unwrap();
    let attributes =
        "*.txt filter=evil diff=evil merge=evil\n*.inc filter=included\n*.long filter=long\n*.rs diff=evil\n";
    fs::write(root.join(".git/info/attributes"), attributes).unwrap();
    stage.put(".gitattributes", attributes);
}

/// Names the traps in a repository's configuration.
fn configure(root: &Path, run: &dyn Fn(&str) -> String) {
    let traps = root.join(".git/traps");
    let at = |name: &str| traps.join(name).display().to_string();
    let set = |key: &str, value: &str| drop(git(root, &["config", key, value]));
    for key in [
        "core.pager",
        "pager.log",
        "pager.diff",
        "core.sshCommand",
        "core.askPass",
        "core.editor",
        "core.alternateRefsCommand",
    ] {
        set(key, &run("fixed"));
    }
    set("core.fsmonitor", &run("fsmonitor"));
    set("core.hooksPath", &at(""));
    set("credential.helper", &format!("!{}", run("credential")));
    set("diff.external", &run("external"));
    set("diff.evil.command", &run("diff-command"));
    set("diff.evil.textconv", &run("textconv"));
    set("merge.evil.driver", &run("merge"));
    set("merge.evil.name", "evil");
    for name in ["evil", "a.b c=d", "ünï\"x"] {
        set(&format!("filter.{name}.clean"), &run("clean"));
        set(&format!("filter.{name}.smudge"), &run("smudge"));
        set(&format!("filter.{name}.required"), "true");
    }
    set("filter.long.process", &run("process"));
    set("hook.evil.command", &run("hook-config"));
    set("hook.evil.event", "post-index-change");
    set("gpg.program", &at("gpg"));
    set("gpg.ssh.program", &at("ssh-keygen"));
    set("gpg.ssh.defaultKeyCommand", &run("gpg-key"));
    set("log.showSignature", "true");
    set("format.pretty", "%h %G? %GK %s");
    set("log.diffMerges", "remerge");
    set("diff.submodule", "diff");
    set("status.submoduleSummary", "true");
    set("alias.log", &format!("!{}", run("alias")));
    set("alias.status", &format!("!{}", run("alias")));
    set("protocol.ext.allow", "always");
    set("remote.origin.url", &format!("ext::{}", run("transport")));
    set("remote.origin.promisor", "true");
    set("extensions.partialClone", "origin");
    git(root, &["config", "core.repositoryFormatVersion", "1"]);
    set("include.path", "more");
}

/// A repository with a merge, a signed commit, a submodule, and files that are to be compared with the index.
fn bait(stage: &Stage) {
    repository(stage);
    let root = stage.at("");
    for name in ["x.inc", "x.long"] {
        stage.put(name, "old\n");
    }
    git(&root, &["add", "."]);
    git(&root, &["commit", "-qm", "third"]);
    git(&root, &["checkout", "-qb", "side", "HEAD~1"]);
    stage.put("a.txt", "side\n");
    git(&root, &["commit", "-qam", "aside"]);
    git(&root, &["checkout", "-q", "main"]);
    git(&root, &["merge", "-q", "-s", "ours", "-m", "both", "side"]);
    let sub = stage.folder.path().join("sub");
    fs::create_dir(&sub).unwrap();
    git(&sub, &["init", "-q", "-b", "main"]);
    fs::write(sub.join("s"), "s\n").unwrap();
    git(&sub, &["add", "."]);
    git(&sub, &["commit", "-qm", "sub"]);
    git(&root, &["-c", "protocol.file.allow=always", "submodule", "add", "-q", sub.to_str().unwrap(), "sub"]);
    git(&root, &["commit", "-qm", "with a submodule"]);
    let commit = git(&root, &["cat-file", "commit", "HEAD"]);
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n\n";
    let signed = stage.folder.path().join("signed");
    fs::write(&signed, commit.replacen("\n\n", &format!("\n{signature}"), 1)).unwrap();
    let id = git(&root, &["hash-object", "-t", "commit", "-w", signed.to_str().unwrap()]);
    git(&root, &["reset", "-q", "--soft", &id]);
    stage.put("a.txt", "one\n2\nthree\n");
    stage.put("x.inc", "new\n");
    stage.put("x.long", "new\n");
    stage.put("sub/s", "dirty\n");
}

fn marks(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn nothing_that_a_repository_configures_is_run() {
    let mut stage = Stage::new().await;
    let sprung = stage.folder.path().join("marks");
    bait(&stage);
    trap(&stage, &sprung);
    // The submodule has traps of its own, which git would run in it.
    let inner = stage.at(".git/modules/sub");
    let script = stage.folder.path().join("trap").display().to_string();
    git(&inner, &["config", "core.fsmonitor", &format!("{script} mark-submodule")]);
    git(&inner, &["config", "filter.evil.clean", &format!("{script} mark-submodule")]);
    fs::write(inner.join("info/attributes"), "* filter=evil\n").unwrap();

    // Plain git walks into the traps, so they are real.
    let root = stage.at("");
    for words in [
        &["status"][..],
        &["diff"],
        &["diff", "--no-ext-diff"],
        &["log", "-p", "-1"],
        &["log", "-p", "--no-textconv", "--diff-merges=on"],
        &["blame", "a.txt"],
        &["show", "HEAD:a.txt"],
    ] {
        git_says(&root, words);
    }
    let plain = marks(&sprung);
    for mark in
        ["clean", "clean-included", "external", "fsmonitor", "gpg", "hook", "merge", "process", "submodule", "textconv"]
    {
        assert!(plain.contains(&format!("mark-{mark}")), "the trap `{mark}` does not spring: {plain:?}");
    }
    fs::remove_dir_all(&sprung).unwrap();
    fs::create_dir(&sprung).unwrap();
    let index = fs::read(stage.at(".git/index")).unwrap();

    for arguments in [
        json!({"operation": "status"}),
        json!({"operation": "diff"}),
        json!({"operation": "diff", "staged": true}),
        json!({"operation": "diff", "revision": "HEAD~1"}),
        json!({"operation": "diff", "detail": "stat"}),
        json!({"operation": "log"}),
        json!({"operation": "log", "detail": "patch"}),
        json!({"operation": "log", "detail": "stat", "contains": "2"}),
        json!({"operation": "show"}),
        json!({"operation": "show", "revision": "HEAD~1"}),
        json!({"operation": "show", "revision": "HEAD:a.txt"}),
        json!({"operation": "blame", "path": "a.txt"}),
    ] {
        stage.done("history", arguments.clone()).await;
        assert_eq!(marks(&sprung), Vec::<String>::new(), "{arguments}");
    }
    // An object that is not there is not fetched.
    let missing = stage
        .fails("history", json!({"operation": "show", "revision": "1234567890123456789012345678901234567890"}))
        .await;
    assert!(missing.contains("exit 128"), "{missing}");
    assert_eq!(marks(&sprung), Vec::<String>::new());
    assert_eq!(fs::read(stage.at(".git/index")).unwrap(), index, "reading does not write the index");
}

#[tokio::test]
async fn a_repository_of_somewhere_else_is_reached_for() {
    let mut stage = Stage::new().await;
    repository(&stage);
    assert_eq!(stage.action("history", json!({"operation": "log"})).effect, Effect::Read);
    let elsewhere = stage.folder.path().join("elsewhere");
    fs::rename(stage.at(".git"), &elsewhere).unwrap();
    symlink(&elsewhere, stage.at(".git")).unwrap();
    let action = stage.action("history", json!({"operation": "log"}));
    assert_eq!(action.effect, Effect::Reach);
    let Subject::Read(place) = action.subject else { panic!("it reads") };
    assert!(place.real.absolute.ends_with("/elsewhere"), "{place:?}");
    assert!(stage.done("history", json!({"operation": "log"})).await.contains("second"), "where it may, it runs");
}

#[tokio::test]
async fn a_repository_swapped_after_the_judging_is_not_asked() {
    let mut stage = Stage::new().await;
    repository(&stage);
    let call = stage.parse("history", json!({"operation": "log"})).unwrap();
    let ready = stage.admit(call).await;
    let elsewhere = stage.folder.path().join("elsewhere");
    fs::rename(stage.at(".git"), &elsewhere).unwrap();
    symlink(&elsewhere, stage.at(".git")).unwrap();
    let said = stage.finish(ready).await.unwrap_err();
    assert!(said.contains("changed since it was judged"), "{said}");
}

#[tokio::test]
async fn a_working_tree_named_in_the_configuration_is_not_looked_at() {
    let mut stage = Stage::new().await;
    repository(&stage);
    let secret = stage.folder.path().join("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("a.txt"), "the key is 42\n").unwrap();
    git(&stage.at(""), &["config", "core.worktree", secret.to_str().unwrap()]);
    let diff = stage.done("history", json!({"operation": "diff"})).await;
    assert!(diff.contains("+three") && !diff.contains("42"), "{diff}");
    fs::remove_dir_all(stage.at("src")).unwrap();
    symlink("/etc", stage.at("src")).unwrap();
    let status = stage.done("history", json!({"operation": "status"})).await;
    assert!(status.contains(" D src/b.rs") && status.contains("?? src"), "{status}");
}

#[tokio::test]
async fn a_repository_in_a_folder_of_the_workspace_is_asked_about_its_own_files() {
    let mut stage = Stage::new().await;
    repository(&stage);
    let nested = stage.at("nested");
    fs::create_dir(&nested).unwrap();
    git(&nested, &["init", "-q", "-b", "main"]);
    stage.put("nested/n.txt", "n\n");
    git(&nested, &["add", "."]);
    git(&nested, &["commit", "-qm", "nested"]);
    let log = stage.done("history", json!({"operation": "log", "path": "nested/n.txt"})).await;
    assert!(log.contains("nested") && !log.contains("second"), "{log}");
}

#[tokio::test]
async fn an_index_that_names_files_elsewhere_shows_nothing_of_them() {
    let mut stage = Stage::new().await;
    repository(&stage);
    stage.put("aa/secret", "mine\n");
    git(&stage.at(""), &["add", "."]);
    git(&stage.at(""), &["commit", "-qm", "third"]);
    fs::write(stage.folder.path().join("secret"), "the key is 42\n").unwrap();
    let mut index = fs::read(stage.at(".git/index")).unwrap();
    let at = index.windows(9).position(|window| window == b"aa/secret").unwrap();
    index[at..at + 9].copy_from_slice(b"../secret");
    let end = index.len() - 20;
    fs::write(stage.at("summed"), &index[..end]).unwrap();
    let sum = String::from_utf8(Command::new("sha1sum").arg(stage.at("summed")).output().unwrap().stdout).unwrap();
    for (at, byte) in index[end..].iter_mut().enumerate() {
        *byte = u8::from_str_radix(&sum[2 * at..2 * at + 2], 16).unwrap();
    }
    fs::write(stage.at(".git/index"), index).unwrap();
    let plain = git(&stage.at(""), &["diff"]);
    assert!(plain.contains("the key is 42"), "the trap does not spring: {plain}");
    for detail in ["patch", "stat"] {
        let said = stage.fails("history", json!({"operation": "diff", "detail": detail})).await;
        assert!(said.contains("names `../secret`, which is not in its working tree"), "{said}");
    }
    assert!(!stage.done("history", json!({"operation": "log", "detail": "patch"})).await.contains("42"));
}

#[tokio::test]
async fn a_diff_of_many_files_is_shown_all_the_same() {
    let mut stage = Stage::new().await;
    repository(&stage);
    let name = |number: usize| format!("many/{}-{number:04}", "x".repeat(40));
    for number in 0..1000 {
        stage.put(&name(number), "old\n");
    }
    git(&stage.at(""), &["add", "."]);
    git(&stage.at(""), &["commit", "-qm", "many"]);
    for number in 0..1000 {
        stage.put(&name(number), "new!\n");
    }
    let diff = stage.done("history", json!({"operation": "diff"})).await;
    assert!(diff.len() < 31_000 && diff.contains("+new!") && diff.contains("the whole output is in `"), "{diff}");
}
