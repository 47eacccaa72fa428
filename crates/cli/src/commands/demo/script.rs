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
    /// It costs money, and has no bound.
    CostsWithoutBound,
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
    /// It has a job started again and again.
    Schedules(Schedule),
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

/// A schedule that a call sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When a run comes due, as cron has it.
    pub due: &'static str,
    /// The hardware of a run.
    pub flavor: &'static str,
    /// The longest that a run may take, in seconds.
    pub timeout_secs: u64,
}

/// One reply of the model: what it counts, and how many of the calls it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// All input tokens.
    pub input: i64,
    /// Those of them that the service's cache had.
    pub cached: i64,
    /// All output tokens.
    pub output: i64,
    /// How many calls it makes.
    pub calls: usize,
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
/// Every night at three.
const NIGHTLY: Schedule = Schedule { due: "0 3 * * *", flavor: "cpu-upgrade", timeout_secs: 900 };

/// What a token costs, in pico-dollars: of input that nobody had, of input from the cache, and of output. A million of them
/// are $0.28, $0.028 and $0.42.
pub const TOKEN_PICOS: [i64; 3] = [280_000, 28_000, 420_000];

const fn reply(input: i64, cached: i64, output: i64, calls: usize) -> Reply {
    Reply { input, cached, output, calls }
}

/// Every reply of the script, in order; each is one request.
pub const REPLIES: [Reply; 11] = [
    reply(2_610, 0, 74, 3),
    reply(3_240, 2_560, 38, 1),
    reply(3_380, 3_200, 121, 2),
    reply(3_640, 3_328, 158, 3),
    reply(4_020, 3_584, 92, 2),
    reply(4_360, 3_968, 76, 1),
    reply(4_520, 4_352, 101, 2),
    reply(4_830, 4_480, 70, 1),
    reply(4_970, 4_800, 79, 1),
    reply(5_110, 4_928, 52, 1),
    reply(5_230, 5_056, 41, 0),
];

/// Every call of the script, in order.
pub const STEPS: [Step; 17] = [
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
    Step {
        tool: "hf_jobs",
        column: Column::CostsWithoutBound,
        does: Does::Schedules(NIGHTLY),
        shows: "until it is suspended or deleted",
    },
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
            if let Does::Schedules(schedule) = step.does {
                assert_eq!(call["args"]["schedule"].as_str(), Some(schedule.due));
                assert_eq!(call["args"]["flavor"].as_str(), Some(schedule.flavor));
            }
        }
    }

    #[test]
    fn the_replies_count_what_the_script_says_and_make_its_calls() {
        let script: toml::Table = TEXT.parse().unwrap();
        let turns = script["turn"].as_array().unwrap().iter();
        let replies: Vec<Reply> = turns
            .map(|turn| {
                let tokens = |kind: &str| turn["usage"][kind].as_integer().unwrap();
                let calls = turn.get("calls").and_then(|calls| calls.as_array()).map_or(0, Vec::len);
                reply(tokens("input"), tokens("cache_read"), tokens("output"), calls)
            })
            .collect();
        assert_eq!(replies, REPLIES);
        assert_eq!(REPLIES.iter().map(|reply| reply.calls).sum::<usize>(), STEPS.len());
        for (rate, picos) in ["input", "cache_read", "output"].into_iter().zip(TOKEN_PICOS) {
            let million: Usd = script["price"][rate].as_str().unwrap().parse().unwrap();
            assert_eq!(million.picos(), picos * 1_000_000);
        }
    }

    #[test]
    fn the_script_can_be_played_and_names_what_the_check_looks_for() {
        model::Script::parse(TEXT).unwrap();
        for name in [BRANCH, MAIN, TITLE, MENDED] {
            assert!(TEXT.contains(name), "{name}");
        }
    }
}
