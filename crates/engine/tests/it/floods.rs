//! Tools that say more than anybody reads.

use crate::stage::{Stage, Unattended};
use wire::{Event, Status};

/// The most memory that this program has used, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn a_hundred_megabytes_of_output_leave_memory_and_record_small_and_are_kept_whole() {
    let stage = Stage::on_disk().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "head -c 100000000 /dev/zero | tr '\\0' x" } }]
        [[turn]]
        text = "That was a lot."
    "#;
    // Nobody listens before it is over: what was told waits in memory.
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert_eq!(ended.how(), (Status::Done, None));
    let (ok, text) = ended.result_of("c1");
    assert!(ok && text.len() < 64_000, "{} bytes", text.len());
    let told: usize = ended.events.iter().map(|event| serde_json::to_string(event).unwrap().len()).sum();
    assert!(told < 2 << 20, "{told} bytes were told");
    let recorded: usize = stage.records().await.iter().map(|record| record.body.len()).sum();
    assert!(recorded < 256 << 10, "{recorded} bytes are on record");
    let outputs = std::fs::read_dir(&stage.setup.scene.outputs).unwrap().map(|entry| entry.unwrap());
    let kept: Vec<_> = outputs.filter(|entry| entry.metadata().unwrap().len() == 100_000_000).collect();
    assert_eq!(kept.len(), 1, "the whole is kept");
    assert!(
        text.contains(kept[0].file_name().to_str().unwrap()),
        "the model is told where: {}",
        &text[text.len() - 300..]
    );
    assert!(peak() < 200 << 20, "{} bytes were used at most", peak());
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn what_a_call_says_while_it_runs_is_passed_on_up_to_a_megabyte() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [
            { tool = "shell", args = { command = "for i in $(seq 40); do head -c 65536 /dev/zero | tr '\\0' x; sleep 0.01; done" } },
            { tool = "shell", args = { command = "echo little" } },
        ]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    let said = |of: &str| {
        let pieces = ended.events.iter().filter_map(|event| match event {
            Event::Progress { call, text } if call == of => Some(text.as_str()),
            _ => None,
        });
        pieces.collect::<Vec<_>>()
    };
    let much: Vec<&str> = said("c1");
    let bytes: usize = much.iter().map(|piece| piece.len()).sum();
    assert!(bytes < (1 << 20) + 100, "{bytes} bytes");
    assert!(
        much.last().unwrap().ends_with("(it says more than is shown while it runs)\n"),
        "it is said that there is more: {} pieces, {bytes} bytes",
        much.len()
    );
    assert_eq!(said("c2"), ["little\n"], "each call has room of its own");
}

#[tokio::test]
async fn what_a_call_says_is_told_whole_before_how_it_ended() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "seq 30000" }, times = 30 }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    let whole: String = (1..=30_000).map(|number| format!("{number}\n")).collect();
    for call in (1..=30).map(|number| format!("c{number}")) {
        let result = |event: &Event| matches!(event, Event::Result { call: of, .. } if *of == call);
        let end = ended.events.iter().position(result).unwrap();
        let pieces = ended.events[..end].iter().filter_map(|event| match event {
            Event::Progress { call: of, text } if *of == call => Some(text.as_str()),
            _ => None,
        });
        assert!(pieces.collect::<String>() == whole, "{call}");
    }
}
