//! `cargo xtask tidy`: the habits that keep the architecture, checked on the source tree as it stands.
//!
//! Not here: what the compiler, rustfmt and clippy already check. Each rule family has a file; what a rule allows is
//! data in [`tables`].

mod arrows;
mod doors;
mod heart;
mod invariants;
mod lock;
mod names;
mod only;
mod ratchet;
mod shape;
mod source;
mod tables;
mod text;
mod types;

use crate::run::{Trouble, root};
use source::Tree;
use std::fmt;
use std::process::ExitCode;

/// One thing that is not as it should be. The sentence names no line, so that a ratchet entry survives edits above it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    line: usize,
    says: String,
}

impl Finding {
    /// Says something about a line of a file.
    pub fn new(path: impl Into<String>, line: usize, says: impl Into<String>) -> Finding {
        Finding { path: path.into(), line, says: says.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.says)
    }
}

/// A rule looks at the whole tree and says what it found.
type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    arrows::arrows_match_the_table,
    shape::files_begin_with_their_purpose,
    shape::nothing_outgrows_its_limit,
    only::each_power_has_one_place,
    doors::pure_crates_import_no_world,
    doors::the_world_is_reached_through_its_doors,
    heart::matches_are_written_out,
    heart::the_heart_stays_small,
    names::names_say_what_a_thing_is,
    types::a_public_type_has_its_name_to_itself,
    text::texts_name_no_machine,
    text::links_lead_somewhere,
    lock::one_cryptography,
    invariants::each_invariant_names_its_test,
];

/// Prints one line for each finding; fails when there is any.
pub fn chore(args: &[String]) -> Result<ExitCode, Trouble> {
    if let Some(extra) = args.first() {
        return Err(Trouble(format!("`{extra}` is not understood; tidy takes no arguments")));
    }
    let root = root();
    let (tree, mut found) = Tree::read(&root)?;
    found.extend(RULES.iter().flat_map(|rule| rule(&tree)));
    let mut left = ratchet::excuse(&root, found)?;
    left.sort();
    left.iter().for_each(|finding| println!("{finding}"));
    match left.len() {
        0 => {
            println!("tidy: {} files, nothing to say", tree.files.len());
            Ok(ExitCode::SUCCESS)
        }
        count => {
            eprintln!("tidy: {count} to put right");
            Ok(ExitCode::FAILURE)
        }
    }
}
