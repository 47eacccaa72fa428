//! The first start, before there is a model: what is found, what is picked, and what is written.
//!
//! Not here: the servers' answers in all their kinds (that is beside the code).

use crate::pty::{CTRL_C, CTRL_D, ENTER, Terminal};
use crate::support::{Home, Standin, wait_until};
use std::os::unix::fs::PermissionsExt;

const FILE: &str = "config/remit/config.toml";
const NOT_HERE: &str = "http://192.0.2.1/v1";

/// A configuration in which the servers of this machine are elsewhere, but for those that are named.
fn only(servers: &[(&str, &str)]) -> String {
    let all = ["ollama", "llamacpp", "vllm", "lmstudio"];
    let lines = all.map(|name| {
        let base = servers.iter().find(|(known, _)| *known == name).map_or(NOT_HERE, |(_, base)| *base);
        format!("providers.{name}.base_url = \"{base}\"\n")
    });
    format!("# my own\n\n{}", lines.concat())
}

fn started(home: &Home, args: &[&str], variables: &[(&str, &str)]) -> Terminal {
    Terminal::among(home, args, (24, 100), variables)
}

/// Waits until a model is offered. A server that had no time to answer is looked for once more.
fn offers(terminal: &Terminal, model: &str) {
    wait_until(&format!("`{model}` is offered:\n{}", terminal.printed()), || {
        terminal.until("Which? [");
        let is_there = terminal.text().contains(model);
        if !is_there {
            let asked = terminal.printed().matches("Which? [").count();
            terminal.press("r\r");
            terminal.until_printed("Which? [", asked + 1);
        }
        is_there
    });
}

/// A model that speaks chat completions on loopback; it says `Hello from here.`
fn server(home: &Home) -> Standin {
    home.write("server.toml", "after = \"end\"\n[[turn]]\ntext = \"Hello from here.\"\n");
    Standin::start(&["model", "--script", &home.text_path("server.toml")])
}

#[test]
fn a_model_server_of_this_machine_is_picked_written_down_and_spoken_to() {
    let home = Home::new();
    let server = server(&home);
    let own = only(&[("llamacpp", &format!("{}/v1", server.base))]);
    home.configure(&own);
    let terminal = started(&home, &[], &[]);
    offers(&terminal, "1  llamacpp/");
    assert!(!terminal.text().contains("vllm/"), "{}", terminal.text());
    terminal.press(ENTER);
    terminal.until("[y/N]");
    assert!(terminal.text().contains("no cap can hold it"), "{}", terminal.text());
    terminal.press("y\r");
    terminal.until("Agent");
    terminal.say("are you there?");
    terminal.until("Hello from here.");
    terminal.leave();
    let written = home.read(FILE);
    assert!(written.starts_with("# my own\n\nmodel = \"llamacpp/"), "{written}");
    assert!(written.contains("providers.llamacpp.free = true"), "{written}");
    assert_eq!(written.lines().filter(|line| !own.contains(line)).count(), 2, "{written}");
    assert_eq!(std::fs::metadata(home.path(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing is asked of those who are set up, and a free model takes a cap.
    let mut again = Terminal::start(&home, &["--mode", "yolo:5"]);
    again.until("YOLO $5.00 of $5.00");
    again.end();
}

#[test]
fn a_key_in_the_environment_offers_a_model_of_its_service_with_its_price() {
    let home = Home::new();
    home.configure(&only(&[]));
    let mut terminal = started(&home, &[], &[("ANTHROPIC_API_KEY", "sk-hush"), ("HF_TOKEN", "hf-hush")]);
    terminal.until("Which? [1]");
    let page = terminal.text();
    assert!(page.contains("1  anthropic/claude-") && page.contains(" in, $"), "{page}");
    assert!(page.contains("2  huggingface/...") && page.contains("HF_TOKEN") && !page.contains("hush"), "{page}");
    terminal.press(ENTER);
    terminal.until("Agent");
    terminal.end();
    terminal.until("line 3: model = \"anthropic/claude-");
    assert!(home.read(FILE).contains("\nmodel = \"anthropic/claude-") && !home.read(FILE).contains("hush"));
}

#[test]
fn ollama_is_found_where_its_variable_says_and_its_address_is_written_down() {
    let home = Home::new();
    let ollama = Ollama::start();
    home.configure(&only(&[]).replace(&format!("providers.ollama.base_url = \"{NOT_HERE}\"\n"), ""));
    let mut terminal = started(&home, &[], &[("OLLAMA_HOST", &ollama.at)]);
    offers(&terminal, "1  ollama/qwen3:8b");
    terminal.press("1\r");
    terminal.until("[y/N]");
    terminal.press(ENTER);
    terminal.until("Agent");
    terminal.end();
    let written = home.read(FILE);
    assert!(written.ends_with(&format!("\n[providers.ollama]\nbase_url = \"http://{}/v1\"\n", ollama.at)), "{written}");
}

#[test]
fn leaving_in_any_way_writes_nothing() {
    let home = Home::new();
    let own = only(&[]);
    home.configure(&own);
    for (key, code) in [("q\r", Some(0)), (CTRL_D, Some(0)), (CTRL_C, None)] {
        let mut terminal = started(&home, &[], &[("OPENAI_API_KEY", "x")]);
        terminal.until("Which? [1]");
        terminal.press(key);
        assert_eq!(terminal.child.wait().unwrap().code(), code);
        assert_eq!(home.read(FILE), own);
    }
}

#[test]
fn with_nothing_there_it_says_how_to_get_something_and_plays_the_demo() {
    let home = Home::new();
    home.configure(&only(&[]));
    let terminal = started(&home, &[], &[]);
    terminal.until("Which? [d]");
    let page = terminal.text();
    assert!(page.contains("ANTHROPIC_API_KEY") && page.contains("ollama serve"), "{page}");
    terminal.press("r\r");
    terminal.until_printed("Which? [d]", 2);
    terminal.press(ENTER);
    terminal.until("Mend it, push a branch");
}

#[test]
fn without_a_terminal_it_is_an_error_as_before() {
    let home = Home::new();
    let ended = home.remit(&["run", "x"]).env("OPENAI_API_KEY", "x").end();
    ended.assert(2);
    assert!(ended.err.contains("no model was picked") && ended.err.contains("hint"), "{}", ended.err);
    home.remit(&[]).env("OPENAI_API_KEY", "x").end().assert(2);
    assert!(!home.path(FILE).exists());
}

/// What lists models as Ollama does, and nothing more.
struct Ollama {
    at: String,
}

impl Ollama {
    fn start() -> Ollama {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let at = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut asked = [0; 4096];
                let length = stream.read(&mut asked).unwrap_or_default();
                let is_list = asked[..length].starts_with(b"GET /api/tags ");
                let body = r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b","details":{"family":"qwen3"}}]}"#;
                let (status, body) = if is_list { ("200 OK", body) } else { ("404 Not Found", "") };
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        Ollama { at }
    }
}
