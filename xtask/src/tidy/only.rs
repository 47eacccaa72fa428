//! Powers that have one place: deciding, minting, telling modes apart, vouching for a person.
//!
//! Not here: what those places do. The compiler keeps private what is private; this keeps public names from spreading.

use super::Finding;
use super::source::{Source, Tree};
use super::tables::{DECIDE_CALLED_IN, MODE_NAMED_IN, PERMIT_MINTED_IN, PERMIT_WRITTEN_IN, PERSON_VOUCHED_FOR_IN};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{ItemImpl, Path, Type, UseTree};

/// A use of a power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Power {
    /// `decide(..)`, or `decide` handed on as a value.
    Decide,
    /// `Permit { .. }`.
    WritePermit,
    /// `Permit::mint`.
    MintPermit,
    /// `Mode::Plan` and the like.
    NameMode,
    /// `Person::at`.
    Vouch,
}

const MODES: [&str; 3] = ["Plan", "Agent", "Yolo"];

/// Checks that each power is used where the tables say and nowhere else; tests may do as they like.
pub fn each_power_has_one_place(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in &tree.sources {
        let mut walk = Walk { of: None, used: Vec::new() };
        walk.visit_file(&source.product);
        for (at, (power, line)) in walk.used.iter().enumerate() {
            let earlier = walk.used[..at].iter().filter(|(used, _)| used == power).count();
            if let Some(says) = power.objection(source, earlier) {
                found.push(Finding::new(&source.path, *line, says));
            }
        }
    }
    found
}

impl Power {
    /// What is wrong with one more use in a file that has used the power this often before it.
    fn objection(self, source: &Source, earlier: usize) -> Option<String> {
        let Source { room, path, .. } = source;
        let path = path.as_str();
        match self {
            Power::Decide if room == "policy" => None,
            Power::Decide if path == DECIDE_CALLED_IN && earlier == 0 => None,
            Power::Decide => Some(format!("`decide` is called once outside `policy`, in `{DECIDE_CALLED_IN}`")),
            Power::WritePermit if path == PERMIT_WRITTEN_IN => None,
            Power::WritePermit => Some(format!("`Permit` is written out in `{PERMIT_WRITTEN_IN}` alone")),
            Power::MintPermit if path == PERMIT_MINTED_IN && earlier == 0 => None,
            Power::MintPermit => Some(format!("`Permit::mint` is called once, in `{PERMIT_MINTED_IN}`")),
            Power::NameMode if room == "policy" || MODE_NAMED_IN.contains(&path) => None,
            Power::NameMode => Some("modes are told apart in `policy` alone; ask it, or parse the mode's text".into()),
            Power::Vouch if PERSON_VOUCHED_FOR_IN.contains(&path) => None,
            Power::Vouch => Some(format!("only {} may vouch for a person", quoted(PERSON_VOUCHED_FOR_IN))),
        }
    }
}

fn quoted(paths: &[&str]) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}

struct Walk {
    /// The type whose `impl` is being walked.
    of: Option<String>,
    used: Vec<(Power, usize)>,
}

impl Walk {
    fn path(&mut self, path: &Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = path.segments.last().map_or(1, |last| last.ident.span().start().line);
        self.names(&names, line);
    }

    fn names(&mut self, names: &[String], line: usize) {
        let names: Vec<&str> = names.iter().map(|name| self.seen_through(name)).collect();
        let power = match names.as_slice() {
            [.., "Mode", variant] if MODES.contains(variant) => Power::NameMode,
            [.., "Permit", "mint"] => Power::MintPermit,
            [.., "Person", "at"] => Power::Vouch,
            _ => return,
        };
        self.used.push((power, line));
    }

    /// The name, or what `Self` stands for.
    fn seen_through<'a>(&'a self, name: &'a str) -> &'a str {
        match (name, &self.of) {
            ("Self", Some(of)) => of,
            (other, _) => other,
        }
    }

    /// What a macro is given is no syntax yet, so its words are read in their order.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(first) => {
                    let (names, next) = path_from(&tokens, at);
                    let line = first.span().start().line;
                    let opens =
                        |delimiter| matches!(next, Some(TokenTree::Group(group)) if group.delimiter() == delimiter);
                    match names.last().map(|name| self.seen_through(name)) {
                        Some("decide") if opens(Delimiter::Parenthesis) => self.used.push((Power::Decide, line)),
                        Some("Permit") if opens(Delimiter::Brace) => self.used.push((Power::WritePermit, line)),
                        _ if is_continued(&tokens, at) => {}
                        _ => self.names(&names, line),
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

/// The path `a::b::c` that starts at a token, and what follows it.
fn path_from(tokens: &[TokenTree], mut at: usize) -> (Vec<String>, Option<&TokenTree>) {
    let mut names = Vec::new();
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        names.push(name.to_string());
        at += 1;
        match (tokens.get(at), tokens.get(at + 1)) {
            (Some(TokenTree::Punct(a)), Some(TokenTree::Punct(b))) if a.as_char() == ':' && b.as_char() == ':' => {
                at += 2
            }
            _ => break,
        }
    }
    (names, tokens.get(at))
}

/// Whether the name at a token goes on a path that began before it.
fn is_continued(tokens: &[TokenTree], at: usize) -> bool {
    at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(before) if before.as_char() == ':')
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        let outer = self.of.take();
        if let Type::Path(of) = &*block.self_ty {
            self.of = of.path.segments.last().map(|last| last.ident.to_string());
        }
        visit::visit_item_impl(self, block);
        self.of = outer;
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.path(path);
        visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, expr: &'ast syn::ExprPath) {
        if let Some(last) = expr.path.segments.last()
            && last.ident == "decide"
        {
            self.used.push((Power::Decide, last.ident.span().start().line));
        }
        visit::visit_expr_path(self, expr);
    }

    fn visit_expr_struct(&mut self, expr: &'ast syn::ExprStruct) {
        if let Some(last) = expr.path.segments.last()
            && self.seen_through(&last.ident.to_string()) == "Permit"
        {
            self.used.push((Power::WritePermit, last.ident.span().start().line));
        }
        visit::visit_expr_struct(self, expr);
    }

    /// A power that is imported under another name, or a mode without its `Mode::`, would pass unseen.
    fn visit_use_tree(&mut self, tree: &'ast UseTree) {
        match tree {
            UseTree::Path(path) if path.ident == "Mode" => {
                self.used.push((Power::NameMode, path.ident.span().start().line));
            }
            UseTree::Rename(rename) => {
                let power = match rename.ident.to_string().as_str() {
                    "decide" => Some(Power::Decide),
                    "Permit" => Some(Power::MintPermit),
                    "Mode" => Some(Power::NameMode),
                    "Person" => Some(Power::Vouch),
                    _ => None,
                };
                self.used.extend(power.map(|power| (power, rename.ident.span().start().line)));
            }
            UseTree::Path(_) | UseTree::Name(_) | UseTree::Glob(_) | UseTree::Group(_) => {}
        }
        visit::visit_use_tree(self, tree);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    fn finds(path: &str, text: &str, lines: &[usize]) {
        let tree = super::super::source::tree(&[(path, text)]);
        let found: Vec<usize> = each_power_has_one_place(&tree).iter().map(|finding| finding.line).collect();
        assert_eq!(found, lines, "{text}");
    }

    #[test]
    fn decide_is_called_once_in_the_gate() {
        finds("crates/gate/src/gate.rs", "use policy::decide;\nfn a() { decide(1) }", &[]);
        finds("crates/gate/src/gate.rs", "fn a() { decide(1) }\nfn b() { policy::decide(1) }", &[2]);
        finds("crates/engine/src/a.rs", "fn a() { policy::decide(1) }", &[1]);
        finds("crates/engine/src/a.rs", "fn a() { each(policy::decide) }", &[1]);
        finds("crates/engine/src/a.rs", "fn a() {\n assert!(decide(1)) }", &[2]);
        finds("crates/engine/src/a.rs", "use policy::decide as d;", &[1]);
        finds("crates/engine/src/a.rs", "fn a() { gate.decide(1) }\nfn decide() {}", &[]);
        finds("crates/policy/src/a.rs", "fn a() { decide(1); decide(2) }", &[]);
        finds("crates/engine/src/a.rs", "#[cfg(test)]\nmod tests { fn a() { decide(1) } }", &[]);
    }

    #[test]
    fn a_permit_is_written_in_one_file_and_minted_in_one_place() {
        let mint = "struct Permit<A> { a: A }\nimpl<A> Permit<A> { fn mint(a: A) -> Self { Self { a } } }";
        finds("crates/gate/src/permit.rs", mint, &[]);
        finds("crates/gate/src/act.rs", mint, &[2]);
        finds("crates/gate/src/act.rs", "fn a() { Permit { a } }", &[1]);
        finds("crates/gate/src/act.rs", "fn a() { vec![Permit { a }] }", &[1]);
        finds("crates/gate/src/gate.rs", "fn a() { Permit::mint(1) }", &[]);
        finds("crates/gate/src/gate.rs", "fn a() { Permit::mint(1) }\nfn b() { Permit::mint(1) }", &[2]);
        finds("crates/gate/src/state.rs", "fn a(permit: Permit<u8>) { match permit { Permit { .. } => 1 } }", &[]);
    }

    #[test]
    fn modes_are_told_apart_in_policy() {
        finds("crates/policy/src/decide.rs", "fn a(m: Mode) { match m { Mode::Plan => 1 } }", &[]);
        finds("crates/cli/src/a.rs", "fn a() { \"plan\".parse::<Mode>(); Mode::from_str(\"plan\") }", &[]);
        finds("crates/cli/src/a.rs", "fn a(m: Mode) {\n match m { policy::Mode::Plan => 1 } }", &[2]);
        finds("crates/cli/src/a.rs", "fn a(m: Mode) { matches!(m, policy::Mode::Yolo(_)) }", &[1]);
        finds("crates/cli/src/a.rs", "fn a(m: Mode) { m == Mode::Agent }", &[1]);
        finds("crates/cli/src/a.rs", "use policy::Mode::*;", &[1]);
        finds("crates/cli/src/a.rs", "use policy::{Cap, Mode as M};", &[1]);
    }

    #[test]
    fn only_listed_files_vouch_for_a_person() {
        for listed in ["crates/cli/src/person.rs", "crates/server/src/people/answerer.rs"] {
            finds(listed, "fn a() { Person::at(\"here\") }", &[]);
        }
        finds("crates/gate/src/act.rs", "impl Person { fn at() -> Self {} fn b() { Self::at() } }", &[1]);
        check(
            each_power_has_one_place,
            &[("crates/engine/src/a.rs", "fn a() { gate::Person::at(\"here\") }")],
            &[
                "crates/engine/src/a.rs:1: only `crates/cli/src/person.rs`, `crates/server/src/people/answerer.rs` may vouch \
               for a person",
            ],
        );
    }
}
