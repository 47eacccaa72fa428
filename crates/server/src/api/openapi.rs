//! The interface as an OpenAPI 3.1 document, made from the table of routes.
//!
//! Not here: the routes, or the shapes (those are `wire`'s; schemars writes them in the dialect that OpenAPI 3.1 uses).

use super::table::{Gives, Once, ROUTES, Route, Term, TermKind};
use crate::problem::{Code, MEDIA_TYPE};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const ABOUT: &str = "Sessions of Remit, an agent for code and machine-learning work. The mode of a session is its contract: it alone says \
what happens to every tool call. Errors are problem details (RFC 9457) with a `code` that does not change. Unknown fields are refused. \
Amounts of money are texts of US dollars.";

/// The document, made once.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(made)
}

fn made() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<wire::http::ProblemView>();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut generator, &problem);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation;
    }
    let schemas: Map<String, Value> = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Remit", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of `remit token add`." },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "remit", "description": "A browser's sign-in." },
            },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator, problem: &schemars::Schema) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": responses(route, generator, problem),
    });
    if let Some(scope) = route.needs {
        operation["description"] = format!("Needs the scope `{scope}`.").into();
        operation["security"] = json!([{ "token": [] }, { "cookie": [] }]);
    }
    if let Some(body) = route.body {
        let schema = body(generator);
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }))
        .collect();
    parameters.extend(route.terms.iter().map(term));
    if route.once == Once::ByKey {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A name of your own for this request: the same one again gives the same answer, and nothing is done twice.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" },
        }));
    }
    parameters
}

fn term(term: &Term) -> Value {
    let schema = match term.kind {
        TermKind::Text | TermKind::NeededText => json!({ "type": "string" }),
        TermKind::UpTo(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
    };
    let needed = term.kind == TermKind::NeededText;
    json!({ "name": term.name, "in": "query", "required": needed, "description": term.about, "schema": schema })
}

fn responses(route: &Route, generator: &mut SchemaGenerator, problem: &schemars::Schema) -> Value {
    let (status, gives) = route.gives;
    let content = match gives {
        Gives::Nothing => None,
        Gives::Json(shape) => Some(json!({ "application/json": { "schema": shape(generator) } })),
        Gives::Value => Some(json!({ "application/json": { "schema": {} } })),
        Gives::Text(kind) => Some(json!({ kind: { "schema": { "type": "string" } } })),
        Gives::Events => {
            let page = generator.subschema_for::<wire::http::EventPage>();
            Some(json!({
                "text/event-stream": { "schema": { "type": "string" } },
                "application/json": { "schema": page },
            }))
        }
    };
    let mut responses = Map::new();
    let mut done = json!({ "description": "Done." });
    if let Some(content) = content {
        done["content"] = content;
    }
    responses.insert(status.to_string(), done);
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in hindrances(route) {
        by_status.entry(code.status().as_u16()).or_default().push(code.word());
    }
    for (status, codes) in by_status {
        let content = json!({ MEDIA_TYPE: { "schema": problem } });
        let description = format!("A problem with the code `{}`.", codes.join("` or `"));
        responses.insert(status.to_string(), json!({ "description": description, "content": content }));
    }
    Value::Object(responses)
}

/// Everything that may be in the way of a route.
fn hindrances(route: &Route) -> Vec<Code> {
    // Every request has an address, and a name of the host.
    let mut codes = vec![Code::WrongHost];
    if route.needs.is_some() {
        codes.extend([Code::SignInFirst, Code::ScopeMissing, Code::CrossSite, Code::FromTheAgent, Code::TooMany]);
    }
    if route.path.contains('{') {
        codes.push(Code::NotFound);
    }
    if !route.terms.is_empty() || route.path.contains('{') {
        codes.push(Code::Malformed);
    }
    if route.body.is_some() {
        codes.extend([Code::Malformed, Code::TooLarge, Code::NotJson, Code::Refused]);
    }
    if route.once == Once::ByKey {
        codes.extend([Code::Malformed, Code::InUse, Code::KeyReused]);
    }
    codes.extend(route.hindered);
    codes.sort_unstable();
    codes.dedup();
    codes
}
