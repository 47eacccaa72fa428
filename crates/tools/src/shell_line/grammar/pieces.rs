//! Words and their pieces: quotes, expansions, substitutions, and the expressions inside them.
//!
//! Not here: the commands that the words belong to (that is `simple`).

use super::super::Unreadable;
use super::super::words::{ansi_c, in_double_quotes, is_smuggled, unquoted};
use super::{Gap, Outcome, Walk, children};
use policy::Word;
use tree_sitter::Node;

/// The tokens that open an expansion whose inside is looked at by itself.
const OPENINGS: &[char] = &['$', '(', '{', '['];

impl Walk<'_> {
    fn note_quoted(&mut self, text: &str) {
        if is_smuggled(text) {
            self.reading.smuggled.push(text.to_owned());
        }
    }

    pub(super) fn word(&mut self, node: Node) -> Outcome<Word> {
        let word = self.deeper(|walk| walk.word_here(node))?;
        if word == Word::Opaque {
            self.adorn();
        }
        Ok(word)
    }

    fn word_here(&mut self, node: Node) -> Outcome<Word> {
        let text = self.text(node)?;
        match node.kind() {
            "word" | "regex" => unquoted(text),
            "number" if node.child_count() == 0 => unquoted(text),
            "$" | "==" | "=~" => {
                self.token(node)?;
                Ok(Word::Literal(text.to_owned()))
            }
            "raw_string" => {
                let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).ok_or(Unreadable)?;
                self.note_quoted(inner);
                Ok(Word::Literal(inner.to_owned()))
            }
            "ansi_c_string" => {
                self.only_bash()?;
                self.adorn();
                self.note_quoted(text);
                ansi_c(text)
            }
            "string" => self.string(node),
            "concatenation" => self.concatenation(node),
            "translated_string"
            | "number"
            | "simple_expansion"
            | "expansion"
            | "arithmetic_expansion"
            | "command_substitution"
            | "process_substitution"
            | "brace_expression" => {
                self.adorn();
                self.inside(node)?;
                Ok(Word::Opaque)
            }
            _unknown => Err(Unreadable),
        }
    }

    fn concatenation(&mut self, node: Node) -> Outcome<Word> {
        self.gaps(node, Gap::Nothing)?;
        let parts = children(node);
        if parts.iter().all(|part| matches!(part.kind(), "word" | "number") && part.child_count() == 0) {
            return unquoted(self.text(node)?);
        }
        let text = self.text(node)?;
        // Before a quote, a dollar is part of the quote.
        if text.contains("$\"") || text.contains("$'") {
            self.only_bash()?;
            if parts.iter().any(|part| part.kind() == "$") {
                return Err(Unreadable);
            }
        }
        let mut whole = Some(String::new());
        for (place, part) in parts.into_iter().enumerate() {
            let piece = self.text(part)?;
            let is_bare = part.kind() == "word" || part.kind() == "number";
            let word = match piece {
                // Inside a word they can be part of a pattern.
                "[" | "]" | "{" | "}" if is_bare => Word::Opaque,
                // Where a word has begun, it is a letter like any other.
                _comment if is_bare && place > 0 && piece.starts_with('#') => unquoted(&format!("\\{piece}"))?,
                _other => self.word(part)?,
            };
            whole = match (whole, word) {
                (Some(so_far), Word::Literal(more)) => Some(so_far + &more),
                (Some(_), Word::Opaque) | (None, _) => None,
            };
        }
        Ok(whole.map_or(Word::Opaque, Word::Literal))
    }

    fn string(&mut self, node: Node) -> Outcome<Word> {
        let text = self.text(node)?;
        if text.len() < 2 || !text.starts_with('"') || !text.ends_with('"') {
            return Err(Unreadable);
        }
        // Joined lines can join what begins an expansion.
        if text.contains("\\\n") && text.contains(['$', '`']) {
            return Err(Unreadable);
        }
        let (mut is_known, mut end) = (true, node.start_byte() + 1);
        for child in children(node) {
            match child.kind() {
                "\"" | "string_content" | "$" => {}
                "expansion" | "simple_expansion" | "command_substitution" | "arithmetic_expansion" => {
                    in_double_quotes(self.line.get(end..child.start_byte()).ok_or(Unreadable)?)?;
                    self.quoted += 1;
                    let outcome = self.inside(child);
                    self.quoted -= 1;
                    outcome?;
                    is_known = false;
                    end = child.end_byte();
                }
                _unknown => return Err(Unreadable),
            }
        }
        let rest = in_double_quotes(self.line.get(end..node.end_byte() - 1).ok_or(Unreadable)?)?;
        self.note_quoted(text);
        Ok(if is_known { Word::Literal(rest) } else { Word::Opaque })
    }

    /// What is neither statement nor word: expansions and expressions, which can hold both.
    pub(super) fn insides(&mut self, node: Node) -> Outcome {
        self.gaps(node, Gap::Lines)?;
        self.expressions += 1;
        let outcome = children(node).into_iter().try_for_each(|child| self.inside(child));
        self.expressions -= 1;
        outcome
    }

    pub(super) fn inside(&mut self, node: Node) -> Outcome {
        self.deeper(|walk| walk.inside_here(node))
    }

    fn inside_here(&mut self, node: Node) -> Outcome {
        let text = self.text(node)?;
        match node.kind() {
            "command_substitution" | "process_substitution" => self.substitution(node),
            "string" => self.string(node).map(drop),
            // Inside double quotes, single quotes in `${x:-'..'}` quote nothing.
            "raw_string" | "ansi_c_string" if text.get(1..).is_none_or(|rest| rest.contains(['$', '`'])) => {
                Err(Unreadable)
            }
            "raw_string" => Ok(()),
            "ansi_c_string" => {
                self.only_bash()?;
                ansi_c(text).map(drop)
            }
            "translated_string" => {
                self.only_bash()?;
                self.insides(node)
            }
            "expansion" => self.expansion(node),
            "subscript" | "arithmetic_expansion" => {
                self.reckon();
                self.insides(node)
            }
            "simple_expansion" | "concatenation" | "brace_expression" => {
                self.gaps(node, Gap::Nothing)?;
                children(node).into_iter().try_for_each(|child| self.inside(child))
            }
            "array"
            | "binary_expression"
            | "unary_expression"
            | "ternary_expression"
            | "postfix_expression"
            | "parenthesized_expression"
            | "variable_assignment" => self.insides(node),
            "number" if node.child_count() > 0 => self.insides(node),
            "variable_name"
            | "special_variable_name"
            | "word"
            | "number"
            | "regex"
            | "extglob_pattern"
            | "test_operator" => is_without_substitution(text),
            _operator if !node.is_named() => is_without_substitution(text.trim_start_matches(OPENINGS)),
            _unknown => Err(Unreadable),
        }
    }

    fn expansion(&mut self, node: Node) -> Outcome {
        let parts = children(node);
        let kinds: Vec<&str> = parts.iter().map(Node::kind).collect();
        // `${x@P}` expands the value once more, and `${!x}` can.
        if kinds.windows(2).any(|pair| pair == ["@", "P"]) {
            return Err(Unreadable);
        }
        if kinds.get(1) == Some(&"!") || kinds.contains(&":") {
            self.reckon();
        }
        self.insides(node)
    }

    fn substitution(&mut self, node: Node) -> Outcome {
        self.adorn();
        let opening = node.child(0).ok_or(Unreadable)?.kind();
        match opening {
            "$(" => {}
            "<(" | ">(" => self.only_bash()?,
            "`" => {
                // A backslash means something else in here, and so may a quote.
                let text = self.text(node)?;
                let inner = text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).ok_or(Unreadable)?;
                if inner.contains(['\\', '`']) || (self.quoted > 0 && inner.contains('"')) {
                    return Err(Unreadable);
                }
            }
            _unknown => return Err(Unreadable),
        }
        self.gaps(node, Gap::Lines)?;
        let quoted = std::mem::take(&mut self.quoted);
        self.inside += 1;
        let outcome = children(node).into_iter().filter(Node::is_named).try_for_each(|child| match child.kind() {
            "file_redirect" => self.redirect_without_words(child),
            _statement => self.statement(child),
        });
        self.inside -= 1;
        self.quoted = quoted;
        outcome
    }
}

fn is_without_substitution(text: &str) -> Outcome {
    let opens = ["`", "$(", "${", "<(", ">(", "\n"].iter().any(|opening| text.contains(opening));
    if opens { Err(Unreadable) } else { Ok(()) }
}
