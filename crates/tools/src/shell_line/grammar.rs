//! The walk over a line's syntax tree: which kinds of nodes there may be, where commands stand in them, and what may stand
//! between them.
//!
//! Not here: what a command does with its words (that is `wrappers`).
//!
//! The tree's grammar accepts more than a shell and lets white space stand where a shell has none. So the walk trusts it
//! with the shape alone: it looks at the text between nodes (a `\` before a space is part of a word, a carriage return is
//! no space), finds the ends of quotes and here-documents again by itself, and takes no text for inert in which a shell
//! would find something to expand.

use super::words::{RESERVED, ansi_c, in_double_quotes, is_inert_in_here_document, is_smuggled, unquoted};
use super::{Dress, Reading, Reckons, Simple, Unreadable};
use policy::Word;
use std::ops::ControlFlow;
use tree_sitter::{Node, ParseOptions, Parser};

/// How deep the tree may be; a person's line has a tenth of it.
const DEEPEST_TREE: usize = 250;
/// How often the parser may look up before it is stopped; a line of the greatest length takes a fraction of it.
const MOST_STEPS: usize = 20_000;

/// Reads a line, without looking into what its commands run.
pub(super) fn walk(line: &str) -> Result<Reading, Unreadable> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).map_err(|_version| Unreadable)?;
    let mut steps = 0;
    let mut count = |_: &tree_sitter::ParseState| {
        steps += 1;
        if steps > MOST_STEPS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut count);
    // The scanner beneath the grammar looks letters up in a table that ends with ASCII. To a shell they are letters like
    // any other, so the tree is made of a text with an `x` for each byte of theirs; what is read is the text itself.
    let bytes: Vec<u8> = line.bytes().map(|byte| if byte.is_ascii() { byte } else { b'x' }).collect();
    let tree = parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options));
    let tree = tree.ok_or(Unreadable)?;
    let root = tree.root_node();
    if root.has_error() {
        return Err(Unreadable);
    }
    let mut walk = Walk { line, reading: Reading::default(), depth: 0, inside: 0, quoted: 0 };
    walk.gap(0, root.start_byte(), Gap::Lines)?;
    walk.gap(root.end_byte(), line.len(), Gap::Lines)?;
    walk.statements(root)?;
    Ok(walk.reading)
}

struct Walk<'a> {
    line: &'a str,
    reading: Reading,
    /// How many nodes are above this one.
    depth: usize,
    /// How many substitutions are around this node.
    inside: usize,
    /// How many double quotes are around this node.
    quoted: usize,
}

/// What may stand between two nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Blanks.
    Blanks,
    /// Blanks and ends of lines.
    Lines,
    /// Nothing at all.
    Nothing,
}

type Outcome<T = ()> = Result<T, Unreadable>;

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    node.children(&mut node.walk()).collect()
}

impl<'a> Walk<'a> {
    fn text(&self, node: Node) -> Outcome<&'a str> {
        self.line.get(node.byte_range()).ok_or(Unreadable)
    }

    /// Checks the text that belongs to no node. A line that goes on in the next joins words unless a blank is there too.
    fn gap(&self, from: usize, to: usize, gap: Gap) -> Outcome {
        let text = self.line.get(from..to).ok_or(Unreadable)?;
        let joined = text.replace("\\\n", "");
        let fits = joined.chars().all(|letter| match letter {
            ' ' | '\t' => gap != Gap::Nothing,
            '\n' => gap == Gap::Lines,
            _other => false,
        });
        let is_joint = joined.is_empty() && !text.is_empty();
        if fits && !is_joint { Ok(()) } else { Err(Unreadable) }
    }

    fn gaps(&self, node: Node, gap: Gap) -> Outcome {
        let mut end = node.start_byte();
        for child in children(node) {
            self.gap(end, child.start_byte(), gap)?;
            end = child.end_byte();
        }
        self.gap(end, node.end_byte(), gap)
    }

    fn adorn(&mut self) {
        self.reading.dress = Dress::Adorned;
    }

    fn reckon(&mut self) {
        self.adorn();
        self.reading.reckons = Reckons::Yes;
    }

    fn note_quoted(&mut self, text: &str) {
        if is_smuggled(text) {
            self.reading.smuggled.push(text.to_owned());
        }
    }

    /// Goes one level deeper, if that is not too deep.
    fn deeper<T>(&mut self, into: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= DEEPEST_TREE {
            return Err(Unreadable);
        }
        self.depth += 1;
        let outcome = into(self);
        self.depth -= 1;
        outcome
    }

    // Statements.

    fn statements(&mut self, node: Node) -> Outcome {
        self.gaps(node, Gap::Lines)?;
        for child in children(node).into_iter().filter(Node::is_named) {
            self.statement(child)?;
        }
        Ok(())
    }

    fn statement(&mut self, node: Node) -> Outcome {
        self.deeper(|walk| walk.statement_here(node))
    }

    fn statement_here(&mut self, node: Node) -> Outcome {
        match node.kind() {
            "list" | "pipeline" => self.statements(node),
            "command" => {
                let words = self.command(node)?;
                self.add(words)
            }
            "comment" => self.comment(node),
            "redirected_statement" => self.redirected(node),
            "subshell"
            | "do_group"
            | "if_statement"
            | "elif_clause"
            | "else_clause"
            | "while_statement"
            | "negated_command"
            | "variable_assignments" => {
                self.adorn();
                self.statements(node)
            }
            "variable_assignment" => self.assignment(node),
            "compound_statement" => self.compound(node),
            "for_statement" => self.for_each(node),
            "c_style_for_statement" => self.counting(node),
            "case_statement" => self.case(node),
            "function_definition" => self.function(node),
            "declaration_command" | "unset_command" => self.declaration(node),
            "test_command" => self.test(node),
            _unknown => Err(Unreadable),
        }
    }

    fn add(&mut self, words: Simple) -> Outcome {
        if !words.is_empty() {
            self.reading.simples.push(words);
        }
        Ok(())
    }

    /// A comment is one only where a word could begin. Inside a substitution, shells differ on where one ends.
    fn comment(&mut self, node: Node) -> Outcome {
        let before = self.line.get(..node.start_byte()).ok_or(Unreadable)?;
        let mut letters = before.chars().rev();
        let begins_a_word = letters.next().is_none_or(|letter| " \t\n;&|()".contains(letter));
        let is_escaped = letters.next() == Some('\\');
        let text = self.text(node)?;
        let may_end = self.inside > 0 && text.contains([')', '`']);
        if begins_a_word && !is_escaped && self.quoted == 0 && !may_end { Ok(()) } else { Err(Unreadable) }
    }

    fn compound(&mut self, node: Node) -> Outcome {
        self.adorn();
        let parts = children(node);
        let first = parts.first().ok_or(Unreadable)?;
        match first.kind() {
            "{" => {
                let next = self.line.get(first.end_byte()..).and_then(|rest| rest.chars().next());
                if next.is_some_and(|next| " \t\n".contains(next)) { self.statements(node) } else { Err(Unreadable) }
            }
            "((" => {
                self.reckon();
                self.insides(node)
            }
            _unknown => Err(Unreadable),
        }
    }

    fn for_each(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Lines)?;
        for child in children(node).into_iter().filter(Node::is_named) {
            match child.kind() {
                "do_group" => self.statement(child)?,
                "variable_name" => {}
                _value => drop(self.word(child)?),
            }
        }
        Ok(())
    }

    fn counting(&mut self, node: Node) -> Outcome {
        self.reckon();
        self.gaps(node, Gap::Lines)?;
        for child in children(node).into_iter().filter(Node::is_named) {
            match child.kind() {
                "do_group" | "compound_statement" => self.statement(child)?,
                "variable_assignment" => self.insides(child)?,
                _expression => self.inside(child)?,
            }
        }
        Ok(())
    }

    fn case(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Lines)?;
        for child in children(node).into_iter().filter(Node::is_named) {
            match child.kind() {
                "case_item" => self.case_item(child)?,
                "comment" => self.comment(child)?,
                _value => drop(self.word(child)?),
            }
        }
        Ok(())
    }

    fn case_item(&mut self, node: Node) -> Outcome {
        self.gaps(node, Gap::Lines)?;
        let parts = children(node);
        let end = parts.iter().position(|part| part.kind() == ")").ok_or(Unreadable)?;
        for pattern in parts[..end].iter().filter(|part| part.is_named()) {
            let is_word = !self.text(*pattern)?.contains([')', ';', '&', '\n', '<', '>']);
            if !is_word && pattern.child_count() == 0 {
                return Err(Unreadable);
            }
            self.inside(*pattern)?;
        }
        parts[end..].iter().filter(|part| part.is_named()).try_for_each(|part| self.statement(*part))
    }

    fn function(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Lines)?;
        for child in children(node).into_iter().filter(Node::is_named) {
            match child.kind() {
                "word" => {
                    let Word::Literal(name) = unquoted(self.text(child)?)? else { return Err(Unreadable) };
                    if RESERVED.contains(&name.as_str()) {
                        return Err(Unreadable);
                    }
                }
                "file_redirect" | "herestring_redirect" => self.redirect_without_words(child)?,
                _body => self.statement(child)?,
            }
        }
        Ok(())
    }

    // Commands.

    /// The words of a simple command, those that follow a redirection included.
    fn command(&mut self, node: Node) -> Outcome<Simple> {
        let mut words = Simple::new();
        let mut previous: Option<Node> = None;
        for child in children(node) {
            let start = previous.map_or(node.start_byte(), |previous| previous.end_byte());
            self.gap(start, child.start_byte(), Gap::Blanks)?;
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
                "command_name" => {
                    let name = child.child(0).filter(|_| child.child_count() == 1).ok_or(Unreadable)?;
                    let word = self.word(name)?;
                    let text = self.text(name)?;
                    if RESERVED.contains(&text) {
                        return Err(Unreadable);
                    }
                    words.push(word);
                }
                "comment" => self.comment(child)?,
                _argument => {
                    let word = self.word(child)?;
                    // After `time`, what looks like words can be any statement.
                    let is_timed = matches!(words.as_slice(), [Word::Literal(first), ..] if first == "time");
                    if is_timed && RESERVED.contains(&self.text(child)?) {
                        return Err(Unreadable);
                    }
                    words.push(word);
                }
            }
            previous = Some(child);
        }
        Ok(words)
    }

    fn redirected(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Blanks)?;
        let mut words = Simple::new();
        let mut is_command = true;
        let mut following = Simple::new();
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

    fn redirect_without_words(&mut self, node: Node) -> Outcome {
        if self.redirect(node)?.is_empty() { Ok(()) } else { Err(Unreadable) }
    }

    /// The words that follow a redirection's target; they belong to the command.
    fn redirect(&mut self, node: Node) -> Outcome<Simple> {
        self.adorn();
        let (mut words, mut targets, mut end) = (Simple::new(), 1, node.start_byte());
        let mut before = "";
        for child in children(node) {
            let touches = end == child.start_byte();
            self.gap(end, child.start_byte(), Gap::Blanks)?;
            match child.kind() {
                "file_descriptor" => {}
                "<" | ">" | ">>" | "<&" | ">&" | ">|" | "<<<" if touches || before.is_empty() => {}
                // Where a shell has no such operator, it is `&` and a redirection.
                "&>" | "&>>" => {}
                "<&-" | ">&-" => targets = 0,
                _word => {
                    if touches && !words.is_empty() {
                        return Err(Unreadable);
                    }
                    let word = self.word(child)?;
                    if targets == 0 {
                        words.push(word)
                    } else {
                        targets -= 1
                    }
                    if !words.is_empty() && before.starts_with("&>") {
                        return Err(Unreadable);
                    }
                }
            }
            if !child.is_named() {
                before = child.kind();
            }
            end = child.end_byte();
        }
        Ok(words)
    }

    /// A here-document: its delimiter, what follows on its line, and its body. Gives back words that follow the delimiter.
    fn here_document(&mut self, node: Node) -> Outcome<Simple> {
        self.adorn();
        self.gaps(node, Gap::Lines)?;
        let mut words = Simple::new();
        let (mut start, mut body, mut end) = (None, None, None);
        for child in children(node) {
            match child.kind() {
                "<<" | "<<-" | "file_descriptor" | "&&" | "||" | "\n" => {}
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
        let quoting = self.delimiter_is_where_the_shell_has_it(node, start, end)?;
        if let (Some(body), Quoting::None) = (body, quoting) {
            self.here_text(body)?;
        }
        Ok(words)
    }

    /// Finds the end of the here-document by its lines.
    fn delimiter_is_where_the_shell_has_it(&self, node: Node, start: Node, end: Node) -> Outcome<Quoting> {
        let written = self.text(start)?;
        let between = |quote: char| written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        let (delimiter, quoting) = match between('\'').or_else(|| between('"')) {
            Some(inner) => (inner, Quoting::Quoted),
            None => (written, Quoting::None),
        };
        let is_name =
            !delimiter.is_empty() && delimiter.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let first = self.line.get(start.end_byte()..).and_then(|rest| rest.find('\n')).ok_or(Unreadable)?;
        let strips = children(node).iter().any(|child| child.kind() == "<<-");
        let mut at = start.end_byte() + first + 1;
        for line in self.line.get(at..).ok_or(Unreadable)?.split('\n') {
            let bare = if strips { line.trim_start_matches('\t') } else { line };
            if bare == delimiter {
                let found = at + line.len() - bare.len();
                let is_there =
                    end.end_byte() == at + line.len() && (end.start_byte()..=end.end_byte()).contains(&found);
                let is_there = is_there && self.text(end)?.trim_start_matches('\t') == delimiter;
                return if is_name && is_there { Ok(quoting) } else { Err(Unreadable) };
            }
            at += line.len() + 1;
        }
        Err(Unreadable)
    }

    fn here_text(&mut self, body: Node) -> Outcome {
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

    fn assignment(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Nothing)?;
        let parts = children(node);
        let name = parts.first().ok_or(Unreadable)?;
        let named = match name.kind() {
            "variable_name" => self.text(*name)?,
            "subscript" => {
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
        for part in parts.iter().skip(1).filter(|part| part.is_named()) {
            value = match part.kind() {
                "array" => {
                    self.array(*part)?;
                    Word::Opaque
                }
                _word => self.word(*part)?,
            };
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

    fn declaration(&mut self, node: Node) -> Outcome {
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

    /// In `[ .. ]` operators of the shell are operators of the shell; in `[[ .. ]]` they are the test's own.
    fn test(&mut self, node: Node) -> Outcome {
        self.reckon();
        let parts = children(node);
        let opening = parts.first().ok_or(Unreadable)?.kind();
        if opening == "[" {
            self.gaps(node, Gap::Blanks)?;
            self.deeper(|walk| walk.single_bracket(node))?;
        } else {
            self.insides(node)?;
        }
        self.add(vec![Word::Literal(opening.to_owned()), Word::Opaque])
    }

    fn single_bracket(&mut self, node: Node) -> Outcome {
        for child in children(node) {
            match child.kind() {
                "[" | "]" | "=" | "==" | "!=" | "!" | "test_operator" => {}
                "binary_expression" | "unary_expression" => {
                    self.gaps(child, Gap::Blanks)?;
                    self.deeper(|walk| walk.single_bracket(child))?;
                }
                "regex" | "extglob_pattern" => drop(unquoted(self.text(child)?)?),
                _word if child.is_named() => drop(self.word(child)?),
                _operator => return Err(Unreadable),
            }
        }
        Ok(())
    }

    // Words.

    fn word(&mut self, node: Node) -> Outcome<Word> {
        let word = self.deeper(|walk| walk.word_here(node))?;
        if word == Word::Opaque {
            self.adorn();
        }
        Ok(word)
    }

    fn word_here(&mut self, node: Node) -> Outcome<Word> {
        let text = self.text(node)?;
        match node.kind() {
            "word" => unquoted(text),
            "number" if node.child_count() == 0 => unquoted(text),
            "$" => Ok(Word::Literal("$".to_owned())),
            "==" | "=~" => Ok(Word::Literal(text.to_owned())),
            "regex" => unquoted(text),
            "raw_string" => {
                let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).ok_or(Unreadable)?;
                self.note_quoted(inner);
                Ok(Word::Literal(inner.to_owned()))
            }
            "ansi_c_string" => {
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
        let (mut known, mut is_known) = (String::new(), true);
        let mut end = node.start_byte() + 1;
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
        known.push_str(&in_double_quotes(self.line.get(end..node.end_byte() - 1).ok_or(Unreadable)?)?);
        self.note_quoted(text);
        Ok(if is_known { Word::Literal(known) } else { Word::Opaque })
    }

    // What is neither statement nor word: expansions and expressions, which can hold both.

    fn insides(&mut self, node: Node) -> Outcome {
        self.gaps(node, Gap::Lines)?;
        children(node).into_iter().try_for_each(|child| self.inside(child))
    }

    fn inside(&mut self, node: Node) -> Outcome {
        self.deeper(|walk| walk.inside_here(node))
    }

    fn inside_here(&mut self, node: Node) -> Outcome {
        let text = self.text(node)?;
        match node.kind() {
            "command_substitution" | "process_substitution" => self.substitution(node),
            "string" => self.string(node).map(drop),
            // Inside double quotes, single quotes in `${x:-'..'}` quote nothing.
            "raw_string" | "ansi_c_string" if text[1..].contains(['$', '`']) => Err(Unreadable),
            "raw_string" => Ok(()),
            "ansi_c_string" => ansi_c(text).map(drop),
            "expansion" => self.expansion(node),
            "subscript" => {
                self.reckon();
                self.insides(node)
            }
            "arithmetic_expansion" => {
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
            | "translated_string"
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
            "$(" | "<(" | ">(" => {}
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

/// How a here-document's delimiter is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    None,
    Quoted,
}

/// The tokens that open an expansion whose inside is looked at by itself.
const OPENINGS: &[char] = &['$', '(', '{', '['];

fn is_without_substitution(text: &str) -> Outcome {
    let opens = ["`", "$(", "${", "<(", ">(", "\n"].iter().any(|opening| text.contains(opening));
    if opens { Err(Unreadable) } else { Ok(()) }
}
