//! `read`, `list` and `search`, on ordinary and on hostile files.

use crate::stage::Stage;
use policy::{Effect, Subject};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;

#[tokio::test]
async fn a_file_is_read_with_line_numbers() {
    let mut stage = Stage::new().await;
    stage.put("a.rs", "one\ntwo\n\nfour\n");
    let text = stage.done("read", json!({"path": "a.rs"})).await;
    assert_eq!(text, "`a.rs`: lines 1-4 of 4, 14 B\n1\tone\n2\ttwo\n3\t\n4\tfour\n");
    let text = stage.done("read", json!({"path": "./x/../a.rs", "offset": 2, "limit": 2})).await;
    assert_eq!(text, "`a.rs`: lines 2-3 of 4, 14 B\n2\ttwo\n3\t\n[the file goes on: read it from offset 4]");
}

#[tokio::test]
async fn what_is_odd_about_a_file_is_said() {
    let mut stage = Stage::new().await;
    stage.put("empty", "");
    stage.put("crlf", "a\r\nb");
    stage.put("latin", b"caf\xe9\n");
    stage.put("long", format!("{}\nshort\n", "é".repeat(2000)));
    assert_eq!(stage.done("read", json!({"path": "empty"})).await, "`empty` is empty");
    let crlf = stage.done("read", json!({"path": "crlf"})).await;
    assert_eq!(crlf, "`crlf`: lines 1-2 of 2, 4 B; lines end in CR LF; the last line has no ending\n1\ta\n2\tb\n");
    let latin = stage.done("read", json!({"path": "latin"})).await;
    assert!(latin.contains("not all of it is UTF-8") && latin.contains("1\tcaf\u{fffd}\n"), "{latin}");
    let long = stage.done("read", json!({"path": "long"})).await;
    assert!(long.contains(&format!("1\t{}… [2000 more bytes]\n2\tshort\n", "é".repeat(1000))), "{long}");
    let past = stage.fails("read", json!({"path": "crlf", "offset": 3})).await;
    assert_eq!(past, "`crlf` has 2 lines, so there is no line 3");
}

#[tokio::test]
async fn a_file_that_is_no_text_is_described() {
    let mut stage = Stage::new().await;
    stage.put("a.png", b"\x89PNG\r\n\x1a\n\0\0");
    stage.put("b", [b'x'; 100].map(|byte| byte * u8::from(byte != b'x')));
    stage.put("c.txt", "MZ is how some programs begin\n");
    let png = stage.done("read", json!({"path": "a.png"})).await;
    assert_eq!(
        png,
        "`a.png` is not text: it is a PNG image, 10 B. It begins with the bytes 89 50 4e 47 0d 0a 1a 0a 00 00"
    );
    let zeros = stage.done("read", json!({"path": "b"})).await;
    assert!(
        zeros.starts_with("`b` is not text: it is of an unknown kind, 100 B") && zeros.ends_with("00 …"),
        "{zeros}"
    );
    assert!(stage.done("read", json!({"path": "c.txt"})).await.contains("1\tMZ is how"));
}

#[tokio::test]
async fn a_large_file_is_read_in_parts_and_its_lines_are_counted() {
    let mut stage = Stage::new().await;
    // A million lines of 100 bytes.
    stage.put("large", format!("{:099}\n", 7).repeat(1_000_000));
    let head = stage.done("read", json!({"path": "large"})).await;
    assert!(
        head.starts_with("`large`: lines 1-") && head.contains(" of 1000000, 100.0 MB\n1\t0000"),
        "{}",
        &head[..200]
    );
    assert!(head.len() < 31_000 && head.contains("[the file goes on: read it from offset"), "{}", head.len());
    let far = stage.done("read", json!({"path": "large", "offset": 999_999})).await;
    assert!(far.contains("\n999999\t000") && far.ends_with("07\n") && far.contains("\n1000000\t000"), "{far}");
    let past = stage.fails("read", json!({"path": "large", "offset": 1_000_001})).await;
    assert!(past.contains("has 1000000 lines"), "{past}");
}

#[tokio::test]
async fn a_long_file_without_line_endings_is_cut() {
    let mut stage = Stage::new().await;
    stage.put("one", "x".repeat(20 << 20));
    let text = stage.done("read", json!({"path": "one"})).await;
    assert!(
        text.contains("lines 1-1 of 1") && text.contains("… [20969520 more bytes]") && text.len() < 3000,
        "{}",
        text.len()
    );
}

#[tokio::test]
async fn what_is_no_file_is_an_error_and_nothing_hangs() {
    let mut stage = Stage::new().await;
    fs::create_dir(stage.at("dir")).unwrap();
    std::process::Command::new("mkfifo").arg(stage.at("pipe")).status().unwrap();
    for (path, why) in [
        ("dir", "is a folder; call `list` for it"),
        ("pipe", "is a pipe, not a file"),
        ("/dev/zero", "is a device, not a file"),
        ("/proc/self/environ", "is a window into a running program"),
        ("nowhere", "does not exist"),
        ("nowhere/deep", "does not exist"),
    ] {
        let said = stage.fails("read", json!({"path": path})).await;
        assert!(said.contains(why), "{path}: {said}");
    }
    let machine = stage.done("read", json!({"path": "/proc/cpuinfo", "limit": 1})).await;
    assert!(machine.contains("lines 1-1 of"), "{machine}");
}

#[tokio::test]
async fn what_is_outside_is_reached_for_and_the_outputs_count_as_inside() {
    let stage = Stage::new().await;
    symlink("/etc", stage.at("link-out")).unwrap();
    fs::write(stage.scene.outputs.join("1.txt"), "x").unwrap();
    let effect = |tool: &str, path: &str| stage.action(tool, json!({"path": path})).effect;
    for tool in ["read", "list"] {
        assert_eq!(effect(tool, "src/main.rs"), Effect::Read);
        assert_eq!(effect(tool, "."), Effect::Read);
        assert_eq!(effect(tool, "/etc/hostname"), Effect::Reach);
        assert_eq!(effect(tool, "link-out/hostname"), Effect::Reach);
        assert_eq!(effect(tool, "link-out"), Effect::Reach);
        assert_eq!(effect(tool, "../x"), Effect::Reach);
        assert_eq!(effect(tool, "~/.ssh/id_rsa"), Effect::Reach);
        assert_eq!(effect(tool, stage.scene.outputs.join("1.txt").to_str().unwrap()), Effect::Read);
    }
    let action = stage.action("read", json!({"path": "link-out/hostname"}));
    assert_eq!(action.summary, "read link-out/hostname -> /etc/hostname");
    let Subject::Read(place) = action.subject else { panic!("it reads") };
    assert_eq!(
        (place.real.absolute.as_str(), place.spelled.inside.as_deref()),
        ("/etc/hostname", Some("link-out/hostname"))
    );
    assert_eq!(stage.action("search", json!({"pattern": "x", "path": "/etc"})).effect, Effect::Reach);
    assert_eq!(stage.action("search", json!({"pattern": "x"})).effect, Effect::Read);
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_an_error_before_anything_is_asked() {
    let stage = Stage::new().await;
    symlink("loop", stage.at("loop")).unwrap();
    for tool in ["read", "list", "write", "edit"] {
        for (path, why) in [
            (String::new(), "the path is empty"),
            ("a\0b".to_owned(), "NUL"),
            ("x".repeat(300), "too long"),
            ("a/".repeat(3000), "too long"),
            ("loop".to_owned(), "more than 40 links"),
        ] {
            let mut arguments = json!({"path": path});
            if tool == "write" {
                arguments["content"] = json!("x");
            } else if tool == "edit" {
                arguments["old"] = json!("a");
                arguments["new"] = json!("b");
            }
            let said = stage.invalid(tool, arguments);
            assert!(said.starts_with(&format!("`{tool}`: `path`: ")) && said.contains(why), "{said}");
        }
    }
}

#[tokio::test]
async fn a_link_swapped_between_judging_and_reading_shows_nothing() {
    let mut stage = Stage::new().await;
    fs::write(stage.folder.path().join("secret"), "key").unwrap();
    stage.put("a", "hello");
    stage.put("dir/secret", "hello");
    for (tool, arguments, swapped) in [
        ("read", json!({"path": "a"}), "a"),
        ("read", json!({"path": "dir/secret"}), "dir"),
        ("list", json!({"path": "dir"}), "dir"),
        ("search", json!({"pattern": "key", "path": "dir"}), "dir"),
        ("search", json!({"pattern": "key", "path": "a"}), "a"),
    ] {
        let call = stage.parse(tool, arguments.clone()).unwrap();
        let ready = stage.admit(call).await;
        fs::rename(stage.at(swapped), stage.at("aside")).unwrap();
        let target = if swapped == "a" { stage.folder.path().join("secret") } else { stage.folder.path().to_owned() };
        symlink(target, stage.at(swapped)).unwrap();
        let said = stage.finish(ready).await.unwrap_err();
        assert!(said.contains("changed since it was judged"), "{tool} {arguments}: {said}");
        fs::remove_file(stage.at(swapped)).unwrap();
        fs::rename(stage.at("aside"), stage.at(swapped)).unwrap();
    }
}

#[tokio::test]
async fn a_folder_is_listed_as_a_tree() {
    let mut stage = Stage::new().await;
    stage.put("src/deep/deeper/x.rs", "x");
    stage.put("src/main.rs", "x".repeat(1234));
    stage.put(".env", "");
    stage.put(".git/HEAD", "ref");
    stage.put("target/big", "x");
    stage.put(".gitignore", "target\n");
    symlink("/etc", stage.at("out")).unwrap();
    let tree = stage.done("list", json!({})).await;
    assert_eq!(tree, "./\n  .env  0 B\n  .gitignore  7 B\n  out -> /etc\n  src/\n    deep/\n    main.rs  1.2 kB\n");
    let deeper = stage.done("list", json!({"path": "src", "depth": 3})).await;
    assert!(deeper.starts_with("src/\n") && deeper.contains("      x.rs  1 B\n"), "{deeper}");
    assert!(stage.done("list", json!({"ignored": true})).await.contains("  target/\n    big  1 B\n"));
    assert!(stage.done("list", json!({"path": "target"})).await.contains("big"));
    let file = stage.fails("list", json!({"path": ".env"})).await;
    assert!(file.contains("is not a folder; call `read`"), "{file}");
    fs::create_dir(stage.at("void")).unwrap();
    assert!(stage.done("list", json!({"path": "void"})).await.contains("nothing is in it"));
}

#[tokio::test]
async fn a_folder_that_is_too_full_is_cut() {
    let mut stage = Stage::new().await;
    for number in 0..1100 {
        stage.put(&format!("d/{number:04}"), "");
    }
    let tree = stage.done("list", json!({"path": "d"})).await;
    assert!(tree.contains("  0999  0 B\n[cut here after 1000 entries"), "{tree}");
    assert!(stage.invalid("list", json!({"depth": 0})).contains("`depth`: 1 to 20"));
}

#[tokio::test]
async fn matches_come_with_file_line_and_context() {
    let mut stage = Stage::new().await;
    stage.put("src/a.rs", "one\nfn main() {\nthree\n");
    stage.put("b.txt", "fn main\n");
    stage.put("target/c.rs", "fn main\n");
    stage.put(".hidden", "fn main\n");
    stage.put(".gitignore", "target/\n");
    let found = stage.done("search", json!({"pattern": "fn +main"})).await;
    assert_eq!(found, "b.txt\n1:fn main\nsrc/a.rs\n2:fn main() {\n[2 matching lines in 2 of 2 files]");
    let around = stage.done("search", json!({"pattern": "main()", "literal": true, "context": 1})).await;
    assert_eq!(around, "src/a.rs\n1-one\n2:fn main() {\n3-three\n[1 matching line in 1 of 2 files]");
    let files = stage.done("search", json!({"pattern": "MAIN", "case": "insensitive", "files_only": true})).await;
    assert_eq!(files, "b.txt\nsrc/a.rs\n[matches in 2 of 2 files]");
    let all = stage.done("search", json!({"pattern": "main", "hidden": true, "files_only": true})).await;
    assert!(all.contains(".hidden\n") && all.contains("target/c.rs\n"), "{all}");
    let one = stage.done("search", json!({"pattern": "main", "path": "src/a.rs"})).await;
    assert!(one.starts_with("src/a.rs\n2:"), "{one}");
    assert_eq!(stage.done("search", json!({"pattern": "MAIN"})).await, "[no match in 2 files]");
}

#[tokio::test]
async fn a_glob_picks_by_name_or_by_path() {
    let mut stage = Stage::new().await;
    for name in ["a.rs", "src/b.rs", "src/deep/c.rs", "src/d.txt"] {
        stage.put(name, "x\n");
    }
    let mut files = async |glob: &str, path: &str| {
        stage.done("search", json!({"pattern": "x", "glob": glob, "path": path, "files_only": true})).await
    };
    assert_eq!(files("*.rs", ".").await, "a.rs\nsrc/b.rs\nsrc/deep/c.rs\n[matches in 3 of 3 files]");
    assert_eq!(files("src/*.{rs,txt}", ".").await, "src/b.rs\nsrc/d.txt\n[matches in 2 of 2 files]");
    assert_eq!(files("src/**/*.rs", "src").await, "src/b.rs\nsrc/deep/c.rs\n[matches in 2 of 2 files]");
    assert_eq!(files("deep/*", "src").await, "src/deep/c.rs\n[matches in 1 of 1 file]");
    assert!(stage.invalid("search", json!({"pattern": "x", "glob": "[a"})).contains("`glob`: "));
}

#[tokio::test]
async fn a_search_is_bounded_in_what_it_shows() {
    let mut stage = Stage::new().await;
    stage.put("many", "hit\n".repeat(500));
    stage.put("wide", format!("{}needle{}\n", "x".repeat(5000), "y".repeat(5000)));
    let many = stage.done("search", json!({"pattern": "hit"})).await;
    assert!(many.contains("200:hit\n[200 matching lines in 1 of 1 file; more than the 200"), "{many}");
    let few = stage.done("search", json!({"pattern": "hit", "max_results": 3})).await;
    assert!(few.contains("3:hit\n[3 matching lines"), "{few}");
    let wide = stage.done("search", json!({"pattern": "needle"})).await;
    assert!(wide.contains("1:…x") && wide.contains("needle") && wide.contains("y… [10006 bytes]"), "{wide}");
    assert!(wide.len() < 700, "{}", wide.len());
    stage.put("many", format!("hit {}\n", "z".repeat(390)).repeat(1000));
    let cut = stage.done("search", json!({"pattern": "hit", "max_results": 2000})).await;
    assert!(cut.len() < 31_000 && cut.contains("cut here: narrow"), "{}", cut.len());
}

#[tokio::test]
async fn what_is_not_text_is_passed_over_and_said() {
    let mut stage = Stage::new().await;
    stage.put("bin", b"needle\n\0needle\n");
    stage.put("late", [&b"plain text\n".repeat(20_000)[..], b"needle\n\0"].concat());
    stage.put("wrong", b"\xff needle \xfe\n");
    std::process::Command::new("mkfifo").arg(stage.at("pipe")).status().unwrap();
    symlink("/etc/hostname", stage.at("link")).unwrap();
    let found = stage.done("search", json!({"pattern": "needle"})).await;
    assert!(found.contains("wrong\n1:\u{fffd} needle \u{fffd}\n"), "{found}");
    assert!(!found.contains("bin\n") && found.contains("; 2 files not searched: no text"), "{found}");
}

#[tokio::test]
async fn a_pattern_that_is_none_is_an_error_with_its_place() {
    let stage = Stage::new().await;
    let said = stage.invalid("search", json!({"pattern": "fn (main"}));
    assert!(said.contains("`pattern`: ") && said.contains("unclosed group") && said.contains('^'), "{said}");
    assert!(stage.parse("search", json!({"pattern": "fn (main", "literal": true})).is_ok());
    let huge = stage.invalid("search", json!({"pattern": "(((\\w{100}){100}){100}){100}"}));
    assert!(huge.contains("`pattern`: "), "{huge}");
    assert!(stage.invalid("search", json!({"pattern": "a\nb"})).contains("`pattern`"), "a match is in one line");
    assert!(stage.invalid("search", json!({"pattern": "x", "case": "loud"})).contains("`case`: unknown variant"));
}

#[tokio::test]
async fn a_run_that_is_to_stop_ends_by_itself() {
    let mut stage = Stage::new().await;
    stage.put("a", "needle\n");
    stage.scene.stop.cancel();
    assert!(stage.fails("read", json!({"path": "a"})).await.contains("stopped"));
    assert!(stage.done("list", json!({})).await.contains("[stopped here]"));
    assert!(stage.done("search", json!({"pattern": "needle"})).await.contains("stopped here"));
}
