//! `remit token`: who may use the server, from the command line.
//!
//! Not here: what a token opens (that is tested in `server`).

use crate::support::{Ended, Home, Running, Script};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

fn tokens(home: &Home) -> Vec<Value> {
    let listed = home.remit(&["token", "list", "--json"]).end();
    listed.assert(0);
    listed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn added(home: &Home, words: &[&str]) -> (String, Ended) {
    let ended = home.remit(&[&["token", "add"], words].concat()).end();
    ended.assert(0);
    (ended.out.trim().to_owned(), ended)
}

#[test]
fn a_token_is_shown_once_and_kept_by_its_digest() {
    let home = Home::new();
    assert!(tokens(&home).is_empty());
    let (token, ended) = added(&home, &["alice", "--scope", "read,drive", "--expires", "30d"]);
    assert!(token.starts_with("remit_") && token.len() == 70, "{token}");
    assert!(ended.err.contains("alice  read,drive") && !ended.err.contains(&token), "{}", ended.err);
    let file = home.path("data/remit/people.json");
    assert!(!fs::read_to_string(&file).unwrap().contains(&token[6..]));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = &tokens(&home)[0];
    assert_eq!(listed["name"], "alice");
    assert_eq!(listed["ends_with"], token[66..]);
    assert_eq!(listed["expires_ms"].as_i64().unwrap() - listed["made_ms"].as_i64().unwrap(), 30 * 86_400_000);
    let id = listed["id"].as_str().unwrap().to_owned();
    let shown = home.remit(&["token", "list"]).end();
    assert!(shown.out.starts_with(&format!("{id}  ..")) && !shown.out.contains(&token), "{}", shown.out);
    let as_json = home.remit(&["token", "add", "bob", "--json"]).end();
    let object: Value = serde_json::from_str(&as_json.out).unwrap();
    assert!(object["token"].as_str().unwrap().starts_with("remit_") && object["expires_ms"].is_null(), "{object}");
    home.remit(&["token", "revoke", &id]).end().assert(0);
    assert_eq!(tokens(&home).iter().map(|one| one["name"].clone()).collect::<Vec<_>>(), ["bob"]);
}

#[test]
fn what_is_no_token_is_told_in_a_sentence() {
    let home = Home::new();
    for (words, says) in [
        (&["token", "add", "Alice"][..], "a name is 1 to 64 of"),
        (&["token", "add", "alice", "--scope", "write"], "one or more of `read`, `drive` and `answer`"),
        (&["token", "add", "alice", "--expires", "soon"], "no time"),
        (&["token", "revoke", "nosuch"], "there is no token `nosuch`"),
    ] {
        let ended = home.remit(words).end();
        ended.assert(2);
        assert!(ended.err.contains(says), "{words:?}: {}", ended.err);
    }
    assert!(tokens(&home).is_empty());
}

#[test]
fn many_tokens_made_at_once_are_all_there() {
    let home = Home::new();
    let running: Vec<_> = (0..8).map(|at| home.remit(&["token", "add", &format!("n{at}")]).go()).collect();
    running.into_iter().for_each(|one| one.end().assert(0));
    assert_eq!(tokens(&home).len(), 8);
}

#[test]
fn an_agent_makes_and_ends_no_token() {
    let home = Home::new();
    let (_, _) = added(&home, &["alice"]);
    let id = tokens(&home)[0]["id"].as_str().unwrap().to_owned();
    let remit = crate::support::REMIT;
    let tries = format!(
        "H=\"HOME=$HOME XDG_DATA_HOME=$XDG_DATA_HOME XDG_CONFIG_HOME=$XDG_CONFIG_HOME\"; \
         for how in '' \"env -i $H\" 'setsid -w'; do \
         $how {remit} token add mine; $how {remit} token revoke {id}; done > ../tried 2>&1"
    );
    home.run(&home.script(Script::new().shell(&tries).say("Done.")), &["--mode", "yolo:4"]).end().assert(0);
    let tried = home.read("tried");
    assert_eq!(tried.matches("only a person may").count(), 6, "{tried}");
    assert!(!tried.contains("remit_"), "{tried}");
    assert_eq!(tokens(&home).len(), 1);
}

/// A server that runs, and where.
fn serving(home: &Home) -> (Running, String, String) {
    let mut server = home.remit(&["serve", "--listen", "127.0.0.1:0"]).go();
    let at = server.line().unwrap().trim().rsplit(' ').next().unwrap().to_owned();
    let link = server.line().unwrap().trim().rsplit(' ').next().unwrap().to_owned();
    let address = at.strip_prefix("http://").unwrap().to_owned();
    (server, address, link.strip_prefix(&at).unwrap().to_owned())
}

/// Asks over HTTP; gives the whole answer.
fn http(address: &str, head: &str, headers: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        socket,
        "{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    said
}

fn listed(address: &str, token: &str) -> String {
    let said = http(address, "GET /v1/sessions", &format!("authorization: Bearer {token}\r\n"), "");
    said.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_server_that_runs_hears_of_tokens_and_links_and_not_of_its_file() {
    let home = Home::new();
    let (old, _) = added(&home, &["alice"]);
    let (server, address, _) = serving(&home);
    assert_eq!(listed(&address, &old), "200");
    let (new, _) = added(&home, &["bob", "--scope", "read"]);
    assert_eq!(listed(&address, &new), "200");
    let id = tokens(&home).iter().find(|one| one["name"] == "alice").unwrap()["id"].as_str().unwrap().to_owned();
    home.remit(&["token", "revoke", &id]).end().assert(0);
    assert_eq!(listed(&address, &old), "401");
    let gone = home.remit(&["token", "revoke", &id]).end();
    gone.assert(2);
    assert!(gone.err.contains("there is no token"), "{}", gone.err);
    // The file alone says nothing to it.
    let file = home.path("data/remit/people.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"read\"", "\"read\", \"drive\", \"answer\"")).unwrap();
    let mode = format!("authorization: Bearer {new}\r\n");
    let refused = http(&address, "PUT /v1/sessions/aaaaaaaaaa/mode", &mode, "{\"mode\":\"plan\"}");
    assert!(refused.contains("scope_missing"), "{refused}");
    let link = home.remit(&["serve", "--url"]).end();
    link.assert(0);
    let way = link.out.trim().strip_prefix(&format!("http://{address}")).unwrap().to_owned();
    let signed_in = http(&address, &format!("GET {way}"), "", "");
    assert!(signed_in.starts_with("HTTP/1.1 200") && signed_in.contains("set-cookie: remit="), "{signed_in}");
    let second = home.remit(&["serve", "--listen", "127.0.0.1:0"]).end();
    second.assert(1);
    assert!(second.err.contains("in use by another program"), "{}", second.err);
    server.signal(Signal::TERM);
    server.end().assert(0);
    let none = home.remit(&["serve", "--url"]).end();
    none.assert(2);
    assert!(none.err.contains("no server runs"), "{}", none.err);
    assert!(!home.path("data/remit/run/server.sock").exists());
}

/// Tries what only a person may do, with a token and a link that were found somewhere.
const THIEF: &str = r#"
import http.client, json, os, socket, sys
address, token, way, sock = sys.argv[1:]
def ask(method, path, body=None, **headers):
    c = http.client.HTTPConnection(address)
    c.request(method, path, body and json.dumps(body), {"Content-Type": "application/json", **headers})
    r = c.getresponse()
    return f"{r.status} {r.read().decode()}"
bearer = {"Authorization": f"Bearer {token}"}
print("sessions", ask("GET", "/v1/sessions", **bearer).split()[0])
print("mode", ask("PUT", "/v1/sessions/aaaaaaaaaa/mode", {"mode": "yolo:uncapped"}, **bearer))
print("yolo", ask("PATCH", "/v1/sessions/aaaaaaaaaa/yolo", {"enabled": True, "cost_cap_usd": None}, **bearer))
print("link", ask("GET", way))
s = socket.socket(socket.AF_UNIX)
s.connect(sock)
try:
    s.sendall(b'{"command":"link"}\n')
except BrokenPipeError:
    pass
print("socket", s.makefile().readline().strip())
"#;

#[test]
fn what_an_agents_shell_finds_opens_nothing_that_is_a_persons() {
    let home = Home::new();
    let (token, _) = added(&home, &["alice"]);
    let (server, address, way) = serving(&home);
    home.write("thief.py", THIEF);
    let sock = home.text_path("data/remit/run/server.sock");
    let words = format!("{address} {token} '{way}' {sock}");
    let tries = format!(
        "python3 ../thief.py {words} > ../tried 2>&1; setsid -w env -i python3 ../thief.py {words} >> ../tried 2>&1"
    );
    home.run(&home.script(Script::new().shell(&tries).say("Done.")), &["--mode", "yolo:4"]).end().assert(0);
    let tried = home.read("tried");
    assert_eq!(tried.lines().count(), 10, "{tried}");
    for line in tried.lines() {
        let refused = line.contains("from_the_agent") || line.contains("only a person may");
        assert!(refused || line == "sessions 200", "{line}");
    }
    // The same token and link are the person's.
    let bearer = format!("authorization: Bearer {token}\r\n");
    let own = http(&address, "PUT /v1/sessions/aaaaaaaaaa/mode", &bearer, "{\"mode\":\"plan\"}");
    assert!(own.starts_with("HTTP/1.1 404"), "{own}");
    assert!(http(&address, &format!("GET {way}"), "", "").starts_with("HTTP/1.1 200"));
    drop(server);
}

#[test]
fn a_server_goes_beyond_this_machine_only_with_tls() {
    let home = Home::new();
    for (words, says) in [
        (&["--listen", "0.0.0.0:0"][..], "--behind-proxy"),
        (&["--tls-cert", "x"], "--tls-key"),
        (&["--tls-cert", "/no/such", "--tls-key", "/no/such"], "/no/such"),
        (&["--host-name", "https://x"], "no host's name"),
    ] {
        let ended = home.remit(&[&["serve"], words].concat()).end();
        ended.assert(2);
        assert!(ended.err.contains(says), "{words:?}: {}", ended.err);
    }
    home.configure("[serve.oidc]\nissuer = \"http://id.example.org\"\nclient_id = \"x\"\n");
    let ended = home.remit(&["serve"]).end();
    ended.assert(2);
    assert!(ended.err.contains("`http://id.example.org` is no address of a provider"), "{}", ended.err);
}
