//! Placeholder.
use crate::run::Trouble;
pub fn chore(_: &[String]) -> Result<std::process::ExitCode, Trouble> {
    Err(Trouble("no".into()))
}
