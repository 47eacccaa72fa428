//! An open question in words: the price first when it is paid, then what is asked, the exact bytes, why, and the answers.
//!
//! Not here: what a line answers (that is `state`), or what an answer comes to (the session decides).

use crate::draw::clean;
use tui::text::reveal;
use wire::Event;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The call.
    pub call: String,
    /// Its number in what was printed, from 1.
    pub number: usize,
    /// The call in a line.
    pub summary: String,
    /// For permission, or of the model's own.
    pub kind: AskedKind,
    /// From when on a line answers it: it was printed, and it is the oldest; in milliseconds.
    pub asked_ms: Option<u64>,
}

/// What kind of question it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedKind {
    /// For permission; what a yes for the session covers, empty when there is no such yes.
    Permission(Vec<String>),
    /// Of the model's own, or of a server's.
    Words,
}

/// Reads a question, and puts it into words; `None` when it is another event.
pub fn read(event: &Event, number: usize) -> Option<(Asked, String)> {
    let Event::Question { call, summary, shown, effect, price, why, offered, raise_to, chip } = event else {
        return None;
    };
    let (kind, text) = match (effect, why) {
        (Some(effect), Some(why)) => {
            let kind = AskedKind::Permission(offered.clone());
            let price = price.as_deref().unwrap_or("free");
            let mut text = format!("\nquestion {number}\n");
            if price != "free" {
                text.push_str(&format!("costs {}  ({})\n", one_line(price), one_line(chip)));
            }
            text.push_str(&format!(
                "Allow? {}\n{}; it asks because {}\n",
                one_line(summary),
                one_line(effect),
                one_line(why)
            ));
            text.push_str(&format!("exactly this:\n{}{}", indented(shown), answers(offered, raise_to.as_deref())));
            (kind, text)
        }
        _ => {
            let text =
                format!("\nquestion {number}: the model asks you\n{}the next line is your answer", indented(shown));
            (AskedKind::Words, text)
        }
    };
    Some((Asked { call: call.clone(), number, summary: one_line(summary), kind, asked_ms: None }, text))
}

/// What can be answered, for somebody who cannot see any buttons.
fn answers(offered: &[String], raise_to: Option<&str>) -> String {
    let session = match offered {
        [] => String::new(),
        grants => format!("s: yes, for this session ({}). ", one_line(&grants.join(", "))),
    };
    let raise =
        raise_to.map_or(String::new(), |cap| format!("\n/mode yolo {}: raise the cap, and it runs.", one_line(cap)));
    format!("y: yes, once. {session}n: no. n WORDS: no, and why. e: edit the arguments.{raise}")
}

fn one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}

/// Text as it is, but that what would steer the terminal is shown as itself.
fn indented(text: &str) -> String {
    reveal(text).lines().map(|line| format!("    {line}\n")).collect()
}
