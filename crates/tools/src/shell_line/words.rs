//! Taking the quotes off a word, and telling what of it is known.
//!
//! Not here: where a word begins and ends (that is `grammar`).

use super::Unreadable;
use policy::Word;

/// Words that are not the name of a command when they are not quoted.
pub(super) const RESERVED: &[&str] = &[
    "!", "[[", "]]", "{", "}", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if",
    "in", "select", "then", "until", "while",
];

/// An unquoted word, or an unquoted part of one.
pub(super) fn unquoted(text: &str) -> Result<Word, Unreadable> {
    if matches!(text, "[" | "]") {
        return Ok(Word::Literal(text.to_owned()));
    }
    let mut known = String::new();
    // The one brace that stands for nothing but itself.
    let is_placeholder = text.matches(['{', '}', ',']).count() == 2 && text.contains("{}");
    let (mut is_known, mut before) = (true, None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next().filter(|escaped| *escaped != '\n').ok_or(Unreadable)?;
                known.push(escaped);
                before = Some('\\');
                continue;
            }
            '{' | '}' if is_placeholder => {}
            '*' | '?' | '[' | ']' | '{' | '}' => is_known = false,
            '~' if matches!(before, None | Some(':' | '=')) => is_known = false,
            '#' if before.is_none() => return Err(Unreadable),
            '\'' | '"' | '`' | '$' | '<' | '>' | '(' | ')' | '|' | '&' | ';' => return Err(Unreadable),
            space if space.is_whitespace() || space.is_control() => return Err(Unreadable),
            _other => {}
        }
        known.push(letter);
        before = Some(letter);
    }
    Ok(if is_known { Word::Literal(known) } else { Word::Opaque })
}

/// The text between double quotes, when nothing in it is expanded.
pub(super) fn in_double_quotes(text: &str) -> Result<String, Unreadable> {
    let mut known = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next().ok_or(Unreadable)? {
                escaped @ ('$' | '`' | '"' | '\\') => known.push(escaped),
                '\n' => {}
                other => known.extend(['\\', other]),
            },
            '"' | '`' => return Err(Unreadable),
            '$' if letters.peek().is_some_and(|next| begins_expansion(*next)) => return Err(Unreadable),
            other => known.push(other),
        }
    }
    Ok(known)
}

/// Checks that nothing in a piece of an unquoted here-document is expanded.
pub(super) fn is_inert_in_here_document(text: &str) -> Result<(), Unreadable> {
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '`' => return Err(Unreadable),
            '$' if letters.peek().is_some_and(|next| begins_expansion(*next)) => return Err(Unreadable),
            _other => {}
        }
    }
    Ok(())
}

/// The text of `$'..'`, quotes and all. What it stands for is known where its escapes are simple.
pub(super) fn ansi_c(text: &str) -> Result<Word, Unreadable> {
    let inner = text.strip_prefix("$'").and_then(|rest| rest.strip_suffix('\'')).ok_or(Unreadable)?;
    let (mut known, mut is_known) = (String::new(), true);
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // The shell's quote ends here; the tree's went on.
            '\'' => return Err(Unreadable),
            '\\' => match letters.next().ok_or(Unreadable)? {
                'n' => known.push('\n'),
                't' => known.push('\t'),
                same @ ('\\' | '\'' | '"' | '?') => known.push(same),
                _numbers_and_controls => is_known = false,
            },
            other => known.push(other),
        }
    }
    Ok(if is_known { Word::Literal(known) } else { Word::Opaque })
}

/// Whether quoted text would run something, were it evaluated as the index of an array.
pub(super) fn is_smuggled(text: &str) -> bool {
    text.contains('[') && (text.contains("$(") || text.contains('`') || text.contains("${"))
}

fn begins_expansion(letter: char) -> bool {
    letter.is_alphanumeric() || "_{([!@*#?$-".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Result<Word, Unreadable> {
        Ok(Word::Literal(text.to_owned()))
    }

    #[test]
    fn an_unquoted_word_loses_its_backslashes_and_is_opaque_where_it_is_a_pattern() {
        for (word, expected) in [
            (r"p\ush", "push"),
            (r"a\ b", "a b"),
            ("HEAD~1", "HEAD~1"),
            ("a=b", "a=b"),
            (r"\*", "*"),
            ("{}", "{}"),
            ("-I{}", "-I{}"),
        ] {
            assert_eq!(unquoted(word), literal(expected), "{word}");
        }
        for word in ["*", "a?", "[ab]", "{a,b}", "~", "~root", "x=~/y", "a:~b", "a{", "{},{}", "a}{b"] {
            assert_eq!(unquoted(word), Ok(Word::Opaque), "{word}");
        }
        for word in ["#x", "a;b", "a\\", "a$b", "a b", "a\u{a0}b", "a\rb", "a\\\nb"] {
            assert_eq!(unquoted(word), Err(Unreadable), "{word:?}");
        }
    }

    #[test]
    fn double_quotes_keep_most_backslashes() {
        assert_eq!(in_double_quotes(r#"a\"b\$c\x \\"#), Ok(r#"a"b$c\x \"#.to_owned()));
        assert_eq!(in_double_quotes("a\\\nb"), Ok("ab".to_owned()));
        assert_eq!(in_double_quotes("5 $ or $."), Ok("5 $ or $.".to_owned()));
        for text in ["`a`", "$a", "$(a)", "a\"b", "${a}", "$1", "a\\"] {
            assert_eq!(in_double_quotes(text), Err(Unreadable), "{text}");
        }
    }

    #[test]
    fn a_quote_with_escapes_ends_where_the_shell_ends_it() {
        assert_eq!(ansi_c(r"$'a\'b\n'"), literal("a'b\n"));
        assert_eq!(ansi_c(r"$'\x67it'"), Ok(Word::Opaque));
        assert_eq!(ansi_c(r"$'a\\' ; rm 'x'"), Err(Unreadable));
    }
}
