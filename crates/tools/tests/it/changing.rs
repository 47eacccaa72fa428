//! `edit` and `write`: the change that was shown is the change that is made, or none.

use crate::stage::Stage;
use policy::{Effect, Subject};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;

#[tokio::test]
async fn an_edit_makes_the_change_that_was_shown() {
    let mut stage = Stage::new().await;
    stage.put("a.rs", "one\ntwo\nthree\n");
    stage.done("read", json!({"path": "a.rs"})).await;
    let arguments = json!({"path": "a.rs", "old": "two", "new": "2"});
    let action = stage.action("edit", arguments.clone());
    let diff = "--- a.rs\n+++ a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
    assert_eq!((action.effect, action.shown.as_str()), (Effect::Change, diff));
    assert_eq!(action.summary, "edit a.rs (+1 -1)");
    assert!(matches!(action.subject, Subject::Write(place) if place.real.inside.as_deref() == Some("a.rs")));
    assert_eq!(stage.done("edit", arguments).await, format!("edited `a.rs`\n{diff}"));
    assert_eq!(stage.text("a.rs"), "one\n2\nthree\n");
}

#[tokio::test]
async fn several_edits_are_made_in_order_or_not_at_all() {
    let mut stage = Stage::new().await;
    stage.put("a", "a b a\n");
    stage.done("read", json!({"path": "a"})).await;
    let half = json!({"path": "a", "edits": [{"old": "b", "new": "c"}, {"old": "nowhere", "new": "x"}]});
    let said = stage.fails("edit", half).await;
    assert!(said.starts_with("edit 2: in `a`, `old` does not occur"), "{said}");
    assert_eq!(stage.text("a"), "a b a\n");
    let both = json!({"path": "a", "edits": [{"old": "b", "new": "c"}, {"old": "a", "new": "c c", "all": true}]});
    stage.done("edit", both).await;
    assert_eq!(stage.text("a"), "c c c c c\n");
    // The model wrote the file itself, so it knows it.
    stage.done("edit", json!({"path": "a", "old": "c", "new": "d", "all": true})).await;
    assert_eq!(stage.text("a"), "d d d d d\n");
}

#[tokio::test]
async fn a_text_that_is_not_there_once_is_told_with_a_hint() {
    let mut stage = Stage::new().await;
    stage.put("a", "fn alpha() {}\n  fn beta() {}\nx\nx\naaa\n");
    stage.done("read", json!({"path": "a"})).await;
    for (old, hint) in [
        ("x", "`old` occurs 2 times (line 3, 4); give more of the text around it, or set `all`"),
        ("aa", "`old` occurs 2 times"),
        ("fn beta() {}\nfn", "line 2 begins like it but for white space"),
        ("fn alpha(x) {}", "nearest is line 1: `fn alpha() {}`"),
        ("entirely something else", "in `a`, `old` does not occur"),
    ] {
        let said = stage.fails("edit", json!({"path": "a", "old": old, "new": "y"})).await;
        assert!(said.contains(hint), "{old:?}: {said}");
    }
}

#[tokio::test]
async fn a_file_is_edited_only_as_the_model_knows_it() {
    let mut stage = Stage::new().await;
    let arguments = json!({"path": "a", "old": "one", "new": "1"});
    stage.put("a", "one\n");
    let unread = stage.fails("edit", arguments.clone()).await;
    assert_eq!(unread, "`a` was not read in this session; read it before you edit it");
    stage.done("read", json!({"path": "a"})).await;
    stage.put("a", "one and more\n");
    let stale = stage.fails("edit", arguments.clone()).await;
    assert_eq!(stale, "`a` changed since you read it; read it again");
    assert_eq!(stage.text("a"), "one and more\n");

    stage.done("read", json!({"path": "a"})).await;
    let call = stage.parse("edit", arguments).unwrap();
    let ready = stage.admit(call).await;
    stage.put("a", "one and even more\n");
    let changed = stage.finish(ready).await.unwrap_err();
    assert!(changed.contains("changed since it was judged"), "{changed}");
    assert_eq!(stage.text("a"), "one and even more\n");
}

#[tokio::test]
async fn what_cannot_be_edited_is_judged_all_the_same_and_fails_when_it_runs() {
    let mut stage = Stage::new().await;
    stage.put("binary", b"\xff\xfe\0");
    fs::create_dir(stage.at("dir")).unwrap();
    fs::write(stage.folder.path().join("secret"), "the key is 42").unwrap();
    for (path, why) in [
        (".env", "does not exist"),
        ("binary", "is not UTF-8 text"),
        ("dir", "is a folder"),
        ("/dev/zero", "is a device"),
        ("../secret", "does not occur"),
    ] {
        let arguments = json!({"path": path, "old": "a", "new": "b"});
        let action = stage.action("edit", arguments.clone());
        assert_eq!((action.effect, action.shown), (Effect::Change, arguments.to_string()), "{path}");
        let said = stage.fails("edit", arguments).await;
        assert!(said.contains(why), "{path}: {said}");
    }
}

#[tokio::test]
async fn line_endings_stay_as_they_are() {
    let mut stage = Stage::new().await;
    stage.put("crlf", "one\r\ntwo\r\nthree\r\n");
    stage.put("mixed", "one\r\ntwo\nthree\n");
    stage.put("bare", "\u{feff}one\r\ntwo");
    for name in ["crlf", "mixed", "bare"] {
        stage.done("read", json!({"path": name})).await;
    }
    stage.done("edit", json!({"path": "crlf", "old": "one\ntwo", "new": "1\n2\n2.5"})).await;
    assert_eq!(stage.text("crlf"), "1\r\n2\r\n2.5\r\nthree\r\n");
    stage.done("edit", json!({"path": "mixed", "old": "two\nthree", "new": "2\n3"})).await;
    assert_eq!(stage.text("mixed"), "one\r\n2\n3\n");
    stage.done("edit", json!({"path": "bare", "old": "one\n", "new": "1\n"})).await;
    assert_eq!(stage.text("bare"), "\u{feff}1\r\ntwo");
}

#[tokio::test]
async fn an_edit_does_not_grow_a_file_without_bound() {
    let mut stage = Stage::new().await;
    stage.put("a", "a".repeat(1 << 20));
    stage.done("read", json!({"path": "a"})).await;
    let said = stage.fails("edit", json!({"path": "a", "old": "a", "new": "b".repeat(1 << 19), "all": true})).await;
    assert!(said.contains("would grow past what can be edited"), "{said}");
    stage.put("lines", "line\n".repeat(100_000));
    stage.done("read", json!({"path": "lines"})).await;
    let told = stage.done("edit", json!({"path": "lines", "old": "line", "new": "row", "all": true})).await;
    assert!(told.len() < 31_000 && told.contains("the whole is in `"), "{}", told.len());
    assert_eq!(stage.text("lines"), "row\n".repeat(100_000));
}

#[tokio::test]
async fn malformed_edits_are_errors_before_anything_is_asked() {
    let stage = Stage::new().await;
    for (arguments, why) in [
        (json!({"path": "a"}), "either `old` and `new`, or `edits`"),
        (json!({"path": "a", "old": "x"}), "either `old` and `new`, or `edits`"),
        (json!({"path": "a", "old": "x", "new": "y", "edits": []}), "either"),
        (json!({"path": "a", "edits": []}), "`edits`: 1 to 100"),
        (json!({"path": "a", "edits": [{"old": "x"}]}), "`edits[0]`: missing field `new`"),
        (json!({"path": "a", "old": "", "new": "y"}), "`old` is empty"),
        (json!({"path": "a", "old": "y", "new": "y"}), "the same"),
        (json!({"path": "a", "old": "x", "new": "y", "mode": 7}), "unknown field `mode`"),
    ] {
        let said = stage.invalid("edit", arguments.clone());
        assert!(said.contains(why), "{arguments}: {said}");
    }
}

#[tokio::test]
async fn a_file_is_made_and_replaced_and_it_says_which() {
    let mut stage = Stage::new().await;
    let action = stage.action("write", json!({"path": "new/a", "content": "x\n"}));
    assert_eq!((action.effect, action.shown), (Effect::Change, format!("{}\nx\n", stage.at("new/a").display())));
    assert_eq!(stage.done("write", json!({"path": "new/a", "content": "x\n"})).await, "made `new/a` (1 line, 2 B)");
    let same = stage.done("write", json!({"path": "new/a", "content": "x\n"})).await;
    assert_eq!(same, "`new/a` held just that already (1 line, 2 B)");
    let known = stage.done("write", json!({"path": "new/a", "content": "y\n"})).await;
    assert!(known.starts_with("replaced `new/a` (1 line, 2 B)\n--- new/a") && known.contains("-x\n+y\n"), "{known}");
    stage.put("new/a", "someone else\n");
    let unknown = stage.done("write", json!({"path": "new/a", "content": "z\n"})).await;
    assert!(unknown.starts_with("replaced `new/a`, which you had not read as it was (1"), "{unknown}");
    stage.put("binary", b"\xff\0");
    let binary = stage.done("write", json!({"path": "binary", "content": ""})).await;
    assert!(binary.contains("it held 2 B that were not text"), "{binary}");
    let outside = stage.done("write", json!({"path": "../elsewhere.txt", "content": "x"})).await;
    assert!(outside.starts_with("made `/"), "{outside}");
    assert_eq!(fs::read(stage.folder.path().join("elsewhere.txt")).unwrap(), b"x");
    assert_eq!(
        stage.invalid("write", json!({"path": 7})),
        "`write`: `path`: invalid type: integer `7`, expected a string"
    );
}

#[tokio::test]
async fn a_write_goes_where_it_was_judged_to_go_or_nowhere() {
    let mut stage = Stage::new().await;
    fs::write(stage.folder.path().join("secret"), "key").unwrap();
    symlink(stage.folder.path().join("secret"), stage.at("link")).unwrap();
    let action = stage.action("write", json!({"path": "link", "content": "x"}));
    assert!(action.summary.starts_with("write link -> /"), "{}", action.summary);
    let Subject::Write(place) = action.subject else { panic!("it writes") };
    assert_eq!((place.real.inside, place.spelled.inside.as_deref()), (None, Some("link")));

    stage.put("a", "hello");
    stage.done("read", json!({"path": "a"})).await;
    for (tool, arguments) in [
        ("write", json!({"path": "a", "content": "gotcha"})),
        ("edit", json!({"path": "a", "old": "hello", "new": "gotcha"})),
    ] {
        let call = stage.parse(tool, arguments).unwrap();
        let ready = stage.admit(call).await;
        fs::remove_file(stage.at("a")).unwrap();
        symlink(stage.folder.path().join("secret"), stage.at("a")).unwrap();
        let said = stage.finish(ready).await.unwrap_err();
        assert!(said.contains("changed since it was judged"), "{tool}: {said}");
        assert_eq!(fs::read(stage.folder.path().join("secret")).unwrap(), b"key");
        fs::remove_file(stage.at("a")).unwrap();
        stage.put("a", "hello");
    }
    for path in [".", "/dev/null"] {
        let said = stage.fails("write", json!({"path": path, "content": "x"})).await;
        assert!(said.contains("is a folder") || said.contains("is a device"), "{said}");
    }
}
