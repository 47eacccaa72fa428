//! The closed list of tools, and the way from raw arguments to a run.
//!
//! Not here: what any one tool does.

use crate::hf_jobs::HfJobs;
use crate::json;
use crate::question::UserQuestion;
use crate::site::Site;
use crate::{edit, hf_jobs, history, list, question, read, runs, search, shell, todo, web_fetch, write};
use gate::{Act, Admission, CallId, Done, Gate, GateError, Permit, Refusal};
use host::scene::Scene;
use policy::{Action, Decider, Price};
use serde_json::Value;
use std::ops::Deref;
use turn::chat::ToolSpec;

/// Why a call is an error for the model: nothing is asked, and nothing runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// No tool is called that.
    #[error("there is no tool `{0}`; call one of those that were declared")]
    NoSuchTool(String),
    /// The arguments are not what the tool takes; the text names what is wrong.
    #[error("`{tool}`: {why}")]
    Arguments {
        /// The tool.
        tool: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The arguments are not JSON that can be read.
    #[error("`{tool}`: {why}")]
    Unreadable {
        /// The tool, as the model spelled it.
        tool: String,
        /// What is wrong, and where.
        why: String,
    },
}

impl Invalid {
    /// Says what is wrong with the arguments of a tool.
    pub fn of(tool: &'static str, why: impl std::fmt::Display) -> Invalid {
        Invalid::Arguments { tool, why: why.to_string() }
    }
}

/// Turns what the model wrote, as text, into a typed call, or says what is wrong with it and where.
///
/// This is the way in for a model's words: unlike [`parse`] it refuses a key that is written twice, and what is too large.
pub fn parse_text(tool: &str, arguments: &str, site: &Site) -> Result<Parsed, Invalid> {
    match json::read(arguments) {
        Ok(arguments) => parse(tool, arguments, site),
        Err(why) => Err(Invalid::Unreadable { tool: tool.to_owned(), why }),
    }
}

/// A call that was understood.
#[allow(clippy::large_enum_variant, reason = "one stands at a time, and is moved but a few times")]
#[derive(Debug)]
pub enum Parsed {
    /// Something to do: it goes to the gate.
    Act(Call),
    /// Something to ask the person: it is delivered, never gated.
    Question(UserQuestion),
}

/// What became of a call at the gate.
#[allow(clippy::large_enum_variant, reason = "one stands at a time, and is moved but a few times")]
#[derive(Debug)]
pub enum Admitted {
    /// It may run, now.
    Run(Ready),
    /// A person is asked first; the call is given back to be admitted again.
    Ask(gate::Question, Call),
    /// It does not run.
    Refused(Refusal),
}

/// A call of a tool that knows no price of its own, with the one that the person may have given the tool.
#[derive(Debug)]
pub struct Priced<A> {
    act: A,
    price: Option<Price>,
}

impl<A> Deref for Priced<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.act
    }
}

impl<A: Act> Act for Priced<A> {
    fn action(&self) -> Action {
        let action = self.act.action();
        Action { price: self.price.clone().unwrap_or(action.price), ..action }
    }
}

impl<A> From<A> for Priced<A> {
    fn from(act: A) -> Priced<A> {
        Priced { act, price: None }
    }
}

impl<A> Priced<A> {
    fn at(self, price: Option<Price>) -> Priced<A> {
        Priced { price, ..self }
    }
}

impl HfJobs {
    /// Each call has a price of its own, by its hardware and its time; no flat one stands beside it.
    fn at(self, _price: Option<Price>) -> HfJobs {
        self
    }
}

macro_rules! tools {
    ($($module:ident :: $kind:ident as $held:ty),* $(,)?) => {
        /// A typed call of one tool.
        #[derive(Debug)]
        pub enum Call {
            $(#[doc = concat!("A call of `", stringify!($module), "`.")] $kind($held),)*
        }

        /// A call that may run, with the permit of its own kind.
        #[derive(Debug)]
        pub enum Ready {
            $(#[doc = concat!("A call of `", stringify!($module), "`.")] $kind(Permit<$held>),)*
        }

        impl Act for Call {
            fn action(&self) -> Action {
                match self { $(Call::$kind(call) => call.action(),)* }
            }
        }

        impl Call {
            /// The same call at the price that the person gave its tool, if they gave one.
            #[must_use]
            pub fn at(self, price: Option<Price>) -> Call {
                match self { $(Call::$kind(call) => Call::$kind(call.at(price)),)* }
            }

            /// Brings the call to the gate.
            pub async fn admit(self, gate: &mut Gate, id: CallId) -> Result<Admitted, GateError> {
                Ok(match self {
                    $(Call::$kind(call) => match gate.admit(id, call).await? {
                        Admission::Run(permit) => Admitted::Run(Ready::$kind(permit)),
                        Admission::Ask(question, call) => Admitted::Ask(question, Call::$kind(call)),
                        Admission::Refused(refusal) => Admitted::Refused(refusal),
                    },)*
                })
            }
        }

        impl Ready {
            /// Who let it run.
            pub fn decided_by(&self) -> Decider {
                match self { $(Ready::$kind(permit) => permit.decided_by(),)* }
            }

            /// Runs the call to its end.
            pub async fn run(self, scene: &Scene) -> Done {
                match self { $(Ready::$kind(permit) => $module::run(permit, scene).await,)* }
            }
        }

        /// The names of the tools that do something, and so can have a price; a question to the person has none.
        pub const NAMES: &[&str] = &[$($module::NAME),*];

        /// The tools as they are declared to the model, in a fixed order; the same in every mode.
        pub fn specs() -> Vec<ToolSpec> {
            let mut specs = vec![$($module::spec()),*];
            specs.extend(question::specs());
            specs
        }

        /// Turns what the model wrote into a typed call, or says what is wrong with it.
        pub fn parse(tool: &str, arguments: Value, site: &Site) -> Result<Parsed, Invalid> {
            $(if tool == $module::NAME {
                return $module::parse(arguments, site).map(|call| Parsed::Act(Call::$kind(call.into())));
            })*
            question::parse(tool, arguments)
                .map(|found| found.map(Parsed::Question))
                .unwrap_or_else(|| Err(Invalid::NoSuchTool(tool.to_owned())))
        }
    };
}

tools! {
    read::Read as Priced<read::Read>,
    list::List as Priced<list::List>,
    search::Search as Priced<search::Search>,
    history::History as Priced<history::History>,
    edit::Edit as Priced<edit::Edit>,
    write::Write as Priced<write::Write>,
    shell::Shell as Priced<shell::Shell>,
    runs::RunsCall as Priced<runs::RunsCall>,
    web_fetch::WebFetch as Priced<web_fetch::WebFetch>,
    todo::Todo as Priced<todo::Todo>,
    hf_jobs::HfJobs as HfJobs,
}
