//! The contract's table, found out by asking the contract: each cell is what the gate says to a call of that column.
//!
//! Not here: any cell. What this file spells out are the lines around the table, which hold in every mode.

use crate::commands::explain::judgement::{Answer, Judgement, judge_action, price_word};
use gate::State;
use money::Usd;
use policy::{Action, Attendance, Effect, Mode, ModeChoice, Price, Prohibition, Subject};
use serde_json::{Value, json};

/// How wide a line may be.
const WIDTH: usize = 80;

/// The modes of the whole table; `yolo` alone takes the person's default cap.
const MODES: [&str; 4] = ["plan", "agent", "yolo", "yolo:uncapped"];

/// What the columns are, in words.
const LEGEND: &str = "\
reads        what you put in front of the agent: its folder, your MCP servers
reaches      looks beyond that, at an address the model chose
confined     a program that the kernel holds to reading
changes      everything else: writes, runs, sends, publishes, deletes
costs money  a call with a price, whatever it does: a job, a tool you priced
";

/// What holds in every mode.
const ALWAYS: &str = "\
In every mode:
- a question to you is delivered, never gated; what you do yourself is not gated
- what you prohibited is refused, never asked
- where nobody can answer, as in `remit run`, what asks is refused
- the model's own requests run and are metered; under a cap each has to fit
- a price fits if spent + held + price <= cap; one that is unknown, or has no
  bound, never fits
";

/// What the cap covers, and what it cannot see.
const BLIND: &str = "\
The cap covers what Remit itself pays for: calls with a price, and requests to
the model, each held at its most before it is sent. A program that the agent
runs can spend by itself, with credentials that it finds.
";

/// The modes of the whole table.
pub fn modes(default_cap: Usd) -> Vec<Mode> {
    let choice = |text: &&str| text.parse::<ModeChoice>().expect("each of them is a mode");
    MODES.iter().map(choice).map(|choice| choice.resolve(None, default_cap)).collect()
}

/// One mode with its cells.
#[derive(Clone, Debug)]
pub struct Row {
    mode: Mode,
    cells: Vec<Cell>,
}

/// What a mode says to the calls of one column.
#[derive(Clone, Debug)]
struct Cell {
    column: &'static str,
    asked: Vec<Asked>,
}

/// One question to the contract, with its answers.
#[derive(Clone, Debug)]
struct Asked {
    /// What sets it apart from the others of its column.
    label: String,
    price: Price,
    attended: Judgement,
    unattended: Answer,
}

impl Row {
    /// Asks the contract about every column, in a new session with nothing prohibited.
    pub fn of(mode: Mode) -> Row {
        let free = || vec![(String::new(), Price::Free)];
        let columns = [
            ("reads", Effect::Read, free()),
            ("reaches", Effect::Reach, free()),
            ("confined", Effect::Confined, free()),
            ("changes", Effect::Change, free()),
            ("costs money", Effect::Change, prices(mode)),
        ];
        let cells = columns.into_iter().map(|(column, effect, prices)| {
            let asked = prices.into_iter().map(|(label, price)| ask(mode, effect, label, price)).collect();
            Cell { column, asked }
        });
        Row { mode, cells: cells.collect() }
    }

    fn name(&self) -> String {
        match self.mode.limit() {
            Some(cap) => format!("YOLO ${cap}"),
            None => self.mode.chip(&policy::Funds::default()),
        }
    }
}

/// One price of each kind: the most that fits and the least that does not, where there is a cap.
fn prices(mode: Mode) -> Vec<(String, Price)> {
    let dollar = Usd::from_micros(1_000_000).unwrap_or(Usd::MAX);
    let least = Usd::from_picos(1).unwrap_or(Usd::MAX);
    let known = mode.limit().unwrap_or(dollar);
    let mut prices = vec![(format!("up to ${known}"), Price::AtMost(known))];
    if let Some(over) = mode.limit().and_then(|cap| cap.checked_add(least)) {
        prices.push((format!("over ${known}"), Price::AtMost(over)));
    }
    prices.push(("unknown price".to_owned(), Price::Unknown("there is no price for it".to_owned())));
    prices.push(("no bound".to_owned(), Price::Unbounded("it has no end".to_owned())));
    prices
}

fn ask(mode: Mode, effect: Effect, label: String, price: Price) -> Asked {
    let action = Action {
        tool: "any".to_owned(),
        effect,
        price: price.clone(),
        summary: "any call of this column".to_owned(),
        subject: Subject::Other,
        shown: String::new(),
    };
    let judged = |attendance| judge_action(&State::open(mode, attendance, Vec::new()), &action);
    let (attended, unattended) = (judged(Attendance::Attended), judged(Attendance::Unattended).answer);
    Asked { label, price, attended, unattended }
}

/// An answer as the table says it.
fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Run => "runs",
        Answer::Ask => "asks",
        Answer::Refuse => "refused",
        Answer::Deliver => "delivered",
        Answer::Invalid => "an error",
    }
}

impl Cell {
    /// The cell in as few words as are true.
    fn says(&self) -> String {
        let answers: Vec<Answer> = self.asked.iter().map(|asked| asked.attended.answer).collect();
        match answers.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => word(*first).to_owned(),
            [first, second, rest @ ..] if rest.iter().all(|other| other == second) => {
                format!("{} if it fits, else {}", word(*first), word(*second))
            }
            _ => {
                let parts = self.asked.iter().map(|asked| format!("{}: {}", asked.label, word(asked.attended.answer)));
                parts.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Each answer that differs from the one before it, with its reason.
    fn in_words(&self) -> String {
        let same = self.asked.iter().all(|asked| asked.attended.answer == self.asked[0].attended.answer);
        let shown = if same { &self.asked[..1] } else { &self.asked[..] };
        let lines = shown.iter().enumerate().map(|(at, asked)| {
            let column = if at == 0 { self.column } else { "" };
            let head = format!("  {column:<13}{:<9}", word(asked.attended.answer));
            let label = if same { String::new() } else { format!("{}: ", asked.label) };
            wrapped(&head, &format!("{label}{}", asked.attended.reason))
        });
        lines.collect()
    }
}

/// A text after a head, continued below itself where the line would be too long.
fn wrapped(head: &str, text: &str) -> String {
    let indent = head.chars().count();
    let (mut out, mut column) = (head.to_owned(), indent);
    for word in text.split_whitespace() {
        let wide = word.chars().count();
        if column > indent && column + 1 + wide > WIDTH {
            out.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > indent {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += wide;
    }
    out.push('\n');
    out
}

/// The table, as a person reads it.
pub fn as_text(rows: &[Row], prohibitions: &[Prohibition]) -> String {
    let first = rows.iter().map(|row| row.name().chars().count()).max().unwrap_or_default() + 2;
    let mut text = format!("The mode alone says what happens to every tool call.\n\n{:first$}", "");
    let widths: Vec<usize> = (0..rows.first().map_or(0, |row| row.cells.len()))
        .map(|at| {
            rows.iter().flat_map(|row| [row.cells[at].says().len(), row.cells[at].column.len()]).max().unwrap_or(0) + 2
        })
        .collect();
    let line = |cells: Vec<String>| {
        let cells = cells.into_iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    if let Some(row) = rows.first() {
        text.push_str(&line(row.cells.iter().map(|cell| cell.column.to_owned()).collect()));
    }
    for row in rows {
        text.push_str(&format!("{:<first$}", row.name()));
        text.push_str(&line(row.cells.iter().map(Cell::says).collect()));
    }
    format!("{text}\n{LEGEND}\n{ALWAYS}\n{}\n{BLIND}", prohibited(prohibitions))
}

/// One mode, cell by cell, with the reasons.
pub fn in_words(row: &Row, prohibitions: &[Prohibition]) -> String {
    let cells: String = row.cells.iter().map(Cell::in_words).collect();
    let blind = if row.mode.limit().is_some() { format!("\n{BLIND}") } else { String::new() };
    format!("{}\n{cells}\n{ALWAYS}\n{}{blind}", row.name(), prohibited(prohibitions))
}

fn prohibited(prohibitions: &[Prohibition]) -> String {
    if prohibitions.is_empty() {
        return "You have prohibited nothing.\n".to_owned();
    }
    let lines: String = prohibitions.iter().map(|rule| format!("  {rule}\n")).collect();
    format!("You have prohibited:\n{lines}")
}

/// The table for programs.
pub fn as_json(rows: &[Row], prohibitions: &[Prohibition]) -> Value {
    let answer = |asked: &Asked| {
        json!({
            "price": price_word(&asked.price),
            "verdict": asked.attended.answer.to_string(),
            "unattended": asked.unattended.to_string(),
            "decided_by": asked.attended.decided.as_ref().map(|decided| decided.by.to_string()),
            "reason": asked.attended.reason,
        })
    };
    let column = |cell: &Cell| {
        let answers: Vec<Value> = cell.asked.iter().map(answer).collect();
        json!({ "column": cell.column, "says": cell.says(), "answers": answers })
    };
    let mode = |row: &Row| {
        let columns: Vec<Value> = row.cells.iter().map(column).collect();
        json!({ "mode": row.mode.to_string(), "name": row.name(), "columns": columns })
    };
    json!({
        "modes": rows.iter().map(mode).collect::<Vec<_>>(),
        "prohibitions": prohibitions.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cap: &str) -> Vec<Row> {
        modes(cap.parse().unwrap()).into_iter().map(Row::of).collect()
    }

    /// The promise, as the contract's page has it.
    #[test]
    fn the_table_is_the_contracts() {
        let says: Vec<Vec<String>> = rows("5").iter().map(|row| row.cells.iter().map(Cell::says).collect()).collect();
        assert_eq!(
            says,
            [
                ["runs", "asks", "refused", "refused", "refused"],
                ["runs", "asks", "runs", "asks", "asks"],
                ["runs", "runs", "runs", "runs", "runs if it fits, else asks"],
                ["runs", "runs", "runs", "runs", "runs"],
            ]
        );
    }

    #[test]
    fn where_nobody_can_answer_what_asks_is_refused_and_nothing_else_changes() {
        for asked in rows("5").iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.asked) {
            let expected = if asked.attended.answer == Answer::Ask { Answer::Refuse } else { asked.attended.answer };
            assert_eq!(asked.unattended, expected, "{asked:?}");
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let rules = ["shell: git push --force".parse().unwrap()];
        for cap in ["5", "0", "12.345678"] {
            let rows = rows(cap);
            let texts = rows.iter().map(|row| in_words(row, &rules)).chain([as_text(&rows, &rules)]);
            for line in texts.collect::<String>().lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn the_largest_cap_has_no_price_beyond_it() {
        let row = Row::of(format!("yolo:{}", Usd::MAX).parse().unwrap());
        assert_eq!(row.cells[4].asked.len(), 3);
        assert_eq!(row.cells[4].says(), "runs if it fits, else asks");
    }

    #[test]
    fn a_mode_in_words_gives_the_reason_of_each_answer() {
        let text = in_words(&rows("5")[2], &[]);
        assert!(text.contains("over $5.00: it costs more than is left of the cap"), "{text}");
        assert!(text.contains("requests to\nthe model, each held at its most"), "{text}");
        assert!(text.contains("You have prohibited nothing"));
        let plan = in_words(&rows("5")[0], &[]);
        assert!(plan.contains("refused  Plan executes and changes nothing"), "{plan}");
        assert!(!plan.contains("The cap"));
    }

    #[test]
    fn programs_get_the_same_answers() {
        let found = as_json(&rows("5"), &["fetch: example.org".parse().unwrap()]);
        assert_eq!(found["modes"][2]["mode"], "yolo:5.00");
        assert_eq!(found["modes"][2]["columns"][4]["answers"][1]["verdict"], "ask");
        assert_eq!(found["modes"][2]["columns"][4]["answers"][1]["unattended"], "refuse");
        assert_eq!(found["prohibitions"][0], "fetch: example.org");
    }
}
