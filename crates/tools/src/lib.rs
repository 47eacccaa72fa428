//! The built-in tools, one file each: what a call would do, and doing it.
//!
//! In reading order: [`call`] has the closed list of tools and the way from raw arguments to a run; [`site`] what a
//! call is described against; [`json`] the arguments as JSON; [`text`] what the model reads; [`diff`] how a change is shown;
//! [`page`] how a page of the web is;
//! [`question`] the calls that speak to the person and are never gated; then one file a tool.
//!
//! Not here: asking, or deciding whether a call may run.

pub mod call;
pub mod diff;
pub mod edit;
pub mod hf_jobs;
pub mod history;
pub mod json;
pub mod list;
pub mod page;
pub mod question;
pub mod read;
pub mod runs;
pub mod search;
pub mod shell;
pub mod shell_line;
pub mod site;
pub mod text;
pub mod todo;
pub mod web_fetch;
pub mod write;

pub use call::{Admitted, Call, Invalid, NAMES, Parsed, Priced, Ready, parse, parse_text, specs};
pub use json::read as read_arguments;
pub use site::Site;
