//! The terminal: draws what a session says, and sends it what the person wants.
//!
//! In reading order: [`errand`] is what happens and what is to be done about it; [`app`] is the state and the one function that
//! changes it; [`view`] draws it; [`screen`] is the
//! terminal itself. [`transcript`] has what was said and done, [`card`] what is asked ([`form`] what a server
//! wants filled in), [`orders`] the commands, [`picker`] the lists to pick from, [`roll`] what is longer than its room. [`theme`] has
//! the colours; [`text`] what is done to any text before it is drawn; [`markdown`], [`highlight`] and [`diff`] turn what a
//! model and its tools say into lines; [`composer`] is where the person writes.
//!
//! Not here: any opinion about what may run. A mode is a text that the session said, and a key that was pressed is a command
//! to the session, which decides.

pub mod app;
pub mod card;
pub mod composer;
pub mod diff;
pub mod errand;
pub mod form;
pub mod highlight;
pub mod markdown;
pub mod orders;
pub mod picker;
pub mod roll;
pub mod screen;
pub mod text;
pub mod theme;
pub mod transcript;
pub mod view;
