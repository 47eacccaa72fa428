//! Which form of an answer a client takes, by its `Accept` (RFC 9110, 12.5.1).
//!
//! Not here: routes that have one form only; those send it whatever is accepted.

use axum::http::{HeaderMap, header};

/// A form in which events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Server-sent events.
    Stream,
    /// A page of JSON.
    Page,
}

/// The form that is wanted most; nothing when neither is. A stream is only sent to whoever names it: a client that takes
/// anything does not expect an answer without an end.
pub fn wanted(headers: &HeaderMap) -> Option<Form> {
    let mut lines = headers.get_all(header::ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return Some(Form::Page);
    }
    let ranges: Vec<(String, f32)> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|range| weighed(&range.to_ascii_lowercase()))
        .collect();
    let weight = |kinds: &[&str]| {
        let most_specific = kinds.iter().find_map(|kind| ranges.iter().find(|(range, _)| range == kind));
        most_specific.map_or(0.0, |(_, weight)| *weight)
    };
    let stream = weight(&["text/event-stream", "text/*"]);
    let page = weight(&["application/json", "application/*", "*/*"]);
    match (stream > 0.0, page > 0.0) {
        (true, _) if stream >= page => Some(Form::Stream),
        (_, true) => Some(Form::Page),
        (true, false) | (false, false) => None,
    }
}

/// A range of media types, and how much it is wanted.
fn weighed(range: &str) -> (String, f32) {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_owned();
    let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse);
    (kind, weight.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_stream_is_sent_to_whoever_names_it_and_a_page_to_everybody_else() {
        for (accept, form) in [
            ("text/event-stream", Some(Form::Stream)),
            ("text/event-stream, */*", Some(Form::Stream)),
            ("application/json, text/event-stream", Some(Form::Stream)),
            ("TEXT/EVENT-STREAM;charset=utf-8", Some(Form::Stream)),
            ("text/event-stream;q=0.5, application/json", Some(Form::Page)),
            ("text/event-stream;q=0, */*", Some(Form::Page)),
            ("*/*", Some(Form::Page)),
            ("application/*;q=0.1", Some(Form::Page)),
            ("application/json;q=0", None),
            ("text/html", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wanted(&headers), form, "{accept}");
        }
        assert_eq!(wanted(&HeaderMap::new()), Some(Form::Page));
    }
}
