//! Adding a server to the text of a configuration, and taking one out: every other byte stays as it is.
//!
//! Not here: reading or writing the file.
//!
//! A server is added as a table at the end, and taken out line by line where it stands; only a server inside an inline table
//! is changed through the document's tree. Whatever was done, the result must say the same as before but for that one server,
//! else it is not taken: comments and order are never worth a wrong setting.

use crate::config::McpConfig;
use std::collections::{BTreeMap, BTreeSet};
use toml_edit::{Array, Document, DocumentMut, InlineTable, Item, Key, Value};

/// Why a configuration cannot be edited. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotEdit {
    /// There is a server of that name.
    #[error("there is a server `{0}` already")]
    IsThere(String),
    /// There is none.
    #[error("there is no server `{0}`")]
    IsNotThere(String),
    /// The text is written in a way that an edit would not keep.
    #[error("the file is written in a way that cannot be edited without changing other settings; edit it by hand")]
    ByHand,
}

/// The text with a server added.
pub fn add(text: &str, name: &str, server: &McpConfig) -> Result<String, CannotEdit> {
    let before = servers_of(text).ok_or(CannotEdit::ByHand)?;
    if before.contains_key(name) {
        return Err(CannotEdit::IsThere(name.to_owned()));
    }
    let entry = entry(server);
    let gap = if text.is_empty() || text.ends_with("\n\n") {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let lines: String = entry.iter().map(|(key, value)| format!("{key} = {}\n", value.to_string().trim())).collect();
    let appended = format!("{text}{gap}[mcp.{}]\n{lines}", Key::new(name).display_repr());
    let mut wanted = parsed(text).ok_or(CannotEdit::ByHand)?;
    let servers = wanted.entry("mcp").or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let whole = parsed(&format!("x = {entry}")).and_then(|mut whole| whole.remove("x")).ok_or(CannotEdit::ByHand)?;
    servers.as_table_mut().ok_or(CannotEdit::ByHand)?.insert(name.to_owned(), whole);
    let candidates = [Some(appended), added_in_tree(text, name, &entry)];
    candidates.into_iter().flatten().find(|text| parsed(text).as_ref() == Some(&wanted)).ok_or(CannotEdit::ByHand)
}

/// The text without a server.
pub fn remove(text: &str, name: &str) -> Result<String, CannotEdit> {
    let before = servers_of(text).ok_or(CannotEdit::ByHand)?;
    if !before.contains_key(name) {
        return Err(CannotEdit::IsNotThere(name.to_owned()));
    }
    let without = |text: &str| {
        let mut table = parsed(text)?;
        let servers = table.get_mut("mcp").and_then(toml::Value::as_table_mut);
        let is_empty = servers.is_some_and(|servers| {
            servers.remove(name);
            servers.is_empty()
        });
        if is_empty {
            table.remove("mcp");
        }
        Some(table)
    };
    let wanted = without(text).ok_or(CannotEdit::ByHand)?;
    let candidates = [without_lines(text, name), removed_in_tree(text, name)];
    let is_right = |text: &String| servers_of(text).is_some_and(|servers| !servers.contains_key(name));
    let found = candidates.into_iter().flatten().find(|text| is_right(text) && without(text).as_ref() == Some(&wanted));
    found.ok_or(CannotEdit::ByHand)
}

fn parsed(text: &str) -> Option<toml::Table> {
    toml::from_str(text).ok()
}

fn servers_of(text: &str) -> Option<BTreeMap<String, toml::Value>> {
    match parsed(text)?.remove("mcp") {
        None => Some(BTreeMap::new()),
        Some(toml::Value::Table(servers)) => Some(servers.into_iter().collect()),
        Some(_) => None,
    }
}

/// A server as one inline table, without what it does not say.
fn entry(server: &McpConfig) -> InlineTable {
    let pairs =
        |pairs: &BTreeMap<String, String>| Value::InlineTable(pairs.iter().map(|(k, v)| (k, v.as_str())).collect());
    let mut entry = InlineTable::new();
    if !server.command.is_empty() {
        entry.insert("command", Value::Array(server.command.iter().map(String::as_str).collect::<Array>()));
    }
    if let Some(url) = &server.url {
        entry.insert("url", url.as_str().into());
    }
    if !server.env.is_empty() {
        entry.insert("env", pairs(&server.env));
    }
    if !server.headers.is_empty() {
        entry.insert("headers", pairs(&server.headers));
    }
    if let Some(seconds) = server.timeout_s.and_then(|seconds| i64::try_from(seconds).ok()) {
        entry.insert("timeout_s", seconds.into());
    }
    entry
}

/// Where `mcp` is an inline table, the server becomes a part of it.
fn added_in_tree(text: &str, name: &str, entry: &InlineTable) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    document.get_mut("mcp")?.as_table_like_mut()?.insert(name, Item::Value(Value::InlineTable(entry.clone())));
    Some(document.to_string())
}

fn removed_in_tree(text: &str, name: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    document.get_mut("mcp")?.as_table_like_mut()?.remove(name);
    Some(document.to_string())
}

/// The text without the lines of a server, and without the comment that stands right above its heading.
fn without_lines(text: &str, name: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let (key, server) = document.get("mcp")?.as_table_like()?.get_key_value(name)?;
    let mut gone = BTreeSet::new();
    mark(key, server, text, &mut gone);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_heading = |at: &usize| lines[*at].trim_start().starts_with('[');
    if let Some(heading) = gone.iter().copied().find(is_heading) {
        let mut above = heading;
        while above > 0 && lines[above - 1].trim_start().starts_with('#') && !is_setting(lines[above - 1]) {
            above -= 1;
        }
        // A comment at the top of the file, or below other settings, is about more than this server.
        let own = above == 0 || lines[above - 1].trim().is_empty();
        if own && above > 0 {
            gone.extend(above..heading);
            gone.insert(above - 1);
        }
    }
    Some(lines.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, line)| *line).collect())
}

/// A setting that is commented out, as `remit init` writes them.
fn is_setting(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix('#').unwrap_or_default();
    !rest.starts_with(' ') && rest.contains(" = ")
}

/// Marks the lines, from 0, that a table with all below it, or a value with its key, stands on.
fn mark(key: &Key, item: &Item, text: &str, gone: &mut BTreeSet<usize>) {
    let line = |at: usize| text.get(..at).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count();
    let span = match (item.is_value(), key.span(), item.span()) {
        (true, Some(key), Some(value)) => Some(key.start..value.end),
        (true, _, _) => None,
        (false, _, heading) => heading,
    };
    if let Some(span) = span {
        gone.extend(line(span.start)..=line(span.end.saturating_sub(1).max(span.start)));
    }
    let Some(table) = item.as_table() else { return };
    for (key, inner) in table.iter().filter_map(|(key, _)| table.get_key_value(key)) {
        mark(key, inner, text, gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(words: &[&str]) -> McpConfig {
        McpConfig { command: words.iter().map(|word| (*word).to_owned()).collect(), ..McpConfig::default() }
    }

    fn one(key: &str, value: &str) -> BTreeMap<String, String> {
        [(key.to_owned(), value.to_owned())].into()
    }

    const FULL: &str = "\
# my own
model = \"a/b\" # a trailing comment

# about the first
[mcp.first]
command = [
  \"one\", # with a comment
]
env = { A = \"b\" }

# the shell
[shell]
pass = []
# the end
";

    #[test]
    fn a_server_is_added_at_the_end_and_nothing_else_changes() {
        let server = McpConfig { env: one("TOKEN", "a \"b\""), timeout_s: Some(5), ..program(&["npx", "-y"]) };
        let text = add(FULL, "forge", &server).unwrap();
        let (kept, added) = text.split_at(FULL.len());
        assert_eq!(kept, FULL);
        assert_eq!(added, "\n[mcp.forge]\ncommand = [\"npx\", \"-y\"]\nenv = { TOKEN = 'a \"b\"' }\ntimeout_s = 5\n");
        let config = crate::config::parse(&text).unwrap();
        assert_eq!(config.mcp["forge"].env, server.env);
        assert_eq!(config.mcp["first"].command, ["one"]);
    }

    #[test]
    fn a_service_is_added_to_an_empty_file() {
        let server = McpConfig {
            url: Some("https://example.com/mcp".into()),
            headers: one("Authorization", "Bearer x"),
            ..McpConfig::default()
        };
        let text = add("", "tickets", &server).unwrap();
        assert_eq!(
            text,
            "[mcp.tickets]\nurl = \"https://example.com/mcp\"\nheaders = { Authorization = \"Bearer x\" }\n"
        );
        assert!(add("model = \"a/b\"", "x", &server).unwrap().starts_with("model = \"a/b\"\n\n[mcp.x]\n"));
    }

    #[test]
    fn what_was_added_can_be_removed_and_leaves_the_text_as_it_was() {
        for text in
            [FULL, "", "model = \"a/b\"\n", "# only a comment\n\n#model = \"a/b\"\n", "mcp.a.command = [\"x\"]\n"]
        {
            let with = add(text, "forge", &program(&["x"])).unwrap();
            assert_eq!(remove(&with, "forge").unwrap().trim_end(), text.trim_end(), "{text}");
        }
    }

    #[test]
    fn a_server_goes_with_the_comment_above_it_and_the_rest_stays() {
        let text = remove(FULL, "first").unwrap();
        assert_eq!(
            text,
            "# my own\nmodel = \"a/b\" # a trailing comment\n\n# the shell\n[shell]\npass = []\n# the end\n"
        );
    }

    #[test]
    fn a_setting_that_is_commented_out_above_a_server_stays() {
        let text = "# The model\n#model = \"a/b\"\n[mcp.x]\ncommand = [\"x\"]\n";
        assert_eq!(remove(text, "x").unwrap(), "# The model\n#model = \"a/b\"\n");
    }

    #[test]
    fn servers_in_other_spellings_are_removed_too() {
        for (text, left) in [
            ("mcp.a.command = [\"x\"]\nmcp.a.timeout_s = 3\nmcp.b.url = \"http://b\"\n", "mcp.b.url = \"http://b\"\n"),
            (
                "[mcp.a]\ncommand = [\"x\"]\n[mcp.a.env]\nK = \"v\"\n[mcp.b]\nurl = \"http://b\"\n",
                "[mcp.b]\nurl = \"http://b\"\n",
            ),
            ("[mcp]\na = { command = [\"x\"] }\nb = { url = \"http://b\" }\n", "[mcp]\nb = { url = \"http://b\" }\n"),
            ("[mcp]\na.command = [\"x\"]\nb.url = \"http://b\"\n", "[mcp]\nb.url = \"http://b\"\n"),
        ] {
            assert_eq!(remove(text, "a").unwrap(), left);
        }
        let inline = remove("mcp = { a = { command = [\"x\"] }, b = { url = \"http://b\" } }\n", "a").unwrap();
        assert_eq!(crate::config::parse(&inline).unwrap().mcp.into_keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_server_is_added_to_an_inline_table_and_beside_dotted_keys() {
        for text in [
            "mcp = { a = { url = \"http://a\" } }\n",
            "mcp.a.url = \"http://a\"\n[shell]\n",
            "[mcp]\na.url = \"http://a\"\n",
        ] {
            let with = add(text, "b", &program(&["x"])).unwrap();
            let servers = crate::config::parse(&with).unwrap().mcp;
            assert_eq!(servers.keys().collect::<Vec<_>>(), ["a", "b"], "{with}");
        }
    }

    #[test]
    fn a_name_is_added_once_and_only_what_is_there_is_removed() {
        assert_eq!(add(FULL, "first", &program(&["x"])), Err(CannotEdit::IsThere("first".into())));
        assert_eq!(remove(FULL, "second"), Err(CannotEdit::IsNotThere("second".into())));
        assert_eq!(remove("mcp = 3\n", "x"), Err(CannotEdit::ByHand));
    }
}
