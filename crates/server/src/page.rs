//! The pages that people use: each is drawn whole on the server, and told of what happens while it is open.
//!
//! In reading order: [`text`], [`markdown`], [`highlight`], [`diff`] and [`form`] make what others wrote harmless and readable;
//! [`speaking`] draws the words that are still to come.
//!
//! Not here: any opinion about what may run, or who a person is.

pub mod diff;
pub mod form;
pub mod highlight;
pub mod markdown;
pub mod speaking;
pub mod text;
