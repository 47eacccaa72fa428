//! The gate against a real ledger and a real journal.

mod judging;
mod machine;
mod rig;
mod supervising;
