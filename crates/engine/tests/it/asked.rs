//! Questions to a person, for permission and of the model's own, and every way to answer them.

use crate::stage::{Attended, Stage, check_conversation, order, person, place, reply};
use engine::{Authority, SessionCommand};
use gate::{Answer, CallId};
use policy::Prohibition;
use wire::{Event, Status};

const WRITE_A: &str = r#"
[[turn]]
calls = [{ tool = "write", args = { path = "a", content = "x" } }]
[[turn]]
text = "done"
"#;

/// A call of a paid tool, which no yes for the session covers.
const NOTE: &str = r#"
[[turn]]
calls = [{ tool = "mcp:stage/note", args = { line = "shown" } }]
[[turn]]
text = "done"
"#;

fn respond(call: &str, text: &str) -> SessionCommand {
    SessionCommand::Respond { call: CallId::new(call), text: text.to_owned() }
}

#[tokio::test]
async fn a_question_shows_what_a_yes_approves_and_a_yes_runs_it() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, WRITE_A).await;
    let Event::Question { summary, shown, effect, price, why, offered, chip, .. } = play.question("c1").await else {
        panic!("another event")
    };
    assert!(summary.contains('a') && shown.contains('x'), "{summary}: {shown}");
    assert_eq!((effect.as_deref(), price.as_deref()), (Some("change"), Some("free")));
    assert_eq!((why.as_deref(), chip.as_str()), (Some("it changes something"), "Agent"));
    assert_eq!(offered.len(), 1, "{offered:?}");
    assert_eq!(stage.text("a"), "", "it waits");
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), stage.text("a").as_str()), ((Status::Done, None), "x"));
    let judged = [("ask".to_owned(), "mode".to_owned()), ("run".to_owned(), "person".to_owned())];
    assert_eq!((ended.decisions("c1"), ended.questions()), (judged.to_vec(), 1));
    let lines = order(&ended.events);
    assert_eq!(
        lines[3..9],
        ["call c1 write", "decision c1 ask", "question c1", "decision c1 run", "result c1 done", "text",]
    );
    let Event::End { prompts, .. } = ended.session.end_event(ended.result.as_ref().unwrap()) else { panic!() };
    assert_eq!(prompts, 1);
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_yes_for_the_session_covers_the_next_call_of_its_kind_until_the_mode_changes() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }, { tool = "write", args = { path = "b", content = "y" } }]
        [[turn]]
        calls = [{ tool = "write", args = { path = "c", content = "z" } }]
        [[turn]]
        text = "done"
        [[turn]]
        calls = [{ tool = "write", args = { path = "d", content = "z" } }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    play.answer("c1", Answer::ForSession).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.questions()), ((Status::Done, None), 1));
    assert_eq!((stage.text("a"), stage.text("b"), stage.text("c")), ("x".into(), "y".into(), "z".into()));
    assert_eq!(ended.decisions("c3"), [("run".to_owned(), "person".to_owned())]);
    stage.check_record(&ended.session).await;

    let crate::stage::Ended { mut session, heard, .. } = ended;
    for mode in ["plan", "agent"] {
        session.set_mode(&person(), mode.parse().unwrap()).await.unwrap();
    }
    let mut play = crate::stage::Play::of(session, heard, crate::stage::said("again"));
    play.question("c4").await;
    play.answer("c4", Answer::No).await;
    assert_eq!((play.end().await.how(), stage.text("d").as_str()), ((Status::Done, None), ""));
}

#[tokio::test]
async fn a_no_does_not_run_it_and_its_words_reach_the_model() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, WRITE_A).await;
    play.question("c1").await;
    play.tell(reply("c1", Answer::No, None, Some("call it b"))).await;
    let ended = play.end().await;
    assert_eq!(ended.result_of("c1"), (false, "refused: the person said no; they say: call it b"));
    assert_eq!((stage.text("a").as_str(), ended.how()), ("", (Status::Done, None)));
    assert_eq!(ended.decisions("c1")[1], ("refuse".to_owned(), "person".to_owned()));
    assert!(ended.session.refused().is_empty(), "somebody was there");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn words_with_a_yes_reach_the_model_beside_the_result_whatever_it_is() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "echo out" } }, { tool = "shell", args = { command = "exit 3" } }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    for call in ["c1", "c2"] {
        play.question(call).await;
        play.tell(reply(call, Answer::Once, None, Some("be quick"))).await;
    }
    let ended = play.end().await;
    let (ok, text) = ended.result_of("c1");
    assert!(ok && text.contains("out") && text.ends_with("\n\nThe person says: be quick"), "{text}");
    let (ok, text) = ended.result_of("c2");
    assert!(!ok && text.ends_with("\n\nThe person says: be quick"), "{text}");
}

#[tokio::test]
async fn an_edited_call_is_what_runs_and_the_model_is_told() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, WRITE_A).await;
    play.question("c1").await;
    let edited = r#"{"path":"b","content":"y"}"#;
    play.tell(reply("c1", Answer::Once, Some(edited), Some("better so"))).await;
    let ended = play.end().await;
    assert_eq!((stage.text("a").as_str(), stage.text("b").as_str()), ("", "y"));
    let (ok, text) = ended.result_of("c1");
    assert!(
        ok && text.ends_with(&format!("The person says: I changed the arguments to {edited}\nbetter so")),
        "{text}"
    );
    let decisions: Vec<String> = stage
        .records()
        .await
        .into_iter()
        .map(|record| record.body)
        .filter(|body| body.contains("\"decided\""))
        .collect();
    assert!(decisions[1].contains(r#""outcome":"run""#) && decisions[1].contains("write b"), "{}", decisions[1]);
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn an_edit_that_makes_no_sense_leaves_the_question_open() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, WRITE_A).await;
    play.question("c1").await;
    for nonsense in ["{", r#"{"path":"b"}"#] {
        play.tell(reply("c1", Answer::Once, Some(nonsense), Some("not heard"))).await;
        play.until(|event| matches!(event, Event::Notice { .. })).await;
    }
    assert_eq!((stage.text("a"), stage.text("b")), (String::new(), String::new()));
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert!(ended.notices().iter().all(|text| text.starts_with("the edited arguments are not understood: ")));
    assert_eq!(stage.text("a"), "x", "what was shown runs");
    assert!(!ended.result_of("c1").1.contains("not heard"), "the answer did not count");
}

#[tokio::test]
async fn what_costs_money_cannot_be_allowed_for_the_session_and_stays_asked_about() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "1");
    let mut play = stage.play("agent", Attended, NOTE).await;
    play.question("c1").await;
    play.tell(reply("c1", Answer::ForSession, None, Some("not heard"))).await;
    play.until(|event| matches!(event, Event::Notice { .. })).await;
    assert_eq!(stage.text("notes"), "");
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert_eq!(ended.notices(), ["call `c1` can only be allowed once"]);
    assert_eq!((stage.text("notes").as_str(), ended.result_of("c1").1), ("shown\n", "noted"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn an_edit_whose_answer_did_not_count_does_not_take_the_place_of_what_was_shown() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "1");
    let mut play = stage.play("agent", Attended, NOTE).await;
    play.question("c1").await;
    play.tell(reply("c1", Answer::ForSession, Some(r#"{"line":"edited"}"#), None)).await;
    play.until(|event| matches!(event, Event::Notice { .. })).await;
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert_eq!((stage.text("notes").as_str(), ended.result_of("c1").1), ("shown\n", "noted"));
}

#[tokio::test]
async fn an_mcp_call_is_edited_like_any_other() {
    let stage = Stage::with_server().await;
    let mut play = stage.play("agent", Attended, NOTE).await;
    play.question("c1").await;
    play.tell(reply("c1", Answer::Once, Some(r#"{"line":"edited"}"#), None)).await;
    play.end().await;
    assert_eq!(stage.text("notes"), "edited\n");
}

#[tokio::test]
async fn an_answer_to_what_is_not_asked_changes_nothing() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, WRITE_A).await;
    play.question("c1").await;
    play.answer("c9", Answer::Once).await;
    play.tell(respond("c9", "x")).await;
    play.tell(respond("c1", "a question for permission is not answered in words")).await;
    play.status().await;
    assert_eq!(stage.text("a"), "");
    play.answer("c1", Answer::Once).await;
    play.answer("c1", Answer::No).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), stage.text("a").as_str(), ended.decisions("c1").len()), ((Status::Done, None), "x", 2));
}

#[tokio::test]
async fn a_question_of_the_models_is_delivered_and_its_answer_is_the_result() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [
            { tool = "request_user_input", args = { question = "which one?", options = ["red", "blue"] } },
            { tool = "propose_plan", args = { steps = [{ text = "look", price_ceiling_usd = "2" }] } },
            { tool = "list" },
        ]
        [[turn]]
        expect = ["the red one"]
        text = "done"
    "#;
    let mut play = stage.play("plan", Attended, script).await;
    let Event::Question { shown, effect, price, why, offered, summary, chip, .. } = play.question("c1").await else {
        panic!("another event")
    };
    assert_eq!((shown.as_str(), summary.as_str()), ("which one?\n1. red\n2. blue", "the model asks"));
    assert_eq!((effect, price, why, offered, chip.as_str()), (None, None, None, vec![], "Plan"));
    play.tell(respond("c1", "the red one")).await;
    let Event::Question { shown, .. } = play.question("c2").await else { panic!("another event") };
    assert!(shown.contains("look (at most $2.00)"), "{shown}");
    play.tell(respond("c2", "go on")).await;
    let ended = play.end().await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert_eq!((ended.result_of("c1"), ended.result_of("c2")), ((true, "the red one"), (true, "go on")));
    assert!(place(&ended.events, "result c2 done") < place(&ended.events, "call c3 list"));
    let Event::End { prompts, .. } = ended.session.end_event(ended.result.as_ref().unwrap()) else { panic!() };
    assert_eq!(prompts, 0, "nobody was asked for permission");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_yes_is_no_answer_to_a_question_of_the_models() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "request_user_input", args = { question = "which one?" } }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("plan", Attended, script).await;
    play.question("c1").await;
    play.answer("c1", Answer::Once).await;
    play.set_mode("agent").await;
    play.tell(respond("c1", "that one")).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.result_of("c1")), ((Status::Done, None), (true, "that one")));
    assert_eq!(ended.questions(), 1, "a mode change does not ask it again");
}

#[tokio::test]
async fn what_the_person_prohibited_is_refused_as_their_own_rule_and_never_asked() {
    let stage = Stage::new().await;
    let rule: Prohibition = "write: a".parse().unwrap();
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }, { tool = "write", args = { path = "b", content = "y" } }]
        [[turn]]
        text = "done"
    "#;
    let authority =
        Authority { mode: "yolo:5".parse().unwrap(), attendance: Attended, prohibitions: vec![rule.clone()] };
    let (session, heard) = stage.session(authority, script).await;
    let ended = crate::stage::Play::of(session, heard, crate::stage::said("go")).end().await;
    let text = format!("refused: your own prohibition `{rule}` forbids it");
    assert_eq!((ended.result_of("c1"), ended.questions()), ((false, text.as_str()), 0));
    assert_eq!((stage.text("a").as_str(), stage.text("b").as_str()), ("", "y"));
    assert_eq!(ended.decisions("c1"), [("refuse".to_owned(), "prohibition".to_owned())]);
    stage.check_record(&ended.session).await;
    drop(ended);
    let (session, _) = stage.resumed(script).await.unwrap();
    assert_eq!(session.state().prohibitions, [rule], "it belongs to the session");
    check_conversation(session.turn().messages());
}
