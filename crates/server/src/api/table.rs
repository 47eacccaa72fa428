//! Every route of the interface, as data: the router, the OpenAPI document and the tests that walk it all come from here.
//!
//! Not here: what a route does.

use super::{events, knowledge, modes, prompts, questions, sessions};
use crate::people::Scope;
use crate::problem::Code;
use crate::server::Server;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use schemars::{JsonSchema, SchemaGenerator};
use wire::http;

/// How a shape is written down by a generator that keeps what it is made of.
pub type Shape = fn(&mut SchemaGenerator) -> schemars::Schema;

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `GET`, `POST`, ...
    pub method: &'static str,
    /// The address, with what stands in it in braces.
    pub path: &'static str,
    /// Its name in the document.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What it takes; nothing where anybody may.
    pub needs: Option<Scope>,
    /// What may stand behind the `?`.
    pub terms: &'static [Term],
    /// The body.
    pub body: Option<Shape>,
    /// The status when it is done, and what comes with it.
    pub gives: (u16, Gives),
    /// What may be in the way besides what the rest of the row implies.
    pub hindered: &'static [Code],
    /// Whether the same `Idempotency-Key` gives the same answer, and nothing is done twice.
    pub once: Once,
    /// The handler.
    pub mount: fn() -> MethodRouter<Server>,
}

/// What comes back.
#[derive(Clone, Copy, Debug)]
pub enum Gives {
    /// Nothing.
    Nothing,
    /// JSON of a shape.
    Json(Shape),
    /// JSON that another page describes.
    Value,
    /// Text of a media type.
    Text(&'static str),
    /// Server-sent events, or a page of them.
    Events,
}

/// Whether an `Idempotency-Key` is heeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// It is: the route starts or spends something.
    ByKey,
    /// There is no need.
    Always,
}

/// Something that may stand behind the `?`.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its type in JSON.
    pub kind: TermKind,
}

/// The type of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermKind {
    /// A text.
    Text,
    /// A text that must be there.
    NeededText,
    /// A number from 1 up to this.
    UpTo(u16),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The id of an event.
    EventId,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<T>()
}

const fn term(name: &'static str, about: &'static str, kind: TermKind) -> Term {
    Term { name, about, kind }
}

const fn json<T: JsonSchema>() -> Gives {
    Gives::Json(of::<T>)
}

/// A route that only shows something.
const fn shows(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    gives: Gives,
    mount: fn() -> MethodRouter<Server>,
) -> Route {
    Route {
        method: "GET",
        path,
        id,
        summary,
        needs: Some(Scope::Read),
        terms: &[],
        body: None,
        gives: (200, gives),
        hindered: LOOKS,
        once: Once::Always,
        mount,
    }
}

/// What may be in the way of looking at what is stored.
const LOOKS: &[Code] = &[Code::Failed];
/// What may be in the way of opening a session.
const OPENS: &[Code] = &[Code::InUse, Code::Refused, Code::Failed];
/// The same, where a part of what can be asked is a person's alone.
const OPENS_FOR_A_PERSON: &[Code] = &[Code::FromTheAgent, Code::InUse, Code::Refused, Code::Failed];

const SEARCH: &[Term] = &[
    term("q", "only those whose title, folder or model contain this", TermKind::Text),
    term("state", "only those that do this", TermKind::OneOf(&["working", "asks", "idle", "stored", "parked"])),
    term("limit", "how many a page has; 50 without it", TermKind::UpTo(sessions::MOST)),
    term("after", "go on after this session; `next` of the page before", TermKind::Text),
];
const FROM: &[Term] = &[
    term("after", "go on after the event of this id; a `Last-Event-ID` header comes before it", TermKind::EventId),
    term("limit", "how many a page has; 500 without it", TermKind::UpTo(events::MOST)),
];
const GRANT: &[Term] = &[term("grant", "what the answer covers, as it is listed", TermKind::NeededText)];

const SESSION: &str = "/v1/sessions/{id}";

/// All routes.
pub const ROUTES: &[Route] = &[
    Route {
        terms: SEARCH,
        ..shows(
            "/v1/sessions",
            "listSessions",
            "List sessions, the one written to last first",
            json::<http::SessionPage>(),
            || get(sessions::list),
        )
    },
    Route {
        method: "POST",
        needs: Some(Scope::Drive),
        body: Some(of::<http::NewSession>),
        gives: (201, json::<http::SessionView>()),
        hindered: OPENS_FOR_A_PERSON,
        once: Once::ByKey,
        ..shows(
            "/v1/sessions",
            "beginSession",
            "Begin a session; naming a mode takes the scope `answer`",
            Gives::Nothing,
            || post(sessions::begin),
        )
    },
    shows(SESSION, "showSession", "Show a session", json::<http::SessionView>(), || get(sessions::show)),
    Route {
        method: "PATCH",
        needs: Some(Scope::Drive),
        body: Some(of::<http::SessionPatch>),
        hindered: OPENS_FOR_A_PERSON,
        ..shows(
            SESSION,
            "changeSession",
            "Give a session another title, or another model, which takes the scope `answer`",
            json::<http::SessionView>(),
            || patch(sessions::change),
        )
    },
    Route {
        method: "DELETE",
        needs: Some(Scope::Drive),
        gives: (204, Gives::Nothing),
        hindered: &[Code::InUse, Code::Failed],
        ..shows(SESSION, "deleteSession", "Delete a session with its whole record, for good", Gives::Nothing, || {
            delete(sessions::delete)
        })
    },
    Route {
        method: "POST",
        needs: Some(Scope::Drive),
        body: Some(of::<http::NewFork>),
        hindered: OPENS,
        gives: (201, json::<http::SessionView>()),
        once: Once::ByKey,
        ..shows(
            "/v1/sessions/{id}/fork",
            "forkSession",
            "Begin a session with what was said in another, in Agent or Plan and with no money of the other",
            Gives::Nothing,
            || post(sessions::fork),
        )
    },
    shows(
        "/v1/sessions/{id}/export",
        "exportSession",
        "Write a session's record, one JSON object a line",
        Gives::Text("application/x-ndjson"),
        || get(sessions::export),
    ),
    Route {
        method: "POST",
        needs: Some(Scope::Drive),
        body: Some(of::<http::NewPrompt>),
        hindered: OPENS,
        gives: (202, json::<http::PromptTaken>()),
        once: Once::ByKey,
        ..shows("/v1/sessions/{id}/prompts", "prompt", "Say something", Gives::Nothing, || post(prompts::say))
    },
    Route {
        method: "DELETE",
        needs: Some(Scope::Drive),
        gives: (200, json::<http::TakenBack>()),
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/queue",
            "unqueue",
            "Take back what waits for the end of the turn",
            Gives::Nothing,
            || delete(prompts::unqueue),
        )
    },
    Route {
        method: "POST",
        needs: Some(Scope::Drive),
        body: Some(of::<http::Nothing>),
        gives: (202, json::<http::ModeView>()),
        hindered: OPENS,
        once: Once::ByKey,
        ..shows("/v1/sessions/{id}/continue", "goOn", "Let the model go on where it stopped", Gives::Nothing, || {
            post(prompts::go_on)
        })
    },
    Route {
        method: "POST",
        needs: Some(Scope::Drive),
        body: Some(of::<http::Nothing>),
        gives: (202, json::<http::ModeView>()),
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/interrupt",
            "interrupt",
            "Stop what runs; said again, give up waiting for it",
            Gives::Nothing,
            || post(prompts::interrupt),
        )
    },
    Route {
        method: "POST",
        needs: Some(Scope::Drive),
        body: Some(of::<http::Nothing>),
        gives: (202, json::<http::ModeView>()),
        hindered: OPENS,
        once: Once::ByKey,
        ..shows(
            "/v1/sessions/{id}/compact",
            "compact",
            "Have the older part of the conversation summed up",
            Gives::Nothing,
            || post(prompts::compact),
        )
    },
    Route {
        hindered: &[Code::InUse, Code::Refused, Code::Failed, Code::NotAcceptable],
        terms: FROM,
        ..shows(
            "/v1/sessions/{id}/events",
            "events",
            "Tell a session's events, as a stream or in pages",
            Gives::Events,
            || get(events::events),
        )
    },
    Route {
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/questions",
            "listQuestions",
            "List what is asked",
            json::<http::QuestionList>(),
            || get(questions::list),
        )
    },
    Route {
        method: "POST",
        needs: Some(Scope::Answer),
        body: Some(of::<http::NewAnswer>),
        gives: (200, json::<http::ModeView>()),
        hindered: &[Code::InUse, Code::NotAsked, Code::Refused, Code::Failed],
        once: Once::ByKey,
        ..shows("/v1/sessions/{id}/questions/{call}", "answer", "Answer a question", Gives::Nothing, || {
            post(questions::answer)
        })
    },
    Route {
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/answers",
            "listAnswers",
            "List the answers that last for the session",
            json::<http::GrantList>(),
            || get(questions::grants),
        )
    },
    Route {
        method: "DELETE",
        needs: Some(Scope::Answer),
        terms: GRANT,
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/answers",
            "revokeAnswer",
            "Take back an answer that lasts for the session",
            json::<http::ModeView>(),
            || delete(questions::revoke),
        )
    },
    Route {
        hindered: OPENS,
        ..shows("/v1/sessions/{id}/mode", "showMode", "Show the mode, with the money", json::<http::ModeView>(), || {
            get(modes::show)
        })
    },
    Route {
        method: "PUT",
        needs: Some(Scope::Answer),
        body: Some(of::<http::NewMode>),
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/mode",
            "setMode",
            "Set the mode; open questions are judged again",
            json::<http::ModeView>(),
            || put(modes::set),
        )
    },
    Route {
        hindered: OPENS,
        ..shows("/v1/sessions/{id}/yolo", "showYolo", "Show YOLO as a switch", json::<wire::YoloStatus>(), || {
            get(modes::yolo)
        })
    },
    Route {
        method: "PATCH",
        needs: Some(Scope::Answer),
        body: Some(of::<wire::YoloSwitch>),
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/yolo",
            "switchYolo",
            "Turn YOLO on or off. Without a cap it keeps the last one, or takes the default; null is uncapped",
            json::<wire::YoloStatus>(),
            || patch(modes::switch),
        )
    },
    shows(
        "/v1/sessions/{id}/spend",
        "showSpend",
        "Show what a session has cost, call by call, as `remit spend --json` has it",
        Gives::Value,
        || get(modes::spend),
    ),
    Route {
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/context",
            "showContext",
            "Show what fills the model's context",
            json::<http::ContextView>(),
            || get(prompts::context),
        )
    },
    Route {
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/changes",
            "showChanges",
            "Show what differs from the last commit",
            json::<http::ChangesView>(),
            || get(prompts::changes),
        )
    },
    Route {
        hindered: OPENS,
        ..shows(
            "/v1/sessions/{id}/servers",
            "listServers",
            "List a session's MCP servers, with their tools and effects",
            json::<http::ServerList>(),
            || get(prompts::servers),
        )
    },
    Route {
        method: "POST",
        needs: Some(Scope::Drive),
        body: Some(of::<http::Nothing>),
        gives: (202, json::<http::ModeView>()),
        hindered: OPENS,
        once: Once::ByKey,
        ..shows(
            "/v1/sessions/{id}/servers/{server}/restart",
            "restartServer",
            "Start an MCP server anew",
            Gives::Nothing,
            || post(prompts::restart),
        )
    },
    Route {
        hindered: &[Code::Refused, Code::Failed],
        ..shows(
            "/v1/contract",
            "contract",
            "Tell what each mode does, as `remit contract --json` has it",
            Gives::Value,
            || get(knowledge::contract),
        )
    },
    Route {
        method: "POST",
        body: Some(of::<http::ExplainRequest>),
        hindered: &[Code::Refused, Code::Failed],
        ..shows(
            "/v1/explain",
            "explain",
            "Tell what would happen to a call, and why; nothing runs",
            json::<http::Explanation>(),
            || post(knowledge::explain),
        )
    },
    Route {
        hindered: &[Code::Failed],
        ..shows(
            "/v1/models",
            "listModels",
            "List models with their prices, as `remit prices --json` has it",
            Gives::Value,
            || get(knowledge::models),
        )
    },
    Route {
        hindered: &[Code::Refused, Code::Failed],
        ..shows("/v1/tools", "listTools", "List the built-in tools with their effects", Gives::Value, || {
            get(knowledge::tools)
        })
    },
    Route { hindered: &[], ..shows("/v1/me", "me", "Say who asks", json::<http::Me>(), || get(knowledge::me)) },
    Route {
        hindered: &[],
        ..shows("/v1/metrics", "metrics", "Tell Prometheus how the server stands", Gives::Text("text/plain"), || {
            get(knowledge::metrics)
        })
    },
    Route {
        needs: None,
        hindered: &[],
        ..shows("/v1/health", "health", "Say that the server is there", json::<http::Health>(), || {
            get(knowledge::health)
        })
    },
    Route {
        needs: None,
        hindered: &[Code::Failed],
        ..shows("/v1/ready", "ready", "Say whether the server takes work", json::<http::Health>(), || {
            get(knowledge::ready)
        })
    },
    Route {
        needs: None,
        hindered: &[],
        ..shows("/v1/openapi.json", "document", "This document", Gives::Value, || get(knowledge::document))
    },
];
