//! What was paid for, as lines for a spreadsheet (RFC 4180): amounts as exact decimal text, no text that could be run.
//!
//! Not here: adding it up.

use super::item::Item;
use crate::calendar;
use journal::SessionId;

/// The first line.
pub const HEADER: &str = "session,at_utc,kind,hold,what,tool,model,purse,state,quoted,settled,overrun,\
input_tokens,cached_tokens,cache_write_tokens,output_tokens,reasoning_tokens,saved\r\n";

/// One line for each request and each paid call of a session.
pub fn session<'a>(id: &SessionId, items: impl IntoIterator<Item = &'a Item>) -> String {
    items.into_iter().map(|item| line(id, item)).collect()
}

fn line(id: &SessionId, item: &Item) -> String {
    let (line, request) = (item.line.as_ref(), item.request.as_ref());
    let usage = request.and_then(|request| request.usage);
    let tokens = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let amount = |usd: Option<money::Usd>| usd.map(|usd| usd.to_string()).unwrap_or_default();
    let text = |text: Option<&str>| field(text.unwrap_or_default());
    let model = request.map(|request| request.model.as_str());
    let fields = [
        field(id.as_str()),
        calendar::moment(item.at_ms),
        item.kind.to_string(),
        text(item.hold.as_deref()),
        field(&item.summary),
        text(item.tool.as_deref()),
        text(model),
        line.map(|line| line.purse.to_string()).unwrap_or_default(),
        item.state().to_owned(),
        amount(line.and_then(|line| line.bound)),
        amount(line.map(|line| line.spent())),
        amount(line.map(|line| line.overrun())),
        tokens(usage.map(|usage| usage.input)),
        tokens(usage.map(|usage| usage.cache_read)),
        tokens(usage.map(|usage| usage.cache_write)),
        tokens(usage.map(|usage| usage.output)),
        tokens(usage.map(|usage| usage.reasoning)),
        amount(request.and_then(|request| request.saved)),
    ];
    format!("{}\r\n", fields.join(","))
}

/// A text as a field. One that a spreadsheet would take for a formula gets an apostrophe in front, which makes it text.
fn field(text: &str) -> String {
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_has_to_be_and_never_a_formula() {
        for (text, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\t=1", "'\t=1"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
        ] {
            assert_eq!(field(text), written, "{text}");
        }
    }
}
