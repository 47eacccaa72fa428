//! A session's money as a pure fold over entries: holds, settlements, releases, and what is still open.
//!
//! Not here: storage (that is `journal`), prices (that is `pricing`), or whether something may be bought (that is
//! `policy`).
//!
//! A paid call is a two-phase transfer. It is *held* before it starts, then *settled* at what it cost, *released* when
//! it never started, or *left open* while its outcome is not known; an open hold counts in full. Something without a
//! bound is held without an amount, listed apart, and never added as zero.

use money::Usd;
use policy::{Cap, Funds, Purse, UnknownWord};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// One line of the ledger. What a session's money is follows from its entries alone, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Money is set aside before something paid starts; `None` when there is no bound to set aside.
    Held(Purse, Option<Usd>),
    /// It ended and cost this much. More than was held is booked whole, as an overrun.
    Settled(Usd),
    /// It never started and costs nothing.
    Released,
    /// Its outcome is not known yet; the text says where to find out.
    LeftOpen(String),
}

impl fmt::Display for Entry {
    /// Writes the line as the record keeps it; [`Entry::from_str`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Held(purse, Some(bound)) => write!(f, "held {purse} {bound}"),
            Entry::Held(purse, None) => write!(f, "held {purse} unbounded"),
            Entry::Settled(cost) => write!(f, "settled {cost}"),
            Entry::Released => f.write_str("released"),
            Entry::LeftOpen(reference) => write!(f, "open {reference}"),
        }
    }
}

impl FromStr for Entry {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Entry, UnknownWord> {
        let wrong = || UnknownWord(text.to_owned());
        let amount = |text: &str| text.parse::<Usd>().map_err(|_| wrong());
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (verb, rest.split_once(' ')) {
            ("held", Some((purse, bound))) => {
                let purse = purse.parse().map_err(|_| wrong())?;
                let bound = if bound == "unbounded" { None } else { Some(amount(bound)?) };
                Ok(Entry::Held(purse, bound))
            }
            ("settled", None) => amount(rest).map(Entry::Settled),
            ("released", None) if rest.is_empty() => Ok(Entry::Released),
            ("open", _) => Ok(Entry::LeftOpen(rest.to_owned())),
            (_, Some(_) | None) => Err(wrong()),
        }
    }
}

/// Where one hold stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What it pays for is under way.
    Held,
    /// What it pays for may or may not have happened; counts as held.
    Open(String),
    /// It cost this much.
    Settled(Usd),
    /// It never started.
    Released,
}

/// One hold with all that was posted to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The sum it counts in, for good.
    pub purse: Purse,
    /// What was set aside; `None` without a bound.
    pub bound: Option<Usd>,
    /// Where it stands.
    pub stage: Stage,
}

impl Line {
    fn is_closed(&self) -> bool {
        match self.stage {
            Stage::Held | Stage::Open(_) => false,
            Stage::Settled(_) | Stage::Released => true,
        }
    }

    /// What it has cost.
    pub fn spent(&self) -> Usd {
        match self.stage {
            Stage::Settled(cost) => cost,
            Stage::Held | Stage::Open(_) | Stage::Released => Usd::ZERO,
        }
    }

    /// What it still sets aside.
    pub fn held(&self) -> Usd {
        if self.is_closed() { Usd::ZERO } else { self.bound.unwrap_or(Usd::ZERO) }
    }

    /// What it cost beyond its bound.
    pub fn overrun(&self) -> Usd {
        self.bound.map_or(Usd::ZERO, |bound| self.spent().saturating_sub(bound))
    }
}

/// Why an entry cannot be posted. Each is a bug of the caller or a damaged record, and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misposted {
    /// There is a hold of that name already.
    #[error("`{0}` is held already")]
    HeldTwice(String),
    /// There is no hold of that name.
    #[error("nothing is held for `{0}`")]
    NoSuchHold(String),
    /// The hold has ended; nothing settles twice.
    #[error("the hold of `{0}` has ended already")]
    AlreadyEnded(String),
}

/// The sums of a session, each state of money apart. They are shown side by side and never added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// What all that was bounded could have cost at most when it started.
    pub quoted: Usd,
    /// Set aside for what is under way.
    pub held: Usd,
    /// Set aside for what has an unknown outcome.
    pub open: Usd,
    /// Paid, overruns included.
    pub settled: Usd,
    /// The part of `settled` that went beyond its hold.
    pub overrun: Usd,
    /// How many things without a bound are not gone yet.
    pub unbounded: usize,
}

/// The ledger of one session, or of one sub-agent within it. A hold goes by the name of the call or the model request
/// that it pays for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    lines: BTreeMap<String, Line>,
}

impl Book {
    /// Posts one entry, or changes nothing and says why not.
    pub fn post(&mut self, id: &str, entry: &Entry) -> Result<(), Misposted> {
        if let Entry::Held(purse, bound) = entry {
            if self.lines.contains_key(id) {
                return Err(Misposted::HeldTwice(id.to_owned()));
            }
            let line = Line { purse: *purse, bound: *bound, stage: Stage::Held };
            self.lines.insert(id.to_owned(), line);
            return Ok(());
        }
        let line = self.lines.get_mut(id).ok_or_else(|| Misposted::NoSuchHold(id.to_owned()))?;
        if line.is_closed() {
            return Err(Misposted::AlreadyEnded(id.to_owned()));
        }
        match entry {
            Entry::Held(..) => unreachable!("a hold was posted above"),
            Entry::Settled(cost) => line.stage = Stage::Settled(*cost),
            Entry::Released => line.stage = Stage::Released,
            Entry::LeftOpen(reference) => line.stage = Stage::Open(reference.clone()),
        }
        Ok(())
    }

    /// What the budget has spent and holds: the money that counts against the cap.
    pub fn funds(&self) -> Funds {
        let sums = self.sums(Purse::Budget);
        Funds { spent: sums.settled, held: sums.held.saturating_add(sums.open) }
    }

    /// The sums of one purse.
    pub fn sums(&self, purse: Purse) -> Sums {
        self.lines.values().filter(|line| line.purse == purse).fold(Sums::default(), |sums, line| {
            let (held, open) = match line.stage {
                Stage::Open(_) => (Usd::ZERO, line.held()),
                Stage::Held | Stage::Settled(_) | Stage::Released => (line.held(), Usd::ZERO),
            };
            Sums {
                quoted: sums.quoted.saturating_add(line.bound.unwrap_or(Usd::ZERO)),
                held: sums.held.saturating_add(held),
                open: sums.open.saturating_add(open),
                settled: sums.settled.saturating_add(line.spent()),
                overrun: sums.overrun.saturating_add(line.overrun()),
                unbounded: sums.unbounded + usize::from(line.bound.is_none() && !line.is_closed()),
            }
        })
    }

    /// The hold of that name.
    pub fn line(&self, id: &str) -> Option<&Line> {
        self.lines.get(id)
    }

    /// Every hold, by name.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &Line)> {
        self.lines.iter().map(|(id, line)| (id.as_str(), line))
    }

    /// The holds that have not ended: after a crash, what may have happened.
    pub fn unended(&self) -> impl Iterator<Item = (&str, &Line)> {
        self.lines().filter(|(_, line)| !line.is_closed())
    }
}

/// The cap of a sub-agent: carved from what its parent has left, so that it never exceeds its parent.
///
/// The parent holds the grant like the price of any other call. `None` asks for everything that is left.
pub fn carve(cap: Cap, funds: &Funds, wanted: Option<Usd>) -> Cap {
    match (cap, wanted) {
        (Cap::Uncapped, None) => Cap::Uncapped,
        (Cap::Uncapped, Some(wanted)) => Cap::Limited(wanted),
        (Cap::Limited(cap), None) => Cap::Limited(funds.left(cap)),
        (Cap::Limited(cap), Some(wanted)) => Cap::Limited(wanted.min(funds.left(cap))),
    }
}
