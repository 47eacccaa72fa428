//! YOLO as a switch with a cap: the shape in which pages and scripts set it, and the answer.
//!
//! Not here: what a mode or a cap is (that is `policy`); a switch becomes the mode's text, and that is read like every other.

use crate::event::Spend;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// `{"enabled": true, "cost_cap_usd": 5}`: turns YOLO on or off.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct YoloSwitch {
    /// Whether the session is to be in YOLO; `false` is Agent.
    pub enabled: bool,
    /// The cap in US dollars, as a number or a text.
    #[serde(default)]
    pub cost_cap_usd: CapWish,
}

/// What was said of the cap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CapWish {
    /// Nothing: the session's last cap, else the default. Never uncapped.
    #[default]
    Unsaid,
    /// `null`: no cap at all.
    Uncapped,
    /// This amount, digit for digit as it was written: a cap never goes through a float.
    Amount(String),
}

/// Why a switch cannot be turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSwitch(String);

impl std::fmt::Display for BadSwitch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; write {{\"enabled\": true, \"cost_cap_usd\": 5}}", self.0)
    }
}

impl std::error::Error for BadSwitch {}

impl JsonSchema for CapWish {
    fn schema_name() -> Cow<'static, str> {
        "CapWish".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string" }, { "type": "null" }] })
    }
}

impl<'de> Deserialize<'de> for CapWish {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<CapWish, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(CapWish::Uncapped),
            Some(b'"') => serde_json::from_str(text).map(CapWish::Amount).map_err(serde::de::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(CapWish::Amount(text.to_owned())),
            _ => Err(serde::de::Error::custom("`cost_cap_usd` is an amount of dollars, or null for no cap")),
        }
    }
}

impl YoloSwitch {
    /// Reads a switch from JSON.
    pub fn read(json: &str) -> Result<YoloSwitch, BadSwitch> {
        let switch: YoloSwitch = serde_json::from_str(json).map_err(|why| BadSwitch(why.to_string()))?;
        if !switch.enabled && switch.cost_cap_usd != CapWish::Unsaid {
            return Err(BadSwitch("a cap goes with `enabled`: true".to_owned()));
        }
        Ok(switch)
    }

    /// The mode it asks for, as text: `agent`, `yolo`, `yolo:5` or `yolo:uncapped`. That the amount is a cap is found out by
    /// who reads the mode.
    pub fn mode(&self) -> String {
        match (self.enabled, &self.cost_cap_usd) {
            (false, _) => "agent".to_owned(),
            (true, CapWish::Unsaid) => "yolo".to_owned(),
            (true, CapWish::Uncapped) => "yolo:uncapped".to_owned(),
            (true, CapWish::Amount(text)) => format!("yolo:{text}"),
        }
    }
}

/// How YOLO stands, after the switch. Amounts are texts of US dollars; the states of money stand apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct YoloStatus {
    /// Whether the session is in YOLO.
    pub enabled: bool,
    /// Whether there is no cap: only ever because somebody spelled that out.
    pub uncapped: bool,
    /// The cap; absent when there is none, and out of YOLO.
    pub cap: Option<String>,
    /// What was spent in YOLO.
    pub spent: String,
    /// What is held for what is under way.
    pub held: String,
    /// What is held for what has an unknown outcome.
    pub open: String,
    /// What is left of the cap.
    pub remaining: Option<String>,
    /// How many things without a bound are not gone yet.
    pub unbounded: usize,
}

impl YoloStatus {
    /// The status of a session by its mode and its money.
    pub fn of(mode: &str, spend: &Spend) -> YoloStatus {
        let budget = &spend.budget;
        YoloStatus {
            enabled: mode.starts_with("yolo"),
            uncapped: mode == "yolo:uncapped",
            cap: spend.cap.clone(),
            spent: budget.settled.clone(),
            held: budget.held.clone(),
            open: budget.open.clone(),
            remaining: spend.left.clone(),
            unbounded: budget.unbounded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_the_mode_that_it_asks_for() {
        for (json, mode) in [
            (r#"{"enabled": false}"#, "agent"),
            (r#"{"enabled": true}"#, "yolo"),
            (r#"{"enabled": true, "cost_cap_usd": null}"#, "yolo:uncapped"),
            (r#"{"enabled": true, "cost_cap_usd": 5}"#, "yolo:5"),
            (r#"{"enabled": true, "cost_cap_usd": 0}"#, "yolo:0"),
            (r#"{"enabled": true, "cost_cap_usd": 0.100000000001}"#, "yolo:0.100000000001"),
            (r#"{"enabled": true, "cost_cap_usd": 12345678.000000000001}"#, "yolo:12345678.000000000001"),
            (r#"{"enabled": true, "cost_cap_usd": "2.50"}"#, "yolo:2.50"),
            // These are no caps; whoever reads the mode says so.
            (r#"{"enabled": true, "cost_cap_usd": -1}"#, "yolo:-1"),
            (r#"{"enabled": true, "cost_cap_usd": 1e3}"#, "yolo:1e3"),
            (r#"{"enabled": true, "cost_cap_usd": "NaN"}"#, "yolo:NaN"),
            (r#"{"enabled": true, "cost_cap_usd": ""}"#, "yolo:"),
        ] {
            assert_eq!(YoloSwitch::read(json).unwrap().mode(), mode, "{json}");
        }
    }

    #[test]
    fn what_is_no_switch_says_what_would_be() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"enabled": "yes"}"#,
            r#"{"enabled": true, "cap": 5}"#,
            r#"{"enabled": true, "cost_cap_usd": NaN}"#,
            r#"{"enabled": true, "cost_cap_usd": [5]}"#,
            r#"{"enabled": true, "cost_cap_usd": true}"#,
            r#"{"enabled": false, "cost_cap_usd": 5}"#,
            r#"{"enabled": false, "cost_cap_usd": null}"#,
            r#"{"enabled": true, "enabled": false}"#,
        ] {
            let why = YoloSwitch::read(json).unwrap_err().to_string();
            assert!(why.ends_with(r#"write {"enabled": true, "cost_cap_usd": 5}"#), "{json}: {why}");
        }
    }
}
