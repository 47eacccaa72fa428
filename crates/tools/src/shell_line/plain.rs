//! A second reader for the simplest lines: literal words, chained and piped. It knows nothing else and says so.
//!
//! Not here: any other line (that is `grammar`). It shares no code with that reader, so that an answer for the session rests
//! on two opinions.

use std::iter::Peekable;
use std::str::Chars;

/// The words of each simple command; `None` for any line that is more than that.
pub(super) fn read(line: &str) -> Option<Vec<Vec<String>>> {
    let mut reader = Reader { letters: line.chars().peekable(), word: None, words: Vec::new(), simples: Vec::new() };
    let mut must_follow = false;
    while let Some(letter) = reader.letters.next() {
        match letter {
            ' ' | '\t' => reader.end_word(),
            '\n' => {
                reader.end_word();
                // An operator before the end of a line goes on in the next.
                if !reader.words.is_empty() {
                    reader.end_simple()?;
                    must_follow = false;
                }
            }
            ';' | '&' | '|' => {
                let is_double = letter != ';' && reader.letters.next_if_eq(&letter).is_some();
                reader.end_word();
                reader.end_simple()?;
                must_follow = is_double || letter == '|';
            }
            other => reader.letter(other)?,
        }
    }
    reader.end_word();
    if !reader.words.is_empty() {
        reader.end_simple()?;
        must_follow = false;
    }
    (!must_follow).then_some(reader.simples)
}

struct Reader<'a> {
    letters: Peekable<Chars<'a>>,
    word: Option<String>,
    words: Vec<String>,
    simples: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_simple(&mut self) -> Option<()> {
        let words = std::mem::take(&mut self.words);
        let first = words.first()?;
        if super::words::RESERVED.contains(&first.as_str()) || first == "time" || is_assignment(first) {
            return None;
        }
        self.simples.push(words);
        Some(())
    }

    fn letter(&mut self, letter: char) -> Option<()> {
        match letter {
            '\'' => {
                let word = self.word.get_or_insert_default();
                loop {
                    match self.letters.next()? {
                        '\'' => return Some(()),
                        other => word.push(other),
                    }
                }
            }
            '"' => self.double_quotes(),
            '\\' => {
                let escaped = self.letters.next().filter(|letter| *letter != '\n')?;
                self.word.get_or_insert_default().push(escaped);
                Some(())
            }
            '{' if self.word.is_none() => {
                self.letters.next_if_eq(&'}')?;
                let is_end = self.letters.peek().is_none_or(|next| " \t\n;&|".contains(*next));
                is_end.then(|| self.word = Some("{}".to_owned()))
            }
            '#' if self.word.is_none() => None,
            '~' if self.word.as_ref().is_none_or(|word| word.is_empty() || word.ends_with([':', '='])) => None,
            '$' | '`' | '(' | ')' | '<' | '>' | '{' | '}' | '*' | '?' | '[' | ']' | '!' => None,
            other if other.is_control() || (other.is_whitespace() && other != ' ') => None,
            other => {
                self.word.get_or_insert_default().push(other);
                Some(())
            }
        }
    }

    fn double_quotes(&mut self) -> Option<()> {
        let word = self.word.get_or_insert_default();
        loop {
            match self.letters.next()? {
                '"' => return Some(()),
                '$' | '`' => return None,
                '\\' => match self.letters.next()? {
                    escaped @ ('$' | '`' | '"' | '\\') => word.push(escaped),
                    '\n' => return None,
                    other => word.extend(['\\', other]),
                },
                other => word.push(other),
            }
        }
    }
}

/// Whether a word is an assignment where a command begins, or looks like one.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end_matches('+');
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_literal_words_are_read() {
        let line = "git commit -m 'a b' --x=\"y \\\" z\" && cargo test|tee log; a & b\nfind . -exec c {} \\;";
        let expected: [&[&str]; 6] = [
            &["git", "commit", "-m", "a b", "--x=y \" z"],
            &["cargo", "test"],
            &["tee", "log"],
            &["a"],
            &["b"],
            &["find", ".", "-exec", "c", "{}", ";"],
        ];
        let read = read(line).expect("it is plain");
        assert_eq!(read, expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()));
    }

    #[test]
    fn anything_more_is_left_alone() {
        for line in [
            "a $b", "a `b`", "a > b", "a < b", "(a)", "{ a; }", "a *", "A=b c", "A+=b", "! a", "time a", "if a",
            "a && ", "a |", "; a", "a ;; b", "a 'b", "a \"b", "a \\", "a # b", "~/x", "a\rb", "a |& b", "a\u{a0}b",
            "a {b}", "[ a ]", "a\\\nb", "&& a",
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }
}
