//! The page of what went wrong.
//!
//! Not here: what went wrong, or the pages on which one signs in.

use crate::page::frame::Frame;
use crate::page::text::line;
use maud::html;

/// The page of something that went wrong: what, and where to go.
pub fn trouble_page(title: &str, why: &str) -> Frame {
    Frame {
        title: format!("{title} \u{b7} Remit"),
        class: "plain",
        main: html! {
            div.column.narrow.card {
                h1 { (line(title)) }
                p { (line(why)) }
                p { a.button href="/" { "To the sessions" } }
            }
        },
        ..Frame::default()
    }
}
