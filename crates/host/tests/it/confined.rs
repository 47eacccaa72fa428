//! Confined programs: what they see, what they cannot do, and that none runs unconfined.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use crate::stand::{Stand, fixture, is_root};
use host::children::{ChildEnd, Exit, NotLaunched, Program, launch};
use host::confine::{self, WhyNot};
use host::environment::Environment;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::process::Command;
use std::time::Duration;

async fn confined(stand: &mut Stand, line: &str) -> Exit {
    confine::stage_is(fixture());
    let permit = stand.permit().await;
    let program = confine::hold(stand.line(line), &stand.scene).unwrap();
    launch(&permit, program, &stand.scene).await.unwrap()
}

async fn text(stand: &mut Stand, line: &str) -> String {
    confined(stand, line).await.output.text()
}

#[tokio::test]
async fn every_wall_holds_on_this_machine() {
    confine::stage_is(fixture());
    let environment = Environment::of_this_program(&[], &[]);
    assert_eq!(confine::check(&environment).await, Ok(()));
}

#[test]
fn every_wall_holds_for_an_ordinary_account() {
    // Root's files are readable to nobody, so the program is put where it can be.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("fixture");
    fs::copy(fixture(), &program).unwrap();
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    let ran = command.arg("check").env("HOME", "/").env_remove("TMPDIR").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "Ok(())\n", "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test]
async fn a_confined_program_reads_the_workspace_and_its_exit_is_told() {
    let mut stand = Stand::new().await;
    fs::write(stand.workspace().join("file"), "words\n").unwrap();
    let exit = confined(&mut stand, "pwd; cat file | sort; echo oops >&2; exit 3").await;
    assert_eq!(exit.output.text(), format!("{}\nwords\noops\n", stand.workspace().display()));
    assert_eq!((exit.ending, exit.left_behind), (ChildEnd::Code(3), 0));
    let permit = stand.permit().await;
    let missing = confine::hold(Program::new(["no-such-program"], stand.workspace()), &stand.scene).unwrap();
    assert_eq!(launch(&permit, missing, &stand.scene).await.unwrap().ending, ChildEnd::Code(127));
}

#[tokio::test]
async fn a_confined_program_changes_nothing() {
    let mut stand = Stand::new().await;
    let file = stand.workspace().join("file");
    fs::write(&file, "as it was").unwrap();
    let before = fs::metadata(&file).unwrap();
    let attempts = [
        "echo x > file",
        "echo x >> file",
        "echo x > new",
        "rm -f file",
        "mv file other",
        "ln file hard",
        "ln -s file soft",
        "mkdir folder",
        "chmod 777 file",
        "touch -d 2000-01-01 file",
        "mkfifo pipe2",
        "cp /usr/bin/env .",
        "truncate -s 0 file",
        "echo x > /usr/new",
        "echo x > /new",
        "echo x > /etc/new",
        "echo x > /proc/sys/kernel/hostname",
        "mount -o remount,rw /",
        "unshare -Ur true",
        "chroot / true",
    ];
    for attempt in attempts {
        let exit = confined(&mut stand, &format!("{attempt} 2>/dev/null")).await;
        assert_ne!(exit.ending, ChildEnd::Code(0), "`{attempt}` worked");
    }
    let after = fs::metadata(&file).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "as it was");
    assert_eq!((after.permissions(), after.modified().unwrap()), (before.permissions(), before.modified().unwrap()));
    assert_eq!(fs::read_dir(stand.workspace()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_confined_program_has_room_for_what_it_throws_away() {
    let mut stand = Stand::new().await;
    let line = "echo a > $HOME/x && echo b > $TMPDIR/y && echo c > /dev/shm/z && cat $HOME/x $TMPDIR/y /dev/shm/z \
                && echo gone > /dev/null && cat <<END\nd\nEND\nls -A $HOME | wc -l";
    assert_eq!(text(&mut stand, line).await, "a\nb\nc\nd\n1\n");
    assert_eq!(text(&mut stand, "ls -A $HOME $TMPDIR | grep -v : | grep . ; echo empty").await, "empty\n");
}

#[tokio::test]
async fn a_confined_program_speaks_to_nobody() {
    let mut stand = Stand::new().await;
    let pipe = stand.workspace().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    let mut reader = fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(&pipe).unwrap();
    let exit = confined(&mut stand, "echo secret > pipe").await;
    assert_ne!(exit.ending, ChildEnd::Code(0), "a pipe of the workspace was written to");
    let mut heard = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut heard).unwrap();
    assert_eq!(heard, b"");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let permit = stand.permit().await;
    let words = ["bash", "-c", &format!("echo secret > /dev/tcp/127.0.0.1/{port}")];
    let program = confine::hold(Program::new(words, stand.workspace()), &stand.scene).unwrap();
    assert_ne!(launch(&permit, program, &stand.scene).await.unwrap().ending, ChildEnd::Code(0));
    assert!(listener.accept().is_err(), "the machine's loopback was reached");
}

#[tokio::test]
async fn a_confined_program_sees_its_own_world_alone() {
    let variables = |name: &str| match name {
        "GH_TOKEN" => Some(OsString::from("for the forge")),
        _other => std::env::var_os(name),
    };
    let mut stand = Stand::with(variables).await;
    fs::write(stand.folder.path().join("beside"), "x").unwrap();
    let beside = stand.folder.path().join("beside");
    let environment = text(&mut stand, "env; tr '\\0' '\\n' < /proc/1/environ").await;
    assert!(!environment.contains("forge") && !environment.contains("CARGO"), "{environment}");
    let seen =
        text(&mut stand, &format!("cat {} /etc/passwd /etc/shadow /root/.* 2>/dev/null", beside.display())).await;
    assert_eq!(seen, "");
    assert_eq!(
        text(&mut stand, "ls /").await.lines().filter(|name| ["root", "home", "var", "sys"].contains(name)).count(),
        0
    );
    let own = std::process::id();
    assert_ne!(confined(&mut stand, &format!("kill -0 {own} 2>/dev/null")).await.ending, ChildEnd::Code(0));
    assert_eq!(text(&mut stand, "hostname 2>/dev/null || cat /proc/sys/kernel/hostname").await, "confined\n");
}

#[tokio::test]
async fn the_outputs_of_the_session_can_be_read() {
    let mut stand = Stand::new().await;
    stand.run("head -c 100000 /dev/zero | tr '\\0' x; echo needle").await;
    let line = format!("tail -n 1 {}/*.txt | tail -c 7", stand.scene.outputs.display());
    assert_eq!(text(&mut stand, &line).await, "needle\n");
}

#[tokio::test]
async fn git_works_confined() {
    let mut stand = Stand::new().await;
    let made = stand
        .run("git init -q . && git config user.email a@b.c && git config user.name A && echo x > f && git add f && git commit -qm first")
        .await;
    assert_eq!(made.ending, ChildEnd::Code(0), "{}", made.output.text());
    assert!(text(&mut stand, "git log --oneline; git status --short").await.contains("first"));
}

#[tokio::test]
async fn a_confined_program_ends_with_its_run() {
    let mut stand = Stand::new().await;
    let mut heard = stand.listen();
    let permit = stand.permit().await;
    confine::stage_is(fixture());
    let program = confine::hold(stand.line("setsid sleep 1000 & echo ready; sleep 1000"), &stand.scene).unwrap();
    let scene = stand.scene.clone();
    let running = tokio::spawn(async move { launch(&permit, program, &scene).await });
    heard.until("ready").await;
    stand.scene.stop.cancel();
    let exit = running.await.unwrap().unwrap();
    assert_eq!((exit.ending, exit.beyond_reach, exit.output.text().as_str()), (ChildEnd::Stopped, 0, "ready\n"));
    let limit = Duration::from_millis(1);
    let program = confine::hold(stand.line("sleep 1000").within(limit), &Stand::new().await.scene);
    assert!(program.is_ok());
}

#[tokio::test]
async fn a_workspace_that_is_the_whole_machine_is_refused() {
    let mut stand = Stand::new().await;
    for root in ["/", "/proc", "/dev"] {
        stand.scene.workspace = host::place::Workspace::open(root.as_ref()).unwrap();
        let refused = confine::hold(Program::new(["true"], root), &stand.scene);
        assert_eq!(refused.unwrap_err(), WhyNot::Workspace(root.to_owned()));
    }
}

/// A search path with a `bwrap` of the test's making in front.
fn path_with(stand: &Stand, script: &str) -> OsString {
    let folder = stand.folder.path().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("bwrap");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = folder.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path
}

fn environment(path: impl Into<OsString>) -> Environment {
    Environment::filtered([("PATH".into(), path.into())], &[], &[])
}

#[tokio::test]
async fn without_bubblewrap_nothing_runs() {
    let mut stand = Stand::new().await;
    confine::stage_is(fixture());
    stand.scene.environment = environment("/nowhere").into();
    let refused = confine::hold(stand.line("touch ran"), &stand.scene);
    assert_eq!(refused.unwrap_err(), WhyNot::NoBubblewrap);
    assert_eq!(confine::check(&environment("/nowhere")).await, Err(WhyNot::NoBubblewrap));
}

#[tokio::test]
async fn a_bubblewrap_of_the_repositorys_own_is_not_used() {
    let mut stand = Stand::new().await;
    let planted = stand.workspace().join("bwrap");
    fs::write(&planted, "#!/bin/sh\nexit 0\n").unwrap();
    fs::set_permissions(&planted, fs::Permissions::from_mode(0o755)).unwrap();
    stand.scene.environment = environment(stand.workspace()).into();
    assert_eq!(confine::hold(stand.line("true"), &stand.scene).unwrap_err(), WhyNot::NoBubblewrap);
}

#[tokio::test]
async fn a_sandbox_that_fails_is_an_error_and_nothing_runs() {
    let mut stand = Stand::new().await;
    confine::stage_is(fixture());
    let path = path_with(&stand, "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n");
    stand.scene.environment = environment(path.clone()).into();
    let permit = stand.permit().await;
    let program = confine::hold(stand.line("touch ran"), &stand.scene).unwrap();
    let error = launch(&permit, program, &stand.scene).await.unwrap_err();
    let why = WhyNot::NotEnforced("bwrap: No permissions to create new namespace".into());
    assert!(matches!(error, NotLaunched::NotConfined(ref found) if *found == why), "{error}");
    assert!(!stand.workspace().join("ran").exists());
    assert_eq!(confine::check(&environment(path)).await, Err(why));
}

#[tokio::test]
async fn a_sandbox_that_leaks_is_found_out() {
    let stand = Stand::new().await;
    confine::stage_is(fixture());
    // It throws every wall away and starts the inner stage on the open machine.
    let script = format!(
        "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift 2\nwhile [ \"$1\" != -- ]; do shift; done\n\
         exec {} --confined-stage --writable /tmp \"$@\"\n",
        fixture()
    );
    let leaks = confine::check(&environment(path_with(&stand, &script))).await.unwrap_err();
    let WhyNot::Leaks(says) = leaks else { panic!("{leaks}") };
    for wall in ["files outside the workspace can be seen", "other programs can be seen", "can be reached"] {
        assert!(says.contains(wall), "{says}");
    }
}
