//! What the demo's model says, and what each of its calls is in the contract's terms.
//!
//! Not here: what the contract answers (that is `check`). The steps are written down a second time, by hand: a check that
//! asked the tools for their effects and prices would find them right whatever they said.

use money::Usd;

/// The script, as `docs/script.md` describes the form.
pub const TEXT: &str = include_str!("script.toml");
/// What the person says.
pub const PROMPT: &str = "The tests fail. Mend it, push a branch, open a pull request, and train on it.";
/// What the commit says that the work begins on.
pub const FIRST_COMMIT: &str = "Split examples among workers";
/// The branch that the work began on.
pub const MAIN: &str = "main";
/// The branch that the model makes.
pub const BRANCH: &str = "fix/lost-examples";
/// The title of the pull request.
pub const TITLE: &str = "Give every example that is left over to a worker";
/// The file that the model mends.
pub const MENDED: &str = "shards.sh";

/// Which column of the contract's table judges a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// It reads.
    Reads,
    /// It changes something.
    Changes,
    /// It costs money: at most this much.
    Costs(Usd),
    /// None: it is a question to the person.
    Question,
}

/// What a call does to the world when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Nothing: it looks, tests or asks.
    Nothing,
    /// It mends the file.
    Mends,
    /// It makes the branch and commits.
    Commits,
    /// It pushes the branch.
    Pushes,
    /// It asks the forge for its pull requests.
    AsksForge,
    /// It opens the pull request.
    OpensPullRequest,
    /// It starts a job.
    Starts(Job),
}

/// A job that a call starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The hardware.
    pub flavor: &'static str,
    /// The longest that it may run, in seconds.
    pub timeout_secs: u64,
    /// What it costs when the call waits for its end; `None` when it goes on in the background.
    pub cost: Option<Usd>,
}

/// One call of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The tool, as the script spells it.
    pub tool: &'static str,
    /// Which column judges it.
    pub column: Column,
    /// What it does when it runs.
    pub does: Does,
    /// What its result has in it when it runs.
    pub shows: &'static str,
}

const fn reads(tool: &'static str, does: Does, shows: &'static str) -> Step {
    Step { tool, column: Column::Reads, does, shows }
}

const fn changes(tool: &'static str, does: Does, shows: &'static str) -> Step {
    Step { tool, column: Column::Changes, does, shows }
}

const fn job(price_micros: i64, job: Job, shows: &'static str) -> Step {
    Step { tool: "hf_jobs", column: Column::Costs(micros(price_micros)), does: Does::Starts(job), shows }
}

const fn micros(micros: i64) -> Usd {
    match Usd::from_micros(micros) {
        Some(usd) => usd,
        None => panic!("a price in the script is an amount of dollars"),
    }
}

/// A machine at $0.03 an hour for at most 10 minutes. It runs for 20 seconds, and each started minute is paid.
const TEN_STEPS: Job = Job { flavor: "cpu-upgrade", timeout_secs: 600, cost: Some(micros(500)) };
/// One at $1.00 an hour for at most 30 minutes.
const TRAINING: Job = Job { flavor: "a10g-small", timeout_secs: 1_800, cost: None };
/// One at $5.00 an hour for at most 2 hours.
const LARGE: Job = Job { flavor: "h200", timeout_secs: 7_200, cost: None };

/// Every call of the script, in order.
pub const STEPS: [Step; 16] = [
    reads("list", Does::Nothing, "shards.sh"),
    reads("read", Does::Nothing, "-lt \"$over\""),
    reads("search", Does::Nothing, "over=$((total % workers))"),
    changes("shell", Does::Nothing, "WRONG: 100 among 3 is 33 33 33"),
    changes("edit", Does::Mends, ""),
    changes("shell", Does::Nothing, "all shards are right"),
    changes("shell", Does::Commits, ""),
    changes("shell", Does::Pushes, ""),
    reads("history", Does::Nothing, FIRST_COMMIT),
    reads("mcp:forge/list_pull_requests", Does::AsksForge, "pull_requests"),
    changes("mcp:forge/create_pull_request", Does::OpensPullRequest, TITLE),
    job(5_000, TEN_STEPS, "COMPLETED"),
    job(500_000, TRAINING, "has started"),
    reads("hf_jobs", Does::Nothing, ""),
    job(10_000_000, LARGE, "has started"),
    Step { tool: "request_user_input", column: Column::Question, does: Does::Nothing, shows: "nobody is here" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_the_scripts_calls_in_order() {
        let script: toml::Table = TEXT.parse().unwrap();
        let turns = script["turn"].as_array().unwrap().iter();
        let calls: Vec<_> = turns.filter_map(|turn| turn.get("calls")?.as_array()).flatten().collect();
        let tools: Vec<_> = calls.iter().map(|call| call["tool"].as_str().unwrap()).collect();
        assert_eq!(tools, STEPS.map(|step| step.tool));
        for (step, call) in STEPS.iter().zip(calls) {
            if let Does::Starts(job) = step.does {
                assert_eq!(call["args"]["flavor"].as_str(), Some(job.flavor));
                assert_eq!(call["args"].get("detach").is_some(), job.cost.is_none());
            }
        }
    }

    #[test]
    fn the_script_can_be_played_and_costs_nothing_to_ask() {
        let script = model::Script::parse(TEXT).unwrap();
        assert_eq!(script.price(), None);
        for name in [BRANCH, MAIN, TITLE, MENDED] {
            assert!(TEXT.contains(name), "{name}");
        }
    }
}
