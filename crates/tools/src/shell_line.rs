//! Taking a shell command line apart into the simple commands that a shell would run.
//!
//! In reading order: this file has the way from a line to what rules look at; `grammar` walks the syntax tree; `words` takes
//! quotes off; `plain` reads the simplest lines a second time, on its own; `wrappers` looks through commands that run others.
//!
//! Not here: what follows from a command (that is `policy`), or running one (that is `shell`).
//!
//! The law: nothing a shell would run may be missing from the list. The grammar that the tree comes from is forgiving and
//! sometimes wrong, so every kind of node is on a list with its meaning, everything between the nodes is looked at too, and
//! whatever is not understood makes the whole line unreadable. A line that offers an answer for the session
//! ([`ShellLine::Plain`]) has been read by two readers that agree.
//!
//! What it cannot see, said plainly: what a program does once it runs. `make`, `python -c`, a script, a function or an alias
//! of the person's own start-up files may run anything.

mod grammar;
mod plain;
mod words;
mod wrappers;

use policy::{ShellLine, Word};
use wrappers::Found;

/// The longest line, in bytes.
const LONGEST: usize = 64 << 10;
/// How deep lines may be inside lines: `sh -c`, `eval` and the like.
const DEEPEST: usize = 20;

/// One simple command: its words.
type Simple = Vec<Word>;

/// A line, or a part of it, that may hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

/// What the walk over a line's tree found, before wrappers are looked through.
#[derive(Debug, Default)]
struct Reading {
    simples: Vec<Simple>,
    /// Variables that are given a value, with it.
    assigned: Vec<(String, Word)>,
    dress: Dress,
    /// Whether something is evaluated as arithmetic, where a value can hold a substitution of its own.
    reckons: Reckons,
    /// Quoted text that would be a substitution in an array's index, were it evaluated.
    smuggled: Vec<String>,
}

/// Which shell runs a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellGrammar {
    /// It is bash.
    Bash,
    /// It is `sh`, whichever that is: only what every shell reads alike is read at all.
    Sh,
}

/// Where among lines inside lines something stands.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// How many lines are around it.
    depth: usize,
    dialect: ShellGrammar,
}

impl Level {
    /// That of a line inside this one.
    fn below(self, dialect: ShellGrammar) -> Level {
        Level { depth: self.depth + 1, dialect }
    }
}

/// Whether there is more to a line than simple commands of literal words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Dress {
    #[default]
    Plain,
    Adorned,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reckons {
    #[default]
    No,
    Yes,
}

/// Takes a command line apart. Looks at nothing but the text.
pub fn read(line: &str, dialect: ShellGrammar) -> ShellLine {
    let mut found = Found::default();
    if read_into(line, Level { depth: 0, dialect }, &mut found).is_err() {
        return ShellLine::Unreadable;
    }
    let literal = |simple: &Simple| {
        let words = simple.iter().map(|word| match word {
            Word::Literal(text) => Some(text.clone()),
            Word::Opaque => None,
        });
        words.collect::<Option<Vec<String>>>()
    };
    match (found.dress, found.simples.iter().map(literal).collect::<Option<Vec<Vec<String>>>>()) {
        (Dress::Plain, Some(simples)) => ShellLine::Plain(simples),
        (Dress::Plain | Dress::Adorned, Some(_) | None) => ShellLine::Adorned(found.simples),
    }
}

/// Adds what a line would run to what was found so far.
fn read_into(line: &str, level: Level, found: &mut Found) -> Result<(), Unreadable> {
    if line.len() > LONGEST || level.depth > DEEPEST || line.contains('\0') {
        return Err(Unreadable);
    }
    let reading = grammar::walk(line, level.dialect)?;
    if reading.reckons == Reckons::Yes && !reading.smuggled.is_empty() {
        return Err(Unreadable);
    }
    let dress = match (reading.dress, plain::read(line)) {
        (Dress::Plain, Some(simples)) if agree(&reading.simples, &simples) => Dress::Plain,
        (Dress::Plain, None) | (Dress::Adorned, _) => Dress::Adorned,
        // Two readers that both understood, and differ: one of them is wrong.
        (Dress::Plain, Some(_)) => return Err(Unreadable),
    };
    found.put_on(dress);
    for (name, value) in &reading.assigned {
        found.assignment(name, value, level)?;
    }
    reading.simples.iter().try_for_each(|simple| found.simple(simple, level))
}

fn agree(one: &[Simple], other: &[Vec<String>]) -> bool {
    let same = |simple: &Simple, words: &Vec<String>| {
        simple.len() == words.len()
            && simple.iter().zip(words).all(|(one, other)| matches!(one, Word::Literal(text) if text == other))
    };
    one.len() == other.len() && one.iter().zip(other).all(|(simple, words)| same(simple, words))
}
