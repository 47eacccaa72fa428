//! Simple commands: their words, assignments before them, redirections and here-documents around them.
//!
//! Not here: the statements they stand in (that is `grammar`), or the parts of a word (that is `pieces`).

use super::super::words::{RESERVED, is_inert_in_here_document};
use super::super::{Simple, Unreadable};
use super::{Gap, Outcome, Walk, children};
use policy::Word;
use tree_sitter::Node;

/// How a here-document's delimiter is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    None,
    Quoted,
}

impl Walk<'_> {
    /// The words of a simple command, those that follow a redirection included.
    pub(super) fn command(&mut self, node: Node) -> Outcome<Simple> {
        let mut words = Simple::new();
        let mut previous: Option<Node> = None;
        for child in children(node) {
            let start = previous.map_or(node.start_byte(), |previous| previous.end_byte());
            self.gap(start, child.start_byte(), Gap::Blanks)?;
            self.token(child)?;
            let touches = previous.is_some() && start == child.start_byte();
            match child.kind() {
                "file_redirect" | "herestring_redirect" => {
                    if touches && child.child(0).is_some_and(|first| first.kind() == "file_descriptor") {
                        return Err(Unreadable);
                    }
                    words.extend(self.redirect(child)?);
                }
                _word if touches => return Err(Unreadable),
                "variable_assignment" if words.is_empty() => self.assignment(child)?,
                "command_name" => words.push(self.name(child)?),
                "comment" => self.comment(child)?,
                _argument => {
                    // After `time`, what looks like words can be any statement.
                    let is_timed = matches!(words.as_slice(), [Word::Literal(first), ..] if first == "time");
                    if is_timed && RESERVED.contains(&self.text(child)?) {
                        return Err(Unreadable);
                    }
                    words.push(self.word(child)?);
                }
            }
            previous = Some(child);
        }
        Ok(words)
    }

    fn name(&mut self, node: Node) -> Outcome<Word> {
        let name = node.child(0).filter(|_| node.child_count() == 1).ok_or(Unreadable)?;
        let text = self.text(name)?;
        if RESERVED.contains(&text) || looks_like_assignment(text) {
            return Err(Unreadable);
        }
        self.word(name)
    }

    pub(super) fn redirected(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Blanks)?;
        let (mut words, mut following, mut is_command) = (Simple::new(), Simple::new(), true);
        for child in children(node) {
            match child.kind() {
                "file_redirect" | "herestring_redirect" => following.extend(self.redirect(child)?),
                "heredoc_redirect" => following.extend(self.here_document(child)?),
                "command" if words.is_empty() && following.is_empty() => words = self.command(child)?,
                _body if following.is_empty() => {
                    is_command = false;
                    self.statement(child)?;
                }
                _misplaced => return Err(Unreadable),
            }
        }
        if !is_command && !following.is_empty() {
            // They are words of the last command of the body, wherever that is.
            return Err(Unreadable);
        }
        words.extend(following);
        self.add(words)
    }

    pub(super) fn redirect_without_words(&mut self, node: Node) -> Outcome {
        if self.redirect(node)?.is_empty() { Ok(()) } else { Err(Unreadable) }
    }

    /// The words that follow a redirection's target; they belong to the command.
    fn redirect(&mut self, node: Node) -> Outcome<Simple> {
        self.adorn();
        if node.kind() == "herestring_redirect" {
            self.only_bash()?;
        }
        let (mut words, mut targets, mut end) = (Simple::new(), 1, node.start_byte());
        let (mut has_operator, mut is_after_word, mut copies) = (false, false, false);
        for child in children(node) {
            let touches = end == child.start_byte();
            self.gap(end, child.start_byte(), Gap::Blanks)?;
            self.token(child)?;
            match child.kind() {
                "file_descriptor" => self.descriptor(child)?,
                _token if !child.is_named() && has_operator => return Err(Unreadable),
                "<&" | ">&" if touches => {
                    has_operator = true;
                    copies = true;
                }
                "<" | ">" | ">>" | ">|" | "<<<" if touches => has_operator = true,
                // Where a shell has no such operator, it is `&` and a redirection.
                "&>" | "&>>" => {
                    self.only_bash()?;
                    has_operator = true;
                }
                "<&-" | ">&-" => {
                    has_operator = true;
                    targets = 0;
                }
                _word if touches && is_after_word => return Err(Unreadable),
                _word => {
                    if copies && !is_after_word && !is_descriptor_or_file(self.text(child)?) {
                        return Err(Unreadable);
                    }
                    let word = self.word(child)?;
                    if targets == 0 {
                        words.push(word);
                    } else {
                        targets -= 1;
                    }
                    is_after_word = true;
                }
            }
            end = child.end_byte();
        }
        Ok(words)
    }

    /// A descriptor is one digit; shells differ on what more of them mean, and anything else is a word.
    fn descriptor(&self, node: Node) -> Outcome {
        match self.text(node)?.as_bytes() {
            [digit] if digit.is_ascii_digit() => Ok(()),
            _more => Err(Unreadable),
        }
    }

    /// A here-document: its delimiter, what follows on its line, and its body. Gives back words that follow the delimiter.
    fn here_document(&mut self, node: Node) -> Outcome<Simple> {
        // A shell that finds one inside an expression has been seen to run something else.
        if self.expressions > 0 {
            return Err(Unreadable);
        }
        self.adorn();
        self.gaps(node, Gap::Lines)?;
        let mut words = Simple::new();
        let (mut start, mut body, mut end) = (None, None, None);
        for child in children(node) {
            match child.kind() {
                "<<" | "<<-" | "&&" | "||" | "\n" => {}
                "file_descriptor" => self.descriptor(child)?,
                "heredoc_start" => start = Some(child),
                "heredoc_body" => body = Some(child),
                "heredoc_end" => end = Some(child),
                "file_redirect" | "herestring_redirect" => self.redirect_without_words(child)?,
                "pipeline"
                | "command"
                | "redirected_statement"
                | "list"
                | "subshell"
                | "compound_statement"
                | "test_command"
                | "negated_command"
                | "variable_assignment"
                | "declaration_command" => self.statement(child)?,
                _word if body.is_none() => words.push(self.word(child)?),
                _unknown => return Err(Unreadable),
            }
        }
        let (start, end) = (start.ok_or(Unreadable)?, end.ok_or(Unreadable)?);
        let quoting = self.here_document_ends_where_it_should(node, start, end)?;
        if let (Some(body), Quoting::None) = (body, quoting) {
            self.here_text(body)?;
        }
        Ok(words)
    }

    /// Finds the end of the here-document by its lines.
    fn here_document_ends_where_it_should(&self, node: Node, start: Node, end: Node) -> Outcome<Quoting> {
        let written = self.text(start)?;
        let between = |quote: char| written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        let (delimiter, quoting) = match between('\'').or_else(|| between('"')) {
            Some(inner) => (inner, Quoting::Quoted),
            None => (written, Quoting::None),
        };
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let rest = self.line.get(start.end_byte()..).ok_or(Unreadable)?;
        // A delimiter can go on after its quotes.
        let is_whole = rest.starts_with([' ', '\t', '\n', ';', '&', '|', '<', '>', ')']);
        if delimiter.is_empty() || !delimiter.chars().all(is_plain) || !is_whole {
            return Err(Unreadable);
        }
        let mut at = start.end_byte() + rest.find('\n').ok_or(Unreadable)? + 1;
        let is_in_place =
            |child: &Node| child.end_byte() <= at || matches!(child.kind(), "heredoc_body" | "heredoc_end");
        let body = children(node).into_iter().find(|child| child.kind() == "heredoc_body");
        if !children(node).iter().all(is_in_place) || body.is_some_and(|body| body.start_byte() < at) {
            return Err(Unreadable);
        }
        let strips = children(node).iter().any(|child| child.kind() == "<<-");
        for line in self.line.get(at..).ok_or(Unreadable)?.split('\n') {
            let bare = if strips { line.trim_start_matches('\t') } else { line };
            if bare == delimiter {
                let is_there = end.end_byte() == at + line.len() && end.start_byte() >= at;
                let is_it = self.text(end)?.trim_start_matches('\t') == delimiter;
                return if is_there && is_it { Ok(quoting) } else { Err(Unreadable) };
            }
            at += line.len() + 1;
        }
        Err(Unreadable)
    }

    fn here_text(&mut self, body: Node) -> Outcome {
        // It joins lines before anything else is looked at, inside quotes of its substitutions too.
        if self.text(body)?.contains("\\\n") {
            return Err(Unreadable);
        }
        let mut end = body.start_byte();
        for child in children(body) {
            match child.kind() {
                "heredoc_content" => {}
                "expansion" | "simple_expansion" | "command_substitution" => {
                    is_inert_in_here_document(self.line.get(end..child.start_byte()).ok_or(Unreadable)?)?;
                    self.inside(child)?;
                    end = child.end_byte();
                }
                _unknown => return Err(Unreadable),
            }
        }
        is_inert_in_here_document(self.line.get(end..body.end_byte()).ok_or(Unreadable)?)
    }

    pub(super) fn assignment(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Nothing)?;
        let parts = children(node);
        let name = parts.first().ok_or(Unreadable)?;
        let named = match name.kind() {
            "variable_name" => self.text(*name)?,
            "subscript" => {
                self.only_bash()?;
                self.reckon();
                self.inside(*name)?;
                self.text(*name)?.split('[').next().unwrap_or_default()
            }
            _unknown => return Err(Unreadable),
        };
        let is_name = named.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && named.starts_with(|first: char| !first.is_ascii_digit());
        if !is_name {
            return Err(Unreadable);
        }
        let mut value = Word::Literal(String::new());
        for part in parts.iter().skip(1) {
            match part.kind() {
                "=" => {}
                "+=" => self.only_bash()?,
                "array" => {
                    self.only_bash()?;
                    self.array(*part)?;
                    value = Word::Opaque;
                }
                _word => value = self.word(*part)?,
            }
        }
        self.reading.assigned.push((named.to_owned(), value));
        Ok(())
    }

    fn array(&mut self, node: Node) -> Outcome {
        self.gaps(node, Gap::Lines)?;
        children(node).into_iter().filter(Node::is_named).try_for_each(|child| match child.kind() {
            "comment" => self.comment(child),
            _word => self.word(child).map(drop),
        })
    }

    pub(super) fn declaration(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Blanks)?;
        let mut words = Simple::new();
        for child in children(node) {
            let text = self.text(child)?;
            match child.kind() {
                "variable_assignment" => {
                    self.assignment(child)?;
                    words.push(match self.reading.assigned.last() {
                        Some((name, Word::Literal(value))) => Word::Literal(format!("{name}={value}")),
                        Some((_, Word::Opaque)) | None => Word::Opaque,
                    });
                }
                "variable_name" => words.push(Word::Literal(text.to_owned())),
                _first if !child.is_named() => words.push(Word::Literal(text.to_owned())),
                _word => words.push(self.word(child)?),
            }
        }
        self.add(words)
    }
}

/// What may follow `>&`. Of a word that begins with `-` a shell takes that letter alone.
fn is_descriptor_or_file(word: &str) -> bool {
    word == "-"
        || word.bytes().all(|byte| byte.is_ascii_digit())
        || !word.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// Whether a shell would take the word for an assignment where a command begins.
fn looks_like_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        let name = name.split('[').next().unwrap_or(name);
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    })
}
