//! Colours the words of a program: each gets a class that says what it is.
//!
//! Not here: the colours, which the style sheet has for light and dark.
//!
//! Seven classes are told apart, and not each name that a grammar has (as syntect's own writer of HTML does): a page is a
//! tenth as long then, and the style sheet can be read.

use maud::{Markup, PreEscaped, html};
use std::sync::OnceLock;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// The most bytes of code that are coloured; the rest would be waited for.
const MOST_CODE: usize = 200_000;

/// The longest line that is coloured, in bytes.
const LONGEST_CODE_LINE: usize = 1_000;

/// What may be spent on one piece of code, in bytes of short lines; what comes after is plain. A grammar may look at the rest of
/// a line for each place in it, so code made for it would cost without end. A limit of time was rejected: what is drawn must
/// not depend on the machine.
const MOST_WORK: usize = 64 * 1024;

/// What the grammars' names for things mean, the first that fits; the empty class is text.
const MEANINGS: &[(&str, &str)] = &[
    ("comment", "k-c"),
    ("meta.interpolation", ""),
    ("meta.template.expression", ""),
    ("source.shell.embedded", ""),
    ("constant", "k-n"),
    ("meta.mapping.key", "k-t"),
    ("string", "k-s"),
    ("keyword.operator.word", "k-k"),
    ("keyword.operator.logical", "k-k"),
    ("keyword.operator", ""),
    ("keyword", "k-k"),
    ("storage.type.numeric", "k-t"),
    ("storage", "k-k"),
    ("variable.language", "k-k"),
    ("variable.function", "k-f"),
    ("variable.annotation", "k-f"),
    ("support.function", "k-f"),
    ("support.macro", "k-f"),
    ("support.constant", "k-n"),
    ("support.type", "k-t"),
    ("support.class", "k-t"),
    ("entity.name.function", "k-f"),
    ("entity.name.macro", "k-f"),
    ("entity.name.tag", "k-k"),
    ("entity.name", "k-t"),
    ("entity.other.attribute-name", "k-t"),
    ("entity.other.inherited-class", "k-t"),
    ("markup.inserted", "k-a"),
    ("markup.deleted", "k-r"),
    ("markup.heading", "k-k"),
    ("markup.raw", "k-s"),
];

static SHARED: OnceLock<Highlighter> = OnceLock::new();

/// Some code as HTML, coloured where the language is known.
///
/// The language is what a Markdown fence says (`rust`, `py`, `rust,ignore`). The grammars are read when the first code in any
/// known language comes. Where a limit is passed, the rest is plain.
pub fn code(code: &str, language: &str) -> Markup {
    let name = spoken(language);
    if name.is_empty() || code.len() > MOST_CODE {
        return html! { (code) };
    }
    let shared = SHARED.get_or_init(Highlighter::load);
    match shared.syntaxes.find_syntax_by_token(&name) {
        Some(syntax) => shared.code(code, syntax),
        None => html! { (code) },
    }
}

/// The name a grammar may have, from what stands behind a fence.
fn spoken(language: &str) -> String {
    let word = language.trim_start_matches(['{', '.', ' ']).split([' ', ',', '}', '{', ':', ';', '\t']).next();
    let word = word.unwrap_or_default().to_ascii_lowercase();
    let name = match word.as_str() {
        "shell" | "console" | "zsh" | "shell-session" | "sh-session" | "terminal" => "bash",
        "python3" | "py3" | "ipython" | "pycon" => "python",
        "jsx" | "mjs" | "cjs" | "node" => "js",
        "jsonc" | "json5" | "jsonl" | "ndjson" => "json",
        "golang" => "go",
        "csharp" | "c#" => "cs",
        "docker" | "containerfile" => "dockerfile",
        "text" | "txt" | "plain" | "plaintext" | "output" => "",
        other => other,
    };
    name.to_owned()
}

/// The grammars, and what their words mean here.
struct Highlighter {
    syntaxes: SyntaxSet,
    meanings: Vec<(Scope, &'static str)>,
}

impl Highlighter {
    fn load() -> Highlighter {
        let meaning = |(name, class): &(&str, &'static str)| {
            // INVARIANT: the names are this file's own, and each is one that a grammar could have.
            (Scope::new(name).expect("a name in the table of meanings is a scope"), *class)
        };
        Highlighter { syntaxes: two_face::syntax::extra_newlines(), meanings: MEANINGS.iter().map(meaning).collect() }
    }

    fn code(&self, code: &str, syntax: &SyntaxReference) -> Markup {
        let (mut state, mut stack) = (ParseState::new(syntax), ScopeStack::new());
        let (mut out, mut left) = (String::with_capacity(code.len() * 2), MOST_WORK);
        for line in code.split_inclusive('\n') {
            // The square was measured: at 256 bytes it doubles the cost.
            let work = line.len() + line.len().pow(2) / 256;
            if line.len() > LONGEST_CODE_LINE || work > left {
                push(&mut out, "", line);
                continue;
            }
            left -= work;
            self.line(line, &mut state, &mut stack, &mut out);
        }
        PreEscaped(out)
    }

    /// Writes a line. A grammar that fails on a line leaves it, or the rest of it, plain.
    fn line(&self, line: &str, state: &mut ParseState, stack: &mut ScopeStack, out: &mut String) {
        let operations = state.parse_line(line, &self.syntaxes).unwrap_or_default();
        let (mut class, mut begun) = (self.meaning(stack), 0);
        for (at, operation) in &operations {
            let Some(stretch) = line.get(begun..*at) else { break };
            push(out, class, stretch);
            begun = *at;
            if stack.apply(operation).is_err() {
                break;
            }
            class = self.meaning(stack);
        }
        push(out, class, line.get(begun..).unwrap_or_default());
    }

    fn meaning(&self, stack: &ScopeStack) -> &'static str {
        let of =
            |scope: &Scope| self.meanings.iter().find(|(name, _)| name.is_prefix_of(*scope)).map(|(_, class)| *class);
        stack.as_slice().iter().rev().find_map(of).unwrap_or_default()
    }
}

fn push(out: &mut String, class: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    let stretch = match class {
        "" => html! { (text) },
        class => html! { span class=(class) { (text) } },
    };
    out.push_str(&stretch.into_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_code_is_coloured_and_all_code_is_escaped() {
        let rust = code("fn f() { \"<b>\" } // x", "rust,ignore").into_string();
        for part in ["<span class=\"k-k\">fn</span>", "&lt;b&gt;", "k-c"] {
            assert!(rust.contains(part), "{part}: {rust}");
        }
        assert_eq!(code("<b>", "no such language").into_string(), "&lt;b&gt;");
        assert_eq!(code("<b>", "").into_string(), "&lt;b&gt;");
    }

    #[test]
    fn what_is_too_long_is_plain() {
        let long = format!("let x = 1; {}", "y".repeat(LONGEST_CODE_LINE));
        assert!(!code(&long, "rust").into_string().contains("span"));
        let many = "let x = 1;\n".repeat(MOST_CODE / 8);
        assert!(!code(&many, "rust").into_string().contains("span"));
    }
}
