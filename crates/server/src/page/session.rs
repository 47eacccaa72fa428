//! The page of a session: what it is, its mode, what was said and done, what is asked, and where a person writes.
//!
//! Not here: how any of these is drawn, or how the page learns what happens after it was drawn.

use crate::page::conversation::Conversation;
use crate::page::frame::{Frame, Who};
use crate::page::head::{self, ContractRow};
use crate::page::live;
use crate::page::question::together;
use crate::page::text::line;
use maud::{Markup, html};
use wire::Spend;

/// What a page of a session is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct OpenPage<'a> {
    /// The session, as it was after the event named by `after`.
    pub of: &'a Conversation,
    /// The id of the last event that is in it.
    pub after: &'a str,
    /// What the contract says.
    pub contract: &'a [ContractRow],
}

impl OpenPage<'_> {
    /// The whole page.
    pub fn draw(&self, who: &Who) -> Markup {
        let of = self.of;
        let frame = Frame {
            title: live::title(of).into_string(),
            class: "session",
            bar: html! {
                (head::about(of))
                (head::mode_control(of))
                nav.session-links aria-label="Session" { a href={ "/s/" (of.about.id) "/spend" } { "Spend" } }
            },
            main: html! {
                div.column {
                    h2.sr { "Conversation" }
                    div #conversation role="log" aria-live="polite" aria-relevant="additions" aria-label="Conversation"
                        data-live={ "/s/" (of.about.id) "/live" } data-after=(self.after) data-session=(of.about.id) {
                        (live::items(of))
                    }
                    div #speaking-here aria-live="off" { (live::speaking(of)) }
                    @if of.items.is_empty() { (empty()) }
                }
                (self.foot())
            },
        };
        frame.draw(who)
    }

    /// Where the person writes, with what the session does and what the agent may do.
    fn foot(&self) -> Markup {
        let of = self.of;
        html! {
            div.foot {
                div.column {
                    p #connection.connection role="status" hidden { "Not connected; trying again." }
                    noscript { p.connection { "Scripts are off: load the page again to see what is new." } }
                    (together(of))
                    (head::doing(of))
                    p #trouble.trouble role="alert" {}
                    form #composer.composer method="post" action={ "/s/" (of.about.id) "/say" } data-send data-mode=(head::kind(of)) {
                        label.sr for="words" { "Message to the agent" }
                        textarea #words name="text" rows="1" required placeholder="Say what to do" autocomplete="off"
                            data-files={ "/s/" (of.about.id) "/files" } aria-controls="files" {}
                        button.send { "Send" }
                        ul #files.files role="listbox" aria-label="Files" hidden {}
                    }
                    (head::may(of, self.contract))
                }
            }
        }
    }
}

fn empty() -> Markup {
    html! {
        div #empty.empty {
            p { "Nothing was said yet. The mode above says what the agent may do by itself; it is yours alone to change." }
        }
    }
}

/// The page that turns YOLO on, where there is no script for a dialog.
pub fn yolo_page(of: &Conversation, spend: Option<&Spend>, default_cap: &str) -> Frame {
    Frame {
        title: "YOLO \u{b7} Remit".to_owned(),
        main: html! { div.column.narrow { h1.sr { "YOLO for " (line(&of.about.title)) } (head::yolo_form(of, spend, default_cap)) } },
        ..Frame::default()
    }
}

/// The page of one call, with all of it.
pub fn call_page(of: &Conversation, key: &str) -> Option<Frame> {
    use crate::page::conversation::ItemKind;
    use crate::page::item::{Portion, call};
    let id = format!("c-{key}");
    let item = of.items.iter().find(|item| item.key == id)?;
    let ItemKind::Call(found) = &item.kind else { return None };
    Some(Frame {
        title: "A call \u{b7} Remit".to_owned(),
        main: html! {
            div.column.wide {
                p { a href={ "/s/" (of.about.id) } { "\u{2190} " (line(&of.about.title)) } }
                h1 { "A call" }
                h2.sr { "The call" }
                (call(of, &item.key, found, Portion::Whole))
            }
        },
        ..Frame::default()
    })
}
