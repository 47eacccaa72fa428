//! The whole screen, without a terminal: what happens goes in, what is drawn and what is to be done come out.
//!
//! Not here: the parts by themselves, or a real terminal (that is in `cli`).

mod fuzz;
mod hostile;
mod pictures;
mod session;
mod stage;
mod svg;
mod whole;
