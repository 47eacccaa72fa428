//! What the rules allow, as data: a change of the architecture is a change of this file.
//!
//! Not here: how a rule looks.

/// Which of our crates a crate may depend on. Crates go by the name of their folder; arrows only point down.
pub const ARROWS: &[(&str, &[&str])] = &[
    ("money", &[]),
    ("policy", &["money"]),
    ("ledger", &["money", "policy"]),
    ("journal", &[]),
    ("gate", &["money", "policy", "ledger", "journal"]),
    ("turn", &[]),
    ("model", &["turn", "money"]),
    ("pricing", &["money", "policy"]),
    ("host", &["gate", "policy"]),
    ("tools", &["gate", "host", "money", "policy", "pricing", "turn"]),
    ("mcp", &["gate", "policy", "host", "turn"]),
    ("wire", &[]),
    ("standins", &["model", "turn", "money"]),
    ("engine", &BELOW_ENGINE),
    ("tui", &["wire"]),
    ("server", &["engine", "gate", "host", "journal", "policy", "wire"]),
    ("cli", &EVERYTHING),
    ("xtask", &[]),
];

const BELOW_ENGINE: [&str; 12] =
    ["money", "policy", "ledger", "journal", "gate", "turn", "model", "pricing", "host", "tools", "mcp", "wire"];

const EVERYTHING: [&str; 16] = [
    "money", "policy", "ledger", "journal", "gate", "turn", "model", "pricing", "host", "tools", "mcp", "wire",
    "standins", "engine", "tui", "server",
];

/// Crates of values and functions alone: no clock, file, network, process or runtime.
pub const PURE: &[&str] = &["money", "policy", "ledger", "turn"];

/// The pure crates whose values are written down, and which may therefore know `serde`.
pub const PURE_WITH_SERDE: &[&str] = &["turn"];

/// The only dev-dependency of a pure crate.
pub const PURE_DEV: &[&str] = &["proptest"];

/// What of `std` a pure crate does not import.
pub const WORLD: &[&str] = &["fs", "net", "process", "time", "env", "thread"];

/// The crates that open files, start programs and use sockets; `mcp` starts the servers that speak over pipes.
pub const DOORS: &[&str] = &["host", "model", "journal", "server", "cli", "standins", "mcp", "xtask"];

/// The crates that decide and mint: every `match` is written out, and together they stay small.
pub const HEART: &[&str] = &["policy", "ledger", "gate"];

/// How many lines of code the heart has at most, tests, comments and blank lines not counted.
pub const HEART_LINES: usize = 1_500;

/// How many lines a function has at most, from `fn` to its closing brace.
pub const FUNCTION_LINES: usize = 70;

/// How many lines a file has at most, its tests not counted.
pub const FILE_LINES: usize = 800;

/// How many fields a struct has at most.
pub const FIELDS: usize = 12;

/// How many parameters a function has at most, `self` not counted.
pub const PARAMETERS: usize = 5;

/// Words that say nothing about what a thing is; no name of a file, module, type, trait or function has one as a part.
pub const EMPTY_WORDS: &[&str] = &[
    "manager",
    "managers",
    "helper",
    "helpers",
    "util",
    "utils",
    "process",
    "processes",
    "handle",
    "handles",
    "ensure",
    "data",
    "info",
];

/// Where `decide` is called, once, outside `policy`.
pub const DECIDE_CALLED_IN: &str = "crates/gate/src/gate.rs";

/// Where a permit is written out.
pub const PERMIT_WRITTEN_IN: &str = "crates/gate/src/permit.rs";

/// Where a permit is minted, once.
pub const PERMIT_MINTED_IN: &str = "crates/gate/src/gate.rs";

/// Where a mode is told apart, besides all of `policy`.
pub const MODE_NAMED_IN: &[&str] = &[];

/// Where it is known that a person speaks: terminal keys, a sign-in, the command line.
pub const PERSON_VOUCHED_FOR_IN: &[&str] = &["crates/cli/src/person.rs", "crates/server/src/people/answerer.rs"];

/// How many findings the ratchet excuses. It is lowered with every entry that goes, and never raised.
pub const RATCHET: usize = 0;
