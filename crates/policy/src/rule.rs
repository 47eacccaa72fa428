//! The person's own words about calls: what they prohibited, and what they answered for the session.
//!
//! Not here: what follows from a match (that is `decide`). A prohibition matches whatever *could* be meant, an answer
//! only what surely is; so the two never share their matching.

use crate::action::{Action, Effect, Name, Place, Price, ShellLine, Subject, Word};
use globset::{GlobBuilder, GlobMatcher};
use std::fmt;
use std::str::FromStr;

/// One line of what the person prohibited. It is refused in every mode, never asked.
#[derive(Clone, Debug)]
pub struct Prohibition {
    text: String,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
enum Pattern {
    /// The words that a simple command starts with.
    Shell(Vec<String>),
    Read(PathPattern),
    Write(PathPattern),
    /// A host, with `*` for any run of characters.
    Fetch(String),
    /// A server and a tool, with `*` for any run of characters.
    Mcp(String, String),
}

/// A glob over paths. Without a `/` it is about a part of any path, with one in front about absolute paths, else about
/// paths below the workspace's root. What it matches, it matches with all that is below.
#[derive(Clone, Debug)]
struct PathPattern {
    glob: GlobMatcher,
    reach: Reach,
}

#[derive(Clone, Copy, Debug)]
enum Reach {
    AnyPart,
    Inside,
    Absolute,
}

/// Why a line is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{line}` is no rule: {why}")]
pub struct ParseRuleError {
    line: String,
    why: String,
}

impl PartialEq for Prohibition {
    fn eq(&self, other: &Prohibition) -> bool {
        self.text == other.text
    }
}

impl Eq for Prohibition {}

impl fmt::Display for Prohibition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Prohibition {
    type Err = ParseRuleError;

    /// Reads `shell: PREFIX`, `write: GLOB`, `read: GLOB`, `fetch: HOST` or `mcp:SERVER/TOOL`.
    fn from_str(text: &str) -> Result<Prohibition, ParseRuleError> {
        let wrong = |why: String| ParseRuleError { line: text.to_owned(), why };
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let rest = rest.trim();
        if rest.is_empty() {
            return Err(wrong(
                "write `shell: PREFIX`, `write: GLOB`, `read: GLOB`, `fetch: HOST` or `mcp:SERVER/TOOL`".into(),
            ));
        }
        let pattern = match kind.trim() {
            "shell" => Pattern::Shell(words(rest)),
            "read" => Pattern::Read(PathPattern::new(rest).map_err(wrong)?),
            "write" => Pattern::Write(PathPattern::new(rest).map_err(wrong)?),
            "fetch" => Pattern::Fetch(rest.to_lowercase()),
            "mcp" => match rest.split_once('/') {
                Some((server, tool)) if !server.is_empty() && !tool.is_empty() => {
                    Pattern::Mcp(server.to_owned(), tool.to_owned())
                }
                Some(_) | None => {
                    return Err(wrong("write `mcp:SERVER/TOOL`; `*` stands for anything".into()));
                }
            },
            other => {
                return Err(wrong(format!("`{other}` is none of `shell`, `write`, `read`, `fetch`, `mcp`")));
            }
        };
        Ok(Prohibition { text: text.trim().to_owned(), pattern })
    }
}

impl Prohibition {
    /// Whether the action is, or could turn out to be, what the person prohibited.
    pub fn forbids(&self, action: &Action) -> bool {
        let subject = &action.subject;
        match &self.pattern {
            Pattern::Shell(prefix) => matches!(subject, Subject::Shell(line) if line.could_run(prefix)),
            Pattern::Read(path) => matches!(subject, Subject::Read(place) if path.is_about(place)),
            Pattern::Write(path) => matches!(subject, Subject::Write(place) if path.is_about(place)),
            Pattern::Fetch(host) => matches!(subject, Subject::Fetch(fetched) if wild(host, fetched)),
            Pattern::Mcp(server, tool) => {
                matches!(subject, Subject::Mcp { server: s, tool: t } if wild(server, s) && wild(tool, t))
            }
        }
    }
}

impl PathPattern {
    fn new(text: &str) -> Result<PathPattern, String> {
        let (reach, text) = match text.strip_prefix("./") {
            Some(inside) => (Reach::Inside, inside),
            None if text.starts_with('/') => (Reach::Absolute, text),
            None if text.trim_end_matches('/').contains('/') => (Reach::Inside, text),
            None => (Reach::AnyPart, text),
        };
        let glob = GlobBuilder::new(text.trim_end_matches('/')).literal_separator(true).build();
        glob.map(|glob| PathPattern { glob: glob.compile_matcher(), reach }).map_err(|why| why.to_string())
    }

    fn is_about(&self, place: &Place) -> bool {
        self.matches(&place.real) || self.matches(&place.spelled)
    }

    fn matches(&self, name: &Name) -> bool {
        match (self.reach, &name.inside) {
            (Reach::AnyPart, _) => name.absolute.split('/').any(|part| self.glob.is_match(part)),
            (Reach::Absolute, _) => self.matches_it_or_a_folder_above(&name.absolute),
            (Reach::Inside, Some(inside)) => self.matches_it_or_a_folder_above(inside),
            (Reach::Inside, None) => false,
        }
    }

    fn matches_it_or_a_folder_above(&self, path: &str) -> bool {
        let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.any(|end| self.glob.is_match(&path[..end]))
    }
}

impl ShellLine {
    /// Whether a simple command of the line starts with these words, or could once it runs.
    fn could_run(&self, prefix: &[String]) -> bool {
        match self {
            ShellLine::Plain(commands) => commands.iter().any(|command| command.starts_with(prefix)),
            ShellLine::Adorned(commands) => commands.iter().any(|command| could_start_with(command, prefix)),
            ShellLine::Unreadable => true,
        }
    }
}

/// An opaque word may become any words, so everything from it on could match.
fn could_start_with(command: &[Word], prefix: &[String]) -> bool {
    let known = command.iter().position(|word| *word == Word::Opaque).unwrap_or(command.len());
    let wanted = if known < command.len() { &prefix[..known.min(prefix.len())] } else { prefix };
    command.len() >= wanted.len()
        && wanted.iter().zip(command).all(|(wanted, word)| *word == Word::Literal(wanted.clone()))
}

/// What one yes for the session covers: the same tool on the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Simple commands that start with these literal words.
    Shell(Vec<String>),
    /// A tool that writes, on files in the workspace, never in `.git`.
    Workspace {
        /// The tool: `edit` or `write`.
        tool: String,
    },
    /// One file outside the workspace, to be read.
    Outside(String),
    /// A host, to be fetched from.
    Fetch(String),
    /// A tool of an MCP server, with any arguments.
    Mcp {
        /// The server's name in the person's configuration.
        server: String,
        /// The tool's name.
        tool: String,
    },
}

impl Grant {
    /// What a yes for the session would cover for this action; nothing when there is no such yes to be given.
    ///
    /// A paid call is never covered, nor a command line that is more than literal words.
    pub fn offered(action: &Action) -> Vec<Grant> {
        if action.price != Price::Free {
            return Vec::new();
        }
        match &action.subject {
            Subject::Shell(ShellLine::Plain(commands)) => commands.iter().cloned().map(Grant::Shell).collect(),
            Subject::Shell(ShellLine::Adorned(_) | ShellLine::Unreadable) => Vec::new(),
            Subject::Write(place) if is_grantable(place) => vec![Grant::Workspace { tool: action.tool.clone() }],
            Subject::Read(place) if action.effect == Effect::Reach => {
                vec![Grant::Outside(place.real.absolute.clone())]
            }
            Subject::Fetch(host) => vec![Grant::Fetch(host.clone())],
            Subject::Mcp { server, tool } => vec![Grant::Mcp { server: server.clone(), tool: tool.clone() }],
            Subject::Write(_) | Subject::Read(_) | Subject::Other => Vec::new(),
        }
    }

    /// Whether these answers, together, cover the action: each of its parts is covered by one of them.
    pub fn cover(grants: &[Grant], action: &Action) -> bool {
        let wanted = Grant::offered(action);
        !wanted.is_empty() && wanted.iter().all(|part| grants.iter().any(|grant| grant.includes(part)))
    }

    fn includes(&self, part: &Grant) -> bool {
        match self {
            Grant::Shell(prefix) => {
                matches!(part, Grant::Shell(command) if !prefix.is_empty() && command.starts_with(prefix))
            }
            Grant::Workspace { .. } | Grant::Outside(_) | Grant::Fetch(_) | Grant::Mcp { .. } => self == part,
        }
    }
}

/// A file in the workspace, by both its names, and in no `.git`, whatever its case.
fn is_grantable(place: &Place) -> bool {
    [&place.real, &place.spelled].iter().all(|name| {
        name.inside.as_ref().is_some_and(|path| !path.split('/').any(|part| part.eq_ignore_ascii_case(".git")))
    })
}

impl FromStr for Grant {
    type Err = ParseRuleError;

    /// Reads what [`Grant`]'s `Display` writes.
    fn from_str(text: &str) -> Result<Grant, ParseRuleError> {
        let wrong = |why: &str| ParseRuleError { line: text.to_owned(), why: why.to_owned() };
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let rest = rest.trim();
        match kind.trim() {
            "shell" if !rest.is_empty() => {
                shlex::split(rest).map(Grant::Shell).ok_or_else(|| wrong("a quote has no end"))
            }
            tool @ ("edit" | "write") if rest == "workspace" => Ok(Grant::Workspace { tool: tool.to_owned() }),
            "read" if rest.starts_with('/') => Ok(Grant::Outside(rest.to_owned())),
            "fetch" if !rest.is_empty() => Ok(Grant::Fetch(rest.to_lowercase())),
            "mcp" => match rest.split_once('/') {
                Some((server, tool)) => Ok(Grant::Mcp { server: server.to_owned(), tool: tool.to_owned() }),
                None => Err(wrong("write `mcp:SERVER/TOOL`")),
            },
            _named_otherwise => Err(wrong(
                "write `shell: WORDS`, `edit: workspace`, `write: workspace`, `read: /FILE`, `fetch: HOST` or `mcp:SERVER/TOOL`",
            )),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grant::Shell(words) => {
                let quoted = shlex::Quoter::new().allow_nul(true).join(words.iter().map(String::as_str));
                write!(f, "shell: {}", quoted.map_err(|_| fmt::Error)?)
            }
            Grant::Workspace { tool } => write!(f, "{tool}: workspace"),
            Grant::Outside(path) => write!(f, "read: {path}"),
            Grant::Fetch(host) => write!(f, "fetch: {host}"),
            Grant::Mcp { server, tool } => write!(f, "mcp:{server}/{tool}"),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Whether the text is what the pattern says, `*` standing for any run of characters.
fn wild(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
