//! The text under which an open hold finds its job again.
//!
//! Not here: asking the Hub what became of it.
//!
//! A reference holds all that settling needs, since prices and configuration may have changed by then:
//! `hf-job ns=me id=0123456789abcdef01234567 op=c7-1f2e3d4c5b6a7988 unit=1.00/60 ports=closed sent=1795324800`.
//! The first word is `hf-job` or `hf-schedule`. `ns` is the namespace, `id` the Hub's id, `op` the value of the label
//! `remit-op`, `unit` what the hardware cost when it was priced (dollars / minutes), `ports` whether they are
//! `exposed` or `closed`, and `sent` when the launch was sent, in seconds since 1970. What is not known is `?`.
//!
//! The reference of a schedule ends with the most that one of its runs can cost, in dollars, where that is known:
//! `most=0.01`.

use super::arguments::is_word;
use gate::CallId;
use money::Usd;
use pricing::{Ports, UnitPrice};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Where to find out what became of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
    pub(super) id: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) unit: Option<UnitPrice>,
    pub(super) ports: Ports,
    pub(super) sent_secs: u64,
    /// The most that one run of a schedule can cost.
    pub(super) most: Option<Usd>,
}

/// What was launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Job,
    Schedule,
}

/// The value of the label by which a launch is found again: the call, and a digest of the call and its session.
///
/// It follows from what is on record, so that it can be worked out again after a crash; a random one could not.
pub(super) fn operation_label(outputs: &Path, call: &CallId) -> String {
    let mut hash = Sha256::new();
    hash.update(outputs.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(call.as_str().as_bytes());
    let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let call: String = call.as_str().chars().filter(is_allowed).take(40).collect();
    if is_word(&call, 40) { format!("{call}-{digest}") } else { digest }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        let kind = match self.kind {
            Kind::Job => "hf-job",
            Kind::Schedule => "hf-schedule",
        };
        let ports = match self.ports {
            Ports::Closed => "closed",
            Ports::Exposed => "exposed",
        };
        let unit = self.unit.map_or_else(|| "?".to_owned(), |unit| unit.to_string());
        let (namespace, id, operation) = (known(&self.namespace), known(&self.id), known(&self.operation));
        write!(f, "{kind} ns={namespace} id={id} op={operation} unit={unit} ports={ports} sent={}", self.sent_secs)?;
        self.most.map_or(Ok(()), |most| write!(f, " most={most}"))
    }
}

/// Where a person can look at what a hold was left open for, and end it: the page of the job at the Hub. `None` for what has
/// no page, or is not known by name yet.
pub fn page(reference: &str, endpoint: &str) -> Option<String> {
    let reference: Reference = reference.parse().ok()?;
    match (reference.kind, reference.namespace, reference.id) {
        (Kind::Job, Some(namespace), Some(id)) => {
            Some(format!("{}/jobs/{namespace}/{id}", endpoint.trim_end_matches('/')))
        }
        (Kind::Job | Kind::Schedule, _, _) => None,
    }
}

/// The text is no reference of a job or a schedule.
#[derive(Debug)]
pub(super) struct NotAReference;

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Reference, NotAReference> {
        let mut parts = text.split(' ');
        let kind = match parts.next() {
            Some("hf-job") => Kind::Job,
            Some("hf-schedule") => Kind::Schedule,
            _ => return Err(NotAReference),
        };
        let mut field = |name: &str| {
            let part = parts.next().and_then(|part| part.strip_prefix(name)?.strip_prefix('='));
            part.ok_or(NotAReference)
        };
        let known = |text: &str| match text {
            "?" => Ok(None),
            word if is_word(word, 100) => Ok(Some(word.to_owned())),
            _ => Err(NotAReference),
        };
        let mut reference = Reference {
            kind,
            namespace: known(field("ns")?)?,
            id: known(field("id")?)?,
            operation: known(field("op")?)?,
            unit: match field("unit")? {
                "?" => None,
                price => Some(price.parse().map_err(|_| NotAReference)?),
            },
            ports: match field("ports")? {
                "closed" => Ports::Closed,
                "exposed" => Ports::Exposed,
                _ => return Err(NotAReference),
            },
            sent_secs: field("sent")?.parse().map_err(|_| NotAReference)?,
            most: None,
        };
        if let Some(last) = parts.next() {
            let most = last.strip_prefix("most=").and_then(|most| most.parse().ok());
            reference.most = Some(most.ok_or(NotAReference)?);
        }
        if parts.next().is_some() { Err(NotAReference) } else { Ok(reference) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_back_the_same() {
        for text in [
            "hf-job ns=me id=0123 op=c7-1f2e unit=1.00/60 ports=closed sent=1795324800",
            "hf-job ns=? id=? op=c7-1f2e unit=? ports=exposed sent=0",
            "hf-schedule ns=my-org id=s1 op=? unit=0.016667/1 ports=closed sent=7",
            "hf-schedule ns=my-org id=s1 op=? unit=0.016667/1 ports=closed sent=7 most=0.50001",
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_job_that_is_known_has_a_page() {
        let page = |text| page(text, "https://hub.example/");
        let known = "hf-job ns=me id=0123 op=c7-1f2e unit=1.00/60 ports=closed sent=1795324800";
        assert_eq!(page(known).as_deref(), Some("https://hub.example/jobs/me/0123"));
        for text in [&known.replace("id=0123", "id=?"), &known.replace("hf-job", "hf-schedule"), "call c7"] {
            assert_eq!(page(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            "call c7",
            "hf-job",
            "hf-job ns=me id=0123 op=c7 unit=1.00/60 ports=closed",
            "hf-job ns=me id=0123 op=c7 unit=1.00/60 ports=closed sent=1 more=2",
            "hf-job ns=me id=0123 op=c7 unit=1.00/60 ports=closed sent=1 most=",
            "hf-job ns=me id=0123 op=c7 unit=1.00/60 ports=closed sent=1 most=-1",
            "hf-job ns=me id=0123 op=c7 unit=1.00/60 ports=closed sent=1 most=1 most=1",
            "hf-job ns=../x id=0123 op=c7 unit=1.00/60 ports=closed sent=1",
            "hf-job ns=me id=0123 op=c7 unit=0/60 ports=closed sent=1",
            "hf-job ns=me id=0123 op=c7 unit=1.00/60 ports=open sent=1",
            "hf-job id=0123 ns=me op=c7 unit=1.00/60 ports=closed sent=1",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_label_is_its_calls_and_its_sessions_alone_and_one_that_the_hub_takes() {
        let label = |outputs: &str, call: &str| operation_label(Path::new(outputs), &CallId::new(call));
        assert_eq!(label("/a", "c7"), label("/a", "c7"));
        assert_ne!(label("/a", "c7"), label("/b", "c7"));
        assert_ne!(label("/a", "c7"), label("/a", "c8"));
        for call in ["c7", "", "..", "é/ ü", &"x".repeat(500)] {
            let label = label("/a", call);
            assert!(is_word(&label, 100), "{label}");
        }
    }
}
