//! One case, judged: a fresh repository, the state that the case describes, and the gate's word on the call.
//!
//! Not here: what the case expects (that is `cases`). Nothing of the case runs, and no server is started.
//!
//! How `answered` is meant: answers are given in Agent, where calls ask, and end with the mode. So the state is opened in
//! Agent, the answers are taken, and the case's mode is then set as a person sets it, unless it is Agent itself.

use super::cases::{Caller, Case, Link, Standing};
use crate::commands::explain::judgement::{Judgement, judge};
use crate::failure::Failure;
use anyhow::{Context, anyhow};
use engine::work::Desk;
use gate::{GateEvent, State};
use host::place::Workspace;
use ledger::{Book, Entry, carve};
use mcp::Servers;
use money::Usd;
use policy::{Cap, Mode, ModeChoice, Purse};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tools::Site;
use tools::hf_jobs::Board;
use tools::site::{Hub, HubToken, JobSecret, SecretPower};

/// Judges a case's call.
pub fn judged(case: &Case, servers: &Servers) -> Result<Judgement, Failure> {
    let folder = tempfile::tempdir().context("no folder for a case can be made").map_err(Failure::host)?;
    make_repository(folder.path())?;
    if let Some(link) = &case.world.link {
        make_link(folder.path(), link)
            .with_context(|| format!("the link `{}` of case `{}` cannot be made", link.name, case.id))
            .map_err(Failure::host)?;
    }
    let secret = || JobSecret { value: HubToken::new("a secret of a case"), said: Some(SecretPower::CanSpend) };
    let secrets: BTreeMap<String, JobSecret> = case.world.secrets.iter().map(|name| (name.clone(), secret())).collect();
    let site = Site {
        workspace: Workspace::open(folder.path()).map_err(Failure::host)?,
        hardware: Board::documented(),
        hub: Arc::new(Hub { secrets, ..Hub::default() }),
    };
    let state = state(&case.standing).map_err(|why| Failure::bug(anyhow::Error::new(why)))?;
    let desk = Desk { site: &site, servers, prices: &case.world.prices };
    Ok(judge(&state, &case.tool, &case.arguments, &desk))
}

/// Makes the folder a repository, by a git that sees nothing of this machine's configuration.
fn make_repository(folder: &Path) -> Result<(), Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut git = Command::new("git");
    git.args(["init", "--quiet", "--template="]).current_dir(folder).env_clear().env("PATH", path);
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let ended = git.output().context("`git` cannot be started");
    let ended =
        ended.map_err(|why| Failure::host(why).hint("each case has a git repository of its own; install git"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(Failure::host(anyhow!("`git init` failed: {}", String::from_utf8_lossy(&ended.stderr).trim())))
}

fn make_link(folder: &Path, link: &Link) -> std::io::Result<()> {
    let place = folder.join(&link.name);
    if let Some(above) = place.parent() {
        std::fs::create_dir_all(above)?;
    }
    std::os::unix::fs::symlink(&link.target, place)
}

/// The state of a session in which the case's call is made.
fn state(standing: &Standing) -> Result<State, gate::state::Impossible> {
    let agent: Mode = ModeChoice::DEFAULT.resolve(None, Usd::ZERO);
    let mut state = State::open(agent, standing.attendance, standing.prohibitions.clone());
    state.grants.extend(standing.answered.iter().cloned());
    if standing.mode != agent {
        state.apply(&GateEvent::ModeSet { mode: standing.mode, surface: "a case".to_owned() })?;
    }
    let (spent, held) = standing.used;
    let entries = [
        ("spent before", spent, vec![Entry::Held(Purse::Budget, Some(spent)), Entry::Settled(spent)]),
        ("held before", held, vec![Entry::Held(Purse::Budget, Some(held))]),
    ];
    for (hold, amount, entries) in entries {
        for entry in entries.into_iter().filter(|_| amount > Usd::ZERO) {
            state.apply(&GateEvent::Posted { hold: hold.to_owned(), entry })?;
        }
    }
    Ok(match standing.caller {
        Caller::Session => state,
        Caller::SubAgent => sub_agent(state),
    })
}

/// A sub-agent's state: its parent's mode, with a cap carved from what the parent has left, and a book of its own.
fn sub_agent(parent: State) -> State {
    let funds = parent.book.funds();
    let carved = parent.mode.limit().map(|cap| ModeChoice::with_cap(carve(Cap::Limited(cap), &funds, None)));
    let mode = carved.map_or(parent.mode, |choice| choice.resolve(None, Usd::ZERO));
    State { mode, last_cap: mode.limit(), book: Book::default(), ..parent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::contract::cases::parse;

    fn standing(more: &str) -> Standing {
        let least = "[[case]]\nid = \"a\"\ntool = \"read\"\nexpect = \"run\"\n";
        parse(&format!("{least}{more}")).unwrap().cases.remove(0).standing
    }

    #[test]
    fn what_was_spent_and_held_before_counts_against_the_cap() {
        let state = state(&standing("mode = \"yolo:5\"\nspent = \"2\"\nheld = \"1\"\n")).unwrap();
        let funds = state.book.funds();
        assert_eq!((funds.spent, funds.held), ("2".parse().unwrap(), "1".parse().unwrap()));
        assert_eq!(state.mode.to_string(), "yolo:5.00");
    }

    #[test]
    fn answers_hold_in_agent_and_end_with_it() {
        let answered = "answered = [\"shell: cargo test\"]\n";
        assert_eq!(state(&standing(&format!("mode = \"agent\"\n{answered}"))).unwrap().grants.len(), 1);
        for mode in ["plan", "yolo:5", "yolo:uncapped"] {
            let state = state(&standing(&format!("mode = \"{mode}\"\n{answered}"))).unwrap();
            assert!(state.grants.is_empty(), "{mode}");
        }
    }

    #[test]
    fn a_sub_agent_has_its_parents_mode_and_no_more_than_what_is_left() {
        let child = |mode: &str| {
            let more = format!("mode = \"{mode}\"\nspent = \"2\"\nheld = \"1\"\nfrom_subagent = true\n");
            state(&standing(&more)).unwrap()
        };
        assert_eq!(child("yolo:5").mode.to_string(), "yolo:2.00");
        assert_eq!(child("yolo:5").book.funds(), policy::Funds::default());
        for mode in ["plan", "agent", "yolo:uncapped"] {
            assert_eq!(child(mode).mode.to_string(), mode);
        }
    }
}
