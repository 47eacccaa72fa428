//! The whole demo, played by a person in the terminal: in Agent, answering each card; with Tab pressed while a question is
//! open; and in Plan.
//!
//! Not here: the demo that plays by itself (that is `demo`), or a terminal's single keys (that is `terminal`).

use crate::pty::{ENTER, ESCAPE, TAB, Terminal};
use crate::support::{Home, wait_until};
use serde_json::Value;

const BRANCH: &str = "fix/lost-examples";

/// A demo by hand, in a folder that stays.
struct Demo {
    home: Home,
    terminal: Terminal,
}

impl Demo {
    /// Opens it, and begins it by sending the words that it offers.
    fn begun(mode: &str) -> Demo {
        let home = Home::new();
        let world = home.text_path("world");
        let arguments = ["demo", "--terminal", "--mode", mode, "--keep", &world];
        let terminal = Terminal::of_size(&home, &arguments, (40, 120));
        terminal.until("The tests fail. Mend it");
        terminal.press(ENTER);
        terminal.until("I look at the project before I touch it.");
        Demo { home, terminal }
    }

    /// The commit that the remote has under this name; empty when it has none.
    fn pushed(&self, branch: &str) -> String {
        let remote = self.home.text_path("world/remote.git");
        let asked = std::process::Command::new("git")
            .args(["--git-dir", &remote, "rev-parse", "--verify", "--quiet", branch])
            .output()
            .unwrap();
        String::from_utf8(asked.stdout).unwrap().trim().to_owned()
    }

    fn kept(&self, file: &str) -> Value {
        serde_json::from_str(&self.home.read(&format!("world/{file}"))).unwrap_or(Value::Null)
    }

    /// How many pull requests, jobs and schedules the stand-ins keep.
    fn made(&self) -> [usize; 3] {
        let (forge, jobs) = (self.kept("forge.json"), self.kept("jobs.json"));
        let count = |value: &Value| value.as_array().map_or_else(|| value.as_object().map_or(0, |all| all.len()), Vec::len);
        [count(&forge["pull_requests"]), count(&jobs["jobs"]), count(&jobs["schedules"])]
    }
}

#[test]
fn in_agent_a_person_answers_each_card_and_each_answer_has_its_effect() {
    let demo = Demo::begun("agent");
    let terminal = &demo.terminal;
    terminal.answer("y", "shell: sh test.sh");
    terminal.until("Allow? edit shards.sh");
    // The card shows the difference that a yes makes.
    assert!(terminal.text().contains("-le \"$over\""), "{}", terminal.text());
    assert!(demo.home.read("world/work/shards.sh").contains("-lt \"$over\""), "it is asked about first");
    terminal.answer("y", "edit shards.sh");
    terminal.answer("y", "shell: sh test.sh");
    assert!(demo.home.read("world/work/shards.sh").contains("-le \"$over\""));
    terminal.answer("y", "shell: git switch");
    terminal.until("Allow? shell: git push");
    assert_eq!(demo.pushed(BRANCH), "");
    terminal.answer("y", "shell: git push");
    terminal.until("create_pull_request");
    assert_ne!(demo.pushed(BRANCH), "");
    eprintln!("{}", terminal.text());
    eprintln!("{:?}", demo.made());
    panic!();
}
