//! A file of cases: what somebody expects the contract to answer, one row a tool call. Its form is in docs/contract.md.
//!
//! Not here: finding out what it does answer (that is `trial`).

use super::fields::{Fields, Wrong, line_of};
use crate::commands::explain::judgement::Answer;
use crate::config::Config;
use crate::wiring;
use money::{ParseUsdError, Usd};
use policy::{Attendance, Decider, Grant, Mode, Price, Prohibition};
use pricing::ToolPrices;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;
use toml_edit::{Document, TableLike};

/// What a tool may declare about itself, as MCP has it.
const HINTS: [&str; 4] = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

/// A file of cases, understood.
#[derive(Debug)]
pub struct CaseFile {
    /// The servers, with their tools as a server would list them.
    pub servers: BTreeMap<String, Vec<Value>>,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// What it is called; unique in its file.
    pub id: String,
    /// The line it begins on.
    pub line: usize,
    /// The tool.
    pub tool: String,
    /// Its arguments, as JSON.
    pub arguments: String,
    /// What the judging stands on.
    pub standing: Standing,
    /// What the call is described against.
    pub world: World,
    /// What should come.
    pub expected: Expected,
    /// Why it should, in the author's words.
    pub why: Option<String>,
}

/// What the judging of a case stands on.
#[derive(Debug)]
pub struct Standing {
    /// The mode.
    pub mode: Mode,
    /// What the budget had spent and held before the call.
    pub used: (Usd, Usd),
    /// Whether anybody can be asked.
    pub attendance: Attendance,
    /// Answers that a person gave for the session.
    pub answered: Vec<Grant>,
    /// What the person prohibited.
    pub prohibitions: Vec<Prohibition>,
    /// Who makes the call.
    pub caller: Caller,
}

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The session itself.
    Session,
    /// A sub-agent, with an account carved from the session's.
    SubAgent,
}

/// What a case's call is described against, besides an empty repository.
#[derive(Debug)]
pub struct World {
    /// The names in `[hf.secrets]`.
    pub secrets: Vec<String>,
    /// The person's prices.
    pub prices: ToolPrices,
    /// A link in the workspace, and where it leads.
    pub link: Option<Link>,
}

/// `symlink NAME -> TARGET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where the link is, below the workspace's root.
    pub name: String,
    /// What it says.
    pub target: String,
}

/// What a case expects.
#[derive(Debug)]
pub struct Expected {
    /// The answer.
    pub answer: Answer,
    /// The price, where the case says one.
    pub price: Option<ExpectedPrice>,
    /// Who decides, where the case says so.
    pub by: Option<Decider>,
}

/// A price as a case expects it; of one that is none, the reason does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedPrice {
    /// `free`.
    Free,
    /// Exactly this amount.
    AtMost(Usd),
    /// `unknown`.
    Unknown,
    /// `unbounded`.
    Unbounded,
}

impl FromStr for ExpectedPrice {
    type Err = ParseUsdError;

    fn from_str(text: &str) -> Result<ExpectedPrice, ParseUsdError> {
        match text {
            "free" => Ok(ExpectedPrice::Free),
            "unknown" => Ok(ExpectedPrice::Unknown),
            "unbounded" => Ok(ExpectedPrice::Unbounded),
            amount => amount.parse().map(ExpectedPrice::AtMost),
        }
    }
}

impl fmt::Display for ExpectedPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectedPrice::Free => f.write_str("free"),
            ExpectedPrice::AtMost(usd) => write!(f, "{usd}"),
            ExpectedPrice::Unknown => f.write_str("unknown"),
            ExpectedPrice::Unbounded => f.write_str("unbounded"),
        }
    }
}

impl ExpectedPrice {
    /// Whether a price is what was expected.
    pub fn is(self, price: &Price) -> bool {
        match (self, price) {
            (ExpectedPrice::AtMost(expected), Price::AtMost(found)) => expected == *found,
            (ExpectedPrice::Free, Price::Free)
            | (ExpectedPrice::Unknown, Price::Unknown(_))
            | (ExpectedPrice::Unbounded, Price::Unbounded(_)) => true,
            (_, Price::Free | Price::AtMost(_) | Price::Unknown(_) | Price::Unbounded(_)) => false,
        }
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Link, String> {
        let parts = text.strip_prefix("symlink ").and_then(|rest| rest.split_once(" -> "));
        let (name, target) = parts.ok_or("write `symlink NAME -> TARGET`")?;
        let (name, target) = (name.trim(), target.trim());
        let plain = |part| matches!(part, Component::Normal(name) if name != ".git");
        if name.is_empty() || target.is_empty() || !Path::new(name).components().all(plain) {
            return Err(format!("`{name}` must be a path below the workspace, and lead somewhere"));
        }
        Ok(Link { name: name.to_owned(), target: target.to_owned() })
    }
}

/// Reads a file of cases.
pub fn parse(source: &str) -> Result<CaseFile, Wrong> {
    let document = Document::parse(source).map_err(|why| Wrong {
        line: line_of(source, why.span()),
        case: None,
        why: why.message().to_owned(),
    })?;
    let mut fields = Fields::of(source, document.as_table(), 1);
    let servers = servers(&mut fields, source)?;
    let tables = match fields.item("case") {
        None => Vec::new(),
        Some(item) => match item.as_array_of_tables() {
            Some(tables) => tables.iter().collect(),
            None => return Err(fields.wrong_at("case", "each case begins with `[[case]]`")),
        },
    };
    fields.finish()?;
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for table in tables {
        let mut fields = Fields::of(source, table, line_of(source, table.span()));
        let case = case(&mut fields)?;
        if !names.insert(case.id.clone()) {
            return Err(fields.wrong_at("id", "another case has this name"));
        }
        cases.push(case);
    }
    if cases.is_empty() {
        return Err(Wrong { line: 1, case: None, why: "there is no `[[case]]` in it, so it tests nothing".to_owned() });
    }
    Ok(CaseFile { servers, cases })
}

/// `[servers.NAME.tools]`: each tool with what it declares.
fn servers(file: &mut Fields<'_>, source: &str) -> Result<BTreeMap<String, Vec<Value>>, Wrong> {
    let Some(item) = file.item("servers") else { return Ok(BTreeMap::new()) };
    let shape = || file.wrong_at("servers", "write `[servers.NAME.tools]`");
    let mut servers = BTreeMap::new();
    for (name, server) in item.as_table_like().ok_or_else(shape)?.iter() {
        let table = server.as_table_like().ok_or_else(shape)?;
        let line = line_of(source, server.span());
        let mut fields = Fields::of(source, table, line);
        let tools = fields.item("tools").and_then(|tools| tools.as_table_like());
        let tools = tools.ok_or_else(|| fields.wrong(format!("server `{name}` has no table `tools`")))?;
        fields.finish()?;
        let mut listed = Vec::new();
        for (tool, item) in tools.iter() {
            let inside = Fields::of(source, tools, line);
            let hints = item.as_table_like();
            let hints =
                hints.ok_or_else(|| inside.wrong_at(tool, format!("`{tool}` must be a table of annotations")))?;
            listed.push(declared(tool, hints).map_err(|why| inside.wrong_at(tool, why))?);
        }
        servers.insert(name.to_owned(), listed);
    }
    Ok(servers)
}

/// A tool, as a server would list it: it takes anything.
fn declared(tool: &str, hints: &dyn TableLike) -> Result<Value, String> {
    let mut annotations = serde_json::Map::new();
    for (hint, item) in hints.iter() {
        let value = match (item.as_bool(), item.as_str()) {
            (Some(flag), _) if HINTS.contains(&hint) => Value::Bool(flag),
            (_, Some(text)) if hint == "title" => Value::String(text.to_owned()),
            (_, _) if HINTS.contains(&hint) => return Err(format!("`{hint}` of `{tool}` must be true or false")),
            (_, _) => {
                return Err(format!("`{tool}` declares `{hint}`; there are `title`, `{}`", HINTS.join("`, `")));
            }
        };
        annotations.insert(hint.to_owned(), value);
    }
    Ok(json!({ "name": tool, "inputSchema": { "type": "object" }, "annotations": annotations }))
}

fn case(fields: &mut Fields<'_>) -> Result<Case, Wrong> {
    let id = fields.need("id")?.to_owned();
    fields.name_case(&id);
    let case = Case {
        id,
        line: fields.line(),
        tool: fields.need("tool")?.to_owned(),
        arguments: fields.json("args")?.to_string(),
        standing: standing(fields)?,
        world: world(fields)?,
        expected: Expected {
            answer: fields.need_read("expect")?,
            price: fields.read("price")?,
            by: fields.read("decided_by")?,
        },
        why: fields.text("why")?.map(str::to_owned),
    };
    fields.finish()?;
    Ok(case)
}

fn standing(fields: &mut Fields<'_>) -> Result<Standing, Wrong> {
    let answered: Result<Vec<Grant>, _> = fields.texts("answered")?.into_iter().map(str::parse).collect();
    let prohibitions = fields.texts("prohibitions")?.into_iter().map(str::to_owned).collect();
    let prohibitions = wiring::prohibitions(&Config { prohibitions, ..Config::default() });
    Ok(Standing {
        mode: fields.need_read("mode")?,
        used: (fields.read("spent")?.unwrap_or_default(), fields.read("held")?.unwrap_or_default()),
        attendance: match fields.flag("attended")? {
            None | Some(true) => Attendance::Attended,
            Some(false) => Attendance::Unattended,
        },
        answered: answered.map_err(|why| fields.wrong_at("answered", why))?,
        prohibitions: prohibitions.map_err(|why| fields.wrong_at("prohibitions", format!("{:#}", why.cause)))?,
        caller: match fields.flag("from_subagent")? {
            Some(true) => Caller::SubAgent,
            None | Some(false) => Caller::Session,
        },
    })
}

fn world(fields: &mut Fields<'_>) -> Result<World, Wrong> {
    let prices = ToolPrices::read(fields.pairs("prices")?);
    Ok(World {
        secrets: fields.texts("hf_secrets")?.into_iter().map(str::to_owned).collect(),
        prices: prices.map_err(|why| fields.wrong_at("prices", why))?,
        link: fields.read("setup")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str =
        "[[case]]\nid = \"a\"\nmode = \"plan\"\ntool = \"read\"\nargs = { path = \"x\" }\nexpect = \"run\"\n";

    fn wrong(source: &str) -> String {
        parse(source).unwrap_err().to_string()
    }

    #[test]
    fn a_case_says_as_little_as_it_has_to() {
        let file = parse(LEAST).unwrap();
        let case = &file.cases[0];
        assert_eq!((case.id.as_str(), case.line, case.tool.as_str()), ("a", 1, "read"));
        assert_eq!(case.arguments, "{\"path\":\"x\"}");
        assert_eq!(case.standing.used, (Usd::ZERO, Usd::ZERO));
        assert_eq!((case.standing.attendance, case.standing.caller), (Attendance::Attended, Caller::Session));
        assert!(case.expected.price.is_none() && case.expected.by.is_none() && case.why.is_none());
    }

    #[test]
    fn everything_that_can_be_said_is_read() {
        let source = format!(
            "[servers.s.tools]\nt = {{ readOnlyHint = true, title = \"T\" }}\n{LEAST}price = \"1.00\"\nspent = \"2\"\n\
             held = \"0.5\"\nattended = false\nanswered = [\"shell: cargo test\"]\nprohibitions = [\"read: x\"]\n\
             from_subagent = true\ndecided_by = \"nobody to ask\"\nhf_secrets = [\"A\"]\nprices = {{ \"mcp:s/t\" = \"0.05\" }}\n\
             setup = \"symlink a/b -> /etc\"\nwhy = \"because\"\n"
        );
        let file = parse(&source).unwrap();
        assert_eq!(file.servers["s"][0]["annotations"], json!({ "readOnlyHint": true, "title": "T" }));
        let case = &file.cases[0];
        assert_eq!(case.standing.used, ("2".parse().unwrap(), "0.5".parse().unwrap()));
        assert_eq!((case.standing.attendance, case.standing.caller), (Attendance::Unattended, Caller::SubAgent));
        assert_eq!(case.standing.answered[0].to_string(), "shell: cargo test");
        assert_eq!(case.standing.prohibitions[0].to_string(), "read: x");
        assert_eq!(case.expected.price, Some(ExpectedPrice::AtMost("1".parse().unwrap())));
        assert_eq!(case.expected.by, Some(Decider::NobodyToAsk));
        assert_eq!(case.world.secrets, ["A"]);
        assert!(case.world.prices.lookup("mcp:s/t").is_some());
        assert_eq!(case.world.link, Some(Link { name: "a/b".into(), target: "/etc".into() }));
        assert_eq!(case.why.as_deref(), Some("because"));
    }

    #[test]
    fn what_is_wrong_names_its_case_and_its_line() {
        for (more, says) in [
            ("expct = \"ask\"\n", "line 7: case `a`: there is no key `expct`"),
            ("price = \"cheap\"\n", "line 7: case `a`: `price`: not an amount"),
            ("spent = 2\n", "line 7: case `a`: `spent` must be a text in quotes, not an integer"),
            ("decided_by = \"me\"\n", "line 7: case `a`: `decided_by`: `me` is not known here"),
            ("prohibitions = [\"sell: x\"]\n", "line 7: case `a`: a prohibition is not understood"),
            ("answered = [\"x\"]\n", "line 7: case `a`: `x` is no rule"),
            ("prices = { t = \"0\" }\n", "line 7: case `a`: the price of `t` is zero"),
            (
                "setup = \"symlink ../x -> /etc\"\n",
                "line 7: case `a`: `setup`: `../x` must be a path below the workspace",
            ),
            ("setup = \"rm -rf x\"\n", "line 7: case `a`: `setup`: write `symlink NAME -> TARGET`"),
            ("attended = \"no\"\n", "line 7: case `a`: `attended` must be true or false, not a string"),
            ("args = {}\n", "line 7: duplicate key"),
        ] {
            let found = wrong(&format!("{LEAST}{more}"));
            assert!(found.starts_with(says), "{more}{found}");
        }
        assert!(wrong("[[case]]\nmode = \"plan\"\n").starts_with("line 1: `id` is missing"));
        assert!(wrong("[[case]]\nid = \"b\"\ntool = \"t\"\n").starts_with("line 1: case `b`: `mode` is missing"));
        assert!(wrong(&LEAST.replace("plan", "yollo")).starts_with("line 3: case `a`: `mode`: `yollo` is no mode"));
        assert!(wrong(&format!("{LEAST}\n{LEAST}")).starts_with("line 9: case `a`: another case has this name"));
    }

    #[test]
    fn what_is_wrong_outside_the_cases_names_its_line() {
        for (source, says) in [
            ("", "line 1: there is no `[[case]]`"),
            ("\nservers = 3\n", "line 2: write `[servers.NAME.tools]`"),
            ("[servers.s]\n", "line 1: server `s` has no table `tools`"),
            ("[servers.s.tools]\nt = { readOnlyHnt = true }\n", "line 2: `t` declares `readOnlyHnt`"),
            (
                "[servers.s.tools]\nt = { readOnlyHint = \"yes\" }\n",
                "line 2: `readOnlyHint` of `t` must be true or false",
            ),
            ("[servers.s]\ntools = {}\nurl = \"x\"\n", "line 3: there is no key `url`"),
            ("[[cases]]\n", "line 1: there is no key `cases`"),
            ("case = 3\n", "line 1: each case begins with"),
            ("[[case]\n", "line 1: "),
        ] {
            let found = wrong(source);
            assert!(found.starts_with(says), "{source}{found}");
        }
    }

    #[test]
    fn a_price_is_compared_by_its_amount_or_its_kind() {
        let price = |text: &str| text.parse::<ExpectedPrice>().unwrap();
        assert!(price("1").is(&Price::AtMost("1.00".parse().unwrap())));
        assert!(!price("1").is(&Price::AtMost("1.01".parse().unwrap())));
        assert!(price("unknown").is(&Price::Unknown("why".into())) && !price("unknown").is(&Price::Free));
        assert!(
            price("unbounded").is(&Price::Unbounded("why".into())) && !price("free").is(&Price::Unbounded("".into()))
        );
        assert!(price("free").is(&Price::Free));
    }
}
