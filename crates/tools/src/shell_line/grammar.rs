//! The walk over a line's syntax tree: which kinds of nodes there may be, where statements stand in them, and what may stand
//! between them.
//!
//! In reading order: this file has the statements; `simple` the simple commands with their redirections; `pieces` words and
//! what is expanded in them.
//!
//! Not here: what a command does with its words (that is `wrappers`).
//!
//! The tree's grammar accepts more than a shell and lets white space stand where a shell has none. So the walk trusts it
//! with the shape alone: it looks at the text between nodes (a `\` before a space is part of a word, a carriage return is
//! no space), finds the ends of quotes and here-documents again by itself, and takes no text for inert in which a shell
//! would find something to expand.

mod pieces;
mod simple;

use super::words::{RESERVED, unquoted};
use super::{Dress, Reading, Reckons, ShellGrammar, Simple, Unreadable};
use policy::Word;
use std::ops::ControlFlow;
use tree_sitter::{Node, ParseOptions, Parser};

/// How deep the tree may be; a person's line has a tenth of it.
const DEEPEST_TREE: usize = 250;
/// How often the parser may look up before it is stopped; a line of the greatest length takes a fraction of it.
const MOST_STEPS: usize = 20_000;

/// Reads a line, without looking into what its commands run.
pub(super) fn walk(line: &str, dialect: ShellGrammar) -> Result<Reading, Unreadable> {
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
    let mut walk = Walk { line, dialect, reading: Reading::default(), depth: 0, inside: 0, quoted: 0, expressions: 0 };
    walk.gap(0, root.start_byte(), Gap::Lines)?;
    walk.gap(root.end_byte(), line.len(), Gap::Lines)?;
    walk.statements(root)?;
    Ok(walk.reading)
}

struct Walk<'a> {
    line: &'a str,
    dialect: ShellGrammar,
    reading: Reading,
    /// How many nodes are above this one.
    depth: usize,
    /// How many substitutions are around this node.
    inside: usize,
    /// How many double quotes are around this node.
    quoted: usize,
    /// How many expressions are around this node.
    expressions: usize,
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

    /// Checks the text that belongs to no node. A line that goes on in the next joins words, unless a blank is before it.
    fn gap(&self, from: usize, to: usize, gap: Gap) -> Outcome {
        let text = self.line.get(from..to).ok_or(Unreadable)?;
        for (at, _) in text.match_indices("\\\n") {
            let before = self.line.get(..from + at).ok_or(Unreadable)?;
            if !before.ends_with([' ', '\t']) {
                return Err(Unreadable);
            }
        }
        let fits = text.replace("\\\n", "").chars().all(|letter| match letter {
            ' ' | '\t' => gap != Gap::Nothing,
            '\n' => gap == Gap::Lines,
            _other => false,
        });
        if fits { Ok(()) } else { Err(Unreadable) }
    }

    fn gaps(&self, node: Node, gap: Gap) -> Outcome {
        let mut end = node.start_byte();
        for child in children(node) {
            self.gap(end, child.start_byte(), gap)?;
            self.token(child)?;
            end = child.end_byte();
        }
        self.gap(end, node.end_byte(), gap)
    }

    /// A token is what it is called; the scanner beneath the grammar sometimes takes in more.
    fn token(&self, node: Node) -> Outcome {
        if node.is_named() || self.text(node)? == node.kind() { Ok(()) } else { Err(Unreadable) }
    }

    /// What only some shells have is not for a line that any of them may run.
    fn only_bash(&self) -> Outcome {
        if self.dialect == ShellGrammar::Bash { Ok(()) } else { Err(Unreadable) }
    }

    fn adorn(&mut self) {
        self.reading.dress = Dress::Adorned;
    }

    fn reckon(&mut self) {
        self.adorn();
        self.reading.reckons = Reckons::Yes;
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

    fn statements(&mut self, node: Node) -> Outcome {
        self.gaps(node, Gap::Lines)?;
        for child in children(node) {
            match child.kind() {
                "|&" => {
                    self.only_bash()?;
                    self.adorn();
                }
                _token if !child.is_named() => {}
                _statement => self.statement(child)?,
            }
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
                self.only_bash()?;
                self.reckon();
                self.insides(node)
            }
            _unknown => Err(Unreadable),
        }
    }

    fn for_each(&mut self, node: Node) -> Outcome {
        self.adorn();
        self.gaps(node, Gap::Lines)?;
        for child in children(node) {
            match child.kind() {
                "select" => self.only_bash()?,
                _token if !child.is_named() => {}
                "do_group" => self.statement(child)?,
                "comment" => self.comment(child)?,
                "variable_name" => {}
                _value => drop(self.word(child)?),
            }
        }
        Ok(())
    }

    fn counting(&mut self, node: Node) -> Outcome {
        self.only_bash()?;
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
        for child in children(node) {
            match child.kind() {
                "function" => self.only_bash()?,
                _token if !child.is_named() => {}
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

    /// In `[ .. ]` operators of the shell are operators of the shell; in `[[ .. ]]` they are the test's own.
    fn test(&mut self, node: Node) -> Outcome {
        self.reckon();
        let parts = children(node);
        let opening = parts.first().ok_or(Unreadable)?.kind();
        if opening == "[" {
            self.gaps(node, Gap::Blanks)?;
            self.deeper(|walk| walk.single_bracket(node))?;
        } else {
            self.only_bash()?;
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
}
