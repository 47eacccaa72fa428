//! Sessions over HTTP: an interface for programs, a page for people, and who may use them.
//!
//! In reading order: [`house`] is what the server asks of the program that starts it; [`people`] who may use it; [`hall`] has
//! the sessions that are open; [`scroll`] what one has said, numbered, for any number of readers at their own pace; [`api`] the
//! interface for programs; [`once`] requests that are done once; [`page`] the pages for people; [`server`] the whole.
//!
//! Not here: what a session is (that is `engine`), how one gets what it works with (that is the program's), or any opinion
//! about what may run.

pub mod api;
pub mod hall;
pub mod house;
pub mod once;
pub mod page;
pub mod people;
pub mod problem;
pub mod scroll;
pub mod server;

pub use hall::{Hall, Open};
pub use house::{House, Unable};
pub use problem::{Code, Problem};
pub use scroll::{EventId, Numbered, Scroll};
pub use server::{Allowances, Server};
