//! Colours the words of a program: which are comments, texts, words of the language, names.
//!
//! Not here: colours. What a word is becomes a [`Role`], so that code is as readable as all else on either ground and at
//! every depth; a colour scheme of an editor would bring its own background along.

use crate::theme::{Depth, Role, Theme};
use ratatui::text::{Line, Span};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// The most bytes of code that are coloured; the rest would be waited for.
pub const MOST_CODE: usize = 200_000;

/// The longest line that is coloured, in bytes.
pub const LONGEST_CODE_LINE: usize = 1_000;

/// What may be spent on one piece of code, in bytes of short lines; what comes after is plain. A grammar may look at the rest of
/// a line for each place in it, so code made for it costs ten times what other code does, and more in longer lines. A limit
/// of time was rejected: what is drawn must not depend on the machine.
const MOST_WORK: usize = 64 * 1024;

/// How many pieces of code are remembered, so that one that grows is not coloured anew for each word that comes.
const REMEMBERED: usize = 16;

static SHARED: OnceLock<Highlighter> = OnceLock::new();

/// Whether somebody reads the grammars beside what is drawn.
static COMING: AtomicBool = AtomicBool::new(false);

/// Whether code can be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammars {
    /// They are read when the first code in any language is coloured.
    Unread,
    /// They are being read in a thread beside; until they are, code is plain.
    Coming,
    /// They were read.
    Read,
}

/// The lines of some code, coloured where the language is known.
///
/// The language is what a Markdown fence says (`rust`, `py`, `rust,ignore`). The grammars are read when the first code in any
/// language is coloured, and not before. Code over [`MOST_CODE`] bytes is plain, so is a line over [`LONGEST_CODE_LINE`], and so is
/// what comes after some 60 kB. The code must be clean.
pub fn lines(code: &str, language: &str, theme: &Theme) -> Vec<Line<'static>> {
    let name = spoken(language);
    if name.is_empty() || theme.depth() == Depth::None || code.len() > MOST_CODE {
        return plain(code);
    }
    if grammars() == Grammars::Coming {
        return plain(code);
    }
    let shared = SHARED.get_or_init(Highlighter::load);
    match shared.syntaxes.find_syntax_by_token(&name) {
        Some(syntax) => shared.lines(code, syntax, theme),
        None => plain(code),
    }
}

/// Reads the grammars in a thread beside, and says when that is done. Until then no code is coloured and nobody waits.
pub fn load_beside(done: impl FnOnce() + Send + 'static) {
    COMING.store(true, Ordering::Release);
    std::thread::spawn(move || {
        SHARED.get_or_init(Highlighter::load);
        done();
    });
}

/// Whether code can be coloured by now.
pub fn grammars() -> Grammars {
    match SHARED.get() {
        Some(_) => Grammars::Read,
        None if COMING.load(Ordering::Acquire) => Grammars::Coming,
        None => Grammars::Unread,
    }
}

fn plain(code: &str) -> Vec<Line<'static>> {
    code.lines().map(|line| Line::raw(line.to_owned())).collect()
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
        "objc" | "objective-c" => "m",
        "text" | "txt" | "plain" | "plaintext" | "output" => "",
        other => other,
    };
    name.to_owned()
}

/// The grammars, what their words mean here, and what was coloured last.
struct Highlighter {
    syntaxes: SyntaxSet,
    meanings: Vec<(Scope, Role)>,
    recent: Mutex<Vec<Code>>,
}

/// Code that was coloured, up to the end of its last whole line, and how to go on.
struct Code {
    language: String,
    text: String,
    lines: Vec<Words>,
    state: ParseState,
    stack: ScopeStack,
    /// What is left of [`MOST_WORK`].
    work: usize,
}

impl Code {
    fn begun(syntax: &SyntaxReference) -> Code {
        Code {
            language: syntax.name.clone(),
            text: String::new(),
            lines: Vec::new(),
            state: ParseState::new(syntax),
            stack: ScopeStack::new(),
            work: MOST_WORK,
        }
    }

    /// Whether a line is coloured: if it is not too long, and if there is work left for it.
    fn affords(&self, line: &str) -> bool {
        line.len() <= LONGEST_CODE_LINE && work(line) <= self.work
    }
}

/// What a line may cost. The square was measured: at 256 bytes it doubles the cost.
fn work(line: &str) -> usize {
    line.len() + line.len().pow(2) / 256
}

/// What each stretch of a line is, and where it ends.
type Words = Vec<(Role, u32)>;

/// What the grammars' names for things mean, the first that fits. A thing not named takes the meaning of what it is in; what
/// stands in a text to be filled in is code again.
const MEANINGS: &[(&str, Role)] = &[
    ("comment", Role::CodeComment),
    ("meta.interpolation", Role::Text),
    ("meta.template.expression", Role::Text),
    ("source.shell.embedded", Role::Text),
    ("constant", Role::CodeConstant),
    ("meta.mapping.key", Role::CodeType),
    ("string", Role::CodeString),
    ("keyword.operator.word", Role::CodeKeyword),
    ("keyword.operator.logical", Role::CodeKeyword),
    ("keyword.operator", Role::Text),
    ("keyword", Role::CodeKeyword),
    ("storage.type.numeric", Role::CodeType),
    ("storage", Role::CodeKeyword),
    ("variable.language", Role::CodeKeyword),
    ("variable.function", Role::CodeCall),
    ("variable.annotation", Role::CodeCall),
    ("support.function", Role::CodeCall),
    ("support.macro", Role::CodeCall),
    ("support.constant", Role::CodeConstant),
    ("support.type", Role::CodeType),
    ("support.class", Role::CodeType),
    ("entity.name.function", Role::CodeCall),
    ("entity.name.macro", Role::CodeCall),
    ("entity.name.tag", Role::CodeKeyword),
    ("entity.name.section", Role::Heading),
    ("entity.name", Role::CodeType),
    ("entity.other.attribute-name", Role::CodeType),
    ("entity.other.inherited-class", Role::CodeType),
    ("markup.inserted", Role::Added),
    ("markup.deleted", Role::Removed),
    ("meta.diff.range", Role::Hunk),
    ("meta.diff.header", Role::Dim),
    ("markup.heading", Role::Heading),
    ("markup.raw", Role::CodeString),
    ("markup.bold", Role::Strong),
];

impl Highlighter {
    fn load() -> Highlighter {
        let meaning = |(name, role): &(&str, Role)| {
            // INVARIANT: the names are this file's own, and each is one that a grammar could have.
            (Scope::new(name).expect("a name in the table of meanings is a scope"), *role)
        };
        Highlighter {
            syntaxes: two_face::syntax::extra_newlines(),
            meanings: MEANINGS.iter().map(meaning).collect(),
            recent: Mutex::new(Vec::new()),
        }
    }

    fn lines(&self, code: &str, syntax: &SyntaxReference, theme: &Theme) -> Vec<Line<'static>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |known: &Code| known.language == syntax.name && code.starts_with(&known.text);
        let longest = (0..recent.len()).filter(|at| fits(&recent[*at])).max_by_key(|at| recent[*at].text.len());
        let mut known = longest.map_or_else(|| Code::begun(syntax), |at| recent.remove(at));
        let drawn = self.go_on(&mut known, code, theme);
        recent.truncate(REMEMBERED - 1);
        recent.insert(0, known);
        drawn
    }

    /// The lines of code that begins with what is known of it; what is known grows by its whole lines.
    fn go_on(&self, known: &mut Code, code: &str, theme: &Theme) -> Vec<Line<'static>> {
        for line in code[known.text.len()..].split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let words = if known.affords(line) {
                known.work -= work(line);
                self.words(line, &mut known.state, &mut known.stack)
            } else {
                uncoloured(line)
            };
            known.lines.push(words);
            known.text.push_str(line);
        }
        let whole = known.text.lines().zip(&known.lines);
        let mut drawn: Vec<Line<'static>> = whole.map(|(line, words)| coloured(line, words, theme)).collect();
        let begun = &code[known.text.len()..];
        if !begun.is_empty() {
            let words = if known.affords(begun) {
                self.words(begun, &mut known.state.clone(), &mut known.stack.clone())
            } else {
                uncoloured(begun)
            };
            drawn.push(coloured(begun, &words, theme));
        }
        drawn
    }

    /// What the words of a line are. A grammar that fails on a line leaves it, or the rest of it, plain.
    fn words(&self, line: &str, state: &mut ParseState, stack: &mut ScopeStack) -> Words {
        let mut words = Words::new();
        let operations = state.parse_line(line, &self.syntaxes).unwrap_or_default();
        let mut role = self.meaning(stack);
        for (at, operation) in &operations {
            let begun = words.last().map_or(0, |(_, end)| *end as usize);
            if *at > begun {
                words.push((role, *at as u32));
            }
            if stack.apply(operation).is_err() {
                break;
            }
            role = self.meaning(stack);
        }
        words.push((role, line.len() as u32));
        words
    }

    fn meaning(&self, stack: &ScopeStack) -> Role {
        let of =
            |scope: &Scope| self.meanings.iter().find(|(name, _)| name.is_prefix_of(*scope)).map(|(_, role)| *role);
        stack.as_slice().iter().rev().find_map(of).unwrap_or(Role::Text)
    }
}

fn uncoloured(line: &str) -> Words {
    vec![(Role::Text, line.len() as u32)]
}

fn coloured(line: &str, words: &Words, theme: &Theme) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut start = 0;
    for same in words.chunk_by(|a, b| a.0 == b.0) {
        let Some((role, end)) = same.last() else { continue };
        // The line's own end is among the words, but is not drawn.
        let end = (*end as usize).min(line.len());
        if start < end {
            spans.push(Span::styled(line[start..end].to_owned(), theme.style(*role)));
            start = end;
        }
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Ground;

    const THEME: Theme = Theme::new(Depth::True, Ground::Dark);

    /// The role of the word that a piece of text stands in.
    fn role_of(word: &str, code: &str, language: &str) -> Vec<Role> {
        let lines = lines(code, language, &THEME);
        let span = lines.iter().flat_map(|line| &line.spans).find(|span| span.content.contains(word));
        let style = span.map(|span| span.style).unwrap_or_default();
        Role::ALL.iter().copied().filter(|role| THEME.style(*role) == style).collect()
    }

    fn text_of(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(|line| line.spans.iter().map(|span| &*span.content).collect()).collect()
    }

    #[test]
    fn words_of_a_program_are_told_apart() {
        let rust = "// says\nfn main() -> u8 {\n    let name = \"a text\"; // end\n    call(name, 42)\n}\n";
        for (word, role) in [
            ("says", Role::CodeComment),
            ("fn", Role::CodeKeyword),
            ("main", Role::CodeCall),
            ("a text", Role::CodeString),
            ("42", Role::CodeConstant),
            ("call", Role::CodeCall),
        ] {
            assert!(role_of(word, rust, "rust").contains(&role), "{word}: {:?}", role_of(word, rust, "rust"));
        }
        assert!(role_of("def", "def f(x):\n    return x\n", "py").contains(&Role::CodeKeyword));
        assert!(role_of("echo", "echo hi\n", "sh").contains(&Role::CodeCall));
        assert!(role_of("gone", "-gone\n+here\n", "diff").contains(&Role::Removed));
    }

    #[test]
    fn the_languages_that_models_write_are_known() {
        let known = &SHARED.get_or_init(Highlighter::load).syntaxes;
        const WORDS: &str = "rust rs python py python3 bash sh shell console zsh json jsonc jsonl toml yaml yml javascript js jsx \
            typescript ts tsx html css scss sql c cpp c++ h java kotlin go golang ruby php swift dockerfile \
            docker makefile cmake lua r julia haskell scala xml markdown md diff ini nix proto graphql \
            rust,ignore {.python} vim tex zig perl csharp cs patch";
        for language in WORDS.split_whitespace().chain(["python title=\"a\""]) {
            let name = spoken(language);
            assert!(known.find_syntax_by_token(&name).is_some(), "{language} ({name})");
        }
    }

    #[test]
    fn what_is_not_known_is_plain_and_whole() {
        let code = "a b\n\n  c";
        for (language, theme) in
            [("", THEME), ("text", THEME), ("no-such", THEME), ("rust", Theme::new(Depth::None, Ground::Dark))]
        {
            assert_eq!(lines(code, language, &theme), plain(code), "{language}");
        }
        assert_eq!(text_of(&lines(code, "rust", &THEME)), ["a b", "", "  c"]);
    }

    #[test]
    fn code_that_grows_is_coloured_as_if_it_had_come_at_once() {
        let code = "def f():\n    \"\"\"a text\n    that goes on\n    \"\"\"\n    return 'x' # é\n\nclass A:\n    pass";
        let shared = SHARED.get_or_init(Highlighter::load);
        let syntax = shared.syntaxes.find_syntax_by_token("python").expect("it is known");
        for end in (0..=code.len()).filter(|end| code.is_char_boundary(*end)) {
            let grown = lines(&code[..end], "python", &THEME);
            assert_eq!(grown, shared.go_on(&mut Code::begun(syntax), &code[..end], &THEME), "at {end}");
        }
    }

    #[test]
    fn what_is_too_much_is_plain() {
        let much = "let a = 1;\n".repeat(MOST_CODE / 11 + 1);
        assert_eq!(lines(&much, "rust", &THEME), plain(&much));
        let long = format!("let a = 1;\n// {}\nlet b = 2;\n", "x".repeat(LONGEST_CODE_LINE));
        let drawn = lines(&long, "rust", &THEME);
        assert_eq!(drawn[1].spans.len(), 1);
        assert_eq!(drawn[0].spans[0], drawn[2].spans[0]);
        assert!(drawn[2].spans.len() > 1);
        let line = format!("let a = 1; {}\n", "a ".repeat(490));
        let drawn = lines(&line.repeat(100), "rust", &THEME);
        let coloured = drawn.iter().filter(|line| line.spans.len() > 1).count();
        assert_eq!(coloured, MOST_WORK / work(&line));
    }
}
