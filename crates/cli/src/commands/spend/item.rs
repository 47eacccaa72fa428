//! What was paid for in a session: each hold and each request to the model, as the record tells of them.
//!
//! Not here: adding it up (that is `sums`).

use engine::requests::REQUEST_KIND;
use engine::{Purpose, RequestOutcome, RequestRecord};
use gate::{GateEvent, RECORD_KIND};
use journal::Record;
use ledger::{Book, Entry, Line, Stage};
use std::collections::BTreeMap;
use std::fmt;

/// The tool whose paid calls are jobs.
const JOBS: &str = "hf_jobs";

/// What kind of thing was paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A request to the model for its next message.
    Request,
    /// A request to the model for a summary of the conversation.
    Summary,
    /// A job, or a schedule of jobs.
    Job,
    /// A call of another tool that has a price.
    Tool,
}

impl Kind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Kind; 4] = [Kind::Request, Kind::Summary, Kind::Job, Kind::Tool];

    /// Whether it is a request to the model, which nobody called for.
    pub fn is_request(self) -> bool {
        matches!(self, Kind::Request | Kind::Summary)
    }

    /// The kind in a heading.
    pub fn heading(self) -> &'static str {
        match self {
            Kind::Request => "requests",
            Kind::Summary => "summaries",
            Kind::Job => "jobs",
            Kind::Tool => "other tools",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Request => "request",
            Kind::Summary => "summary",
            Kind::Job => "job",
            Kind::Tool => "tool",
        })
    }
}

/// One hold, or one request that needed none.
#[derive(Clone, Debug)]
pub struct Item {
    /// What kind of thing it is.
    pub kind: Kind,
    /// When it was held; of a request without a hold, when it was over.
    pub at_ms: i64,
    /// When it was booked last.
    pub booked_ms: i64,
    /// The name of the hold.
    pub hold: Option<String>,
    /// What it is, in a line.
    pub summary: String,
    /// The tool, of a call.
    pub tool: Option<String>,
    /// The request, when it is over.
    pub request: Option<RequestRecord>,
    /// The hold, with all that was posted to it.
    pub line: Option<Line>,
}

impl Item {
    /// Where it stands, in a word.
    pub fn state(&self) -> &'static str {
        match self.line.as_ref().map(|line| &line.stage) {
            Some(Stage::Held) => "held",
            Some(Stage::Open(_)) => "open",
            Some(Stage::Settled(_)) => "settled",
            Some(Stage::Released) => "released",
            None => match &self.request {
                Some(request) if request.outcome == RequestOutcome::Refused => "refused",
                Some(request) if request.cost.is_some() => "free",
                Some(_) | None => "unpriced",
            },
        }
    }
}

/// Reads what was paid for, in the order in which it was held. The book is what the record amounts to.
pub fn read(records: &[Record], book: &Book) -> Result<Vec<Item>, serde_json::Error> {
    let mut reader = Reader::default();
    for record in records {
        match record.kind.as_str() {
            RECORD_KIND => reader.gate(record.at_ms, serde_json::from_str(&record.body)?),
            REQUEST_KIND => reader.request(record.at_ms, serde_json::from_str(&record.body)?),
            _talk => {}
        }
    }
    for item in &mut reader.items {
        item.line = item.hold.as_deref().and_then(|hold| book.line(hold)).cloned();
    }
    Ok(reader.items)
}

#[derive(Default)]
struct Reader {
    items: Vec<Item>,
    by_hold: BTreeMap<String, usize>,
}

impl Reader {
    fn gate(&mut self, at_ms: i64, event: GateEvent) {
        match event {
            GateEvent::Decided(decision) if decision.hold.is_some() => {
                let kind = if decision.tool == JOBS { Kind::Job } else { Kind::Tool };
                let (hold, summary) = (decision.call.to_string(), decision.summary);
                self.add(Item { tool: Some(decision.tool), ..held(kind, at_ms, hold, summary) });
            }
            GateEvent::Posted { hold, entry: Entry::Held(..) } => {
                let item = match self.parent(&hold) {
                    Some(parent) => {
                        let summary = format!("started by a schedule: {}", parent.summary);
                        let (kind, tool) = (parent.kind, parent.tool.clone());
                        Item { tool, ..held(kind, at_ms, hold, summary) }
                    }
                    None if hold.starts_with(gate::REQUEST_HOLD) => {
                        held(Kind::Request, at_ms, hold, "a request to the model".to_owned())
                    }
                    None => held(Kind::Job, at_ms, hold, "a job that was found".to_owned()),
                };
                self.add(item);
            }
            GateEvent::Ended { call, entry: Some(_) } => self.booked(call.as_str(), at_ms),
            GateEvent::Posted { hold, .. } => self.booked(&hold, at_ms),
            GateEvent::Opened { .. }
            | GateEvent::ModeSet { .. }
            | GateEvent::Decided(_)
            | GateEvent::Answered { .. }
            | GateEvent::Revoked { .. }
            | GateEvent::Ended { entry: None, .. } => {}
        }
    }

    /// The hold of a schedule whose run this is: a run is named below it.
    fn parent(&self, hold: &str) -> Option<&Item> {
        let (parent, _) = hold.rsplit_once('/')?;
        self.by_hold.get(parent).map(|at| &self.items[*at])
    }

    fn add(&mut self, item: Item) {
        if let Some(hold) = &item.hold {
            self.by_hold.insert(hold.clone(), self.items.len());
        }
        self.items.push(item);
    }

    fn booked(&mut self, hold: &str, at_ms: i64) {
        if let Some(at) = self.by_hold.get(hold) {
            self.items[*at].booked_ms = at_ms;
        }
    }

    fn request(&mut self, at_ms: i64, request: RequestRecord) {
        let (kind, what) = match request.purpose {
            Purpose::Reply => (Kind::Request, "a request to"),
            Purpose::Summary => (Kind::Summary, "a summary by"),
        };
        let summary = format!("{what} {}", request.model);
        let known = request.hold.as_ref().and_then(|hold| self.by_hold.get(hold));
        match known {
            Some(at) => {
                let item = &mut self.items[*at];
                (item.kind, item.summary, item.request) = (kind, summary, Some(request));
            }
            None => {
                let item = held(kind, at_ms, String::new(), summary);
                self.add(Item { hold: None, request: Some(request), ..item });
            }
        }
    }
}

fn held(kind: Kind, at_ms: i64, hold: String, summary: String) -> Item {
    Item { kind, at_ms, booked_ms: at_ms, hold: Some(hold), summary, tool: None, request: None, line: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::ChainHash;
    use serde_json::{Value, json};

    fn record(at_ms: i64, kind: &str, body: &Value) -> Record {
        let hash = ChainHash::from_bytes(&[0; 32]).unwrap();
        let (kind, body) = (kind.to_owned(), body.to_string());
        Record { seq: at_ms.unsigned_abs(), at_ms, kind, body, prev: hash, hash }
    }

    fn posted(at_ms: i64, hold: &str, entry: &str) -> Record {
        record(at_ms, RECORD_KIND, &json!({"event": "posted", "hold": hold, "entry": entry}))
    }

    fn decided(at_ms: i64, call: &str, tool: &str, hold: Option<&str>) -> Record {
        record(
            at_ms,
            RECORD_KIND,
            &json!({
                "event": "decided", "call": call, "tool": tool, "effect": "change", "price": "$1.00",
                "summary": format!("{tool} it"), "digest": "0", "mode": "yolo:5.00", "outcome": "run",
                "decided_by": "mode", "reason": null, "funds": ["0.00", "0.00"], "hold": hold,
            }),
        )
    }

    fn request(at_ms: i64, hold: Option<&str>, purpose: &str, outcome: &str) -> Record {
        let mut body = json!({"model": "a/b", "purpose": purpose, "outcome": outcome});
        if let Some(hold) = hold {
            body["hold"] = json!(hold);
        }
        record(at_ms, REQUEST_KIND, &body)
    }

    /// The items of records, with the book that their entries make.
    fn items(records: &[Record]) -> Vec<Item> {
        let mut book = Book::default();
        for record in records.iter().filter(|record| record.kind == RECORD_KIND) {
            match serde_json::from_str(&record.body).unwrap() {
                GateEvent::Posted { hold, entry } => book.post(&hold, &entry).unwrap(),
                GateEvent::Decided(decision) => {
                    decision.hold.iter().for_each(|entry| book.post(decision.call.as_str(), entry).unwrap());
                }
                other => panic!("{other:?} is not written here"),
            }
        }
        read(records, &book).unwrap()
    }

    fn told(items: &[Item]) -> Vec<String> {
        let line =
            |item: &Item| format!("{} {}-{} {}: {}", item.kind, item.at_ms, item.booked_ms, item.state(), item.summary);
        items.iter().map(line).collect()
    }

    #[test]
    fn a_request_is_known_by_its_hold_and_one_without_by_itself() {
        let records = [
            posted(1, "request-1", "held budget 1.00"),
            posted(2, "request-1", "settled 0.50"),
            request(2, Some("request-1"), "reply", "answered"),
            posted(3, "request-2", "held budget 1.00"),
            posted(4, "request-2", "released"),
            request(4, Some("request-2"), "summary", "refused"),
            request(5, None, "reply", "answered"),
            request(6, None, "reply", "refused"),
            posted(7, "request-5", "held budget 1.00"),
        ];
        assert_eq!(
            told(&items(&records)),
            [
                "request 1-2 settled: a request to a/b",
                "summary 3-4 released: a summary by a/b",
                "request 5-5 unpriced: a request to a/b",
                "request 6-6 refused: a request to a/b",
                "request 7-7 held: a request to the model",
            ]
        );
    }

    #[test]
    fn a_run_of_a_schedule_is_told_as_one() {
        let records = [
            decided(1, "c1", "shell", None),
            decided(2, "c2", "hf_jobs", Some("held budget unbounded")),
            decided(3, "c3", "write", Some("held metered 0.05")),
            posted(4, "c2", "open hf-schedule"),
            posted(5, "c2/job-1", "held budget 0.01"),
            posted(6, "c2/job-1", "settled 0.01"),
            posted(7, "stray", "held budget 0.02"),
        ];
        let items = items(&records);
        assert_eq!(
            told(&items),
            [
                "job 2-4 open: hf_jobs it",
                "tool 3-3 held: write it",
                "job 5-6 settled: started by a schedule: hf_jobs it",
                "job 7-7 held: a job that was found",
            ]
        );
        assert_eq!(items[2].tool.as_deref(), Some("hf_jobs"));
    }
}
