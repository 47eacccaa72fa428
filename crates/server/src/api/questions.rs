//! What is asked of a person, and their answers.
//!
//! Not here: what an answer leads to. It is evidence for the contract, under the mode of the moment.

use super::{Given, GivenPath, GivenTerms, opened, refused, standing};
use crate::hall::Glance;
use crate::people::{Answerer, Reader};
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use wire::http::{GrantList, ModeView, NewAnswer, QuestionList};
use wire::{Aspect, ControlReply, ControlRequest, Event};

/// Lists what is asked.
pub async fn list(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<QuestionList>, Problem> {
    let glance = opened(&server.hall, &visitor, &id).await?.glance();
    Ok(Json(QuestionList { questions: glance.questions.iter().map(|(_, asked)| (**asked).clone()).collect() }))
}

/// Answers one question.
pub async fn answer(
    State(server): State<Server>,
    answerer: Answerer,
    GivenPath((id, call)): GivenPath<(String, String)>,
    Given(given): Given<NewAnswer>,
) -> Result<Json<ModeView>, Problem> {
    let open = opened(&server.hall, answerer.visitor(), &id).await?;
    let request = understood(given, &*asked(&open.glance(), &call)?, call)?;
    standing(open.carry(Some(&answerer.person()), request).await).map(Json)
}

/// The question that is open about a call.
pub fn asked(glance: &Glance, call: &str) -> Result<Arc<Event>, Problem> {
    let found = glance.questions.iter().find(|(open, _)| open == call).map(|(_, asked)| Arc::clone(asked));
    found.ok_or_else(|| {
        Problem::new(Code::NotAsked, "nothing is asked about this call; it was answered, or the mode decided it")
    })
}

/// The request that an answer is, to a question for permission or to another. What a yes may cover the gate says: one that
/// it does not take leaves the question open, with a notice.
fn understood(given: NewAnswer, asked: &Event, call: String) -> Result<ControlRequest, Problem> {
    let wrong = |why: &str| Err(Problem::new(Code::Refused, why));
    let for_permission = matches!(asked, Event::Question { why: Some(_), .. });
    match given {
        NewAnswer { answer: Some(answer), edited, words, text: None } if for_permission => {
            if answer == wire::Permission::No && edited.is_some() {
                return wrong("`edited` goes with a yes");
            }
            Ok(ControlRequest::Answer { call, answer, edited, words })
        }
        NewAnswer { answer: None, edited: None, words: None, text: Some(text) } if !for_permission => {
            Ok(ControlRequest::Respond { call, text })
        }
        _other if for_permission => {
            wrong("this asks for permission: give `answer`, with `edited` or `words` if you like")
        }
        _other => wrong("this is no question for permission: give `text`"),
    }
}

/// Lists the answers that last for the session.
pub async fn grants(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<GrantList>, Problem> {
    let open = opened(&server.hall, &visitor, &id).await?;
    match open.carry(None, ControlRequest::Look { at: Aspect::Answers }).await {
        ControlReply::Answers { grants } => Ok(Json(GrantList { grants })),
        other => Err(refused(other)),
    }
}

/// Which answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhichGrant {
    grant: String,
}

/// Takes back an answer that lasts for the session.
pub async fn revoke(
    State(server): State<Server>,
    answerer: Answerer,
    GivenPath(id): GivenPath<String>,
    GivenTerms(WhichGrant { grant }): GivenTerms<WhichGrant>,
) -> Result<Json<ModeView>, Problem> {
    let open = opened(&server.hall, answerer.visitor(), &id).await?;
    standing(open.carry(Some(&answerer.person()), ControlRequest::Revoke { grant }).await).map(Json)
}
