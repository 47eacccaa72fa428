//! The interface as an OpenAPI 3.1 document, made from the table of routes.
//!
//! Not here: the routes, or the shapes (those are `wire`'s; schemars writes them in the dialect that OpenAPI 3.1 uses).

use super::table::{Gives, Once, ROUTES, Route, Term, TermKind};
use super::words;
use crate::people::Scope;
use crate::problem::{Code, MEDIA_TYPE, Problem};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const ABOUT: &str = "Sessions of Remit, an agent for code and machine-learning work. The mode of a session is its contract: it alone says \
what happens to every tool call. Errors are problem details (RFC 9457) with a `code` that does not change. Unknown fields and unknown \
words behind the `?` are refused. Amounts of money are texts of US dollars. A body has at most 1 MiB.";

/// What an id of an event looks like; an empty one is before the first.
const EVENT_ID: &str = "^([0-9a-f]{8}-[0-9]{1,19})?$";

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
    let tags: Vec<Value> =
        words::PARTS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Remit", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "servers": [{ "url": "/", "description": "This server." }],
        "tags": tags,
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
    let (part, about) = words::about(route.id);
    let needs = match route.needs {
        Some(scope) => format!("Needs the scope `{scope}`."),
        None => "Needs no sign-in.".to_owned(),
    };
    let mut operation = json!({
        "operationId": route.id,
        "tags": [part],
        "summary": route.summary,
        "description": format!("{about} {needs}"),
        "parameters": parameters(route),
        "responses": responses(route, generator, problem),
    });
    // None at all says that none is needed.
    operation["security"] = match route.needs {
        Some(_) => json!([{ "token": [] }, { "cookie": [] }]),
        None => json!([]),
    };
    if let Some(body) = route.body {
        let schema = body(generator);
        let mut content = json!({ "schema": schema });
        if let Some(example) = words::sent(route.id) {
            content["example"] = example;
        }
        let required = has_needed_fields(&schema, generator);
        operation["requestBody"] = json!({ "required": required, "content": { "application/json": content } });
    }
    operation
}

/// Whether a body has to be there. None at all counts as an empty object.
fn has_needed_fields(schema: &schemars::Schema, generator: &SchemaGenerator) -> bool {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.rsplit('/').next());
    let whole = name.and_then(|name| generator.definitions().get(name));
    let needed = whole.unwrap_or(schema.as_value()).get("required").and_then(Value::as_array);
    needed.is_some_and(|needed| !needed.is_empty())
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path.map(in_address).collect();
    parameters.extend(route.terms.iter().map(term));
    if route.once == Once::ByKey {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A name of your own for this request: the same one again gives the same answer, and nothing is done twice.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" },
        }));
    }
    if matches!(route.gives.1, Gives::Events) {
        parameters.push(json!({
            "name": "Last-Event-ID", "in": "header", "required": false,
            "description": "The id of the event that was read last, as a browser sends it when it comes back.",
            "schema": { "type": "string", "pattern": EVENT_ID },
        }));
    }
    parameters
}

fn in_address(name: &str) -> Value {
    let about = match name {
        "id" => "The session.",
        "call" => "The call that is asked about, as the `question` event has it.",
        _server => "The MCP server, as the configuration names it.",
    };
    json!({
        "name": name, "in": "path", "required": true, "description": about,
        "schema": { "type": "string", "minLength": 1 }, "example": words::named(name),
    })
}

fn term(term: &Term) -> Value {
    let schema = match term.kind {
        TermKind::Text | TermKind::NeededText => json!({ "type": "string" }),
        TermKind::UpTo(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        TermKind::OneOf(words) => json!({ "type": "string", "enum": words }),
        TermKind::EventId => json!({ "type": "string", "pattern": EVENT_ID }),
    };
    let needed = term.kind == TermKind::NeededText;
    json!({ "name": term.name, "in": "query", "required": needed, "description": term.about, "schema": schema })
}

fn responses(route: &Route, generator: &mut SchemaGenerator, problem: &schemars::Schema) -> Value {
    let (status, gives) = route.gives;
    let example = words::given(route.id);
    let in_json = |schema: Value| match &example {
        Some(example) => json!({ "schema": schema, "example": example }),
        None => json!({ "schema": schema }),
    };
    let content = match gives {
        Gives::Nothing => None,
        Gives::Json(shape) => Some(json!({ "application/json": in_json(shape(generator).to_value()) })),
        Gives::Value => Some(json!({ "application/json": { "schema": { "type": "object" } } })),
        Gives::Text(kind) => Some(json!({ kind: { "schema": { "type": "string" } } })),
        Gives::Events => {
            let page = generator.subschema_for::<wire::http::EventPage>();
            Some(json!({
                "text/event-stream": { "schema": { "type": "string" } },
                "application/json": in_json(page.to_value()),
            }))
        }
    };
    let mut responses = Map::new();
    let mut done = json!({ "description": "Done." });
    if let Some(content) = content {
        done["content"] = content;
    }
    if status == 201 {
        done["headers"] = json!({ "Location": { "description": "Where it is.", "schema": { "type": "string" } } });
    }
    responses.insert(status.to_string(), done);
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in hindrances(route) {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        responses.insert(status.to_string(), troubled(&codes, problem));
    }
    Value::Object(responses)
}

/// The answer for some codes, which have one status.
fn troubled(codes: &[Code], problem: &schemars::Schema) -> Value {
    let examples = codes.iter().map(|code| {
        let example = Problem::new(*code, format!("{}, in a sentence that says what to do", code.meaning()));
        (code.word().to_owned(), json!({ "value": example.view() }))
    });
    let examples: Map<String, Value> = examples.collect();
    let words: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.word(), code.meaning())).collect();
    json!({
        "description": format!("A problem. {}.", words.join("; ")),
        "content": { MEDIA_TYPE: { "schema": problem, "examples": examples } },
    })
}

/// Everything that may be in the way of a route.
pub(super) fn hindrances(route: &Route) -> Vec<Code> {
    // Every request has an address, a name of the host, and perhaps one token too many that is none.
    let mut codes = vec![Code::WrongHost, Code::Malformed, Code::TooMany];
    if route.needs.is_some() {
        codes.extend([Code::SignInFirst, Code::ScopeMissing]);
        if route.method != "GET" {
            codes.push(Code::CrossSite);
        }
    }
    if route.needs == Some(Scope::Answer) {
        codes.push(Code::FromTheAgent);
    }
    if route.path.contains('{') {
        codes.push(Code::NotFound);
    }
    if route.body.is_some() {
        codes.extend([Code::TooLarge, Code::NotJson]);
    }
    if route.once == Once::ByKey {
        codes.extend([Code::TooLarge, Code::InUse, Code::KeyReused]);
    }
    codes.extend(route.hindered);
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A shape, followed to where it stands.
    fn followed<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(place) => document.pointer(place.trim_start_matches('#')).expect("what is referred to is there"),
            None => schema,
        }
    }

    /// Checks the fields of an example by those of its shape, one deep.
    fn assert_fits(document: &Value, schema: &Value, example: &Value, id: &str) {
        let shape = followed(document, schema);
        let known: BTreeSet<&String> = shape["properties"].as_object().into_iter().flat_map(Map::keys).collect();
        let given: BTreeSet<&String> = example.as_object().unwrap().keys().collect();
        assert!(given.is_subset(&known), "{id}: {given:?} are not {known:?}");
        for needed in shape["required"].as_array().into_iter().flatten() {
            assert!(example.get(needed.as_str().unwrap()).is_some(), "{id}: {needed} is missing");
        }
    }

    #[test]
    fn each_operation_has_examples_that_fit_its_shapes() {
        let document = document();
        for route in ROUTES {
            let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
            if route.body.is_some() {
                let body = &operation["requestBody"]["content"]["application/json"];
                assert_fits(document, &body["schema"], &body["example"], route.id);
            }
            if let (status, Gives::Json(_) | Gives::Events) = route.gives {
                let body = &operation["responses"][status.to_string()]["content"]["application/json"];
                assert_fits(document, &body["schema"], &body["example"], route.id);
            }
        }
    }

    #[test]
    fn each_operation_has_a_name_of_its_own_and_stands_in_a_part() {
        let ids: BTreeSet<&str> = ROUTES.iter().map(|route| route.id).collect();
        assert_eq!(ids.len(), ROUTES.len());
        for route in ROUTES {
            let (part, _) = words::about(route.id);
            assert!(words::PARTS.iter().any(|(name, _)| *name == part), "{}: `{part}`", route.id);
        }
    }

    #[test]
    fn each_code_stands_for_something_that_can_be_in_the_way() {
        let documented: BTreeSet<Code> = ROUTES.iter().flat_map(hindrances).collect();
        // Only an address that is in the table has an operation, and only with its own method.
        let missing: Vec<Code> = Code::ALL.into_iter().filter(|code| !documented.contains(code)).collect();
        assert_eq!(missing, [Code::MethodNotAllowed]);
    }
}
