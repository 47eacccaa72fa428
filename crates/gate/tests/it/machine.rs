//! The session machine: seeded random people, models, answers, mode changes, stops and crashes against the real gate,
//! ledger and journal, beside a second reckoning that is too simple to be wrong.

use crate::rig::*;
use gate::{Admission, Answer, CallId, Ended, Gate, Metered, NotStarted, Permit, Report, State};
use ledger::Entry;
use money::Usd;
use policy::{Attendance, Effect, Mode, Price, Purse};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// SplitMix64, from its reference description by Vigna.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()].clone()
    }

    fn cents(&mut self, most: u64) -> Usd {
        Usd::from_micros(i64::try_from(self.roll(most + 1)).unwrap() * 10_000).unwrap()
    }
}

/// What the session should have spent and held, by purse, reckoned without the ledger.
#[derive(Default)]
struct Reckoning {
    held: BTreeMap<CallId, (Purse, Option<Usd>)>,
    spent: BTreeMap<Purse, Usd>,
    overrun: Usd,
}

impl Reckoning {
    fn spend(&mut self, call: &CallId, cost: Usd) {
        let (purse, bound) = self.held.remove(call).expect("only what is held is settled");
        let spent = self.spent.entry(purse).or_default();
        *spent = spent.checked_add(cost).unwrap();
        if purse == Purse::Budget {
            self.overrun = self.overrun.checked_add(cost.saturating_sub(bound.unwrap_or(cost))).unwrap();
        }
    }

    fn held_in(&self, purse: Purse) -> Usd {
        let of = self.held.values().filter(|(of, _)| *of == purse);
        of.fold(Usd::ZERO, |sum, (_, held)| sum.checked_add(held.unwrap_or_default()).unwrap())
    }

    fn agrees_with(&self, state: &State) {
        for purse in Purse::ALL {
            let sums = state.book.sums(*purse);
            assert_eq!(sums.settled, self.spent.get(purse).copied().unwrap_or_default(), "settled, {purse}");
            assert_eq!(sums.held.checked_add(sums.open).unwrap(), self.held_in(*purse), "held, {purse}");
        }
        assert_eq!(state.book.sums(Purse::Budget).overrun, self.overrun, "overrun");
    }
}

/// One random session.
struct Session {
    dice: Dice,
    rig: Arc<Rig>,
    name: String,
    gate: Gate,
    reckoning: Reckoning,
    asked: Vec<(CallId, Toy)>,
    running: Vec<Permit<Toy>>,
    open: Vec<CallId>,
    /// The request to the model that is on its way: a session has one at a time.
    asking: Option<CallId>,
    calls: u32,
    crashes: u32,
    /// The most that any cap so far has allowed: what was spent under it stays spent.
    highest_cap: Option<Usd>,
}

const MODES: [&str; 6] = ["plan", "agent", "yolo:0", "yolo:1", "yolo:5", "yolo:uncapped"];

impl Session {
    async fn step(&mut self) {
        match self.dice.roll(24) {
            0..=7 => self.call().await,
            8..=10 => self.answer().await,
            11..=14 => self.end().await,
            15 | 16 => self.change_mode().await,
            17 => self.reconcile().await,
            18 => self.stop_or_panic().await,
            19..=22 => self.request().await,
            _ => self.crash().await,
        }
        self.check();
    }

    fn check(&self) {
        let state = self.gate.state();
        self.reckoning.agrees_with(state);
        let funds = state.book.funds();
        let used = funds.spent.checked_add(funds.held).unwrap();
        if let Some(cap) = self.highest_cap {
            let stated = cap.checked_add(self.reckoning.overrun).unwrap();
            assert!(used <= stated, "settled {} + held {} > {cap} + a stated overrun", funds.spent, funds.held);
        }
        if state.attendance == Attendance::Unattended {
            assert!(state.questions.is_empty(), "nobody is asked when nobody is there");
        }
    }

    async fn call(&mut self) {
        self.calls += 1;
        let price = match self.dice.roll(8) {
            0..=2 => Price::Free,
            3..=5 => Price::AtMost(self.dice.cents(300)),
            6 => Price::Unknown("no price".into()),
            _ => Price::Free,
        };
        let effect = self.dice.pick(&[Effect::Read, Effect::Reach, Effect::Confined, Effect::Change]);
        let call =
            if effect == Effect::Change && price == Price::Free { shell("cargo test") } else { toy(effect, price) };
        let id = id(&format!("c{}", self.calls));
        self.admit(id, call).await;
    }

    async fn admit(&mut self, id: CallId, call: Toy) {
        let before = self.gate.state().book.funds();
        let (mode, action) = (self.gate.state().mode, call.0.clone());
        match self.gate.admit(id.clone(), call).await.unwrap() {
            Admission::Run(permit) => {
                if let Some(line) = self.gate.state().book.line(id.as_str()) {
                    self.reckoning.held.insert(id, (line.purse, line.bound));
                    if let (Some(cap), Purse::Budget) = (mode.limit(), line.purse) {
                        let after =
                            before.spent.checked_add(before.held).and_then(|used| used.checked_add(line.held()));
                        assert!(after.unwrap() <= cap, "a call that runs by a capped mode fits");
                    }
                }
                let by_plan = mode == Mode::Plan;
                assert!(!by_plan || matches!(action.effect, Effect::Read | Effect::Reach), "Plan changes nothing");
                self.running.push(permit);
            }
            Admission::Ask(question, call) => {
                assert_eq!(question.call, id);
                self.asked.push((id, call));
            }
            Admission::Refused(refusal) => assert_eq!(refusal.call, id),
        }
    }

    /// The model is asked, or the request that is on its way has ended.
    async fn request(&mut self) {
        let Some(request) = self.asking.take() else { return self.ask_model().await };
        let bound = self.reckoning.held[&request].1.unwrap();
        let cost = match self.dice.roll(4) {
            0 => None,
            1 => Some(bound.checked_add(self.dice.cents(20)).unwrap()),
            _ => Some(self.dice.cents(50).min(bound)),
        };
        match cost {
            None => self.reckoning.held.remove(&request).map(|_| ()).unwrap(),
            Some(cost) => self.reckoning.spend(&request, cost),
        }
        let entry = cost.map_or(Entry::Released, Entry::Settled);
        self.gate.post(request.as_str(), entry, Vec::new()).await.unwrap();
    }

    async fn ask_model(&mut self) {
        let price = match self.dice.roll(6) {
            0 => Price::Free,
            1 => Price::Unknown("no price".into()),
            _ => Price::AtMost(self.dice.cents(200)),
        };
        let (mode, before) = (self.gate.state().mode, self.gate.state().book.funds());
        let fits = |cap: Usd| policy::fits(cap, &before, &price) == policy::Fit::Fits;
        match self.gate.meter(&price).await.unwrap() {
            Metered::Misfit(_) => assert!(!fits(mode.limit().expect("only a cap keeps a request back"))),
            Metered::Unheld => assert!(!matches!(price, Price::AtMost(_))),
            Metered::Held(name) => {
                let line = self.gate.state().book.line(&name).unwrap();
                assert_eq!(line.bound.map(Price::AtMost), Some(price.clone()));
                assert!(mode.limit().is_none_or(fits), "under a cap it fits");
                self.reckoning.held.insert(id(&name), (line.purse, line.bound));
                self.asking = Some(id(&name));
            }
        }
    }

    async fn answer(&mut self) {
        if self.asked.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.roll(self.asked.len() as u64)).unwrap();
        let (id, call) = self.asked.remove(at);
        let answer = self.dice.pick(&[Answer::Once, Answer::Once, Answer::ForSession, Answer::No]);
        match self.gate.answer(&person(), &id, &call, answer).await {
            Ok(()) => {
                if self.dice.roll(4) == 0 {
                    self.change_mode().await;
                }
                self.admit(id, call).await;
            }
            Err(gate::GateError::OnceOnly(_)) => self.asked.push((id, call)),
            Err(other) => panic!("{other}"),
        }
    }

    async fn end(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.roll(self.running.len() as u64)).unwrap();
        let permit = self.running.remove(at);
        let id = permit.call().clone();
        let report = Report::Done("ok".into());
        let held = self.reckoning.held.get(&id).copied();
        let done = match (held, self.dice.roll(5)) {
            (None, _) => permit.finish(report),
            (Some(_), 0) => {
                self.reckoning.held.remove(&id);
                permit.release(NotStarted::because("never started"))
            }
            (Some(_), 1) => {
                self.open.push(id.clone());
                permit.leave_open("somewhere", report)
            }
            (Some((_, bound)), dice) => {
                let bound = bound.unwrap_or_default();
                let over = if dice == 2 { self.dice.cents(20) } else { Usd::ZERO };
                let cost = if dice == 2 { bound.checked_add(over).unwrap() } else { self.dice.cents(50).min(bound) };
                self.reckoning.spend(&id, cost);
                permit.settle(cost, report)
            }
        };
        self.gate.close(&id, Ended::Done(done), no_notes).await.unwrap();
    }

    async fn stop_or_panic(&mut self) {
        if let Some(permit) = self.running.pop() {
            let id = permit.call().clone();
            drop(permit);
            let ended = if self.dice.roll(2) == 0 { Ended::Stopped } else { Ended::Panicked("a bug".into()) };
            self.gate.close(&id, ended, no_notes).await.unwrap();
            self.open.extend(self.reckoning.held.contains_key(&id).then_some(id));
        }
    }

    async fn reconcile(&mut self) {
        if let Some(id) = self.open.pop() {
            let cost = self.dice.cents(100).min(self.reckoning.held[&id].1.unwrap_or(Usd::MAX));
            self.gate.post(id.as_str(), Entry::Settled(cost), Vec::new()).await.unwrap();
            self.reckoning.spend(&id, cost);
            let twice = self.gate.post(id.as_str(), Entry::Settled(cost), Vec::new()).await;
            assert!(twice.is_err(), "nothing settles twice");
        }
    }

    async fn change_mode(&mut self) {
        let new = mode(self.dice.pick(&MODES));
        self.gate.set_mode(&person(), new).await.unwrap();
        self.saw(new);
        for (id, call) in std::mem::take(&mut self.asked) {
            self.admit(id, call).await;
        }
    }

    fn saw(&mut self, mode: Mode) {
        let limit = match mode {
            Mode::Yolo(policy::Cap::Uncapped) => Some(Usd::MAX.saturating_sub("100000".parse().unwrap())),
            other => other.limit(),
        };
        self.highest_cap = self.highest_cap.max(limit).or(Some(Usd::ZERO));
    }

    /// Everything that is not on record is lost; what was running may have happened.
    async fn crash(&mut self) {
        self.crashes += 1;
        let live = self.gate.state().clone();
        self.running.clear();
        let lost = live.running.clone();
        // The journal has one owner a session, so the old gate must be gone before the new one is there.
        let spare = self.rig.open(&format!("{}-spare-{}", self.name, self.crashes), live.clone()).await;
        drop(std::mem::replace(&mut self.gate, spare));
        self.gate = self.rig.resume(&self.name).await;
        assert_eq!(self.gate.state(), &live, "replay equals live");
        let recovered = self.gate.recover().await.unwrap();
        assert_eq!(recovered, lost.iter().cloned().collect::<Vec<_>>());
        self.open.extend(lost.into_iter().filter(|id| self.reckoning.held.contains_key(id)));
        self.asked.retain(|(id, _)| self.gate.state().questions.contains_key(id));
        if let Some(request) = self.asking.take() {
            let bound = self.reckoning.held[&request].1.unwrap();
            self.reckoning.spend(&request, bound);
        }
    }
}

async fn play(rig: Arc<Rig>, seed: u64, number: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x0010_0000_01b3).wrapping_add(number));
    let first = mode(dice.pick(&MODES));
    let attendance = dice.pick(&[Attendance::Attended, Attendance::Attended, Attendance::Unattended]);
    let name = format!("s{seed}-{number}");
    let gate = rig.open(&name, State::open(first, attendance, Vec::new())).await;
    let mut session = Session {
        dice,
        rig: Arc::clone(&rig),
        name: name.clone(),
        gate,
        reckoning: Reckoning::default(),
        asked: Vec::new(),
        running: Vec::new(),
        open: Vec::new(),
        asking: None,
        calls: 0,
        crashes: 0,
        highest_cap: None,
    };
    session.saw(first);
    for _ in 0..24 {
        session.step().await;
    }
    assert_eq!(session.gate.state(), &rig.replay(&name).await, "replay equals live");
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// How many sessions share a journal.
const SHARE: u64 = 250;

/// Plays some sessions, one after the other, on a journal of their own.
async fn play_some(seed: u64, numbers: std::ops::Range<u64>) {
    let rig = Arc::new(Rig::new().await);
    for number in numbers {
        let played = tokio::spawn(play(Arc::clone(&rig), seed, number)).await;
        assert!(played.is_ok(), "again: REMIT_SIM_SEED={seed} REMIT_SIM_FIRST={number} REMIT_SIM_COUNT=1");
    }
}

/// `REMIT_SIM_SEED`, `REMIT_SIM_FIRST` and `REMIT_SIM_COUNT` choose the sessions; a failure prints which one it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settled_plus_held_never_exceeds_the_cap_but_by_a_stated_overrun_and_replay_equals_live() {
    let (seed, count) = (setting("REMIT_SIM_SEED", 1), setting("REMIT_SIM_COUNT", 10_000));
    let first = setting("REMIT_SIM_FIRST", 0);
    let mut shares = (first..first + count).step_by(usize::try_from(SHARE).unwrap());
    let mut playing = JoinSet::new();
    loop {
        while playing.len() < 2
            && let Some(start) = shares.next()
        {
            playing.spawn(play_some(seed, start..(start + SHARE).min(first + count)));
        }
        match playing.join_next().await {
            Some(played) => played.unwrap(),
            None => break,
        }
    }
}
