//! Who may speak: what the agent's own shell tries, in every way that a shell can start a program, and what a person may.
//!
//! Not here: how a person is told from a child (that is `host::authority`).

use crate::support::{Ended, Home, Listening, REMIT, Script, files_below, tell, wait_until};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// What an agent would like to do, one command a line; `$REMIT`, `$ID` and `$MODEL` are set.
const WISHES: &[&str] = &[
    "$REMIT mode $ID yolo:uncapped",
    "$REMIT run more --mode yolo:uncapped --model $MODEL",
    "$REMIT run more --continue --cap uncapped",
    "$REMIT resume $ID --mode yolo:uncapped",
    "$REMIT resume $ID",
    "$REMIT mcp add evil -- touch evil",
    "$REMIT mcp remove good",
    "$REMIT init --force",
    "$REMIT sessions rename $ID mine",
    "$REMIT sessions delete $ID",
];

/// How it may start them: plainly; without the environment; in a session of its own; under another name; as a copy of the
/// program; and as an orphan that its parent left behind, in a session of its own and without the environment.
const WAYS: &str = r#"
HOMES="HOME=$HOME XDG_CONFIG_HOME=$XDG_CONFIG_HOME XDG_DATA_HOME=$XDG_DATA_HOME PATH=$PATH"
report() { printf '%s|%s|%s|%s\n' "$1" "$2" "$3" "$(head -n 1 ../said)" >> ../tried; }
cp "$REMIT" ../bin/innocent
mkfifo ../go ../status
while read -r WISH; do
  WORDS=$(eval echo "$WISH")
  $WORDS > ../said 2>&1; report plain "$WISH" $?
  env -i $HOMES $WORDS > ../said 2>&1; report env-i "$WISH" $?
  setsid -w $WORDS > ../said 2>&1; report setsid "$WISH" $?
  (exec -a vim $WORDS) > ../said 2>&1; report renamed "$WISH" $?
  ../bin/innocent ${WORDS#* } > ../said 2>&1; report copied "$WISH" $?
  (setsid env -i $HOMES sh -c '(read x < ../go; "$@" > ../said 2>&1; echo $? > ../status) &' sh $WORDS)
  echo go > ../go
  read -r STATUS < ../status; report orphaned "$WISH" "$STATUS"
done < ../wishes
"#;

/// Speaks to the socket without the program, as a child and as an orphan.
const AT_THE_SOCKET: &str = r#"
import os, socket, sys
def ask(line):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    try:
        s.sendall(line.encode() + b"\n")
    except BrokenPipeError:
        pass
    return s.makefile().readline().strip()
lines = ['{"command":"set_mode","mode":"yolo:uncapped"}', '{"command":"stop"}', '{"command":"status"}', '{"command":"watch"}', 'rubbish']
for line in lines:
    print(ask(line))
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while os.getppid() != int(sys.argv[2]):
            os.sched_yield()
        os.write(write, ask(lines[0]).encode())
    os._exit(0)
os.wait()
os.close(write)
print(os.fdopen(read).read())
"#;

fn attacked(home: &Home, script: Script) -> Ended {
    home.configure("[mcp.good]\ncommand = [\"/no/such/server\"]\n");
    home.run(&home.script(script), &["--mode", "yolo:4"]).end()
}

#[test]
fn no_command_that_takes_authority_works_from_the_agents_shell() {
    let home = Home::new();
    let model = home.script(Script::new().say("I was started."));
    let find = format!("ID=$('{REMIT}' sessions --json | sed -n 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/p')");
    home.write("wishes", &format!("{}\n", WISHES.join("\n")));
    home.write("ways.sh", &format!("REMIT='{REMIT}'; MODEL='{model}'\n{find}\n{WAYS}"));
    let script = Script::new()
        .call("shell", json!({"command": "bash ../ways.sh", "timeout_s": 600}))
        .call("shell", json!({"command": format!("{find}; '{REMIT}' mode $ID")}))
        .say("Done.");
    let ended = attacked(&home, script);
    ended.assert(0);
    let tried = home.read("tried");
    assert_eq!(tried.lines().count(), WISHES.len() * 6, "{tried}\n{}", ended.out);
    for line in tried.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        assert!(fields[2] == "2" && fields[3].contains("only a person may"), "{line}");
    }
    // Nothing was begun, nothing was changed, and not even the way it stands is told.
    assert_eq!(home.sessions().len(), 1);
    assert_eq!(home.read("config/remit/config.toml"), "[mcp.good]\ncommand = [\"/no/such/server\"]\n");
    let id = ended.id();
    assert_eq!(home.show(&id)["mode"], "yolo:4.00");
    assert!(ended.events_of("mode").is_empty());
    home.verify(&id);
    // The same words work for the person.
    home.remit(&["mode", &id, "yolo:uncapped"]).end().assert(0);
    assert_eq!(home.show(&id)["mode"], "yolo:uncapped");
}

#[test]
fn the_socket_hears_no_child_of_a_run() {
    let home = Home::new();
    home.write("ask.py", AT_THE_SOCKET);
    let script = Script::new()
        .shell("ls -ln ../data/remit/run; python3 ../ask.py ../data/remit/run/*.sock $PPID | tee ../heard")
        .say("Done.");
    let ended = attacked(&home, script);
    ended.assert(0);
    let heard = home.read("heard");
    assert_eq!(heard.lines().count(), 6, "{heard}\n{}", ended.out);
    for line in heard.lines() {
        assert!(line.contains("\"reply\":\"refused\"") && line.contains("only a person may"), "{line}");
    }
    let listed = ended.event("result")["text"].to_string();
    assert!(listed.contains("srw-------"), "{listed}");
    assert_eq!(ended.event("end")["spend"]["cap"], "4.00");
    assert_eq!(home.show(&ended.id())["mode"], "yolo:4.00");
}

#[test]
fn a_command_sees_no_key_and_no_word_that_is_meant_for_remit() {
    let home = Home::new();
    home.configure("[providers.mine]\nbase_url = \"http://127.0.0.1:1\"\nkey_env = \"MY_MODEL_PASS\"\n[hf.secrets.A]\nenv = \"A_JOBS_SECRET\"\n");
    let model = home.script(Script::new().shell("env; cat /proc/self/environ").say("Done."));
    let mut start = home.run(&model, &["--mode", "yolo:4"]).env("PLAIN", "is-there");
    let secret = [
        "MY_MODEL_PASS",
        "A_JOBS_SECRET",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "HF_TOKEN",
        "REMIT_ANYTHING",
        "SAME_AGAIN",
    ];
    for name in secret {
        start = start.env(name, "canary-6f1c");
    }
    let ended = start.end();
    ended.assert(0);
    let seen = ended.event("result")["text"].as_str().unwrap().to_owned();
    assert!(seen.contains("PLAIN=is-there"), "{seen}");
    assert!(!seen.contains("canary-6f1c"), "{seen}");
    let remits: BTreeSet<&str> = seen
        .split(['\n', '\0'])
        .filter(|line| line.starts_with("REMIT_"))
        .map(|line| line.split('=').next().unwrap())
        .collect();
    // It says which run a program belongs to, so that all of it can be ended; it opens nothing.
    assert_eq!(remits, BTreeSet::from(["REMIT_RUN"]), "{seen}");
}

#[test]
fn a_command_cannot_look_into_the_run_that_started_it() {
    let home = Home::new();
    let looks = "for part in environ mem maps fd/0 cwd; do head -c 1 /proc/$PPID/$part > /dev/null 2>&1 && echo \"$part is open\"; done; \
                 tr '\\0' '\\n' < /proc/$PPID/environ; cat /proc/$PPID/comm; echo looked";
    let model = home.script(Script::new().shell(looks).say("Done."));
    let mut words = vec![REMIT.to_owned()];
    if rustix::process::geteuid().is_root() {
        // Root may look into everything, so the run is an ordinary account's.
        fs::copy(REMIT, home.path("bin/remit")).unwrap();
        let top = home.path("");
        fs::set_permissions(&top, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(&top).status().unwrap().success());
        let setpriv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
        words = setpriv.map(str::to_owned).into();
        words.push(home.text_path("bin/remit"));
    }
    words.extend(["run", "look", "--json", "--mode", "yolo:4", "--model", &model].map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = home.start(&words).env("OPENAI_API_KEY", "canary-6f1c").end();
    ended.assert(0);
    let seen = ended.event("result")["text"].as_str().unwrap().to_owned();
    assert!(seen.contains("remit-run") && seen.contains("looked"), "{seen}");
    assert!(!seen.contains("is open") && !seen.contains("canary-6f1c"), "{seen}");
}

#[test]
fn a_folder_of_sessions_is_its_owners_alone() {
    let home = Home::new();
    home.run(&home.script(Script::new().shell("echo hi").say("Done.")), &["--mode", "yolo:4"]).end().assert(0);
    let mode = |inside: &str| fs::metadata(home.path(inside)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data/remit"), 0o700);
    assert_eq!(mode("data/remit/sessions.db"), 0o600);
    assert_eq!(mode("data/remit/run"), 0o700);
}

#[test]
fn a_daemon_of_the_agents_does_not_outlive_the_run_to_speak_for_the_person() {
    let home = Home::new();
    let up = home.pipe("up");
    let daemon = "setsid env -i sh -c 'exec 9> ../up; echo up >&9; trap \"\" TERM HUP INT; while :; do sleep 1000; done' > /dev/null 2>&1 & cat ../started";
    let started = home.pipe("started");
    let model = home.script(Script::new().shell(daemon).say("Done."));
    let running = home.run(&model, &["--mode", "yolo:4"]).go();
    let alive = Listening::to(&up);
    alive.line();
    tell(&started, "it has\n");
    running.end().assert(0);
    alive.until_deserted();
}

#[test]
fn an_agent_that_knocks_without_end_does_not_keep_the_person_out() {
    let home = Home::new();
    let (up, gate) = (home.pipe("up"), home.pipe("gate"));
    home.write(
        "knock.py",
        "import glob, resource, socket\nmost = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\nresource.setrlimit(resource.RLIMIT_NOFILE, (most, most))\nheld = []\nfor _ in range(500):\n    s = socket.socket(socket.AF_UNIX)\n    \
         s.connect(glob.glob('../data/remit/run/*.sock')[0])\n    held.append(s)\nopen('../up', 'w').write('up\\n')\n\
         open('../gate').read()\n",
    );
    let script =
        Script::new().shell("python3 ../knock.py").call("write", json!({"path": "a.txt", "content": "x"})).say("Done.");
    let line = format!("ulimit -S -n 100; exec '{REMIT}' run x --json --mode yolo --model '{}'", home.script(script));
    // The limit is the run's; what the agent starts may lift its own as far as the system lets it.
    let mut running = home.start(&["bash", "-c", &line]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    Listening::to(&up).line();
    home.remit(&["mode", &id, "plan"]).end().assert(0);
    tell(&gate, "go on\n");
    let ended = running.end();
    ended.assert(0);
    assert_eq!(ended.events_of("decision")[1]["outcome"], "refuse");
    assert!(!home.path("work/a.txt").exists());
}

/// Takes the place of the session's socket, under the name of a run, and agrees to everything.
const IMPOSTOR: &str = r#"
import glob, json, os, socket
path = glob.glob("../data/remit/run/*.sock")[0]
os.remove(path)
open("../up", "w").write("removed\n")
open("../gate").read()
open("/proc/self/comm", "w").write("remit-run")
s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen(8)
open("../up", "w").write("in place\n")
c, _ = s.accept()
money = {"quoted": "0.00", "held": "0.00", "open": "0.00", "settled": "0.00", "overrun": "0.00", "unbounded": 0}
spend = {"cap": None, "left": None, "budget": money, "metered": money, "past_cap": money}
reply = {"reply": "status", "mode": "plan", "chip": "Plan", "spend": spend}
c.sendall(json.dumps(reply).encode() + b"\n")
"#;

#[test]
fn an_agent_that_takes_the_sockets_place_deceives_nobody() {
    let home = Home::new();
    let (up, gate) = (home.pipe("up"), home.pipe("gate"));
    home.write("impostor.py", IMPOSTOR);
    let script = Script::new().shell("python3 ../impostor.py").say("Done.");
    let mut running = home.run(&home.script(script), &["--mode", "yolo:4"]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    assert_eq!(Listening::to(&up).line(), "removed");
    let unheard = home.remit(&["mode", &id, "plan"]).end();
    unheard.assert(2);
    assert!(unheard.err.contains("is open in another program"), "{}", unheard.err);
    tell(&gate, "go on\n");
    assert_eq!(Listening::to(&up).line(), "in place");
    let deceived = home.remit(&["mode", &id, "plan"]).end();
    deceived.assert(1);
    assert!(deceived.err.contains("is not the program that has the session"), "{}{}", deceived.out, deceived.err);
    let ended = running.end();
    assert_eq!(ended.event("end")["spend"]["cap"], "4.00");
}

#[test]
fn a_command_that_ends_its_own_run_is_still_known_for_its_child() {
    let home = Home::new();
    let orphan = r#"kill -9 "$0"; while kill -0 "$0" 2>/dev/null; do sleep 0.1; done
        "$1" mcp add evil -- touch evil > ../said 2>&1; echo $? > ../status.new; mv ../status.new ../status"#;
    let homes = "HOME=$HOME XDG_CONFIG_HOME=$XDG_CONFIG_HOME XDG_DATA_HOME=$XDG_DATA_HOME PATH=$PATH";
    let line = format!("setsid env -i {homes} sh -c '{orphan}' $PPID '{REMIT}' & wait");
    let ended = attacked(&home, Script::new().shell(&line).say("Still here."));
    assert!(!ended.out.contains("Still here."), "the run was to be ended: {}", ended.out);
    wait_until("the orphan has tried", || home.path("status").exists());
    assert_eq!(home.read("status").trim(), "1", "{}", home.read("said"));
    assert!(home.read("said").contains("the mark of a run that has ended"), "{}", home.read("said"));
    let configuration = files_below(&home.path("."));
    let evil = configuration.iter().filter(|(path, _)| path.ends_with("config.toml"));
    assert!(evil.into_iter().all(|(_, text)| !String::from_utf8_lossy(text).contains("evil")));
}
