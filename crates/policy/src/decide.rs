//! The contract's one decision.
//!
//! Not here: where the standing comes from, or what is done about the verdict (both are `gate`).

use crate::action::{Action, Effect, Price};
use crate::funds::{Fit, Funds, Purse, fits};
use crate::mode::{Cap, Mode};
use crate::rule::Prohibition;
use crate::words::words;
use money::Usd;
use std::fmt;

/// What a decision stands on, besides the mode and the action.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The person's prohibition that the action meets, if any.
    pub prohibited: Option<Prohibition>,
    /// What a person has answered about this action.
    pub consent: Consent,
    /// Whether anybody can be asked; fixed when the session starts.
    pub attendance: Attendance,
    /// What is spent and held of the budget.
    pub funds: Funds,
}

/// What a person has answered about one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nothing.
    None,
    /// Yes, to these very bytes.
    Once,
    /// Yes, to this tool on this key for as long as the session and its mode last.
    ForSession,
    /// No.
    Denied,
}

/// Whether anybody can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attendance {
    /// A person is at a surface of the session.
    Attended,
    /// Nobody is; a question would hang for ever.
    Unattended,
}

/// What happens to the action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It runs, on these terms.
    Run(Terms),
    /// A person is asked first.
    Ask(Why),
    /// It does not run.
    Refuse(Reason),
}

/// The terms on which an action runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who let it run.
    pub by: Decider,
    /// How its money is booked before it starts.
    pub booking: Booking,
}

/// How a call's money is booked before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booking {
    /// There is none.
    Nothing,
    /// This much is held.
    Hold(Purse, Usd),
    /// There is no bound to hold; it is listed without an amount until what it started is gone.
    Unbounded(Purse),
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The mode's table.
    Mode,
    /// What is left of the cap.
    Cap,
    /// The person's own rule.
    Prohibition,
    /// The person's answer.
    Person,
    /// It would have asked, and nobody was there.
    NobodyToAsk,
}

/// Why a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It looks beyond the workspace, at an address the model chose.
    ReachesBeyond,
    /// It changes something.
    Changes,
    /// It costs money.
    CostsMoney,
    /// It costs more than is left of the cap.
    OverCap,
    /// It costs money and has no price, so it fits in no cap.
    NoPrice,
    /// What it costs has no end, so it fits in no cap.
    NoBound,
}

/// Why an action does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The person prohibited it.
    Prohibited(Prohibition),
    /// Plan executes and changes nothing.
    PlanIsReadOnly,
    /// Plan spends nothing on tools.
    PlanSpendsNothing,
    /// The person said no.
    PersonSaidNo,
    /// It would have asked, and nobody was there.
    NobodyToAsk(Why),
}

/// Decides what happens to an action. Total and pure; every other place carries its answer.
///
/// A prohibition comes first; then the mode's table; then, only where the table asks, what a person answered. So a
/// refusal is never lifted by an answer, and what the mode runs is never asked.
pub fn decide(mode: Mode, action: &Action, standing: &Standing) -> Verdict {
    if let Some(rule) = &standing.prohibited {
        return Verdict::Refuse(Reason::Prohibited(rule.clone()));
    }
    let column = Column::of(action);
    let asks = match row(mode, column, action, &standing.funds) {
        Cell::Runs => {
            return Verdict::Run(Terms { by: Decider::Mode, booking: booking(mode, &action.price, Purse::Budget) });
        }
        Cell::Refused(reason) => return Verdict::Refuse(reason),
        Cell::Asks(why) => why,
    };
    let allowed = Verdict::Run(Terms { by: Decider::Person, booking: booking(mode, &action.price, Purse::PastCap) });
    match (standing.consent, column, standing.attendance) {
        (Consent::Denied, _, _) => Verdict::Refuse(Reason::PersonSaidNo),
        (Consent::Once, _, _) => allowed,
        (Consent::ForSession, Column::Reads | Column::Reaches | Column::Confined | Column::Changes, _) => allowed,
        (Consent::None, _, Attendance::Attended) | (Consent::ForSession, Column::CostsMoney, Attendance::Attended) => {
            Verdict::Ask(asks)
        }
        (Consent::None, _, Attendance::Unattended)
        | (Consent::ForSession, Column::CostsMoney, Attendance::Unattended) => {
            Verdict::Refuse(Reason::NobodyToAsk(asks))
        }
    }
}

/// A column of the contract's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Reads,
    Reaches,
    Confined,
    Changes,
    CostsMoney,
}

impl Column {
    /// A call that is not free is judged by what it costs, whatever its effect; every other call by its effect.
    fn of(action: &Action) -> Column {
        match (&action.price, action.effect) {
            (Price::AtMost(_) | Price::Unknown(_) | Price::Unbounded(_), _) => Column::CostsMoney,
            (Price::Free, Effect::Read) => Column::Reads,
            (Price::Free, Effect::Reach) => Column::Reaches,
            (Price::Free, Effect::Confined) => Column::Confined,
            (Price::Free, Effect::Change) => Column::Changes,
        }
    }
}

/// A cell of the contract's table.
enum Cell {
    Runs,
    Asks(Why),
    Refused(Reason),
}

/// The contract's table: one row a mode.
fn row(mode: Mode, column: Column, action: &Action, funds: &Funds) -> Cell {
    match mode {
        Mode::Plan => match column {
            Column::Reads => Cell::Runs,
            Column::Reaches => Cell::Asks(Why::ReachesBeyond),
            Column::Confined | Column::Changes => Cell::Refused(Reason::PlanIsReadOnly),
            Column::CostsMoney => Cell::Refused(Reason::PlanSpendsNothing),
        },
        Mode::Agent => match column {
            Column::Reads | Column::Confined => Cell::Runs,
            Column::Reaches => Cell::Asks(Why::ReachesBeyond),
            Column::Changes => Cell::Asks(Why::Changes),
            Column::CostsMoney => Cell::Asks(Why::CostsMoney),
        },
        Mode::Yolo(Cap::Limited(cap)) => match column {
            Column::Reads | Column::Reaches | Column::Confined | Column::Changes => Cell::Runs,
            Column::CostsMoney => match fits(cap, funds, &action.price) {
                Fit::Fits => Cell::Runs,
                Fit::Over => Cell::Asks(Why::OverCap),
                Fit::NoPrice => Cell::Asks(Why::NoPrice),
                Fit::NoBound => Cell::Asks(Why::NoBound),
            },
        },
        Mode::Yolo(Cap::Uncapped) => Cell::Runs,
    }
}

/// How the money of a call that runs is booked; `in_yolo` is the purse when the mode is YOLO.
fn booking(mode: Mode, price: &Price, in_yolo: Purse) -> Booking {
    let purse = match mode {
        Mode::Plan | Mode::Agent => Purse::Metered,
        Mode::Yolo(_) => in_yolo,
    };
    match price {
        Price::Free => Booking::Nothing,
        Price::AtMost(price) => Booking::Hold(purse, *price),
        Price::Unknown(_) | Price::Unbounded(_) => Booking::Unbounded(purse),
    }
}

/// Books a request to the model, or says how it does not fit.
///
/// The person asked for it by speaking, so it runs in every mode and nobody is asked; under a cap it must fit, by the one
/// money rule. Outside a cap, one without a price is counted in tokens alone: there is no amount to book, and it starts
/// nothing that goes on.
pub fn book_request(mode: Mode, funds: &Funds, price: &Price) -> Result<Booking, Fit> {
    let fit = mode.limit().map_or(Fit::Fits, |cap| fits(cap, funds, price));
    match (fit, price) {
        (Fit::Fits, Price::Free | Price::Unknown(_) | Price::Unbounded(_)) => Ok(Booking::Nothing),
        (Fit::Fits, Price::AtMost(_)) => Ok(booking(mode, price, Purse::Budget)),
        (Fit::Over | Fit::NoPrice | Fit::NoBound, _) => Err(fit),
    }
}

impl Verdict {
    /// `run`, `ask` or `refuse`.
    pub fn outcome(&self) -> &'static str {
        match self {
            Verdict::Run(_) => "run",
            Verdict::Ask(_) => "ask",
            Verdict::Refuse(_) => "refuse",
        }
    }

    /// Why it asks or does not run, in words.
    pub fn reason(&self) -> Option<String> {
        match self {
            Verdict::Run(_) => None,
            Verdict::Ask(why) => Some(why.to_string()),
            Verdict::Refuse(reason) => Some(reason.to_string()),
        }
    }

    /// Who decided.
    pub fn decided_by(&self) -> Decider {
        match self {
            Verdict::Run(terms) => terms.by,
            Verdict::Ask(Why::OverCap | Why::NoPrice | Why::NoBound) => Decider::Cap,
            Verdict::Ask(Why::ReachesBeyond | Why::Changes | Why::CostsMoney) => Decider::Mode,
            Verdict::Refuse(Reason::Prohibited(_)) => Decider::Prohibition,
            Verdict::Refuse(Reason::PlanIsReadOnly | Reason::PlanSpendsNothing) => Decider::Mode,
            Verdict::Refuse(Reason::PersonSaidNo) => Decider::Person,
            Verdict::Refuse(Reason::NobodyToAsk(_)) => Decider::NobodyToAsk,
        }
    }
}

words!(Consent { None = "none", Once = "once", ForSession = "session", Denied = "no" });
words!(Attendance { Attended = "attended", Unattended = "unattended" });
words!(Decider { Mode = "mode", Cap = "cap", Prohibition = "prohibition", Person = "person", NobodyToAsk = "nobody to ask" });

words!(Why {
    ReachesBeyond = "it looks beyond the workspace",
    Changes = "it changes something",
    CostsMoney = "it costs money",
    OverCap = "it costs more than is left of the cap",
    NoPrice = "it costs money and has no known price, so it fits in no cap",
    NoBound = "what it costs has no bound, so it fits in no cap",
});

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Prohibited(rule) => write!(f, "your own prohibition `{rule}` forbids it"),
            Reason::PlanIsReadOnly => f.write_str("Plan executes and changes nothing"),
            Reason::PlanSpendsNothing => f.write_str("Plan spends nothing on tools"),
            Reason::PersonSaidNo => f.write_str("the person said no"),
            Reason::NobodyToAsk(why) => write!(f, "{why}, and nobody is there to ask"),
        }
    }
}
