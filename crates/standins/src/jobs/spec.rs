//! What a launch asks for: the job spec, read from the wire and checked.
//!
//! Not here: when a job runs and how it ends. The values of secrets are dropped as they are read.

use super::hardware;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The timeout of a job that gives none, in seconds.
const DEFAULT_TIMEOUT_SECS: u64 = 1_800;
/// The most attempts that one job is given.
const MAX_ATTEMPTS: u32 = 1_000;
/// The longest label, key or value.
const MAX_LABEL: usize = 100;

/// Labels of a job.
pub(crate) type Labels = BTreeMap<String, String>;

/// A job spec, as `POST /api/jobs/{namespace}` takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spec {
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, Masked>,
    pub(crate) flavor: String,
    pub(crate) docker_image: Option<String>,
    pub(crate) space_id: Option<String>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) attempts: Option<u32>,
    pub(crate) labels: Option<Labels>,
    pub(crate) expose: Option<Expose>,
    /// What is only kept and shown again: volumes, ssh, network, resource group, architecture.
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// A secret's value, forgotten when it was read.
#[derive(Debug, Clone)]
pub(crate) struct Masked;

impl<'de> Deserialize<'de> for Masked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Masked, D::Error> {
        String::deserialize(from).map(|_| Masked)
    }
}

impl Serialize for Masked {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("***")
    }
}

/// The ports of a job that the outside can reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Expose {
    #[serde(default)]
    pub(crate) ports: Vec<u16>,
    #[serde(default)]
    pub(crate) ports_public: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    #[serde(rename = "type")]
    kind: String,
    source: String,
    mount_path: String,
}

impl Spec {
    /// Reads a spec and checks it; the error is what the API answers.
    pub(crate) fn read(body: Value) -> Result<Spec, String> {
        let mut spec: Spec = serde_json::from_value(body).map_err(|failure| format!("invalid job spec: {failure}"))?;
        // What is null was not given.
        spec.rest.retain(|_, value| !value.is_null());
        spec.check()?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), String> {
        if hardware::flavor(&self.flavor).is_none() {
            return Err(format!("invalid flavor `{}`", self.flavor));
        }
        match (&self.docker_image, &self.space_id) {
            (Some(image), None) | (None, Some(image)) if !image.is_empty() => {}
            _ => return Err("exactly one of `dockerImage` and `spaceId` is needed".to_owned()),
        }
        if self.timeout_seconds == Some(0) {
            return Err("`timeoutSeconds` must be positive".to_owned());
        }
        if !(1..=MAX_ATTEMPTS).contains(&self.attempts()) {
            return Err(format!("`attempts` must be between 1 and {MAX_ATTEMPTS}"));
        }
        if let Some(labels) = &self.labels {
            check_labels(labels)?;
        }
        if let Some(expose) = &self.expose {
            expose.check()?;
        }
        match self.rest.get("volumes") {
            Some(volumes) => check_volumes(volumes),
            None => Ok(()),
        }
    }

    /// Gives the seconds after which an attempt is stopped.
    pub(crate) fn timeout_secs(&self) -> u64 {
        self.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECS)
    }

    /// Gives how often the job is tried at most.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.unwrap_or(1)
    }

    /// Shows the spec as a scheduled job's answer does.
    pub(crate) fn view(&self) -> Value {
        let kept = |key: &str| self.rest.get(key).cloned().unwrap_or(Value::Null);
        json!({
            "dockerImage": self.docker_image,
            "spaceId": self.space_id,
            "command": self.command,
            "arguments": self.arguments,
            "environment": self.environment,
            "secrets": self.secrets,
            "flavor": self.flavor,
            "timeout": self.timeout_secs(),
            "tags": kept("tags"),
            "arch": kept("arch"),
            "labels": self.labels,
            "volumes": kept("volumes"),
            "retry": self.attempts() - 1,
            "expose": self.expose,
        })
    }
}

impl Expose {
    /// Checks that every public port is a port.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.ports_public.iter().find(|port| !self.ports.contains(port)) {
            Some(port) => Err(format!("the public port {port} is not among `ports`")),
            None => Ok(()),
        }
    }
}

/// Checks that keys and values are short and of the letters that the Hub allows.
pub(crate) fn check_labels(labels: &Labels) -> Result<(), String> {
    let allowed = |text: &str| {
        text.len() <= MAX_LABEL && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    match labels.iter().find(|(key, value)| key.is_empty() || !allowed(key) || !allowed(value)) {
        Some((key, value)) => {
            Err(format!("invalid label `{key}={value}`: at most {MAX_LABEL} characters of [A-Za-z0-9._-]"))
        }
        None => Ok(()),
    }
}

fn check_volumes(volumes: &Value) -> Result<(), String> {
    let volumes: Vec<Volume> =
        serde_json::from_value(volumes.clone()).map_err(|failure| format!("invalid volumes: {failure}"))?;
    for Volume { kind, source, mount_path } in volumes {
        if !matches!(kind.as_str(), "bucket" | "model" | "dataset" | "space") {
            return Err(format!("invalid volume type `{kind}`"));
        }
        if !source.contains('/') {
            return Err(format!("invalid volume source `{source}`"));
        }
        if !mount_path.starts_with('/') {
            return Err(format!("invalid mount path `{mount_path}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec_with(key: &str, value: Value) -> Value {
        let mut spec = json!({
            "command": ["true"],
            "arguments": [],
            "environment": {},
            "flavor": "cpu-basic",
            "dockerImage": "python:3.12",
        });
        spec[key] = value;
        spec
    }

    #[test]
    fn a_spec_that_the_hub_cannot_run_is_refused_with_its_fault_named() {
        for (key, value, named) in [
            ("flavor", json!("quantum-x1"), "`quantum-x1`"),
            ("command", json!("true"), "invalid job spec"),
            ("dockerImage", Value::Null, "exactly one"),
            ("spaceId", json!("me/space"), "exactly one"),
            ("timeoutSeconds", json!(0), "`timeoutSeconds`"),
            ("timeoutSeconds", json!(-5), "invalid job spec"),
            ("timeoutSeconds", json!("5m"), "invalid job spec"),
            ("attempts", json!(0), "`attempts`"),
            ("labels", json!({"a b": "c"}), "`a b=c`"),
            ("labels", json!({"a": "x".repeat(101)}), "at most 100"),
            ("expose", json!({"ports": [1], "portsPublic": [2]}), "port 2"),
            ("volumes", json!([{"type": "disk", "source": "a/b", "mountPath": "/x"}]), "`disk`"),
            ("volumes", json!([{"type": "model", "source": "a/b", "mountPath": "x"}]), "`x`"),
        ] {
            let refusal = Spec::read(spec_with(key, value)).unwrap_err();
            assert!(refusal.contains(named), "{key}: {refusal}");
        }
    }

    #[test]
    fn the_value_of_a_secret_is_nowhere_in_what_is_kept() {
        let spec = Spec::read(spec_with("secrets", json!({"HF_TOKEN": "hf_secret"}))).unwrap();
        let kept = serde_json::to_string(&spec).unwrap() + &format!("{spec:?}");
        assert!(kept.contains("HF_TOKEN"));
        assert!(!kept.contains("hf_secret"));
    }
}
