//! Sessions over HTTP: an interface for programs, a page for people, and who may use them.
//!
//! In reading order: [`scroll`] is what a session has said, numbered, for any number of readers at their own pace.
//!
//! Not here: what a session is (that is `engine`), how one gets what it works with (that is the program's), or any opinion
//! about what may run.

pub mod scroll;

pub use scroll::{Told, Scroll};
