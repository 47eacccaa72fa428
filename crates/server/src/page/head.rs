//! The mode on the page: the one control that says at any time what the agent may do, and changes it.
//!
//! Not here: what a mode does. The cells of the contract come from who asks it, and the chip is the session's own text.

use crate::page::conversation::{Activity, Conversation};
use crate::page::text::{line, plain};
use maud::{Markup, html};
use wire::Spend;

/// What a mode says to each column of the contract, as the contract was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractRow {
    /// The mode as a person reads it: `YOLO $5.00`.
    pub name: String,
    /// The mode's kind: `plan`, `agent`, `yolo` or `uncapped`.
    pub kind: String,
    /// What it says, column by column.
    pub cells: Vec<ContractCell>,
}

/// One cell of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractCell {
    /// The column: `reads`, `reaches`, `confined`, `changes`, `costs money`.
    pub column: String,
    /// The answer in a word: `runs`, `asks`, `refused`, or `fits` where it runs while it fits in the cap.
    pub verdict: String,
    /// The answer in full.
    pub words: String,
}

/// The kind of a mode by its chip, for its colour and for which segment is pressed; nothing is decided by it.
pub fn kind(of: &Conversation) -> &'static str {
    match of.chip.as_str() {
        chip if chip.starts_with("Plan") => "plan",
        chip if chip.starts_with("Agent") => "agent",
        chip if chip.starts_with("YOLO $") => "yolo",
        _ => "uncapped",
    }
}

/// The segmented control, whose pressed segment is the chip.
pub fn mode_control(of: &Conversation) -> Markup {
    let kind = kind(of);
    let is_yolo = matches!(kind, "yolo" | "uncapped");
    let chip = line(&of.chip);
    let words = |mode: &str, name: &str| if kind == mode { chip.clone() } else { name.to_owned() };
    html! {
        div #mode.mode data-mode=(kind) {
            form method="post" action={ "/s/" (of.about.id) "/mode" } data-send {
                div.segments role="group" aria-label="Mode: what the agent may do" {
                button #mode-plan name="mode" value="plan" aria-pressed=(kind == "plan") { (words("plan", "Plan")) }
                button #mode-agent name="mode" value="agent" aria-pressed=(kind == "agent") { (words("agent", "Agent")) }
                a #mode-yolo.yolo href={ "/s/" (of.about.id) "/yolo" } aria-haspopup="dialog" aria-current=(is_yolo)
                    data-dialog="yolo-form" {
                    span { @if is_yolo { (chip) } @else { "YOLO" } }
                    @if let Some(share) = share_spent(&chip) { (meter(share)) }
                }
                }
            }
        }
    }
}

/// The thin meter below what is left: how much of the cap is gone.
fn meter(permille: i128) -> Markup {
    html! {
        svg.meter viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.meter-all width="1000" height="10" {}
            rect.meter-gone width=(permille) height="10" {}
        }
    }
}

/// How much of the cap is spent or held, in thousandths, as the chip tells it: `YOLO $3.20 of $5.00`.
fn share_spent(chip: &str) -> Option<i128> {
    let (left, rest) = chip.strip_prefix("YOLO $")?.split_once(" of $")?;
    let cap = rest.split(' ').next()?;
    let (left, cap) = (picos(left)?, picos(cap)?);
    if cap == 0 { Some(1_000) } else { Some(((cap - left) * 1_000 / cap).clamp(0, 1_000)) }
}

/// An amount in pico-dollars, from its text.
pub fn picos(amount: &str) -> Option<i128> {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || part.len() > 12 || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    Some(whole.parse::<i128>().ok()? * 1_000_000_000_000 + format!("{part:0<12}").parse::<i128>().ok()?)
}

/// What the agent may do now, column by column.
pub fn may(of: &Conversation, contract: &[ContractRow]) -> Markup {
    let kind = kind(of);
    html! {
        div #may.may data-mode=(kind) {
            @if let Some(row) = contract.iter().find(|row| row.kind == kind) {
                ul aria-label={ "What the agent may do in " (line(&of.chip)) } {
                    @for cell in &row.cells {
                        li data-verdict=(cell.verdict) title=(cell.words) {
                            (cell.column) " "
                            span.verdict { @if cell.verdict == "fits" { "runs within the cap" } @else { (cell.verdict) } }
                        }
                    }
                }
            }
            a href="/contract" data-dialog="contract" { "the contract" }
        }
    }
}

/// What the session does, with what stops it or lets it go on.
pub fn doing(of: &Conversation) -> Markup {
    let asks = of.asked().count() > 0;
    html! {
        div #doing data-doing=(doing_word(of)) {
            @match &of.doing {
                Activity::Works(at) => {
                    p role="status" { span.pulse aria-hidden="true" {} @if asks { "waits for your answer" } @else { (line(at)) } }
                    form method="post" action={ "/s/" (of.about.id) "/stop" } data-send { button.stop { "Stop" } }
                }
                Activity::Stopped => form method="post" action={ "/s/" (of.about.id) "/go-on" } data-send {
                    button { "Go on" }
                },
                Activity::Waits => {}
            }
        }
    }
}

/// What a session does in a word: `works`, `asks` or `waits`.
pub fn doing_word(of: &Conversation) -> &'static str {
    match (&of.doing, of.asked().next()) {
        (_, Some(_)) => "asks",
        (Activity::Works(_), None) => "works",
        (Activity::Waits | Activity::Stopped, None) => "waits",
    }
}

/// The title, which can be changed where it stands, and the model.
pub fn about(of: &Conversation) -> Markup {
    let title = match line(&of.about.title) {
        title if title.is_empty() => "New session".to_owned(),
        title => title,
    };
    html! {
        div #about.about {
            h1 { (title) }
            details.rename {
                summary title="Rename" { "Rename" }
                form method="post" action={ "/s/" (of.about.id) "/rename" } data-send {
                    label { span.sr { "Title" } input name="title" value=(plain(&of.about.title)) maxlength="200" required; }
                    button { "Save" }
                }
            }
            p.where { span title="Model" { (line(&of.about.model)) } " \u{b7} " span title="Folder" { (line(&of.about.workspace)) } }
        }
    }
}

/// The form that turns YOLO on, or gives it another cap. It is a page of its own, and with a script a dialog.
pub fn yolo_form(of: &Conversation, spend: Option<&Spend>, default_cap: &str) -> Markup {
    let is_on = matches!(kind(of), "yolo" | "uncapped");
    let cap = of.mode.strip_prefix("yolo:").filter(|cap| *cap != "uncapped").unwrap_or(default_cap);
    html! {
        section #yolo-form.yolo-form aria-labelledby="yolo-title" {
            h2 #yolo-title { @if is_on { "YOLO: another cap" } @else { "Turn on YOLO?" } }
            p { "In YOLO the agent reads, reaches out, changes and runs by itself, without a question. It spends by itself while that provably fits in what is left of the cap; what does not fit, it asks about." }
            @if is_on { p.now { "Now: " strong { (line(&of.chip)) } } }
            form method="post" action={ "/s/" (of.about.id) "/mode" } data-send data-cap {
                label.cap {
                    span { "Cap in US dollars" }
                    input #cap name="cap" value=(cap) inputmode="decimal" autocomplete="off" aria-describedby="cap-hint cap-wrong" autofocus;
                }
                p #cap-hint.hint { "0 is a cap: nothing that costs runs by itself. Empty is no cap at all, and is not taken." }
                p #cap-wrong.wrong role="alert" {}
                (so_far(spend))
                (covered())
                div.buttons {
                    button.yolo-on name="mode" value="yolo" { "YOLO with this cap" }
                    a.button.no href={ "/s/" (of.about.id) } data-close { "Leave it" }
                }
                details.uncapped {
                    summary { "No cap at all" }
                    p { "Without a cap, nothing bounds what is spent, and nothing is asked." }
                    button.uncapped name="mode" value="yolo:uncapped" formnovalidate { "YOLO uncapped: spend without a limit" }
                }
            }
        }
    }
}

fn so_far(spend: Option<&Spend>) -> Markup {
    let Some(spend) = spend else { return Markup::default() };
    let money = &spend.budget;
    html! {
        dl.so-far {
            div { dt { "Spent in YOLO so far" } dd { "$" (line(&money.settled)) } }
            div { dt { "Held" } dd { "$" (line(&money.held)) } }
            div { dt { "Open" } dd { "$" (line(&money.open)) } }
            @if money.unbounded > 0 { div { dt { "Unbounded" } dd { (money.unbounded) } } }
        }
        p.hint { "What was spent stays spent: it counts against a new cap too. What was spent in Plan and Agent ($" (line(&spend.metered.settled)) ") does not." }
    }
}

/// What counts against the cap, and what it cannot see.
fn covered() -> Markup {
    html! {
        details.covered {
            summary { "What the cap covers, and what it cannot see" }
            p { "The cap covers what Remit itself spends: requests to the model, paid tools, and tools that you priced. Each is held at its most before it starts." }
            p { "A program that the agent runs can spend by itself, with credentials that it finds: it gets none of Remit\u{2019}s, but a file with a token that your account can read stays readable. A shell in YOLO is the power of your account. Prohibitions are a guard rail, not a wall; the wall is the operating system." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_to_the_last_digit_and_nothing_else_is() {
        assert_eq!(picos("1.20"), Some(1_200_000_000_000));
        assert_eq!(picos("0.000000000001"), Some(1));
        for bad in ["", ".", "-1", "1e3", "1.0000000000001", "NaN", "9999999999999999"] {
            assert_eq!(picos(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_meter_says_what_is_gone() {
        assert_eq!(share_spent("YOLO $3.20 of $5.00 + 1 unbounded"), Some(360));
        assert_eq!(share_spent("YOLO $0.00 of $0.00"), Some(1_000));
        assert_eq!(share_spent("YOLO uncapped"), None);
        assert_eq!(share_spent("YOLO $9.00 of $5.00"), Some(0));
        assert_eq!(share_spent("Agent"), None);
    }
}
