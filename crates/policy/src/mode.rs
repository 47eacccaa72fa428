//! What a person picks: the mode, with the cap as part of its value.
//!
//! Not here: what a mode means for a call (that is `decide`), or what was spent (that is `ledger`).

use crate::funds::Funds;
use money::{ParseUsdError, Usd};
use std::fmt;
use std::str::FromStr;

/// The mode of a session. It alone says what happens to every tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Looks, asks and plans; changes nothing and spends nothing on tools.
    Plan,
    /// Looks freely, and asks before it changes, reaches out or spends.
    Agent,
    /// Does everything, and spends up to the cap.
    Yolo(Cap),
}

/// How much a session may spend in YOLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// At most this much, from the first to the last moment in YOLO.
    Limited(Usd),
    /// No limit; only ever by the person's own word `uncapped`.
    Uncapped,
}

/// What a person asked for when they named a mode: `yolo` alone leaves the cap open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeChoice {
    /// Exactly this mode.
    Exactly(Mode),
    /// YOLO under the session's last numeric cap, else under the default.
    YoloAsBefore,
}

impl ModeChoice {
    /// What a session is in when nobody picked a mode.
    pub const DEFAULT: ModeChoice = ModeChoice::Exactly(Mode::Agent);

    /// YOLO under this cap.
    pub fn with_cap(cap: Cap) -> ModeChoice {
        ModeChoice::Exactly(Mode::Yolo(cap))
    }

    /// Turns the choice into a mode; never into an uncapped one that the person did not spell out.
    pub fn resolve(self, last_cap: Option<Usd>, default_cap: Usd) -> Mode {
        match self {
            ModeChoice::Exactly(mode) => mode,
            ModeChoice::YoloAsBefore => Mode::Yolo(Cap::Limited(last_cap.unwrap_or(default_cap))),
        }
    }
}

impl Mode {
    /// The cap of a capped mode: what the sums are held against.
    pub fn limit(self) -> Option<Usd> {
        match self {
            Mode::Plan | Mode::Agent | Mode::Yolo(Cap::Uncapped) => None,
            Mode::Yolo(Cap::Limited(cap)) => Some(cap),
        }
    }

    /// The mode of a session that goes on from what was said in another one: as strict, and with no money that nobody gave it.
    pub fn of_a_fork(self) -> Mode {
        match self {
            Mode::Plan => Mode::Plan,
            Mode::Agent | Mode::Yolo(_) => Mode::Agent,
        }
    }

    /// The mode as every surface shows it: `Plan`, `Agent`, `YOLO $3.20 of $5.00`, `YOLO uncapped`.
    pub fn chip(self, funds: &Funds) -> String {
        match self {
            Mode::Plan => "Plan".to_owned(),
            Mode::Agent => "Agent".to_owned(),
            Mode::Yolo(Cap::Uncapped) => "YOLO uncapped".to_owned(),
            Mode::Yolo(Cap::Limited(cap)) => format!("YOLO ${} of ${cap}", funds.left(cap)),
        }
    }
}

/// Why a text names no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseModeError {
    /// No mode is called that.
    #[error("`{0}` is no mode; pick `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`")]
    NoSuchMode(String),
    /// `yolo:` was followed by something that is no cap.
    #[error("`{0}` is no cap: {1}; write `yolo:5` or `yolo:uncapped`")]
    BadCap(String, ParseUsdError),
}

impl FromStr for ModeChoice {
    type Err = ParseModeError;

    fn from_str(text: &str) -> Result<ModeChoice, ParseModeError> {
        match text {
            "yolo" => Ok(ModeChoice::YoloAsBefore),
            other => other.parse().map(ModeChoice::Exactly),
        }
    }
}

impl FromStr for Mode {
    type Err = ParseModeError;

    /// Reads `plan`, `agent`, `yolo:CAP` or `yolo:uncapped`; the cap is read from its text, never through a float.
    fn from_str(text: &str) -> Result<Mode, ParseModeError> {
        match (text, text.strip_prefix("yolo:")) {
            ("plan", _) => Ok(Mode::Plan),
            ("agent", _) => Ok(Mode::Agent),
            (_, Some(cap)) => cap.parse().map(Mode::Yolo),
            (other, None) => Err(ParseModeError::NoSuchMode(other.to_owned())),
        }
    }
}

impl FromStr for Cap {
    type Err = ParseModeError;

    fn from_str(text: &str) -> Result<Cap, ParseModeError> {
        match text {
            "uncapped" => Ok(Cap::Uncapped),
            amount => amount.parse().map(Cap::Limited).map_err(|why| ParseModeError::BadCap(amount.to_owned(), why)),
        }
    }
}

impl fmt::Display for Mode {
    /// Writes the mode as [`Mode::from_str`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Plan => f.write_str("plan"),
            Mode::Agent => f.write_str("agent"),
            Mode::Yolo(cap) => write!(f, "yolo:{cap}"),
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cap::Uncapped => f.write_str("uncapped"),
            Cap::Limited(cap) => write!(f, "{cap}"),
        }
    }
}
