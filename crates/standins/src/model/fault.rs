//! What goes wrong with the next requests to the model: by order, or because the script says so.
//!
//! Not here: what a dialect makes of a refusal's status, beyond the words that it puts around it.

use ::model::Dialect;
use ::model::script::{ScriptFault, ScriptFaultKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::str::FromStr;
use std::time::Duration;

/// What goes wrong with a request to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelFault {
    /// Half of the answer comes, then the connection breaks.
    Cut,
    /// Half of the answer comes, then the stream ends as if it were whole.
    EndEarly,
    /// Half of the answer comes, then nothing more, and the connection stays open.
    Hang,
    /// The answer is no answer of any service.
    Garbage,
    /// The answer has bytes in it that are no UTF-8.
    InvalidUtf8,
    /// The answer's text has no end.
    Endless,
    /// The answer calls a tool many times.
    ThousandCalls {
        /// How many times.
        #[serde(default = "thousand")]
        calls: usize,
    },
    /// The request is one too many: 429.
    RateLimited {
        /// What the answer asks the client to wait.
        #[serde(default = "second")]
        retry_after_secs: u32,
    },
    /// The request is refused with this status.
    Fail {
        /// The status.
        #[serde(default = "server_fault")]
        status: u16,
    },
    /// The answer takes its time before it begins.
    Slow {
        /// How much time.
        #[serde(default = "two_seconds")]
        first_byte_ms: u64,
    },
    /// The connection closes without an answer.
    NoAnswer,
    /// The answer does not say how many tokens it took.
    NoUsage,
}

fn thousand() -> usize {
    1_000
}

fn second() -> u32 {
    1
}

fn server_fault() -> u16 {
    500
}

fn two_seconds() -> u64 {
    2_000
}

impl FromStr for ModelFault {
    type Err = String;

    /// Reads `cut`, `fail:503`, `rate_limited:7`, `slow:250`, `thousand_calls:40` and so on.
    fn from_str(text: &str) -> Result<ModelFault, String> {
        let (kind, number) = match text.split_once(':') {
            Some((kind, number)) => (kind, Some(number)),
            None => (text, None),
        };
        let mut order = json!({ "kind": kind });
        if let Some(number) = number {
            let field = match kind {
                "thousand_calls" => "calls",
                "rate_limited" => "retry_after_secs",
                "fail" => "status",
                "slow" => "first_byte_ms",
                _ => return Err(format!("the fault `{kind}` takes no number")),
            };
            order[field] = number.parse().map_err(|_| format!("`{number}` is not a number"))?;
        }
        crate::order::read(order)
    }
}

/// Reads an order of faults, `{"kind": "cut", "times": 2}`, as the list of them.
pub(crate) fn order(mut body: Value) -> Result<Vec<ModelFault>, String> {
    let fields = body.as_object_mut().ok_or("a fault is an object with a `kind`")?;
    let times = fields.remove("times").unwrap_or(json!(1));
    let fault: ModelFault = crate::order::read(body)?;
    match times.as_u64() {
        Some(times @ 1..=1_000) => Ok((0..times).map(|_| fault.clone()).collect()),
        _ => Err("`times` is between 1 and 1000".to_owned()),
    }
}

/// A refusal in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Complaint {
    /// Makes a refusal.
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Complaint {
        Complaint { status, message: message.into(), retry_after: None }
    }

    /// Spells the refusal as the dialect does.
    pub(crate) fn body(&self, dialect: Dialect) -> Value {
        let Complaint { status, message, .. } = self;
        match dialect {
            Dialect::Anthropic => {
                let kind = match status {
                    401 => "authentication_error",
                    402 => "billing_error",
                    413 => "request_too_large",
                    429 => "rate_limit_error",
                    529 => "overloaded_error",
                    500.. => "api_error",
                    _ => "invalid_request_error",
                };
                json!({ "type": "error", "error": { "type": kind, "message": message } })
            }
            Dialect::ChatCompletions | Dialect::Responses => {
                let (kind, code) = match status {
                    401 => ("invalid_request_error", Some("invalid_api_key")),
                    402 => ("insufficient_quota", Some("insufficient_quota")),
                    413 => ("invalid_request_error", Some("context_length_exceeded")),
                    429 => ("requests", Some("rate_limit_exceeded")),
                    500.. => ("server_error", None),
                    _ => ("invalid_request_error", None),
                };
                json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
            }
        }
    }
}

/// What becomes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is spoiled on its way, or comes late.
    Spoiled(ModelFault),
    /// It is refused.
    Refused(Complaint),
}

/// Says what a fault makes of an answer.
pub(crate) fn fate(fault: ModelFault) -> Fate {
    match fault {
        ModelFault::RateLimited { retry_after_secs } => Fate::Refused(Complaint {
            retry_after: Some(Duration::from_secs(retry_after_secs.into())),
            ..Complaint::new(429, "too many requests, on order")
        }),
        ModelFault::Fail { status } => Fate::Refused(Complaint::new(status, "the request fails on order")),
        spoiled => Fate::Spoiled(spoiled),
    }
}

/// Says what a fault of the script makes of an answer.
pub(crate) fn fate_in_script(fault: &ScriptFault) -> Fate {
    match (fault.kind.status(), fault.kind) {
        (Some(status), _) => {
            Fate::Refused(Complaint { retry_after: fault.after, ..Complaint::new(status, fault.message.clone()) })
        }
        (None, ScriptFaultKind::Cut) => Fate::Spoiled(ModelFault::Cut),
        (None, ScriptFaultKind::Garbled) => Fate::Spoiled(ModelFault::Garbage),
        (None, _) => Fate::Spoiled(ModelFault::NoAnswer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_from_a_flag_with_its_number() {
        for (text, fault) in [
            ("cut", ModelFault::Cut),
            ("rate_limited:7", ModelFault::RateLimited { retry_after_secs: 7 }),
            ("rate_limited", ModelFault::RateLimited { retry_after_secs: 1 }),
            ("fail", ModelFault::Fail { status: 500 }),
            ("fail:529", ModelFault::Fail { status: 529 }),
            ("slow:5", ModelFault::Slow { first_byte_ms: 5 }),
            ("thousand_calls", ModelFault::ThousandCalls { calls: 1_000 }),
        ] {
            assert_eq!(text.parse(), Ok(fault));
        }
        for text in ["", "explode", "cut:3", "fail:x", "fail:-1", "fail:70000"] {
            assert!(text.parse::<ModelFault>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_order_repeats_a_fault_as_often_as_it_says() {
        assert_eq!(order(json!({"kind": "cut", "times": 2})), Ok(vec![ModelFault::Cut, ModelFault::Cut]));
        for wrong in [
            json!("cut"),
            json!({"kind": "cut", "times": 0}),
            json!({"kind": "cut", "times": "2"}),
            json!({"kind": "cut", "status": 500}),
            json!({"kind": "fail", "stauts": 500}),
        ] {
            assert!(order(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
