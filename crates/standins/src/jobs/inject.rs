//! Faults on order: what goes wrong with the next requests.
//!
//! Not here: what happens without them.

use super::call::Route;
use super::hub::Refused;
use super::job::Play;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Fault {
    /// The request is carried out, then the connection is closed without an answer.
    LoseAnswer,
    /// The request is carried out, and its answer never comes.
    HoldAnswer,
    /// The request is refused with this status and nothing is done.
    Fail {
        status: u16,
        #[serde(default)]
        error: Option<String>,
    },
    /// The request is refused for want of credits: 402.
    PaymentRequired,
    /// The request is refused as one too many: 429.
    RateLimited { retry_after_secs: u32 },
    /// The log stream sends this many events, then falls silent and stays open.
    LogsSilent {
        #[serde(default)]
        after: usize,
    },
    /// The log stream ends after this many events, whatever the job does.
    LogsEnd {
        #[serde(default)]
        after: usize,
    },
    /// Jobs in the answer stand in this stage.
    Stage { stage: String },
    /// Hardware in the answer has no `unitCostMicroUSD`.
    NoPrice {
        #[serde(default)]
        flavor: Option<String>,
    },
    /// Hardware in the answer has a `unitCostMicroUSD` of null.
    NullPrice {
        #[serde(default)]
        flavor: Option<String>,
    },
    /// The hardware in the answer is this, whatever it is.
    HardwareList { list: Value },
    /// The token has this role.
    Role { role: String },
    /// The next job plays out like this.
    NextJob {
        #[serde(default)]
        play: Play,
    },
}

/// When a fault takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Instead of doing what was asked.
    Instead,
    /// While it is done, or in its answer.
    Within,
    /// After it was done, in place of the answer.
    After,
}

/// A fault and the requests that it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Injection {
    pub(crate) fault: Fault,
    /// The calls that it happens to; `None` is any.
    pub(crate) on: Option<Route>,
    /// How many more times it happens.
    pub(crate) times: u32,
}

impl Injection {
    /// Reads `{"kind": ..., "on": "launch", "times": 1}` with the fields of the kind beside them.
    pub(crate) fn read(mut body: Value) -> Result<Injection, String> {
        let fields = body.as_object_mut().ok_or("an injection is an object with a `kind`")?;
        let on = fields.remove("on");
        let times = fields.remove("times").unwrap_or(json!(1));
        let fault: Fault = crate::order::read(body)?;
        let on = match on {
            Some(route) if route == "any" => None,
            Some(route) => Some(serde_json::from_value(route).map_err(|failure| failure.to_string())?),
            None => fault.usual_route(),
        };
        let times = serde_json::from_value(times).map_err(|failure| failure.to_string())?;
        if times == 0 {
            return Err("`times` must be positive".to_owned());
        }
        Ok(Injection { fault, on, times })
    }
}

impl Fault {
    /// Says when the fault takes effect.
    pub(crate) fn phase(&self) -> Phase {
        match self {
            Fault::Fail { .. } | Fault::PaymentRequired | Fault::RateLimited { .. } => Phase::Instead,
            Fault::LogsSilent { .. }
            | Fault::LogsEnd { .. }
            | Fault::Stage { .. }
            | Fault::NoPrice { .. }
            | Fault::NullPrice { .. }
            | Fault::HardwareList { .. }
            | Fault::Role { .. }
            | Fault::NextJob { .. } => Phase::Within,
            Fault::LoseAnswer | Fault::HoldAnswer => Phase::After,
        }
    }

    /// Gives the refusal that takes the place of what was asked.
    pub(crate) fn refusal(&self) -> Option<Refused> {
        match self {
            Fault::Fail { status, error } => {
                let error = error.as_deref().unwrap_or("the request was not carried out");
                Some(Refused::new(*status, error))
            }
            Fault::PaymentRequired => Some(Refused::new(402, "you have no credits left for this namespace")),
            Fault::RateLimited { retry_after_secs } => Some(Refused {
                retry_after_secs: Some(*retry_after_secs),
                ..Refused::new(429, "you have sent too many requests")
            }),
            _ => None,
        }
    }

    /// Alters the jobs, the hardware or the role of an answer.
    pub(crate) fn alter(&self, answer: &mut Value) {
        match self {
            Fault::HardwareList { list } => return *answer = list.clone(),
            Fault::Role { role } => return answer["auth"]["accessToken"]["role"] = json!(role),
            _ => {}
        }
        let items = match answer {
            Value::Array(items) => &mut items[..],
            single => std::slice::from_mut(single),
        };
        for item in items {
            match self {
                Fault::Stage { stage } if item["status"]["stage"].is_string() => {
                    item["status"]["stage"] = json!(stage);
                }
                Fault::NoPrice { flavor } if names(flavor, item) => {
                    if let Some(fields) = item.as_object_mut() {
                        fields.remove("unitCostMicroUSD");
                        fields.remove("unitCostUSD");
                    }
                }
                Fault::NullPrice { flavor } if names(flavor, item) => {
                    item["unitCostMicroUSD"] = Value::Null;
                    item["unitCostUSD"] = Value::Null;
                }
                _ => {}
            }
        }
    }

    /// Gives the call that the fault is meant for when none was named; `None` is any.
    fn usual_route(&self) -> Option<Route> {
        match self {
            Fault::LoseAnswer
            | Fault::HoldAnswer
            | Fault::Fail { .. }
            | Fault::PaymentRequired
            | Fault::NextJob { .. } => Some(Route::Launch),
            Fault::RateLimited { .. } => None,
            Fault::LogsSilent { .. } | Fault::LogsEnd { .. } => Some(Route::Logs),
            Fault::Stage { .. } => Some(Route::Inspect),
            Fault::NoPrice { .. } | Fault::NullPrice { .. } | Fault::HardwareList { .. } => Some(Route::Hardware),
            Fault::Role { .. } => Some(Route::Whoami),
        }
    }
}

fn names(flavor: &Option<String>, item: &Value) -> bool {
    match flavor {
        Some(flavor) => item["name"] == flavor.as_str(),
        None => item.is_object(),
    }
}

/// Takes the first fault of this phase that waits for this call.
pub(crate) fn take(waiting: &mut Vec<Injection>, route: Route, phase: Phase) -> Option<Fault> {
    let at = waiting
        .iter()
        .position(|injection| injection.fault.phase() == phase && injection.on.is_none_or(|on| on == route))?;
    let injection = &mut waiting[at];
    injection.times -= 1;
    let fault = injection.fault.clone();
    if injection.times == 0 {
        waiting.remove(at);
    }
    Some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_as_was_asked_and_to_no_other_call() {
        let mut waiting = vec![Injection::read(json!({"kind": "payment_required", "times": 2})).unwrap()];
        assert_eq!(take(&mut waiting, Route::List, Phase::Instead), None);
        assert_eq!(take(&mut waiting, Route::Launch, Phase::After), None);
        for _ in 0..2 {
            assert_eq!(take(&mut waiting, Route::Launch, Phase::Instead), Some(Fault::PaymentRequired));
        }
        assert_eq!(take(&mut waiting, Route::Launch, Phase::Instead), None);
    }

    #[test]
    fn an_order_that_is_misspelled_is_refused() {
        for order in [
            json!("lose_answer"),
            json!({"kind": "lose_anwser"}),
            json!({"kind": "stage"}),
            json!({"kind": "lose_answer", "stage": "X"}),
            json!({"kind": "stage", "stage": "X", "stages": 1}),
            json!({"kind": "lose_answer", "on": "lanch"}),
            json!({"kind": "lose_answer", "times": 0}),
            json!({"kind": "lose_answer", "times": -1}),
            json!({"kind": "next_job", "play": {"runsecs": 3}}),
        ] {
            assert!(Injection::read(order.clone()).is_err(), "{order}");
        }
    }
}
