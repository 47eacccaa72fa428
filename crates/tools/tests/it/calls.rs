//! From what the model wrote to a call: the closed list of tools, `todo`, and what is wrong with malformed arguments.

use crate::stage::Stage;
use host::scene::{TodoItem, TodoState};
use policy::Effect;
use serde_json::json;
use tools::Parsed;

#[test]
fn the_tools_are_declared_in_few_words_and_each_by_its_own_name() {
    let specs = tools::specs();
    let mut names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let text = serde_json::to_string(&specs).unwrap();
    assert!(text.len() < 7000, "{} bytes", text.len());
    for spec in &specs {
        assert_eq!(spec.parameters["type"], "object", "{}", spec.name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), specs.len());
}

#[tokio::test]
async fn what_is_no_call_says_what_is_wrong_and_where() {
    let stage = Stage::new().await;
    let why = |tool: &str, text: &str| tools::parse_text(tool, text, &stage.site).unwrap_err().to_string();
    assert_eq!(why("no_such_tool", "{}"), "there is no tool `no_such_tool`; call one of those that were declared");
    assert_eq!(
        why("read", "{\"path\": \"a\",}"),
        "`read`: the arguments are not JSON: trailing comma at line 1 column 14"
    );
    assert!(why("read", "{\"path\": \"a\", \"path\": \"b\"}").contains("the key `path` is written twice"));
    assert_eq!(why("read", "[]"), "`read`: the arguments must be a JSON object");
    assert_eq!(why("read", ""), "`read`: missing field `path`");
    assert!(why("read", &format!("{{\"path\": \"{}\"}}", "x".repeat(2 << 20))).contains("at most 1048576"));
    assert!(why("read", "{\"path\": \"a\", \"offset\": -1}").contains("`offset`: invalid value: integer `-1`"));
    assert!(why("read", "{\"path\": \"a\", \"offset\": 0}").contains("`offset`: lines are counted from 1"));
    assert!(
        why("history", "{\"operation\": \"push\"}")
            .contains("`operation`: unknown variant `push`, expected one of `log`")
    );
    assert!(matches!(tools::parse_text("list", "", &stage.site), Ok(Parsed::Act(_))));
    let question = tools::parse_text("request_user_input", "{\"question\": \"ok?\"}", &stage.site);
    assert!(matches!(question, Ok(Parsed::Question(_))));
}

#[tokio::test]
async fn the_list_of_steps_is_kept_and_told() {
    let mut stage = Stage::new().await;
    assert_eq!(stage.done("todo", json!({})).await, "the list is empty");
    let items =
        json!([{"text": "look", "state": "done"}, {"text": "fix\nit", "state": "in_progress"}, {"text": "test"}]);
    let told = stage.done("todo", json!({"items": items})).await;
    assert_eq!(told, "[x] look\n[>] fix it\n[ ] test\n");
    assert_eq!(stage.done("todo", json!({})).await, told);
    let last = TodoItem { text: "test".to_owned(), state: TodoState::Pending };
    assert_eq!(stage.scene.todos.items().last(), Some(&last));
    assert_eq!(stage.action("todo", json!({})).effect, Effect::Read);
    for (items, why) in [
        (json!([{"text": " "}]), "`items[0].text`: 1 to 500"),
        (json!([{"text": "x", "state": "doing"}]), "`items[0].state`: unknown variant `doing`"),
        (json!(vec![json!({"text": "x"}); 101]), "at most 100 steps"),
        (json!("x"), "`items`: invalid type"),
    ] {
        let said = stage.invalid("todo", json!({"items": items}));
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(stage.done("todo", json!({"items": []})).await, "the list is empty");
}
