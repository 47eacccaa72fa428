//! Draws what was said and done: one element for each item of a conversation, found again by its name.
//!
//! Not here: a question that is open (that is `question`), or the page around it.

use crate::page::conversation::{CallItem, CallStanding, Conversation, Item, ItemKind};
use crate::page::diff::{change, changed_lines, is_change};
use crate::page::highlight;
use crate::page::markdown::{leads_somewhere, markdown};
use crate::page::question;
use crate::page::text::{key, line, plain, tail};
use maud::{Markup, html};
use wire::{Event, GoingOn, Refused, Spend, Status, Tokens};

/// The most of an output or of arguments that a page of a session has; a page of the call alone has all.
const MOST_SHOWN: usize = 16 * 1024;

/// What stands before words that the person gave the model with a yes.
const WITH_A_YES: &str = "\n\nThe person says: ";

/// How much of a call is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    /// What a page with many has room for.
    Part,
    /// All of it.
    Whole,
}

/// Draws an item.
pub fn item(of: &Conversation, item: &Item) -> Markup {
    let id = &*item.key;
    match &item.kind {
        ItemKind::Prompt(event, said) => prompt(of, id, event, *said),
        ItemKind::Message(event) => html! {
            div.message.model id=(id) {
                @if let Event::Message { text, .. } = &**event { div.md { (markdown(text)) } }
            }
        },
        ItemKind::Thought(text, true) => thought(id, text, html! { "Thinks" }),
        ItemKind::Thought(text, false) => {
            let count = text.split_whitespace().count();
            thought(id, text, html! { "Thought for " (count) " words" })
        }
        ItemKind::Call(call_item) => call(of, id, call_item, Portion::Part),
        ItemKind::Notice(text) => html! { p.notice id=(id) { (plain(text)) } },
        ItemKind::End(event) => end(id, event),
    }
}

fn prompt(of: &Conversation, id: &str, event: &Event, said: usize) -> Markup {
    let Event::Prompt { text } = event else { return Markup::default() };
    html! {
        div.message.person id=(id) {
            div.words { (plain(text)) }
            form.fork method="post" action={ "/s/" (of.about.id) "/fork" } {
                input type="hidden" name="said" value=(said);
                button.quiet title="Go on from here in a new session" { "Fork" span.sr { " from: " (first_words(text)) } }
            }
        }
    }
}

fn first_words(text: &str) -> String {
    line(text).chars().take(60).collect()
}

fn thought(id: &str, text: &str, summary: Markup) -> Markup {
    html! {
        details.thought id=(id) {
            summary { (summary) }
            div.thought-words id={ (id) "-w" } { (plain(text)) }
        }
    }
}

/// Draws a call.
pub fn call(of: &Conversation, id: &str, item: &CallItem, extent: Portion) -> Markup {
    let (word, sign) = state_words(&item.state);
    html! {
        article.call id=(id) data-state=(word) {
            @if item.made.is_some() { (head_and_inside(of, id, item, (word, sign, extent))) }
            @if !item.output.is_empty() {
                pre.output id={ (id) "-o" } tabindex="0" data-follows { (tail(&item.output, crate::page::conversation::MOST_OUTPUT)) }
            }
            @if let Some(asked) = &item.asked { (question::question(of, item, asked)) }
            @else if let Some(Event::Result { text, .. }) = item.ended.as_deref() && is_change(text) { (change(text)) }
        }
    }
}

fn state_words(state: &CallStanding) -> (&'static str, &'static str) {
    match state {
        CallStanding::Made => ("made", "\u{b7}"),
        CallStanding::Asks => ("asks", "?"),
        CallStanding::Runs => ("runs", "\u{25b8}"),
        CallStanding::Done => ("done", "\u{2713}"),
        CallStanding::Failed => ("failed", "\u{2717}"),
        CallStanding::Refused(_) => ("refused", "\u{2298}"),
        CallStanding::Invalid(_) => ("invalid", "\u{2717}"),
    }
}

fn head_and_inside(
    of: &Conversation,
    id: &str,
    item: &CallItem,
    (word, sign, extent): (&str, &str, Portion),
) -> Markup {
    let Some(Event::Call { tool, summary, price, arguments, .. }) = item.made.as_deref() else {
        return Markup::default();
    };
    let summary = if summary.is_empty() { tool } else { summary };
    html! {
        details id={ (id) "-d" } open[extent == Portion::Whole] {
            summary {
                span.sign aria-hidden="true" { (sign) }
                span.sr { (word) ": " }
                span.summary { (line(summary)) }
                @if let Some(price) = price && price != "free" { span.price { (line(price)) } }
                span.after { (after(item)) }
            }
            div.inside {
                h3 { "Arguments" }
                (shown(of, &item.call, arguments, ("json", extent)))
                @if let Some(Event::Result { text, .. }) = item.ended.as_deref() && !is_change(text) {
                    h3 { "Result" }
                    (shown(of, &item.call, text, ("", extent)))
                }
            }
        }
    }
}

/// A text as it is, or its end with a way to all of it.
fn shown(of: &Conversation, call: &str, text: &str, (language, extent): (&str, Portion)) -> Markup {
    let part = if extent == Portion::Whole { text } else { tail(text, MOST_SHOWN) };
    html! {
        @if part.len() < text.len() {
            p.cut {
                "the last " (part.len()) " of " (text.len()) " bytes; "
                a href={ "/s/" (of.about.id) "/call/" (key("", call)) } { "all of it" }
            }
        }
        pre tabindex="0" { code { (highlight::code(&plain(part), language)) } }
    }
}

/// What came of a call, as far as its line has room for it.
fn after(item: &CallItem) -> String {
    match (&item.state, item.ended.as_deref()) {
        (CallStanding::Refused(why), _) => format!("refused: {}", line(why)),
        (CallStanding::Invalid(why), _) => format!("no call: {}", line(why)),
        (CallStanding::Asks, _) => "asks".to_owned(),
        (CallStanding::Runs, _) => "runs".to_owned(),
        (_, Some(Event::Result { text, .. })) if is_change(text) => {
            let (added, removed) = changed_lines(text);
            format!("+{added} \u{2212}{removed}")
        }
        (_, Some(Event::Result { text, .. })) => {
            // What the person said with their yes stands after what came of it.
            let of_call = text.rsplit_once(WITH_A_YES).map_or(&**text, |(of_call, _words)| of_call);
            let last = of_call.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            line(last).chars().take(100).collect()
        }
        _ => String::new(),
    }
}

fn end(id: &str, event: &Event) -> Markup {
    let Event::End { status, reason, refused, going_on, spend, tokens, .. } = event else { return Markup::default() };
    let word = match status {
        Status::Done => "Done",
        Status::Failed => "Failed",
        Status::CapReached => "The cap is reached",
        Status::Unavailable => "The model\u{2019}s service did not answer",
        Status::Interrupted => "Stopped",
    };
    let class = if matches!(status, Status::Done | Status::Interrupted) { "end" } else { "end trouble" };
    html! {
        div class=(class) id=(id) {
            p.receipt { strong { (word) } (receipt(spend, tokens)) }
            @if let Some(reason) = reason { p { (plain(reason)) } }
            @if *status == Status::CapReached { p { "Raise the cap (YOLO, above), then go on." } }
            @if !refused.is_empty() { (refusals(refused)) }
            @if !going_on.is_empty() { (goes_on(going_on)) }
        }
    }
}

/// What a run has cost so far, the states that there are apart.
fn receipt(spend: &Spend, tokens: &Tokens) -> Markup {
    let nothing = |amount: &str| amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sums = [("in YOLO", &spend.budget), ("in Plan and Agent", &spend.metered), ("past the cap", &spend.past_cap)];
    html! {
        @for (name, money) in sums {
            @if !nothing(&money.settled) { " \u{b7} $" (line(&money.settled)) " " (name) }
            @if !nothing(&money.held) { " \u{b7} $" (line(&money.held)) " held " (name) }
            @if !nothing(&money.open) { " \u{b7} $" (line(&money.open)) " open " (name) }
            @if money.unbounded > 0 { " \u{b7} " (money.unbounded) " unbounded " (name) }
        }
        " \u{b7} " (spend.requests) @if spend.requests == 1 { " request" } @else { " requests" }
        @if spend.unpriced > 0 { ", " (spend.unpriced) " without a price" }
        " \u{b7} " (thousands(tokens.input + tokens.output)) " tokens"
    }
}

/// A number with its thousands apart.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn refusals(refused: &[Refused]) -> Markup {
    html! {
        p { "Refused, because nobody could be asked:" }
        ul { @for one in refused { li { code { (line(&one.summary)) } " (" (line(&one.price)) "): " (line(&one.reason)) } } }
    }
}

fn goes_on(going_on: &[GoingOn]) -> Markup {
    html! {
        p { "Goes on without the session, and is paid for:" }
        ul {
            @for one in going_on {
                li {
                    (line(&one.reference)) " ("
                    @match &one.held { Some(held) => { "$" (line(held)) " held" }, None => { "no bound" } }
                    ")"
                    @if let Some(page) = one.page.as_deref().filter(|page| leads_somewhere(page)) {
                        ", look and end it at " a rel="noreferrer noopener" target="_blank" href=(page) { (line(page)) }
                    }
                }
            }
        }
    }
}
