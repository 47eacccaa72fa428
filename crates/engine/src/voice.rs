//! One person's requests to a running session, from whatever surface: understood, passed on in their turn, answered.
//!
//! Not here: who is a person (that is each surface's), or carrying the commands out.

use crate::command::SessionCommand;
use crate::setup::Picked;
use gate::{Answer, CallId, Person};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use wire::{ControlReply, ControlRequest, Event, Permission};

/// A model that is being picked; what is wrong with the name, in a line.
pub type Picking<'a> = Pin<Box<dyn Future<Output = Result<Picked, String>> + Send + 'a>>;

/// Whoever knows the models that a session can be given.
pub trait Catalogue: fmt::Debug + Send + Sync {
    /// The model of this name, with its price as it stands now.
    fn pick<'a>(&'a self, name: &'a str) -> Picking<'a>;
}

/// What somebody reads who may speak to a session, and wants more.
const NO_PERSON: &str = "only a person may answer, or change the mode, the model or what is allowed";

/// Where one person's requests go.
#[derive(Clone, Debug)]
pub struct Voice {
    /// The person; absent where somebody may speak to a session, and not answer or change what it may do.
    pub person: Option<Person>,
    /// The session.
    pub commands: mpsc::Sender<SessionCommand>,
    /// The models that it can be given.
    pub models: Arc<dyn Catalogue>,
}

impl Voice {
    /// Has a request carried out, and answers it.
    pub async fn carry(&self, request: ControlRequest) -> ControlReply {
        match self.pass(request).await {
            Ok(reply) => reply.await.unwrap_or_else(|_| refused("the session ended before it answered")),
            Err(why) => refused(&why),
        }
    }

    /// Passes a request on to the session, in its turn, and says where the answer will come from.
    pub async fn pass(&self, request: ControlRequest) -> Result<oneshot::Receiver<ControlReply>, String> {
        let (done, reply) = oneshot::channel();
        for order in self.understood(request, done).await? {
            self.commands.send(order).await.map_err(|_| "the session is ending".to_owned())?;
        }
        Ok(reply)
    }

    /// Has somebody hear all that the session says; `None` when there is no session any more.
    pub async fn watch(&self) -> Option<mpsc::Receiver<Event>> {
        let (done, hears) = oneshot::channel();
        self.commands.send(SessionCommand::Watch { done }).await.ok()?;
        hears.await.ok()
    }

    /// What a session is to do for a request, the last of it an answer; or what is wrong with the request.
    async fn understood(
        &self,
        request: ControlRequest,
        done: oneshot::Sender<ControlReply>,
    ) -> Result<Vec<SessionCommand>, String> {
        let person = || self.person.clone().ok_or_else(|| NO_PERSON.to_owned());
        let order = match request {
            ControlRequest::Status => return Ok(vec![SessionCommand::Status { done }]),
            ControlRequest::SetMode { mode } => {
                let mode = mode.parse().map_err(|why| format!("{why}"))?;
                return Ok(vec![SessionCommand::SetMode { person: person()?, mode, done }]);
            }
            ControlRequest::Look { at } => return Ok(vec![SessionCommand::Look { at, done }]),
            ControlRequest::Revoke { grant } => {
                let grant = grant.parse().map_err(|why| format!("`{grant}`: {why}"))?;
                return Ok(vec![SessionCommand::Revoke { person: person()?, grant, done }]);
            }
            ControlRequest::UseModel { model } => {
                person()?;
                let picked = self.models.pick(&model).await?;
                return Ok(vec![SessionCommand::UseModel { picked: Box::new(picked), done }]);
            }
            ControlRequest::Compact => return Ok(vec![SessionCommand::SumUp { done }]),
            ControlRequest::RestartServer { server } => {
                return Ok(vec![SessionCommand::RestartServer { server, done }]);
            }
            ControlRequest::Rename { title } => return Ok(vec![SessionCommand::Rename { title, done }]),
            ControlRequest::Watch => return Err("watching goes on for as long as a connection of its own".to_owned()),
            ControlRequest::Say { text } => SessionCommand::Say(text),
            ControlRequest::GoOn => SessionCommand::GoOn,
            ControlRequest::Answer { call, answer, edited, words } => {
                let answer = match answer {
                    Permission::Once => Answer::Once,
                    Permission::Session => Answer::ForSession,
                    Permission::No => Answer::No,
                };
                SessionCommand::Answer { person: person()?, call: CallId::new(call), answer, edited, words }
            }
            ControlRequest::Respond { call, text } => {
                person()?;
                SessionCommand::Respond { call: CallId::new(call), text }
            }
            ControlRequest::Stop => SessionCommand::Stop,
        };
        Ok(vec![order, SessionCommand::Status { done }])
    }
}

fn refused(why: &str) -> ControlReply {
    ControlReply::Refused { why: why.to_owned() }
}
