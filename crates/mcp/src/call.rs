//! One call to a server: what it declares to the gate, and running it once it may.
//!
//! Not here: how it came to be understood (that is `servers`), or the exchange itself (that is `link`).

use crate::config::ServerName;
use crate::content::{self, Answered, SelfReport};
use crate::link::{Asked, Broken, Link, OnProgress, Watch};
use crate::name::{RESOURCE_CALL, full_name};
use crate::resource;
use crate::server::Server;
use crate::servers::Servers;
use crate::text::one_line;
use gate::{Act, Done, NotStarted, Permit, Report};
use host::scene::Scene;
use policy::{Action, Effect, Price, Subject};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long the line is that a person sees of a call.
const LONGEST_SUMMARY: usize = 160;

/// How long it is waited for to see how a server died that a call was lost with.
const TO_SEE_IT_DIE: Duration = Duration::from_secs(5);

/// A call of a server's tool, or of its resources, as it was understood. Its effect and its arguments are fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct McpCall {
    server: ServerName,
    what: What,
    price: Price,
}

/// What is asked of the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// To run a tool.
    Tool {
        /// Its name, as the server spells it.
        name: String,
        /// What it was declared to do when the call was understood.
        effect: Effect,
        /// What it is given.
        arguments: Map<String, Value>,
    },
    /// Which resources there are.
    Resources,
    /// What is in one of them.
    Resource(String),
}

impl McpCall {
    pub(crate) fn new(server: ServerName, what: What, price: Price) -> McpCall {
        McpCall { server, what, price }
    }

    /// The arguments, as a person is shown them and as they are sent.
    fn arguments(&self) -> Value {
        match &self.what {
            What::Tool { arguments, .. } => Value::Object(arguments.clone()),
            What::Resources => json!({ "server": self.server.as_str() }),
            What::Resource(uri) => json!({ "server": self.server.as_str(), "uri": uri }),
        }
    }
}

impl Act for McpCall {
    fn action(&self) -> Action {
        // A rule for `mcp:server/*` is about the server's resources too.
        let (tool, effect, named) = match &self.what {
            What::Tool { name, effect, .. } => (full_name(&self.server, name), *effect, name.as_str()),
            What::Resources => (RESOURCE_CALL.to_owned(), Effect::Read, "resources/list"),
            What::Resource(_) => (RESOURCE_CALL.to_owned(), Effect::Read, "resources/read"),
        };
        let shown = content::canonical(&self.arguments());
        Action {
            summary: one_line(&format!("{tool} {shown}"), LONGEST_SUMMARY),
            tool,
            effect,
            price: self.price.clone(),
            subject: Subject::Mcp { server: self.server.as_str().to_owned(), tool: named.to_owned() },
            shown,
        }
    }
}

/// How a call went.
enum Went {
    /// The server answered.
    Answered(Answered),
    /// The server never got it.
    NotStarted(String),
    /// The server got it, and what came of it is not known.
    Unknown(String),
}

/// Runs a call to its end. It is sent once: a call that was under way when its server died is not sent again.
pub async fn run(permit: Permit<McpCall>, servers: &Servers, scene: &Scene) -> Done {
    match went(permit.act(), servers, scene).await {
        Went::Answered(Answered { text, verdict }) => {
            let text = told(&permit, scene, &text);
            permit.finish(match verdict {
                SelfReport::Worked => Report::Done(text),
                SelfReport::Failed => Report::Failed(text),
            })
        }
        Went::NotStarted(why) => permit.release(NotStarted::because(why)),
        Went::Unknown(why) => {
            let reference = format!("call {} of {}", permit.call(), permit.act().action().tool);
            permit.leave_open(reference, Report::Failed(why))
        }
    }
}

async fn went(call: &McpCall, servers: &Servers, scene: &Scene) -> Went {
    let server = match servers.server(call.server.as_str()) {
        Ok(server) => server,
        Err(unknown) => return Went::NotStarted(unknown.to_string()),
    };
    let link = match server.link(&scene.stop).await {
        Ok(link) => link,
        Err(why) => return Went::NotStarted(why),
    };
    let watch = Watch {
        quiet: server.config.patience.call,
        patience: OnProgress::WaitOn,
        progress: Some(&scene.progress),
        stop: &scene.stop,
    };
    match asked(call, &link, &watch).await {
        Ok(answered) => Went::Answered(answered),
        Err(broken) => failed(server, broken).await,
    }
}

async fn asked(call: &McpCall, link: &Link, watch: &Watch<'_>) -> Result<Answered, Broken> {
    let worked = |text| Answered { text, verdict: SelfReport::Worked };
    match &call.what {
        What::Tool { name, arguments, .. } => {
            let result = link.ask(Asked::Tool(name.clone(), arguments.clone()), watch).await?;
            Ok(content::of_tool(&result))
        }
        What::Resources => resource::list(link, watch).await.map(worked),
        What::Resource(uri) => {
            let result = link.ask(Asked::Resource(uri.clone()), watch).await?;
            Ok(worked(content::of_resource(&result)))
        }
    }
}

/// What is to be said of a call without an answer.
async fn failed(server: &Server, broken: Broken) -> Went {
    let name = server.name();
    match broken {
        Broken::NotSent(why) => {
            Went::NotStarted(server.config.scrub(&format!("server `{name}`: {why}; nothing was done")))
        }
        Broken::Refused(why) => Went::Answered(Answered {
            text: server.config.scrub(&format!("server `{name}` answered with an error: {why}")),
            verdict: SelfReport::Failed,
        }),
        Broken::Lost(why) => {
            let how = server.epitaph(TO_SEE_IT_DIE).await;
            let says = match how {
                Some(how) => format!("unknown: the server died while this ran ({how})"),
                None => format!("unknown: {why}"),
            };
            Went::Unknown(server.config.scrub(&format!("{says}; it is not run again by itself")))
        }
        Broken::Stopped => {
            Went::Unknown("stopped: the server was told to cancel; what it had done by then is unknown".to_owned())
        }
        Broken::TimedOut(quiet) => Went::Unknown(format!(
            "unknown: server `{name}` said nothing for {quiet:?} and was told to cancel; what it has done is unknown"
        )),
    }
}

/// The text for the model; where it is too long for that, the whole of it is kept in a file the model can read.
fn told(permit: &Permit<McpCall>, scene: &Scene, text: &str) -> String {
    if text.len() <= content::MOST_TEXT {
        return text.to_owned();
    }
    match host::files::keep(permit, &scene.outputs, "txt", text.as_bytes()) {
        Ok(path) => content::cut(text, Some(&format!("`{path}`"))),
        Err(_) => content::cut(text, None),
    }
}
