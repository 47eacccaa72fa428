//! What a service says when it refuses, read from the many forms in which services say it.
//!
//! Not here: what follows from it (that is `client`).

use std::time::Duration;

use serde_json::Value;

use crate::retry::wait_of_text;

/// A service's complaint, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The service's short words for it, such as `insufficient_quota`: its code, type and status, in lower case.
    pub labels: Vec<String>,
    /// The status that the complaint itself names, for one that comes in the middle of a stream.
    pub status: Option<u16>,
    /// What it says to people.
    pub words: String,
    /// How long the service wants to be left alone, where it says so in the complaint.
    pub retry_after: Option<Duration>,
}

/// The kinds of complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Auth,
    Quota,
    RateLimited,
    ContextTooLong,
    BadRequest,
    Down,
}

/// What services call a conversation that is too long.
const TOO_LONG: [&str; 23] = [
    "context_length_exceeded",
    "exceed_context_size",
    "model_context_window_exceeded",
    "request_too_large",
    "context length",
    "context window",
    "context size",
    "context limit",
    "context overflow",
    "prompt is too long",
    "prompt too long",
    "prompt exceeds max length",
    "input is too long",
    "input too long",
    "too many input tokens",
    "reduce the length",
    "exceeds the maximum number of tokens",
    "exceeded model token limit",
    "exceeds the model's maximum",
    "range of input length",
    "inputs tokens + max_new_tokens",
    "too large for model",
    "request too large",
];

/// What services call an empty purse, whatever status they give it.
const NO_CREDIT: [&str; 10] = [
    "insufficient_quota",
    "insufficient balance",
    "insufficient credits",
    "insufficient funds",
    "credit balance is too low",
    "billing_hard_limit_reached",
    "billing_error",
    "exceeded_current_quota_error",
    "exceeded your monthly included credits",
    "arrearage",
];

/// What the labels of a complaint mean where there is no status.
const LABELS: [(&str, FaultKind); 19] = [
    ("authentication_error", FaultKind::Auth),
    ("invalid_api_key", FaultKind::Auth),
    ("permission_error", FaultKind::Auth),
    ("permission_denied", FaultKind::Auth),
    ("unauthenticated", FaultKind::Auth),
    ("unauthorized", FaultKind::Auth),
    ("rate_limit_error", FaultKind::RateLimited),
    ("rate_limit_exceeded", FaultKind::RateLimited),
    ("rate_limit_reached_error", FaultKind::RateLimited),
    ("resource_exhausted", FaultKind::RateLimited),
    ("too_many_requests", FaultKind::RateLimited),
    ("invalid_request_error", FaultKind::BadRequest),
    ("invalid_request", FaultKind::BadRequest),
    ("invalid_argument", FaultKind::BadRequest),
    ("invalid_prompt", FaultKind::BadRequest),
    ("not_found_error", FaultKind::BadRequest),
    ("model_not_found", FaultKind::BadRequest),
    ("badrequesterror", FaultKind::BadRequest),
    ("not_found", FaultKind::BadRequest),
];

impl Fault {
    /// Makes a complaint out of our own words.
    pub(crate) fn of_words(words: &str) -> Fault {
        Fault { words: words.to_owned(), ..Fault::default() }
    }

    /// Reads the body of a refused request: JSON in any form, a page, or plain words.
    pub(crate) fn of_body(body: &[u8]) -> Fault {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Fault::of_json(&value).unwrap_or_else(|| Fault::of_words(text)),
            Err(_) => Fault::of_words(title(text).unwrap_or(text)),
        }
    }

    /// Reads a complaint out of JSON, if there is one in it.
    pub(crate) fn of_json(value: &Value) -> Option<Fault> {
        if let Some(first) = value.as_array().and_then(|list| list.first()) {
            return Fault::of_json(first);
        }
        let (inner, complains) = match value.get("error") {
            Some(Value::Null) | None => (value, value.get("object").is_some_and(|object| object == "error")),
            Some(error) => (error, true),
        };
        let words = ["message", "detail", "msg", "error_description"]
            .iter()
            .find_map(|key| words_of(inner.get(key)?))
            .or_else(|| words_of(inner).filter(|_| inner.is_string()))
            .or_else(|| words_of(value.get("message")?));
        if !complains && words.is_none() {
            return None;
        }
        let mut fault = Fault::of_words(&words.unwrap_or_else(|| inner.to_string()));
        fault.read_labels(inner);
        fault.read_labels(value);
        if let Some(raw) = inner.pointer("/metadata/raw").and_then(words_of) {
            fault.words = format!("{}: {raw}", fault.words);
        }
        let details = inner.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        fault.retry_after = details.iter().find_map(|detail| wait_of_text(detail.get("retryDelay")?.as_str()?));
        Some(fault)
    }

    fn read_labels(&mut self, value: &Value) {
        for key in ["code", "type", "status", "error_type"] {
            match value.get(key) {
                Some(Value::String(label)) if label != "error" => self.labels.push(label.to_lowercase()),
                Some(Value::Number(number)) => {
                    let status = number.as_u64().and_then(|status| u16::try_from(status).ok());
                    self.status = self.status.or(status.filter(|status| (400..600).contains(status)));
                }
                _ => {}
            }
        }
    }

    /// Says what kind of complaint it is: by what it says first, for services differ in the status they give it.
    pub(crate) fn kind(&self, status: Option<u16>) -> FaultKind {
        let status = status.filter(|status| *status >= 300).or(self.status);
        let words = self.words.to_lowercase();
        let says = |list: &[&str]| {
            list.iter().any(|wanted| words.contains(wanted) || self.labels.iter().any(|label| label.contains(wanted)))
        };
        if says(&NO_CREDIT) {
            return FaultKind::Quota;
        }
        if !matches!(status, Some(401..=404)) && says(&TOO_LONG) {
            return FaultKind::ContextTooLong;
        }
        match status {
            Some(401 | 403) => FaultKind::Auth,
            Some(402) => FaultKind::Quota,
            Some(413) => FaultKind::ContextTooLong,
            Some(429) => FaultKind::RateLimited,
            Some(408 | 409 | 425 | 500..) => FaultKind::Down,
            Some(_) => FaultKind::BadRequest,
            None => self.kind_of_labels(),
        }
    }

    /// A complaint in the middle of a stream that says nothing we know is a fault of the service: it had accepted the
    /// request.
    fn kind_of_labels(&self) -> FaultKind {
        let known = |label: &String| LABELS.iter().find(|(known, _)| known == label);
        self.labels.iter().find_map(known).map_or(FaultKind::Down, |(_, kind)| *kind)
    }
}

fn words_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(words) if words.trim().is_empty() => None,
        Value::String(words) => Some(words.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns the title of a web page, which is all that is worth reading of one that a proxy put in place of an answer.
fn title(page: &str) -> Option<&str> {
    if !page.starts_with('<') {
        return None;
    }
    let lower = page.to_ascii_lowercase();
    let begin = lower.find("<title>")? + "<title>".len();
    let end = begin + lower[begin..].find("</title>")?;
    Some(page[begin..end].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, kind: FaultKind, words: &str) {
        let fault = Fault::of_body(body.as_bytes());
        assert_eq!(fault.kind(Some(status)), kind, "{status} {body}");
        assert!(fault.words.contains(words), "{}", fault.words);
    }

    #[test]
    fn each_services_complaint_gets_its_kind() {
        use FaultKind::*;
        check(
            401,
            r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            Auth,
            "Incorrect API key provided",
        );
        check(
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}"#,
            Auth,
            "invalid x-api-key",
        );
        check(401, r#"{"error":"Invalid username or password."}"#, Auth, "Invalid username");
        check(
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
            Quota,
            "Insufficient Balance",
        );
        check(
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            Quota,
            "exceeded your current quota",
        );
        check(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            Quota,
            "credit balance",
        );
        check(429, r#"{"error":{"message":"Rate limit reached","type":"requests"}}"#, RateLimited, "Rate limit");
        check(
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            ContextTooLong,
            "maximum context length",
        );
        check(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            ContextTooLong,
            "prompt is too long",
        );
        check(
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error"}}"#,
            ContextTooLong,
            "available context size",
        );
        check(413, "<html><head><title>413 Request Entity Too Large</title></head></html>", ContextTooLong, "413");
        check(404, r#"{"error":{"message":"model `x` not found","type":"not_found_error"}}"#, BadRequest, "not found");
        check(422, r#"{"detail":[{"loc":["body","x"],"msg":"Extra inputs"}]}"#, BadRequest, "Extra inputs");
        check(
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Down,
            "Overloaded",
        );
        check(502, "<!DOCTYPE html>\n<TITLE> 502 Bad Gateway </TITLE><body>...", Down, "502 Bad Gateway");
        check(503, "upstream connect error", Down, "upstream connect error");
        check(500, "", Down, "");
        check(301, "", BadRequest, "");
    }

    #[test]
    fn a_complaint_in_a_list_is_found_with_the_wait_it_asks_for() {
        let fault = Fault::of_body(
            br#"[{"error":{"code":429,"message":"Quota exceeded for quota metric","status":"RESOURCE_EXHAUSTED",
                "details":[{"@type":"x"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}]"#,
        );
        assert_eq!(fault.kind(Some(429)), FaultKind::RateLimited);
        assert_eq!(fault.retry_after, Some(Duration::from_secs(34)));
    }

    #[test]
    fn a_complaint_in_a_stream_is_judged_by_its_own_status_or_labels() {
        let kind = |json: &str| Fault::of_json(&serde_json::from_str(json).unwrap()).unwrap().kind(Some(200));
        assert_eq!(kind(r#"{"error":{"code":429,"message":"upstream is busy"}}"#), FaultKind::RateLimited);
        assert_eq!(
            kind(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
            FaultKind::Down
        );
        assert_eq!(
            kind(r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#),
            FaultKind::RateLimited
        );
        assert_eq!(kind(r#"{"error":{"message":"odd","type":"something_new"}}"#), FaultKind::Down);
        assert_eq!(
            kind(r#"{"object":"error","message":"bad tool","type":"BadRequestError","code":400}"#),
            FaultKind::BadRequest
        );
        assert_eq!(kind(r#"{"error":"boom"}"#), FaultKind::Down);
    }

    #[test]
    fn a_gateways_complaint_names_what_it_got_itself() {
        let fault = Fault::of_body(
            br#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"detail\":\"no\"}"}}}"#,
        );
        assert_eq!(fault.words, r#"Provider returned error: {"detail":"no"}"#);
    }

    #[test]
    fn ordinary_json_is_no_complaint() {
        for json in [r#"{"choices":[]}"#, r#"{"error":null,"choices":[]}"#, "{}", "[]", "7"] {
            assert_eq!(Fault::of_json(&serde_json::from_str(json).unwrap()), None, "{json}");
        }
    }
}
