//! The power to run one call, once.
//!
//! Not here: who gets it (that is `gate`, the only file that mints one).
//!
//! A permit cannot be made elsewhere, copied, or taken from a file:
//! ```compile_fail
//! # fn f(permit: gate::Permit<u8>) { let _twin = permit.clone(); }
//! ```
//! ```
//! # fn f(permit: gate::Permit<u8>) { let _same = permit; }
//! ```
//! It cannot be forged:
//! ```compile_fail
//! fn forge(call: gate::CallId, terms: policy::Terms) -> gate::Permit<u8> { gate::Permit { act: 0, call, terms } }
//! ```
//! ```
//! fn carry(permit: gate::Permit<u8>) -> gate::Permit<u8> { permit }
//! ```
//! It ends once:
//! ```compile_fail
//! fn twice(permit: gate::Permit<u8>, a: gate::Report, b: gate::Report) { permit.finish(a); permit.finish(b); }
//! ```
//! ```
//! fn once(permit: gate::Permit<u8>, a: gate::Report) { permit.finish(a); }
//! ```
//! A tool takes the permit of its own kind and no other:
//! ```compile_fail
//! fn edit(permit: gate::Permit<u8>) -> gate::Done { permit.finish(gate::Report::Done(String::new())) }
//! fn run(permit: gate::Permit<u16>) -> gate::Done { edit(permit) }
//! ```
//! ```
//! fn edit(permit: gate::Permit<u8>) -> gate::Done { permit.finish(gate::Report::Done(String::new())) }
//! fn run(permit: gate::Permit<u8>) -> gate::Done { edit(permit) }
//! ```
//! And it cannot return without ending its permit, for nothing else makes a [`Done`]:
//! ```compile_fail
//! fn lazy(permit: gate::Permit<u8>, report: gate::Report) -> gate::Done { gate::Done { report } }
//! ```
//! ```
//! fn tidy(permit: gate::Permit<u8>, report: gate::Report) -> gate::Done { permit.finish(report) }
//! ```

use crate::act::{CallId, NotStarted, Report};
use ledger::Entry;
use money::Usd;
use policy::{Booking, Decider, Terms};

/// The power to run one call, once, on the terms that were decided. The arguments come out of it, never from beside it.
#[must_use = "a permit that is dropped leaves its hold open"]
#[derive(Debug)]
pub struct Permit<A> {
    act: A,
    call: CallId,
    terms: Terms,
}

/// A call that has ended: what the supervisor records. Only a permit's endings make one.
#[must_use = "an ending that is not recorded leaves its hold open"]
#[derive(Debug)]
pub struct Done {
    pub(crate) call: CallId,
    pub(crate) entry: Option<Entry>,
    pub(crate) report: Report,
}

impl<A> Permit<A> {
    /// Mints a permit; called by the gate alone, after the decision is on record.
    pub(crate) fn mint(act: A, call: CallId, terms: Terms) -> Permit<A> {
        Permit { act, call, terms }
    }

    /// The call that was judged.
    pub fn act(&self) -> &A {
        &self.act
    }

    /// The call's name.
    pub fn call(&self) -> &CallId {
        &self.call
    }

    /// Who let it run.
    pub fn decided_by(&self) -> Decider {
        self.terms.by
    }

    /// Ends the call at what it cost.
    ///
    /// # Panics
    /// When a free call claims a cost: nothing was held for it, so the tool has lied about its price.
    pub fn settle(self, cost: Usd, report: Report) -> Done {
        let entry = match self.terms.booking {
            Booking::Nothing => {
                assert!(cost == Usd::ZERO, "a free call cannot cost anything");
                None
            }
            Booking::Hold(..) | Booking::Unbounded(_) => Some(Entry::Settled(cost)),
        };
        Done { call: self.call, entry, report }
    }

    /// Ends a call whose tool knows no cost of its own: a free call costs nothing, a priced one its price, and one
    /// without a bound is left open.
    pub fn finish(self, report: Report) -> Done {
        let entry = match self.terms.booking {
            Booking::Nothing => None,
            Booking::Hold(_, price) => Some(Entry::Settled(price)),
            Booking::Unbounded(_) => Some(Entry::LeftOpen(format!("call {}", self.call))),
        };
        Done { call: self.call, entry, report }
    }

    /// Ends a call that never started: what was held is free again.
    pub fn release(self, proof: NotStarted) -> Done {
        let entry = match self.terms.booking {
            Booking::Nothing => None,
            Booking::Hold(..) | Booking::Unbounded(_) => Some(Entry::Released),
        };
        Done { call: self.call, entry, report: Report::Failed(proof.reason().to_owned()) }
    }

    /// Ends the run but not the spending: the outcome is not known yet, and the reference says where to find out.
    pub fn leave_open(self, reference: impl Into<String>, report: Report) -> Done {
        let entry = match self.terms.booking {
            Booking::Nothing => None,
            Booking::Hold(..) | Booking::Unbounded(_) => Some(Entry::LeftOpen(reference.into())),
        };
        Done { call: self.call, entry, report }
    }
}

impl Done {
    /// What it reports.
    pub fn report(&self) -> &Report {
        &self.report
    }
}
