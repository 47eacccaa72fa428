//! What the contract says to one call, with everything a person wants to know of it.
//!
//! Not here: deciding (that is `policy`, asked through the gate), or how a call is understood (that is `engine`).

use engine::work::{Desk, Understood, understand};
use gate::{Act, State, explain};
use policy::{Action, Decider, Effect, Price, Terms, Verdict};
use std::fmt;
use std::str::FromStr;
use turn::chat::ToolCall;

/// What happens to a call. Beside the contract's three verdicts a call can be a question to the person, or no call at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It runs.
    Run,
    /// A person is asked first.
    Ask,
    /// It does not run.
    Refuse,
    /// It is a question to the person, and is delivered.
    Deliver,
    /// It is an error for the model: nothing is asked, and nothing runs.
    Invalid,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Answer; 5] = [Answer::Run, Answer::Ask, Answer::Refuse, Answer::Deliver, Answer::Invalid];
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Answer::Run => "run",
            Answer::Ask => "ask",
            Answer::Refuse => "refuse",
            Answer::Deliver => "deliver",
            Answer::Invalid => "invalid",
        })
    }
}

/// The text is no answer of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of `run`, `ask`, `refuse`, `deliver`, `invalid`")]
pub struct NoAnswer(String);

impl FromStr for Answer {
    type Err = NoAnswer;

    fn from_str(text: &str) -> Result<Answer, NoAnswer> {
        let found = Answer::ALL.into_iter().find(|known| known.to_string() == text);
        found.ok_or_else(|| NoAnswer(text.to_owned()))
    }
}

/// What the contract says to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What happens to it.
    pub answer: Answer,
    /// What was declared and decided; nothing where the call is a question, or no call.
    pub decided: Option<Decided>,
    /// Why, in words.
    pub reason: String,
}

/// What a call declares, and who decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The call in a line.
    pub summary: String,
    /// What it does to the world.
    pub effect: Effect,
    /// What it may cost.
    pub price: Price,
    /// Who decided.
    pub by: Decider,
}

/// A price in one word or number, as files of cases and `--json` write it.
pub fn price_word(price: &Price) -> String {
    match price {
        Price::Free => "free".to_owned(),
        Price::AtMost(usd) => usd.to_string(),
        Price::Unknown(_) => "unknown".to_owned(),
        Price::Unbounded(_) => "unbounded".to_owned(),
    }
}

/// Says what would happen to a call in this state. Nothing runs, nothing is recorded.
pub fn judge(state: &State, tool: &str, arguments: &str, desk: &Desk<'_>) -> Judgement {
    let call = ToolCall { id: "explained".to_owned(), name: tool.to_owned(), arguments: arguments.to_owned() };
    match understand(&call, desk) {
        Ok(Understood::Work(work)) => judge_action(state, &work.action()),
        Ok(Understood::Question(_)) => Judgement {
            answer: Answer::Deliver,
            decided: None,
            reason: "a question to the person is no permission gate: it is always delivered".to_owned(),
        },
        Err(why) => Judgement { answer: Answer::Invalid, decided: None, reason: why },
    }
}

/// Says what would happen to an action in this state.
pub fn judge_action(state: &State, action: &Action) -> Judgement {
    let verdict = explain(state, action);
    let answer = match &verdict {
        Verdict::Run(_) => Answer::Run,
        Verdict::Ask(_) => Answer::Ask,
        Verdict::Refuse(_) => Answer::Refuse,
    };
    let reason = match &verdict {
        Verdict::Run(terms) => why_it_runs(state, action, terms),
        Verdict::Ask(_) | Verdict::Refuse(_) => verdict.reason().unwrap_or_default(),
    };
    let (summary, effect, price) = (action.summary.clone(), action.effect, action.price.clone());
    Judgement { answer, decided: Some(Decided { summary, effect, price, by: verdict.decided_by() }), reason }
}

fn why_it_runs(state: &State, action: &Action, terms: &Terms) -> String {
    if terms.by == Decider::Person {
        return "an answer for this session covers it".to_owned();
    }
    match (&action.price, action.effect, state.mode.limit()) {
        (Price::AtMost(_), _, Some(cap)) => {
            format!("its price fits in the ${} that are left of ${cap}", state.book.funds().left(cap))
        }
        (Price::AtMost(_) | Price::Unknown(_) | Price::Unbounded(_), _, _) => "the mode has no cap".to_owned(),
        (Price::Free, Effect::Read, _) => "it only looks at what you put in front of the agent".to_owned(),
        (Price::Free, Effect::Reach, _) => "the mode lets it look beyond the workspace".to_owned(),
        (Price::Free, Effect::Confined, _) => "the kernel holds it to reading".to_owned(),
        (Price::Free, Effect::Change, _) => "the mode lets it change things".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::{Attendance, Subject};

    fn action(effect: Effect, price: Price) -> Action {
        let (tool, summary, shown) = ("t".to_owned(), "a line".to_owned(), "{}".to_owned());
        Action { tool, effect, price, summary, subject: Subject::Other, shown }
    }

    fn judged(mode: &str, effect: Effect, price: Price) -> (Answer, String) {
        let state = State::open(mode.parse().unwrap(), Attendance::Attended, Vec::new());
        let judgement = judge_action(&state, &action(effect, price));
        (judgement.answer, judgement.reason)
    }

    #[test]
    fn what_runs_says_why_it_may() {
        let one = || Price::AtMost("1".parse().unwrap());
        for (mode, effect, price, why) in [
            ("plan", Effect::Read, Price::Free, "it only looks at what you put in front of the agent"),
            ("agent", Effect::Confined, Price::Free, "the kernel holds it to reading"),
            ("yolo:5", Effect::Reach, Price::Free, "the mode lets it look beyond the workspace"),
            ("yolo:5", Effect::Change, Price::Free, "the mode lets it change things"),
            ("yolo:5", Effect::Change, one(), "its price fits in the $5.00 that are left of $5.00"),
            ("yolo:uncapped", Effect::Change, one(), "the mode has no cap"),
        ] {
            assert_eq!(judged(mode, effect, price), (Answer::Run, why.to_owned()), "{mode} {effect}");
        }
    }

    #[test]
    fn what_does_not_run_says_the_contracts_reason() {
        assert_eq!(judged("agent", Effect::Change, Price::Free).1, "it changes something");
        assert_eq!(
            judged("plan", Effect::Change, Price::Free),
            (Answer::Refuse, "Plan executes and changes nothing".into())
        );
    }

    #[test]
    fn each_answer_reads_back_and_nothing_else_does() {
        for answer in Answer::ALL {
            assert_eq!(answer.to_string().parse(), Ok(answer));
        }
        assert!("runs".parse::<Answer>().unwrap_err().to_string().contains("`deliver`"));
    }
}
