//! What MCP servers do by themselves, and what they ask of the person.

use crate::stage::{Attended, Play, Stage, Unattended};
use engine::SessionCommand;
use gate::CallId;
use mcp::{Next, ServerEvent};
use serde_json::{Value, json};
use wire::{Event, Status};

const ASK: &str = r#"
[[turn]]
calls = [{ tool = "mcp:stage/ask" }]
[[turn]]
text = "done"
"#;

/// Passes on what the server does next, but for its start.
async fn pass_on(stage: &mut Stage, play: &Play) {
    loop {
        let event = stage.server_events.recv().await.unwrap();
        if !matches!(event, ServerEvent::Started { .. }) {
            return play.tell(SessionCommand::Server(event)).await;
        }
    }
}

async fn asked(stage: &mut Stage, mode: &str) -> Play {
    let mut play = stage.play(mode, Attended, ASK).await;
    play.until(|event| matches!(event, Event::Decision { .. })).await;
    pass_on(stage, &play).await;
    play
}

fn respond(call: &str, text: &str) -> SessionCommand {
    SessionCommand::Respond { call: CallId::new(call), text: text.to_owned() }
}

#[tokio::test]
async fn a_servers_question_is_delivered_in_every_mode_and_answered_with_a_form() {
    for mode in ["plan", "agent", "yolo:5"] {
        let mut stage = Stage::with_server().await;
        let mut play = asked(&mut stage, mode).await;
        let Event::Question { summary, shown, effect, price, why, offered, .. } = play.question("e1").await else {
            panic!("another event")
        };
        assert_eq!(summary, "MCP server `stage` asks");
        assert!(shown.starts_with("who are you?\n{") && shown.contains("\"name\""), "{shown}");
        assert_eq!((effect, price, why, offered), (None, None, None, vec![]));
        play.tell(respond("e1", r#"{"name":"ada"}"#)).await;
        let ended = play.end().await;
        assert_eq!(ended.how(), (Status::Done, None));
        let said: Value = serde_json::from_str(ended.result_of("c1").1).unwrap();
        assert_eq!(said, json!({ "action": "accept", "content": { "name": "ada" } }));
        stage.check_record(&ended.session).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_no_form_declines_it() {
    for words in ["no", "7", "[]"] {
        let mut stage = Stage::with_server().await;
        let mut play = asked(&mut stage, "plan").await;
        play.question("e1").await;
        play.tell(respond("e9", r#"{"name":"ada"}"#)).await;
        play.tell(respond("e1", words)).await;
        let ended = play.end().await;
        assert_eq!(ended.result_of("c1").1, r#"{"action":"decline"}"#);
    }
}

#[tokio::test]
async fn a_form_that_is_filled_in_wrongly_is_said_and_can_be_filled_in_again() {
    let mut stage = Stage::with_server().await;
    let mut play = asked(&mut stage, "plan").await;
    let first = play.question("e1").await;
    play.tell(respond("e1", r#"{"name":7}"#)).await;
    let Event::Notice { text } = play.until(|event| matches!(event, Event::Notice { .. })).await else { panic!() };
    assert!(text.contains("`name` must be string"), "{text}");
    assert_eq!(play.question("e1").await, first, "whoever answered has put it away; it is asked again");
    play.tell(respond("e1", r#"{"name":"ada"}"#)).await;
    assert!(play.end().await.result_of("c1").1.contains("accept"));
}

#[tokio::test]
async fn where_nobody_is_a_servers_question_is_declined_and_said() {
    let mut stage = Stage::with_server().await;
    let mut play = stage.play("yolo:5", Unattended, ASK).await;
    play.until(|event| matches!(event, Event::Decision { .. })).await;
    pass_on(&mut stage, &play).await;
    let ended = play.end().await;
    assert_eq!((ended.result_of("c1").1, ended.questions()), (r#"{"action":"decline"}"#, 0));
    assert_eq!(ended.notices(), ["MCP server `stage` asked something; nobody is here"]);
}

#[tokio::test]
async fn a_server_that_dies_is_said_and_its_call_is_unknown_with_its_hold_open() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/die", "1");
    let script = r#"
        [[turn]]
        calls = [{ tool = "mcp:stage/die" }]
        [[turn]]
        text = "done"
        delay_ms = 50
    "#;
    let mut play = stage.play("yolo:5", Unattended, script).await;
    play.until(|event| matches!(event, Event::Decision { .. })).await;
    pass_on(&mut stage, &play).await;
    let ended = play.end().await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert!(ended.result_of("c1").1.starts_with("unknown: "), "{}", ended.result_of("c1").1);
    assert_eq!(ended.session.spend().budget.open, "1.00");
    let notices = ended.notices();
    assert!(
        notices[0].starts_with("MCP server `stage` died: ") && notices[0].ends_with("it is started again (1 of 5)"),
        "{notices:?}"
    );
}

#[tokio::test]
async fn what_servers_do_by_themselves_is_said_in_a_sentence() {
    let stage = Stage::new().await;
    let play = stage.play("plan", Unattended, "[[turn]]\ntext = \"done\"\ndelay_ms = 50").await;
    let server: mcp::ServerName = "stage".parse().unwrap();
    for event in [
        ServerEvent::Started { server: server.clone(), tools: 2 },
        ServerEvent::Died { server: server.clone(), why: "exit 7".into(), next: Next::GivenUp },
        ServerEvent::Restarted { server: server.clone(), tools: 3 },
        ServerEvent::ToolsChanged { server: server.clone() },
        ServerEvent::LeftOut { server, what: "the tool `x`".into() },
    ] {
        play.tell(SessionCommand::Server(event)).await;
    }
    let ended = play.end().await;
    assert_eq!(
        ended.notices(),
        [
            "MCP server `stage` died: exit 7; it stays down for this session",
            "MCP server `stage` is up again with 3 tools",
            "MCP server `stage` has other tools now",
            "MCP server `stage`: the tool `x` is left out",
        ]
    );
}
