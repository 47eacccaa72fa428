//! What the session answers to a command: how it stands, or what was looked at, as a page or a list.
//!
//! Not here: asking for it (that is `order`).

use super::{App, Errand, ListKind, ListRow, Listing, Over, Page};
use crate::picker::{PickKind, Picker};
use std::fmt::Write as _;
use wire::{ContextPart, ControlReply, ControlRequest, ServerLine};

/// How many bytes of text are taken for a token where nobody has counted.
const BYTES_A_TOKEN: usize = 4;
/// How many columns the bar of a share has.
const BAR: usize = 12;

impl App {
    pub(super) fn replied(&mut self, reply: ControlReply) -> Vec<Errand> {
        match reply {
            // The mode it names is not taken: a reply comes by another way than what the session says, and may be late.
            ControlReply::Status { .. } => {
                let again = self.aside.look_again.take();
                return again.map(|at| Errand::Send(ControlRequest::Look { at })).into_iter().collect();
            }
            ControlReply::Refused { why } => {
                self.aside.look_again = None;
                self.trouble(why);
            }
            ControlReply::Answers { grants } => {
                let row = |grant: String| ListRow { id: grant.clone(), label: grant, note: String::new() };
                let rows = grants.into_iter().map(row).collect();
                self.list((PickKind::Answers, "Your answers for this session"), rows, "no answer of yours lasts");
            }
            ControlReply::Servers { servers } => {
                let rows = servers.into_iter().flat_map(server_rows).collect();
                self.list((PickKind::Servers, "MCP servers"), rows, "no MCP server is configured");
            }
            ControlReply::Prohibitions { rules } if rules.is_empty() => {
                self.notice("nothing is prohibited; the configuration can name what is to be refused in every mode");
            }
            ControlReply::Prohibitions { rules } => {
                let text = rules.join("\n");
                self.read(Page { title: "What you prohibited, in every mode".to_owned(), text, past: 0 });
            }
            ControlReply::Changes { text } => {
                self.read(Page { title: "What differs from the last commit".to_owned(), text, past: 0 });
            }
            ControlReply::Context { counted, limit, parts } => {
                let text = context_text(counted, limit, &parts);
                self.read(Page { title: "What fills the model's context".to_owned(), text, past: 0 });
            }
        }
        Vec::new()
    }

    /// Shows what was listed outside.
    pub(super) fn listed(&mut self, listing: Listing) {
        let search = std::mem::take(&mut self.aside.search);
        let none = match listing.kind {
            ListKind::Sessions => "there is no session yet",
            ListKind::Models => "no model can be asked: none is configured",
        };
        let kind = PickKind::Listed(listing.kind);
        let is_open = matches!(&self.over, Some(Over::Picker(picker)) if picker.kind == kind);
        // What comes after a change to the list is for the list, and nobody opens it again who has closed it.
        let follows = std::mem::take(&mut self.aside.list_changed);
        match &mut self.over {
            Some(Over::Picker(picker)) if is_open && !listing.rows.is_empty() => picker.refresh(listing.rows),
            _ if follows && !is_open => {}
            _ if listing.rows.is_empty() => {
                self.over = None;
                self.notice(none);
            }
            _ => {
                let picker = Picker::new(kind, listing.title, listing.rows);
                self.over = Some(Over::Picker(picker.searched(&search)));
            }
        }
    }

    /// Opens a list, or takes its rows into the one that is open; a list of nothing is a line.
    fn list(&mut self, (kind, title): (PickKind, &str), rows: Vec<ListRow>, none: &str) {
        match &mut self.over {
            Some(Over::Picker(picker)) if picker.kind == kind && !rows.is_empty() => picker.refresh(rows),
            Some(Over::Picker(picker)) if picker.kind == kind => {
                self.over = None;
                self.notice(none);
            }
            _ if rows.is_empty() => self.notice(none),
            _ => self.over = Some(Over::Picker(Picker::new(kind, title.to_owned(), rows))),
        }
    }
}

/// A server, and below it its tools with what they do to the world.
fn server_rows(server: ServerLine) -> Vec<ListRow> {
    let ServerLine { name, state, tools } = server;
    let count = match tools.len() {
        1 => "1 tool".to_owned(),
        count => format!("{count} tools"),
    };
    let head = ListRow { id: name.clone(), label: name.clone(), note: format!("{state}, {count}") };
    let tool = |tool: wire::ServerTool| ListRow {
        id: name.clone(),
        label: format!("  {name}: {}", tool.name),
        note: tool.effect,
    };
    std::iter::once(head).chain(tools.into_iter().map(tool)).collect()
}

/// The parts with their share of all, then what is counted. Tokens by part are an estimate, and are said to be one.
fn context_text(counted: Option<u64>, limit: Option<u64>, parts: &[ContextPart]) -> String {
    let bytes = |part: &ContextPart| part.bytes;
    let all: usize = parts.iter().map(bytes).fold(0, usize::saturating_add);
    let widest = parts.iter().map(|part| part.name.chars().count()).max().unwrap_or(0).clamp(5, 40);
    let mut text = format!("{:<widest$}  {:>6}  {:>11}  {:<18}  {:>9}\n", "part", "count", "bytes", "share", "~tokens");
    let mut line = |name: &str, count: &str, bytes: usize| {
        let share = bytes.saturating_mul(100) / all.max(1);
        let filled = (bytes.saturating_mul(BAR) / all.max(1)).min(BAR);
        let bar = format!("{}{}", "█".repeat(filled), "·".repeat(BAR - filled));
        let tokens = format!("~{}", grouped(bytes / BYTES_A_TOKEN));
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{name:<widest$}  {count:>6}  {:>11}  {bar} {share:>3} %  {tokens:>9}", grouped(bytes));
    };
    for part in parts {
        line(&part.name, &part.count.to_string(), part.bytes);
    }
    line("all", "", all);
    let _ = writeln!(text, "\nThe tokens by part are an estimate, {BYTES_A_TOKEN} bytes to one.");
    let counted = counted.map_or_else(
        || "The model's service has counted nothing yet.".to_owned(),
        |tokens| format!("The model's service counted {} tokens of input last.", grouped(tokens)),
    );
    let limit = limit.map_or_else(
        || "From how many on the older part is summed up is not known for this model.".to_owned(),
        |tokens| format!("From {} on the older part is summed up; /compact does it now.", grouped(tokens)),
    );
    let _ = writeln!(text, "{counted}\n{limit}");
    text
}

/// A number with its thousands apart.
fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!([grouped(0_u64), grouped(999_u64), grouped(1_000_u64)], ["0", "999", "1,000"]);
        assert_eq!(grouped(12_345_678_u64), "12,345,678");
    }

    #[test]
    fn the_context_says_what_is_counted_and_what_is_guessed() {
        let part = |name: &str, bytes| ContextPart { name: name.to_owned(), count: 2, bytes };
        let text = context_text(Some(2_500), None, &[part("instructions", 3_000), part("tools", 9_000)]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("3,000  ███·") && lines[1].ends_with("25 %       ~750"), "{text}");
        assert!(lines[3].starts_with("all") && lines[3].contains("100 %"), "{text}");
        for words in ["an estimate", "counted 2,500 tokens", "is not known"] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert!(context_text(None, Some(1), &[]).contains("nothing yet"), "no part at all divides by nothing");
    }
}
