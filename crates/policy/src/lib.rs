//! The contract, as code: what happens to a tool call is decided here and nowhere else.
//!
//! In reading order: [`mode`] has what a person picks; [`action`] what a tool declares about a call; [`funds`] the one
//! money rule; [`rule`] the person's prohibitions and the answers they gave for a session; [`decide`] the one function.
//!
//! Not here: asking, remembering, spending, or any look at a clock, a file or a network. Everything is a value in and a
//! value out.

pub mod action;
pub mod decide;
pub mod funds;
pub mod mode;
pub mod rule;
pub mod words;

pub use action::{Action, Effect, Name, Place, Price, ShellLine, Subject, Word};
pub use decide::{Attendance, Booking, Consent, Decider, Reason, Standing, Terms, Verdict, Why, book_request, decide};
pub use funds::{Fit, Funds, Purse, fits};
pub use mode::{Cap, Mode, ModeChoice};
pub use rule::{Grant, Prohibition};
pub use words::UnknownWord;
