//! `request_user_input` and `propose_plan`: what the model asks the person. A question is no permission gate: it is always
//! delivered.
//!
//! Not here: delivering it, or what is answered where nobody is there (that is `engine`).

use crate::call::Invalid;
use crate::json;
use money::Usd;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use turn::chat::ToolSpec;

/// The name of the tool that asks.
pub const ASK: &str = "request_user_input";
/// The name of the tool that proposes a plan.
pub const PLAN: &str = "propose_plan";

/// How many options or steps there may be, and how long one text.
const MOST: usize = 50;
const LONGEST: usize = 8000;

/// What the model asks the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserQuestion {
    /// A question, which the person answers in words or by picking.
    Ask {
        /// The question.
        question: String,
        /// What to pick from; empty for an answer in words.
        options: Vec<String>,
    },
    /// A plan, which the person answers with a mode.
    Plan {
        /// What it is a plan for.
        title: Option<String>,
        /// The steps, in order.
        steps: Vec<Step>,
    },
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What would be done.
    pub text: String,
    /// What it may cost at most, where that is known.
    pub price_ceiling: Option<Usd>,
}

/// Declares the tools.
pub fn specs() -> Vec<ToolSpec> {
    let ask = ToolSpec {
        name: ASK.to_owned(),
        description: "Asks the person a question.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "question": { "type": "string" },
                "options": { "type": "array", "items": { "type": "string" } }
            },
            "required": ["question"],
            "additionalProperties": false
        }),
    };
    let plan = ToolSpec {
        name: PLAN.to_owned(),
        description: "Proposes a plan; the person answers with a mode.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "title": { "type": "string" },
                "steps": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "text": { "type": "string" },
                            "price_ceiling_usd": { "type": "string", "description": "like `0.25`" }
                        },
                        "required": ["text"]
                    }
                }
            },
            "required": ["steps"],
            "additionalProperties": false
        }),
    };
    vec![ask, plan]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskArguments {
    question: String,
    #[serde(default)]
    options: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanArguments {
    #[serde(default)]
    title: Option<String>,
    steps: Vec<StepArguments>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepArguments {
    text: String,
    #[serde(default)]
    price_ceiling_usd: Option<Value>,
}

/// Understands a question; `None` when the tool is none of these.
pub fn parse(tool: &str, arguments: Value) -> Option<Result<UserQuestion, Invalid>> {
    match tool {
        ASK => Some(asked(arguments)),
        PLAN => Some(planned(arguments)),
        _no_question => None,
    }
}

fn asked(arguments: Value) -> Result<UserQuestion, Invalid> {
    let AskArguments { question, options } = json::typed(ASK, arguments)?;
    let options = options.unwrap_or_default();
    worded(ASK, "question", &question)?;
    few(ASK, "options", options.len())?;
    options.iter().try_for_each(|option| worded(ASK, "options", option))?;
    Ok(UserQuestion::Ask { question, options })
}

fn planned(arguments: Value) -> Result<UserQuestion, Invalid> {
    let PlanArguments { title, steps } = json::typed(PLAN, arguments)?;
    title.iter().try_for_each(|title| worded(PLAN, "title", title))?;
    few(PLAN, "steps", steps.len())?;
    if steps.is_empty() {
        return Err(Invalid::of(PLAN, "`steps`: a plan has at least one step"));
    }
    let step = |(at, step): (usize, StepArguments)| {
        worded(PLAN, &format!("steps[{at}].text"), &step.text)?;
        let price_ceiling = step.price_ceiling_usd.map(|price| ceiling(at, &price)).transpose()?;
        Ok(Step { text: step.text, price_ceiling })
    };
    Ok(UserQuestion::Plan { title, steps: steps.into_iter().enumerate().map(step).collect::<Result<_, _>>()? })
}

/// Reads an amount from text or a whole number. A number with a fraction has been through a float by now, so it is refused.
fn ceiling(step: usize, price: &Value) -> Result<Usd, Invalid> {
    let wrong = |why: String| Invalid::of(PLAN, format!("`steps[{step}].price_ceiling_usd`: {why}"));
    let text = match price {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        _fraction_or_other => return Err(wrong("write the amount as text, like \"0.25\"".to_owned())),
    };
    text.parse().map_err(|why: money::ParseUsdError| wrong(format!("`{}`: {why}", text.escape_debug())))
}

fn worded(tool: &'static str, field: &str, text: &str) -> Result<(), Invalid> {
    let is_right = !text.trim().is_empty() && text.len() <= LONGEST;
    if is_right { Ok(()) } else { Err(Invalid::of(tool, format!("`{field}`: 1 to {LONGEST} bytes of text"))) }
}

fn few(tool: &'static str, field: &str, number: usize) -> Result<(), Invalid> {
    if number <= MOST { Ok(()) } else { Err(Invalid::of(tool, format!("`{field}`: at most {MOST}"))) }
}

impl fmt::Display for UserQuestion {
    /// Writes the question as plain text for the person: options and steps numbered, ceilings in dollars.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserQuestion::Ask { question, options } => {
                f.write_str(question)?;
                options.iter().enumerate().try_for_each(|(at, option)| write!(f, "\n{}. {option}", at + 1))
            }
            UserQuestion::Plan { title, steps } => {
                f.write_str(title.as_deref().unwrap_or("A plan"))?;
                steps.iter().enumerate().try_for_each(|(at, step)| {
                    write!(f, "\n{}. {}", at + 1, step.text)?;
                    step.price_ceiling.map_or(Ok(()), |usd| write!(f, " (at most ${usd})"))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(tool: &str, arguments: Value) -> Result<UserQuestion, String> {
        parse(tool, arguments).expect("it is a question").map_err(|why| why.to_string())
    }

    #[test]
    fn a_question_is_shown_with_its_options() {
        let question = read(ASK, json!({"question": "which?", "options": ["a", "b"]})).unwrap();
        assert_eq!(question.to_string(), "which?\n1. a\n2. b");
        assert_eq!(parse("read", json!({})), None);
    }

    #[test]
    fn a_plan_reads_its_ceilings_exactly() {
        let plan = json!({"title": "Ship", "steps": [
            {"text": "train", "price_ceiling_usd": "0.000000000001"}, {"text": "push", "price_ceiling_usd": 3}, {"text": "rest"},
        ]});
        let plan = read(PLAN, plan).unwrap();
        assert_eq!(plan.to_string(), "Ship\n1. train (at most $0.000000000001)\n2. push (at most $3.00)\n3. rest");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let step = |price: Value| json!({"steps": [{"text": "x", "price_ceiling_usd": price}]});
        for (tool, arguments, why) in [
            (ASK, json!({}), "missing field `question`"),
            (ASK, json!({"question": 7}), "`question`: invalid type: integer `7`"),
            (ASK, json!({"question": " "}), "`question`: 1 to"),
            (ASK, json!({"question": "x", "choices": []}), "unknown field `choices`"),
            (ASK, json!({"question": "x", "options": vec!["y"; 51]}), "`options`: at most 50"),
            (ASK, json!([]), "must be a JSON object"),
            (PLAN, json!({"steps": []}), "at least one step"),
            (PLAN, step(json!(0.25)), "`steps[0].price_ceiling_usd`: write the amount as text"),
            (PLAN, step(json!("-1")), "cannot be negative"),
            (PLAN, step(json!(-1)), "cannot be negative"),
            (PLAN, step(json!("1e3")), "not an amount of dollars"),
        ] {
            let said = read(tool, arguments.clone()).unwrap_err();
            assert!(said.contains(why), "{arguments}: {said}");
        }
    }
}
