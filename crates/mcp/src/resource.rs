//! The list of a server's resources, as text for a model.
//!
//! Not here: reading one (that is a plain request), or subscribing to changes, which nobody here waits for.

use crate::content::MOST_TEXT;
use crate::link::{Asked, Broken, Link, Watch};
use crate::text::one_line;
use serde_json::Value;
use std::ops::ControlFlow;

/// Lists resources and templates of resources, one a line.
pub(crate) async fn list(link: &Link, watch: &Watch<'_>) -> Result<String, Broken> {
    let mut lines = Lines::default();
    link.list(Asked::Resources, "resources", watch, |page| lines.add(page, "uri")).await?;
    // A server need not know templates; that it does not is no news.
    let _ = link.list(Asked::Templates, "resourceTemplates", watch, |page| lines.add(page, "uriTemplate")).await;
    Ok(lines.done())
}

#[derive(Default)]
struct Lines {
    text: String,
    dropped: usize,
}

impl Lines {
    fn add(&mut self, page: &[Value], address: &str) -> ControlFlow<()> {
        for entry in page {
            let word = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            if self.text.len() >= MOST_TEXT / 2 {
                self.dropped += 1;
                continue;
            }
            let words = [word("name"), word("title"), word("mimeType"), word("description")];
            let words: Vec<String> =
                words.iter().filter(|word| !word.is_empty()).map(|word| one_line(word, 200)).collect();
            self.text.push_str(&format!("{} ({})\n", one_line(word(address), 500), words.join(", ")));
        }
        if self.dropped > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn done(self) -> String {
        match (self.text.is_empty(), self.dropped) {
            (true, _) => "(it has no resources)".to_owned(),
            (false, 0) => self.text,
            (false, dropped) => format!("{}[{dropped} or more are not listed]\n", self.text),
        }
    }
}
