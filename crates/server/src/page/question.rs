//! Draws an open question: for permission, of the model's own, or of a server's.
//!
//! Not here: what an answer comes to (the session decides). No button is drawn that cannot work.

use crate::page::conversation::{CallItem, Conversation};
use crate::page::diff::{change, is_change};
use crate::page::form::{AskedFields, FIELD, Field, FieldNeeds, Takes};
use crate::page::highlight;
use crate::page::markdown::leads_somewhere;
use crate::page::text::{is_open, key, line, plain, reveal};
use maud::{Markup, html};
use wire::Event;

/// What is asked.
struct Asked<'a> {
    call: &'a str,
    /// The name of its element.
    id: String,
    summary: &'a str,
    shown: &'a str,
    arguments: Option<&'a str>,
    session: &'a str,
}

/// Draws an open question.
pub fn question(of: &Conversation, item: &CallItem, asked: &Event) -> Markup {
    let Event::Question { call, summary, shown, effect, why, .. } = asked else { return Markup::default() };
    let arguments = match item.made.as_deref() {
        Some(Event::Call { arguments, .. }) => Some(arguments.as_str()),
        _ => None,
    };
    let session = &of.about.id;
    let here = Asked { call, id: key("q-", call), summary, shown, arguments, session };
    match (effect, why) {
        (Some(effect), Some(why)) => here.permission(asked, effect, why),
        _ if summary.starts_with("MCP server ") => match (AskedFields::of(shown), address(shown)) {
            (Some(form), _) => here.form(&form),
            (None, Some(address)) => here.visit(address),
            (None, None) => here.words(),
        },
        _ => here.words(),
    }
}

/// The address of a page, in the last line of what a server shows.
fn address(shown: &str) -> Option<&str> {
    shown.lines().next_back().filter(|last| leads_somewhere(last) && !last.starts_with("mailto:"))
}

/// The exact bytes, coloured where every one of them shows itself.
fn exact(text: &str, language: &str) -> Markup {
    html! {
        pre.exact tabindex="0" {
            code { @if is_open(text) { (highlight::code(text, language)) } @else { (reveal(text)) } }
        }
    }
}

impl Asked<'_> {
    fn permission(&self, asked: &Event, effect: &str, why: &str) -> Markup {
        let Event::Question { price, offered, raise_to, chip, .. } = asked else { return Markup::default() };
        let price = price.as_deref().unwrap_or("free");
        let paid = if price == "free" { "ask" } else { "ask paid" };
        html! {
            div class=(paid) id=(self.id) role="group" tabindex="-1" aria-labelledby={ (self.id) "-t" } data-asks="permission" {
                h3 id={ (self.id) "-t" } { span.tag { "Allow?" } " " (line(self.summary)) }
                dl.facts {
                    div { dt { "Effect" } dd { (line(effect)) } }
                    div.cost { dt { "Price" } dd { (line(price)) } }
                    @match chip.strip_prefix("YOLO ").filter(|left| left.starts_with('$')) {
                        Some(left) => div { dt { "Left" } dd { (line(left)) } },
                        None => div { dt { "Mode" } dd { (line(chip)) } },
                    }
                    div.why { dt { "Asks because" } dd { (line(why)) } }
                }
                (self.approved())
                (self.answers(offered, raise_to.as_deref()))
                (self.editor())
            }
        }
    }

    /// What a yes approves: what can be read well first, then the exact bytes, where they are others.
    fn approved(&self) -> Markup {
        if is_change(self.shown) {
            return change(self.shown);
        }
        if !self.shown.trim_start().starts_with('{') {
            return exact(self.shown, "");
        }
        html! {
            @for (name, value, language) in scripts(self.shown) {
                p.label { (line(&name)) }
                (exact(&value, language))
            }
            p.label { "exact arguments" }
            (exact(self.shown, "json"))
        }
    }

    fn answers(&self, offered: &[String], raise_to: Option<&str>) -> Markup {
        let over = raise_to.is_some();
        html! {
            form.answers id={ (self.id) "-a" } method="post" action={ "/s/" (self.session) "/answer" } data-send {
                input type="hidden" name="call" value=(self.call);
                div.buttons {
                    button.yes name="answer" value="once" data-key="y" {
                        @if over { "Yes, once, past the cap" } @else { "Yes, once" }
                    }
                    @if !offered.is_empty() {
                        button.session name="answer" value="session" data-key="s" {
                            "Yes, for this session: "
                            @for (at, one) in offered.iter().enumerate() { @if at > 0 { ", " } code { (line(one)) } }
                        }
                    }
                    button.no name="answer" value="no" data-key="n" { "No" }
                }
            }
            @if let Some(cap) = raise_to { (self.raise(cap)) }
            label.with-words {
                span { "Words for the model, with any answer" }
                textarea name="words" rows="1" form={ (self.id) "-a" } {}
            }
        }
    }

    fn raise(&self, cap: &str) -> Markup {
        let cap = cap.trim_start_matches("yolo:").trim_start_matches('$');
        html! {
            form.raise method="post" action={ "/s/" (self.session) "/mode" } data-send {
                button name="mode" value={ "yolo:" (cap) } { "Raise the cap to $" (line(cap)) " and allow" }
                span.hint { "what else is asked is judged again under it" }
            }
        }
    }

    fn editor(&self) -> Markup {
        let Some(arguments) = self.arguments else { return Markup::default() };
        html! {
            details.editor id={ (self.id) "-e" } {
                summary { "Edit the arguments, then allow" }
                form method="post" action={ "/s/" (self.session) "/answer" } data-send {
                    input type="hidden" name="call" value=(self.call);
                    label {
                        span { "Arguments, as JSON; what you write here is what runs and what the record shows" }
                        textarea name="edited" rows="8" spellcheck="false" { "\n" (spelled(arguments)) }
                    }
                    button.yes name="answer" value="once" { "Allow what I edited" }
                }
            }
        }
    }

    /// A question of the model's own.
    fn words(&self) -> Markup {
        let who =
            if self.summary.starts_with("MCP server ") { line(self.summary) } else { "The model asks".to_owned() };
        html! {
            div.ask.own id=(self.id) role="group" tabindex="-1" aria-labelledby={ (self.id) "-t" } data-asks="words" {
                h3 id={ (self.id) "-t" } { (who) " you" }
                div.asked { (reveal(self.shown)) }
                form method="post" action={ "/s/" (self.session) "/respond" } data-send {
                    input type="hidden" name="call" value=(self.call);
                    label { span { "Your answer" } textarea name="text" rows="2" required {} }
                    div.buttons { button.yes { "Answer" } }
                }
            }
        }
    }

    fn form(&self, form: &AskedFields) -> Markup {
        html! {
            div.ask.own id=(self.id) role="group" tabindex="-1" aria-labelledby={ (self.id) "-t" } data-asks="form" {
                h3 id={ (self.id) "-t" } { (line(self.summary)) " you; this is no permission" }
                div.asked { (reveal(&form.message)) }
                form.fields method="post" action={ "/s/" (self.session) "/respond" } data-send {
                    input type="hidden" name="call" value=(self.call);
                    @for (at, field) in form.fields.iter().enumerate() { (self.field(at, field)) }
                    div.buttons {
                        button.yes { "Send" }
                        button.no name="text" value="declined" formnovalidate { "Decline" }
                    }
                }
            }
        }
    }

    fn field(&self, at: usize, field: &Field) -> Markup {
        let name = format!("{FIELD}{}", field.name);
        let about = format!("{}-f{at}", self.id);
        let required = field.need == FieldNeeds::Required;
        let label = html! { span { (line(&field.title)) @if !required { " (may be left out)" } } };
        let one_of = |choices: &[(String, String)]| {
            html! {
                label { (label) select name=(name) aria-describedby=(about) required[required] {
                    option value="" { "" }
                    @for (value, title) in choices { option value=(value) selected[*value == field.start] { (line(title)) } }
                } }
            }
        };
        html! {
            div.field {
                @match &field.takes {
                    Takes::YesOrNo => label.check {
                        input type="checkbox" name=(name) value="true" aria-describedby=(about) checked[field.start == "true"];
                        span { (line(&field.title)) }
                    },
                    Takes::OneOf(choices) => (one_of(choices)),
                    Takes::AnyOf(choices) => fieldset {
                        legend { (line(&field.title)) }
                        @for (value, title) in choices {
                            label.check { input type="checkbox" name=(name) value=(value); span { (line(title)) } }
                        }
                    },
                    Takes::Whole => label { (label) input type="number" step="1" name=(name) value=(field.start) aria-describedby=(about) required[required]; },
                    Takes::Number => label { (label) input type="number" step="any" name=(name) value=(field.start) aria-describedby=(about) required[required]; },
                    Takes::Text => label { (label) input type="text" name=(name) value=(field.start) aria-describedby=(about) required[required]; },
                }
                @if !field.about.is_empty() || !matches!(field.takes, Takes::AnyOf(_)) { p.hint id=(about) { (plain(&field.about)) } }
            }
        }
    }

    /// A page that a server wants the person to visit.
    fn visit(&self, address: &str) -> Markup {
        let message = self.shown.strip_suffix(address).unwrap_or(self.shown).trim_end();
        html! {
            div.ask.own id=(self.id) role="group" tabindex="-1" aria-labelledby={ (self.id) "-t" } data-asks="visit" {
                h3 id={ (self.id) "-t" } { (line(self.summary)) " you; this is no permission" }
                div.asked { (reveal(message)) }
                p { a rel="noreferrer noopener" target="_blank" href=(address) { (reveal(address)) } }
                form method="post" action={ "/s/" (self.session) "/respond" } data-send {
                    input type="hidden" name="call" value=(self.call);
                    div.buttons {
                        button.yes name="text" value="{}" { "I have been there" }
                        button.no name="text" value="declined" { "Decline" }
                    }
                }
            }
        }
    }
}

/// Arguments to be edited, with each letter that does not show itself spelled as JSON does it: the same arguments, seen.
fn spelled(arguments: &str) -> String {
    let mut out = String::with_capacity(arguments.len());
    for letter in arguments.chars() {
        if letter.is_ascii() || is_open(letter.encode_utf8(&mut [0; 4])) {
            out.push(letter);
        } else {
            letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// What of some arguments is a text of lines, with its name and the language that it may be in.
fn scripts(arguments: &str) -> Vec<(String, String, &'static str)> {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(arguments) else { return Vec::new() };
    let texts = object.into_iter().filter_map(|(name, value)| match value {
        serde_json::Value::String(text) if text.contains('\n') => {
            let language = match (name.as_str(), text.starts_with("#!") && text.contains("python")) {
                (_, true) => "python",
                ("command", _) => "bash",
                ("script", _) => "python",
                _ => "",
            };
            Some((name, text, language))
        }
        _ => None,
    });
    texts.collect()
}

/// What is asked all in all, with one answer for all where there is more than one question for permission.
pub fn together(of: &Conversation) -> Markup {
    let asked: Vec<&CallItem> = of.asked().collect();
    let calls: Vec<&str> = of.questions().map(|call| call.call.as_str()).collect();
    html! {
        div #together {
            @if let Some(first) = asked.first() {
                div.together-bar {
                    a.jump href={ "#" (key("q-", &first.call)) } data-jump {
                        (asked.len()) @if asked.len() == 1 { " question waits for you" } @else { " questions wait for you" }
                    }
                    @if calls.len() > 1 {
                        form method="post" action={ "/s/" (of.about.id) "/answer" } data-send {
                            @for call in &calls { input type="hidden" name="call" value=(call); }
                            button name="answer" value="once" { "Allow all " (calls.len()) " once" }
                            button name="answer" value="no" { "Refuse all " (calls.len()) }
                        }
                    }
                }
            }
        }
    }
}
