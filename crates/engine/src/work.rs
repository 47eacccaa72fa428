//! What a tool call can be: one of the built-in tools, or a tool of an MCP server. Both go through the same gate.
//!
//! Not here: when it runs (that is `calls`).

#![allow(clippy::large_enum_variant, reason = "one stands at a time, and is moved but a few times")]

use crate::setup::Setup;
use gate::{Act, Admission, CallId, Done, Gate, GateError, Permit, Refusal};
use host::scene::Scene;
use mcp::{McpCall, Servers};
use policy::Action;
use pricing::tool_prices::ToolPrices;
use tools::Site;
use tools::question::UserQuestion;
use turn::chat::{ToolCall, ToolSpec};

/// A call that was understood.
#[derive(Debug)]
pub enum Understood {
    /// It goes to the gate.
    Work(Work),
    /// It goes to the person.
    Question(UserQuestion),
}

/// Something to do.
#[derive(Debug)]
pub enum Work {
    /// By a built-in tool.
    Tool(tools::Call),
    /// By an MCP server.
    Mcp(McpCall),
}

/// Something that may be done, now.
#[derive(Debug)]
pub(crate) enum Ready {
    /// By a built-in tool.
    Tool(tools::Ready),
    /// By an MCP server.
    Mcp(Permit<McpCall>),
}

/// What became of a call at the gate.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It may run.
    Run(Ready),
    /// A person is asked first.
    Ask(gate::Question, Work),
    /// It does not run.
    Refused(Refusal),
}

/// The tools as they are declared to the model: the built-in ones, then those of the servers.
pub(crate) fn specs(setup: &Setup) -> Vec<ToolSpec> {
    let mut specs = tools::specs();
    specs.extend(setup.servers.spec());
    specs
}

/// What a call is understood against.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// Where paths lead and what hardware costs.
    pub site: &'a Site,
    /// The MCP servers.
    pub servers: &'a Servers,
    /// The person's prices for tools.
    pub prices: &'a ToolPrices,
}

/// Turns what the model wrote into a typed call, or says what is wrong with it.
pub fn understand(call: &ToolCall, desk: &Desk<'_>) -> Result<Understood, String> {
    if mcp::is_mcp_name(&call.name) {
        let prices = |tool: &str| desk.prices.lookup(tool);
        let arguments = tools::read_arguments(&call.arguments).map_err(|why| format!("`{}`: {why}", call.name))?;
        let parsed = desk.servers.parse(&call.name, arguments, prices);
        return parsed.map(Work::Mcp).map(Understood::Work).map_err(|why| why.to_string());
    }
    match tools::parse_text(&call.name, &call.arguments, desk.site) {
        Ok(tools::Parsed::Act(act)) => Ok(Understood::Work(Work::Tool(act.at(desk.prices.lookup(&call.name))))),
        Ok(tools::Parsed::Question(question)) => Ok(Understood::Question(question)),
        Err(why) => Err(why.to_string()),
    }
}

impl Act for Work {
    fn action(&self) -> Action {
        match self {
            Work::Tool(call) => call.action(),
            Work::Mcp(call) => call.action(),
        }
    }
}

impl Work {
    /// Brings the call to the gate.
    pub(crate) async fn admit(self, gate: &mut Gate, id: CallId) -> Result<Admitted, GateError> {
        Ok(match self {
            Work::Tool(call) => match call.admit(gate, id).await? {
                tools::Admitted::Run(ready) => Admitted::Run(Ready::Tool(ready)),
                tools::Admitted::Ask(question, call) => Admitted::Ask(question, Work::Tool(call)),
                tools::Admitted::Refused(refusal) => Admitted::Refused(refusal),
            },
            Work::Mcp(call) => match gate.admit(id, call).await? {
                Admission::Run(permit) => Admitted::Run(Ready::Mcp(permit)),
                Admission::Ask(question, call) => Admitted::Ask(question, Work::Mcp(call)),
                Admission::Refused(refusal) => Admitted::Refused(refusal),
            },
        })
    }
}

impl Ready {
    /// Who let it run.
    pub fn decided_by(&self) -> policy::Decider {
        match self {
            Ready::Tool(ready) => ready.decided_by(),
            Ready::Mcp(permit) => permit.decided_by(),
        }
    }

    /// Runs the call to its end.
    pub async fn run(self, scene: Scene, servers: mcp::Servers) -> Done {
        match self {
            Ready::Tool(ready) => ready.run(&scene).await,
            Ready::Mcp(permit) => mcp::run(permit, &servers, &scene).await,
        }
    }
}
