//! Running programs to their end: what is heard of them, and that nothing of them is left.
//!
//! What belongs to no run for certain ends with the last run of its program, so each test is to be a program of its own, as
//! nextest has it.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use crate::stand::{PATIENCE, Stand, is_there, number_in, until, unwaited};
use host::children::{ChildEnd, NotLaunched, Program, launch};
use std::fs;
use std::time::Duration;

#[tokio::test]
async fn both_outputs_are_merged_in_the_order_in_which_they_were_said() {
    let mut stand = Stand::new().await;
    let exit = stand.run("echo one; echo two >&2; echo three; echo four >&2").await;
    assert_eq!((exit.output.text().as_str(), exit.ending), ("one\ntwo\nthree\nfour\n", ChildEnd::Code(0)));
}

#[tokio::test]
async fn how_a_program_ends_is_told() {
    let mut stand = Stand::new().await;
    assert_eq!(stand.run("exit 7").await.ending, ChildEnd::Code(7));
    assert_eq!(stand.run("kill -9 $$").await.ending, ChildEnd::Signal(9));
    let permit = stand.permit().await;
    let missing = launch(&permit, Program::new(["no-such-program"], stand.workspace()), &stand.scene).await;
    assert!(missing.unwrap_err().to_string().starts_with("`no-such-program` could not be started"));
    let none = launch(&permit, Program::new(Vec::<String>::new(), "/"), &stand.scene).await;
    assert!(matches!(none, Err(NotLaunched::NoWords)));
}

#[tokio::test]
async fn a_program_has_no_input_no_terminal_and_a_session_of_its_own() {
    let mut stand = Stand::new().await;
    assert_eq!(stand.run("cat; read x; echo $?").await.output.text(), "1\n");
    assert_ne!(stand.run(": < /dev/tty").await.ending, ChildEnd::Code(0));
    let exit =
        stand.run("read pid name state parent group session rest < /proc/$$/stat; echo $$ $group $session").await;
    let text = exit.output.text();
    let numbers: Vec<&str> = text.split_whitespace().collect();
    assert!(numbers.len() == 3 && numbers.iter().all(|number| *number == numbers[0]), "{text}");
}

#[tokio::test]
async fn no_descriptor_of_this_program_is_inherited() {
    let mut stand = Stand::new().await;
    let file = fs::File::open("/proc/self/status").unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let own = |fd: &dyn std::os::fd::AsRawFd| fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
    let opened = [own(&file), own(&socket)].map(|target| target.display().to_string());
    let text = stand.run("for fd in /proc/$$/fd/*; do readlink $fd; done").await.output.text();
    assert!(text.contains("/dev/null") && !opened.iter().any(|target| text.contains(target)), "{text}");
}

#[tokio::test]
async fn a_program_sees_the_environment_of_the_scene_and_nothing_of_this_programs_own() {
    let variables = |name: &str| match name {
        "GH_TOKEN" => Some("for the forge".into()),
        _other => std::env::var_os(name),
    };
    let mut stand = Stand::with(variables).await;
    let text = stand.run("env").await.output.text();
    assert!(text.contains("GH_TOKEN=for the forge\n") && text.contains("GIT_TERMINAL_PROMPT=0\n"));
    assert!(!text.contains("CARGO_"), "{text}");
    let permit = stand.permit().await;
    let program = stand.line("echo $GH_TOKEN $MORE").with("MORE", "added").with("GH_TOKEN", "replaced");
    assert_eq!(launch(&permit, program, &stand.scene).await.unwrap().output.text(), "replaced added\n");
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_ended_and_counted() {
    let mut stand = Stand::new().await;
    let exit = stand.run("sleep 1000 & echo $! > pid; echo started").await;
    assert_eq!((exit.output.text().as_str(), exit.ending), ("started\n", ChildEnd::Code(0)));
    assert_eq!((exit.left_behind, exit.beyond_reach), (1, 0));
    assert!(!is_there(number_in(&stand.workspace().join("pid"))));
    assert_eq!(stand.run("true").await.left_behind, 0);
}

#[tokio::test]
async fn what_a_program_left_behind_may_say_its_last_words() {
    let mut stand = Stand::new().await;
    let exit = stand.run("mkfifo gate; (read line < gate; echo late) & echo early; echo go > gate").await;
    assert!(exit.output.text() == "early\nlate\n", "{}", exit.output.text());
}

#[tokio::test]
async fn nothing_escapes_by_leaving_its_session_its_parent_or_its_environment() {
    let mut stand = Stand::new().await;
    let write = |name: &str| format!("/bin/sh -c 'echo $$ > {name}; exec sleep 1000' > /dev/null 2>&1");
    let line = [
        format!("(setsid {} &)", write("one")),
        format!("setsid -f {}", write("two")),
        format!("(setsid env -i {} &)", write("three")),
        format!("setsid -f env -i {}", write("four")),
        format!("nohup {} &", write("five")),
        "while ! (test -s one && test -s two && test -s three && test -s four && test -s five); do sleep 0.01; done"
            .into(),
    ];
    let exit = stand.run(&line.join("\n")).await;
    assert_eq!((exit.ending, exit.left_behind), (ChildEnd::Code(0), 5));
    for name in ["one", "two", "three", "four", "five"] {
        assert!(!is_there(number_in(&stand.workspace().join(name))), "{name} goes on");
    }
    assert_eq!(unwaited(), Vec::<String>::new());
}

#[tokio::test]
async fn the_end_of_one_run_does_not_touch_another() {
    let mut stand = Stand::new().await;
    let mut heard = stand.listen();
    let (slow, quick) = (stand.permit().await, stand.permit().await);
    let program = stand.line(
        "setsid -f sh -c 'echo $$ > marked; exec sleep 1000'
         setsid -f env -i /bin/sh -c 'echo $$ > bare; exec sleep 1000'
         while ! (test -s marked && test -s bare); do sleep 0.01; done
         echo ready; sleep 1000",
    );
    let scene = stand.scene.clone();
    let running = tokio::spawn(async move { launch(&slow, program, &scene).await });
    heard.until("ready").await;
    let pids = ["marked", "bare"].map(|name| number_in(&stand.workspace().join(name)));
    let exit = launch(&quick, stand.line("sleep 1000 & true"), &stand.scene).await.unwrap();
    assert_eq!(exit.left_behind, 1);
    assert!(pids.iter().all(|pid| is_there(*pid)), "the other run's programs go on");
    stand.scene.stop.cancel();
    assert_eq!(running.await.unwrap().unwrap().ending, ChildEnd::Stopped);
    assert!(!pids.iter().any(|pid| is_there(*pid)), "and end with it");
}

#[tokio::test]
async fn a_stop_ends_everything_even_what_does_not_listen() {
    let mut stand = Stand::new().await;
    let mut heard = stand.listen();
    let permit = stand.permit().await;
    let program = stand.line(
        "trap '' TERM
         sh -c 'trap \"\" TERM; echo $$ > deaf; while :; do sleep 1; done' &
         while ! test -s deaf; do sleep 0.01; done
         echo ready; while :; do sleep 1; done",
    );
    let scene = stand.scene.clone();
    let running = tokio::spawn(async move { launch(&permit, program, &scene).await });
    heard.until("ready").await;
    stand.scene.stop.cancel();
    let exit = tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!((exit.ending, exit.left_behind, exit.output.text().as_str()), (ChildEnd::Stopped, 0, "ready\n"));
    assert!(!is_there(number_in(&stand.workspace().join("deaf"))));
}

#[tokio::test]
async fn a_program_that_listens_may_clean_up_when_it_is_stopped() {
    let mut stand = Stand::new().await;
    let mut heard = stand.listen();
    let permit = stand.permit().await;
    let program = stand.line("trap 'echo cleaning; exit 3' TERM; echo ready; while :; do sleep 0.01; done");
    let scene = stand.scene.clone();
    let running = tokio::spawn(async move { launch(&permit, program, &scene).await });
    heard.until("ready").await;
    stand.scene.stop.cancel();
    let exit = running.await.unwrap().unwrap();
    let text = exit.output.text();
    // In between the shell may say that its own child was ended too.
    assert!(exit.ending == ChildEnd::Stopped && text.starts_with("ready\n") && text.ends_with("cleaning\n"), "{text}");
}

#[tokio::test]
async fn a_time_limit_ends_the_run() {
    let mut stand = Stand::new().await;
    let permit = stand.permit().await;
    let limit = Duration::from_millis(50);
    let program = stand.line("echo $$ > pid; sleep 1000").within(limit);
    let exit = launch(&permit, program, &stand.scene).await.unwrap();
    assert_eq!(exit.ending, ChildEnd::TimedOut(limit));
    assert!(exit.took >= limit);
    let endless = stand.line("echo done").within(Duration::MAX);
    assert_eq!(launch(&permit, endless, &stand.scene).await.unwrap().ending, ChildEnd::Code(0));
}

#[tokio::test]
async fn a_run_whose_caller_is_gone_is_ended_too() {
    let mut stand = Stand::new().await;
    let mut heard = stand.listen();
    let permit = stand.permit().await;
    let program = stand.line("setsid -f sh -c 'echo $$ > far; exec sleep 1000'; echo $$ > near; while ! test -s far; do sleep 0.01; done; echo ready; sleep 1000");
    let scene = stand.scene.clone();
    let running = tokio::spawn(async move { launch(&permit, program, &scene).await });
    heard.until("ready").await;
    let pids = ["near", "far"].map(|name| number_in(&stand.workspace().join(name)));
    running.abort();
    until("both have ended", || !pids.iter().any(|pid| is_there(*pid))).await;
}

#[tokio::test]
async fn a_hundred_megabytes_are_kept_in_a_file_and_not_in_memory() {
    let mut stand = Stand::new().await;
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = peak();
    let exit = stand.run("echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last").await;
    assert!(peak() - before < 30_000, "memory grew by {} kB", peak() - before);
    assert_eq!(exit.output.total(), 100_000_012);
    let file = exit.output.file().unwrap();
    assert_eq!(fs::metadata(file).unwrap().len(), 100_000_012);
    assert!(file.starts_with(&stand.scene.outputs));
    let text = exit.output.text();
    assert!(text.len() < 31_000 && text.starts_with("first\nxxx") && text.ends_with("xxx\nlast\n"));
    assert!(text.contains(&file.display().to_string()));
}

#[tokio::test]
async fn what_is_heard_on_the_way_is_what_was_said_in_whole_letters() {
    let mut stand = Stand::new().await;
    let mut heard = stand.listen();
    let exit = stand.run("i=0; while [ $i -lt 300 ]; do printf 'é😀'; i=$((i+1)); done; printf '\\377end\\303'").await;
    let expected = format!("{}\u{fffd}end\u{fffd}", "é😀".repeat(300));
    assert_eq!((exit.output.text(), heard.all()), (expected.clone(), expected.as_str()));
}
