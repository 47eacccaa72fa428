//! Setting single values in the text of a configuration: every other byte stays as it is.
//!
//! Not here: which values, or reading and writing the file.
//!
//! A value is added as a line where a person would put it, and only where that is not possible through the document's tree.
//! Whatever was done, the result must say the same as before but for that one value, else it is not taken.

use toml_edit::{DocumentMut, Item, Key, Table, Value};

/// One value and where it stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The table, part by part; none for the top of the file.
    pub table: Vec<String>,
    /// Its key in the table.
    pub key: &'static str,
    /// The value.
    pub value: Value,
}

impl Entry {
    /// A value below `[one.two]`, or at the top of the file.
    pub fn new(table: &[&str], key: &'static str, value: impl Into<Value>) -> Entry {
        let table = table.iter().map(|part| (*part).to_owned()).collect();
        Entry { table, key, value: value.into() }
    }

    fn line(&self) -> String {
        format!("{} = {}\n", self.key, self.value.to_string().trim())
    }
}

/// The text with these values set; `None` when it is written in a way that an edit would not keep.
pub fn set(text: &str, entries: &[Entry]) -> Option<String> {
    entries.iter().try_fold(text.to_owned(), |text, entry| set_one(&text, entry))
}

fn set_one(text: &str, entry: &Entry) -> Option<String> {
    let mut wanted = parsed(text)?;
    let mut table = &mut wanted;
    let mut is_new = false;
    for part in &entry.table {
        is_new = !table.contains_key(part);
        let inner = table.entry(part.as_str()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table = inner.as_table_mut()?;
    }
    let value = parsed(&entry.line())?.remove(entry.key)?;
    is_new |= entry.table.is_empty() && !table.contains_key(entry.key);
    table.insert(entry.key.to_owned(), value);
    let lines = match (is_new, entry.table.is_empty()) {
        (true, true) => [below_its_comment(text, entry), Some(at_the_top(text, entry))],
        (true, false) => [Some(at_the_end(text, entry)), None],
        (false, _) => [None, None],
    };
    let candidates = lines.into_iter().chain([in_the_tree(text, entry)]).flatten();
    candidates.into_iter().find(|text| parsed(text).as_ref() == Some(&wanted))
}

fn parsed(text: &str) -> Option<toml::Table> {
    toml::from_str(text).ok()
}

/// Below the line on which the setting stands commented out, as `remit init` writes it.
fn below_its_comment(text: &str, entry: &Entry) -> Option<String> {
    let comment = format!("#{} =", entry.key);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = lines.iter().position(|line| line.starts_with(&comment) && line.ends_with('\n'))?;
    Some(format!("{}{}{}", lines[..=at].concat(), entry.line(), lines[at + 1..].concat()))
}

/// At the top, below what is said there of the whole file.
fn at_the_top(text: &str, entry: &Entry) -> String {
    let comment = text.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum();
    let (head, rest) = text.split_at(comment);
    let is_of_the_file = !head.is_empty() && (rest.is_empty() || rest.starts_with(['\n', '\r']));
    match is_of_the_file {
        true => format!("{head}{}\n{}{rest}", if head.ends_with('\n') { "" } else { "\n" }, entry.line()),
        false if text.is_empty() => entry.line(),
        false => format!("{}\n{text}", entry.line()),
    }
}

/// As a table of its own at the end.
fn at_the_end(text: &str, entry: &Entry) -> String {
    let gap = match text {
        "" => "",
        _ if text.ends_with("\n\n") => "",
        _ if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let heading: Vec<String> = entry.table.iter().map(|part| Key::new(part).display_repr().into_owned()).collect();
    format!("{text}{gap}[{}]\n{}", heading.join("."), entry.line())
}

fn in_the_tree(text: &str, entry: &Entry) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for part in &entry.table {
        let inner = table.entry(part).or_insert_with(|| Item::Table(Table::new()));
        table = inner.as_table_like_mut()?;
    }
    table.insert(entry.key, Item::Value(entry.value.clone()));
    Some(document.to_string())
}

/// The lines that the second text has and the first has not, each with its number from 1.
pub fn new_lines<'a>(before: &str, after: &'a str) -> Vec<(usize, &'a str)> {
    let mut old = before.lines().peekable();
    let is_new = |line: &str| old.next_if(|known| *known == line).is_none();
    let mut is_new = is_new;
    after.lines().enumerate().filter(|(_, line)| is_new(line)).map(|(at, line)| (at + 1, line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> [Entry; 3] {
        [
            Entry::new(&[], "model", "ollama/qwen3:8b"),
            Entry::new(&["providers", "ollama"], "base_url", "http://127.0.0.1:9/v1"),
            Entry::new(&["providers", "ollama"], "free", true),
        ]
    }

    const TABLES: &str = "[providers.ollama]\nbase_url = \"http://127.0.0.1:9/v1\"\nfree = true\n";

    #[test]
    fn a_file_that_is_not_there_yet_has_these_lines_alone() {
        let text = set("", &entries()).unwrap();
        assert_eq!(text, format!("model = \"ollama/qwen3:8b\"\n\n{TABLES}"));
    }

    #[test]
    fn a_person_s_comments_and_order_stay() {
        let own = "# mine\n\nprohibitions = [] # a guard\n\n# money\n[yolo]\ncap = \"3\" # enough\n# the end\n";
        let text = set(own, &entries()).unwrap();
        let rest = own.strip_prefix("# mine\n").unwrap();
        assert_eq!(text, format!("# mine\n\nmodel = \"ollama/qwen3:8b\"\n{rest}\n{TABLES}"));
        let glued = "# of the cap\n[yolo]\ncap = \"3\"\n";
        let text = set(glued, &entries()[..1]).unwrap();
        assert_eq!(text, format!("model = \"ollama/qwen3:8b\"\n\n{glued}"));
    }

    #[test]
    fn a_setting_that_stands_commented_out_is_set_below_itself() {
        let text = set("# The model.\n#model = \"a/b\"\n\n# YOLO.\n#yolo.cap = \"5\"\n", &entries()[..1]).unwrap();
        assert_eq!(text, "# The model.\n#model = \"a/b\"\nmodel = \"ollama/qwen3:8b\"\n\n# YOLO.\n#yolo.cap = \"5\"\n");
        // Below a table it would be another setting.
        let text = set("[shell]\n#model = \"a/b\"\n", &entries()[..1]).unwrap();
        assert_eq!(text, "model = \"ollama/qwen3:8b\"\n\n[shell]\n#model = \"a/b\"\n");
    }

    #[test]
    fn a_table_that_is_there_is_added_to_however_it_is_written() {
        let heading = "[providers.ollama] # mine\ncontext_tokens = 9\n\n# other\n[shell]\npass = []\n";
        let text = set(heading, &entries()[2..]).unwrap();
        assert_eq!(text, heading.replace("= 9\n", "= 9\nfree = true\n"));
        for text in [
            "providers.ollama.context_tokens = 9\n",
            "[providers]\nollama = { context_tokens = 9 }\n",
            "providers = {}\n",
        ] {
            let set = set(text, &entries()).unwrap();
            let provider = &parsed(&set).unwrap()["providers"]["ollama"];
            assert_eq!(provider["free"].as_bool(), Some(true), "{set}");
        }
        let text = set("[providers.ollama]\nfree = false\n", &entries()[2..]).unwrap();
        assert_eq!(text, "[providers.ollama]\nfree = true\n");
    }

    #[test]
    fn a_name_with_quotes_and_dots_stays_one_name() {
        let name = "ollama/a\"b.c";
        let text = set("", &[Entry::new(&["models", name], "price", "free"), Entry::new(&[], "model", name)]).unwrap();
        let table = parsed(&text).unwrap();
        assert_eq!((table["models"][name]["price"].as_str(), table["model"].as_str()), (Some("free"), Some(name)));
    }

    #[test]
    fn what_cannot_be_edited_is_left() {
        assert_eq!(set("not toml", &entries()), None);
        assert_eq!(set("providers = 1\n", &entries()), None);
    }

    #[test]
    fn the_lines_that_came_have_their_numbers() {
        assert_eq!(new_lines("a\nb\n", "a\nx\nb\n\ny\n"), [(2, "x"), (4, ""), (5, "y")]);
        assert_eq!(new_lines("", "m\n"), [(1, "m")]);
    }
}
