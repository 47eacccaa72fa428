//! The pages that people use: each is drawn whole on the server, and told of what happens while it is open.
//!
//! In reading order: [`conversation`] is a session as a page has it, changed by each event; [`speaking`] the words that are
//! still to come; [`item`], [`question`] and [`head`] draw what it has; [`live`] says what of an open page changes; [`session`],
//! [`sessions`], [`spend`], [`contract`] and [`trouble`] are the pages, each in a [`frame`]; `doors` has their
//! addresses and `posts` what their forms do; [`text`], [`markdown`],
//! [`highlight`], [`diff`], [`when`] and [`form`] make what others wrote harmless and readable; [`assets`] has the style and the script.
//!
//! Not here: any opinion about what may run, or who a person is.
//!
//! The script swaps fragments by itself, in some twenty lines. A library for that was looked at and left out: it acts on
//! attributes of the elements that come, so that HTML which should not be there could act too, and it would be the larger part of
//! all that a browser loads. What a browser has, resumes a stream of events by the last one's id.

pub mod assets;
pub mod contract;
pub mod conversation;
pub mod diff;
mod doors;
pub mod form;
pub mod frame;
pub mod head;
pub mod highlight;
pub mod item;
pub mod live;
pub mod markdown;
mod posts;
pub mod question;
pub mod session;
pub mod sessions;
pub mod speaking;
pub mod spend;
pub mod text;
pub mod trouble;
pub mod when;

pub use doors::router;

#[cfg(test)]
mod dom;
#[cfg(test)]
mod tests;
