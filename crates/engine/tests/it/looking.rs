//! Looking at a session while it runs: what lasts, what fills the context, its servers; watching it from beside; another
//! title, another model, and a session that begins with what was said in another one.

use crate::stage::{Attended, MODEL, Play, Stage, model, order, person, pipe, release, said};
use engine::{About, Authority, Picked, Session, SessionCommand, Surface, Tariff, record};
use gate::Answer;
use pricing::models::{ModelPrice, PriceSource};
use tokio::sync::mpsc;
use turn::Limits;
use turn::chat::Message;
use wire::{Aspect, ControlReply, Event, Status};

const TWO_LINES: &str = r#"
[[turn]]
text = "I run it."
calls = [{ tool = "shell", args = { command = "touch a" } }]
[[turn]]
calls = [{ tool = "shell", args = { command = "touch a b" } }]
[[turn]]
text = "done"
"#;

async fn grants(play: &Play) -> Vec<String> {
    match play.asked(|done| SessionCommand::Look { at: Aspect::Answers, done }).await {
        ControlReply::Answers { grants } => grants,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_that_last_are_listed_and_one_that_is_taken_back_asks_again() {
    let stage = Stage::new().await;
    let gate = pipe(&stage, "gate");
    let script = TWO_LINES.replace("\"touch a b\"", "\"read line < gate\"");
    let script = script.replace("text = \"done\"", "calls = [{ tool = \"shell\", args = { command = \"touch a\" } }]");
    let mut play = stage.play("agent", Attended, &script).await;
    play.question("c1").await;
    assert!(grants(&play).await.is_empty());
    play.answer("c1", Answer::ForSession).await;
    play.question("c2").await;
    let [grant] = grants(&play).await.try_into().unwrap();
    assert_eq!(grant, "shell: touch a");
    let revoke = |grant: &str| {
        let grant = grant.parse().unwrap();
        |done| SessionCommand::Revoke { person: person(), grant, done }
    };
    assert!(matches!(play.asked(revoke("shell: rm")).await, ControlReply::Refused { .. }), "it was never given");
    assert!(matches!(play.asked(revoke(&grant)).await, ControlReply::Status { .. }));
    assert!(grants(&play).await.is_empty());
    play.answer("c2", Answer::Once).await;
    release(gate).await;
    play.question("c3").await;
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!(ended.how().0, Status::Interrupted);
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn what_fills_the_context_is_told_by_part_and_servers_with_the_effects_of_their_tools() {
    let stage = Stage::with_server().await;
    let mut play = stage.play("agent", Attended, TWO_LINES).await;
    play.question("c1").await;
    let ControlReply::Context { parts, limit, .. } =
        play.asked(|done| SessionCommand::Look { at: Aspect::Context, done }).await
    else {
        panic!("another answer")
    };
    let part = |name: &str| parts.iter().find(|part| part.name == name).map(|part| (part.count, part.bytes)).unwrap();
    assert_eq!(part("instructions"), (1, "You are being tested.".len()));
    assert_eq!(part("what you said"), (1, "go".len()));
    assert_eq!(part("results of tools"), (0, 0));
    assert!(part("tools").0 > 5 && part("what the model said").1 > "I run it.".len(), "{parts:?}");
    assert_eq!(limit, None);
    let ControlReply::Servers { servers } = play.asked(|done| SessionCommand::Look { at: Aspect::Servers, done }).await
    else {
        panic!("another answer")
    };
    assert_eq!((servers.len(), servers[0].name.as_str(), servers[0].state.as_str()), (1, "stage", "is up"));
    let effect = |name: &str| servers[0].tools.iter().find(|tool| tool.name == name).unwrap().effect.clone();
    assert_eq!((effect("note").as_str(), effect("meet").as_str()), ("change", "read"));
    let again = |server: &str| {
        let server = server.to_owned();
        |done| SessionCommand::RestartServer { server, done }
    };
    assert!(matches!(play.asked(again("stage")).await, ControlReply::Status { .. }));
    let ControlReply::Refused { why } = play.asked(again("other")).await else { panic!("there is no such server") };
    assert!(why.contains("`other`"), "{why}");
    play.tell(SessionCommand::Stop).await;
    play.end().await;
}

#[tokio::test]
async fn what_differs_in_the_workspace_is_read_for_the_person_and_nothing_of_the_repositorys_runs() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, TWO_LINES).await;
    play.question("c1").await;
    stage.write("add.rs", "fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n");
    stage.write("new.rs", "");
    let ran = stage.folder.path().join("ran");
    let planted = format!("[core]\nfsmonitor = touch {0}\n[diff]\nexternal = touch {0}\n", ran.display());
    let config = stage.path(".git/config");
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + &planted).unwrap();
    for _ in 0..2 {
        let looked = play.asked(|done| SessionCommand::Look { at: Aspect::Changes, done }).await;
        let ControlReply::Changes { text } = looked else { panic!("{looked:?}") };
        assert!(text.contains("-    a - b\n+    a + b") && text.contains("new.rs"), "{text}");
    }
    assert!(!ran.exists());
    play.tell(SessionCommand::Stop).await;
    stage.check_record(&play.end().await.session).await;
}

#[tokio::test]
async fn whoever_comes_later_hears_what_was_and_what_is_asked_and_then_what_happens() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, TWO_LINES).await;
    play.question("c1").await;
    play.answer("c1", Answer::Once).await;
    play.question("c2").await;
    let mut heard = play.asked(|done| SessionCommand::Watch { done }).await;
    let mut past = Vec::new();
    while !matches!(past.last(), Some(Event::CaughtUp { .. })) {
        past.push(heard.recv().await.unwrap());
    }
    assert_eq!(
        order(&past),
        [
            "session",
            "prompt go",
            "text",
            "message",
            "call c1 shell",
            "decision c1 ask",
            "decision c1 run",
            "result c1 done",
            "message",
            "call c2 shell",
            "decision c2 ask",
            "question c2",
            "caught up Works",
        ]
    );
    let asked = play.events.iter().rfind(|event| matches!(event, Event::Question { .. })).unwrap();
    assert!(past.contains(asked), "the question is the same to the letter");
    let chips = past.iter().filter_map(|event| match event {
        Event::Decision { chip, .. } | Event::Message { chip, .. } | Event::Session { chip, .. } => Some(chip),
        _ => None,
    });
    assert!(chips.into_iter().all(|chip| chip == "Agent"));
    play.answer("c2", Answer::Once).await;
    let ended = play.end().await;
    ended.session.say(Event::Notice { text: "the last".to_owned() });
    drop(ended);
    let mut live = Vec::new();
    while let Some(event) = heard.recv().await {
        live.push(event);
    }
    assert_eq!(order(&live), ["decision c2 run", "result c2 done", "text", "message", "notice"]);
}

#[tokio::test]
async fn a_session_is_called_by_its_first_words_until_somebody_names_it() {
    let stage = Stage::new().await;
    let (events, heard) = mpsc::unbounded_channel();
    let about = About { workspace: "here".into(), model: MODEL.into(), title: String::new(), owner: None };
    let surface = Surface { default_cap: engine::DEFAULT_CAP, events: events.into() };
    let setup = engine::Setup { model: model(TWO_LINES), ..stage.setup.clone() };
    let started = Session::start(&stage.journal, (stage.id.clone(), about), agent(), setup, surface).await;
    let mut play = Play::of(started.unwrap(), heard, said("\n  mend the shards\nplease"));
    play.question("c1").await;
    let title = || async { stage.journal.session(&stage.id).await.unwrap().title };
    assert_eq!(title().await.as_deref(), Some("mend the shards"));
    let renamed = play.asked(|done| SessionCommand::Rename { title: "shards".to_owned(), done }).await;
    assert!(matches!(renamed, ControlReply::Status { .. }));
    let long = play.asked(|done| SessionCommand::Rename { title: "x".repeat(5_000), done }).await;
    assert!(matches!(long, ControlReply::Refused { .. }), "{long:?}");
    assert_eq!(title().await.as_deref(), Some("shards"));
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    let titles = ended.events.iter().filter(|event| matches!(event, Event::Titled { .. })).count();
    assert_eq!(titles, 2);
    drop(ended);
    let (again, _) = stage.resumed("").await.unwrap();
    assert!(matches!(again.header(Vec::new()), Event::Session { title, .. } if title == "shards"));
}

fn agent() -> Authority {
    Authority { mode: "agent".parse().unwrap(), attendance: Attended, prohibitions: Vec::new() }
}

fn picked(name: &str, tariff: Tariff, script: &str) -> Box<Picked> {
    let model = model::Model::Script(model::Script::parse(script).unwrap());
    Box::new(Picked { name: name.to_owned(), model, tariff, context_tokens: Some(1_000), max_output_tokens: None })
}

#[tokio::test]
async fn another_model_is_asked_from_the_next_request_on_and_is_on_record() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, TWO_LINES).await;
    play.question("c1").await;
    let free = Tariff::Known(ModelPrice::free(PriceSource::Script));
    let other = picked("script:other", free, "[[turn]]\ntext = \"unused\"\n[[turn]]\ntext = \"the other model\"");
    let used = play.asked(|done| SessionCommand::UseModel { picked: other, done }).await;
    assert!(matches!(used, ControlReply::Status { .. }), "{used:?}");
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert_eq!(ended.session.turn().last_text(), "the other model");
    assert_eq!(ended.session.turn().limits().context_tokens, Some(800));
    assert!(matches!(ended.session.header(Vec::new()), Event::Session { model, .. } if model == "script:other"));
    let records = stage.records().await;
    assert_eq!(record::picked_model(&records).as_deref(), Some("script:other"));
    let asked: Vec<String> = record::requests_of(&records).unwrap().into_iter().map(|(_, of)| of.model).collect();
    assert_eq!(asked, [MODEL, "script:other"]);
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_model_without_a_price_is_not_taken_under_a_cap_nor_a_cap_with_it() {
    let stage = Stage::new().await;
    let unknown = || picked("other/model", Tariff::Unknown("nobody says so".to_owned()), "");
    let mut play = stage.play("agent", Attended, TWO_LINES).await;
    play.question("c1").await;
    assert!(matches!(
        play.asked(|done| SessionCommand::UseModel { picked: unknown(), done }).await,
        ControlReply::Status { .. }
    ));
    let ControlReply::Refused { why } = play.set_mode("yolo:5").await else { panic!("it cannot be capped") };
    assert!(why.contains("`other/model` has no price"), "{why}");
    assert!(matches!(play.set_mode("yolo:uncapped").await, ControlReply::Status { .. }));
    play.tell(SessionCommand::Stop).await;
    play.end().await;
    let stage = Stage::new().await;
    let gate = pipe(&stage, "gate");
    let mut play = stage.play("yolo:5", Attended, &TWO_LINES.replace("touch a\"", "echo; read l < gate\"")).await;
    play.progress("c1").await;
    let refused = play.asked(|done| SessionCommand::UseModel { picked: unknown(), done }).await;
    assert!(matches!(refused, ControlReply::Refused { .. }), "{refused:?}");
    release(gate).await;
    assert_eq!(play.end().await.how().0, Status::Done);
}

#[tokio::test]
async fn a_fork_begins_with_what_was_said_before_and_with_no_money_of_the_other() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, TWO_LINES).await;
    for call in ["c1", "c2"] {
        play.question(call).await;
        play.answer(call, Answer::Once).await;
    }
    drop(play.end().await);
    let ended = stage.played_on("[[turn]]\nwhen = \"\"\ntext = \"more\"", said("second")).await;
    drop(ended);
    let records = stage.records().await;
    for (said_before, messages) in [(0, 0), (1, 6), (2, 8), (9, 8)] {
        let (events, _heard) = mpsc::unbounded_channel();
        let id = format!("fork-{said_before}").parse().unwrap();
        let about = About { workspace: "here".into(), model: MODEL.into(), title: "a fork".into(), owner: None };
        let surface = Surface { default_cap: engine::DEFAULT_CAP, events: events.into() };
        let started = Session::start(&stage.journal, (id, about), agent(), stage.setup.clone(), surface).await;
        let mut fork = started.unwrap();
        fork.begin_from(&records, said_before).await.unwrap();
        assert!(fork.turn().is_idle());
        assert_eq!(fork.turn().messages().len(), messages, "{:#?}", fork.turn().messages());
        let seconds = fork.turn().messages().iter().filter(|message| matches!(message, Message::User { .. })).count();
        assert_eq!(seconds, said_before.min(2));
        assert!(fork.state().started.is_empty() && fork.requests().count == 0);
        let copied = record::all(&stage.journal, fork.id()).await.unwrap();
        assert_eq!(&record::replay(&copied, Limits::default()).unwrap().turn, fork.turn());
    }
}
