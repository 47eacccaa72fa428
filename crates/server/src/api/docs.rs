//! The interface as a page to read: made by the server from the OpenAPI document, with no script, and nothing from elsewhere.
//!
//! Not here: any word about an operation; all of them are the document's.

use super::openapi;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// Where the page is.
pub const PAGE: &str = "/v1/docs";
/// Where its style is.
pub const STYLE: &str = "/v1/docs.css";

/// The methods in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Shows the page.
pub async fn page() -> Html<&'static str> {
    static PAGE: OnceLock<String> = OnceLock::new();
    Html(PAGE.get_or_init(|| whole(openapi::document()).into_string()))
}

/// Shows its style.
pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("docs.css")).into_response()
}

/// One operation, with where it is.
struct Shown<'a> {
    path: &'a str,
    method: &'a str,
    it: &'a Value,
}

impl Shown<'_> {
    fn id(&self) -> &str {
        text(&self.it["operationId"])
    }

    fn stands_in(&self, part: &str) -> bool {
        self.it["tags"][0] == part
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn whole(document: &Value) -> Markup {
    let mut operations = Vec::new();
    for (path, item) in fields(&document["paths"]) {
        let of_path = METHODS.iter().filter_map(|method| Some(Shown { path, method, it: item.get(method)? }));
        operations.extend(of_path);
    }
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "The interface - Remit" }
                link rel="stylesheet" href=(STYLE);
            }
            body {
                header {
                    h1 { "Remit " (text(&document["info"]["version"])) ": the interface" }
                    p { (prose(text(&document["info"]["description"]))) }
                    p { "As a document for programs: " a href="/v1/openapi.json" { "OpenAPI 3.1" } "." }
                    p { "Send " code { "Authorization: Bearer TOKEN" } " with a token of " code { "remit token add" } "." }
                }
                nav aria-label="Operations" {
                    ul {
                        @for shown in &operations {
                            li { a href={ "#" (shown.id()) } { (text(&shown.it["summary"])) } }
                        }
                    }
                }
                main {
                    @for part in listed(&document["tags"]) {
                        h2 { (text(&part["name"])) }
                        p { (prose(text(&part["description"]))) }
                        @for shown in operations.iter().filter(|shown| shown.stands_in(text(&part["name"]))) {
                            (operation(document, shown))
                        }
                    }
                    h2 { "Shapes" }
                    @for (name, schema) in fields(&document["components"]["schemas"]) {
                        (shape(document, name, schema))
                    }
                }
            }
        }
    }
}

fn operation(document: &Value, shown: &Shown<'_>) -> Markup {
    let it = shown.it;
    let body = &it["requestBody"]["content"]["application/json"];
    html! {
        section {
            h3 id=(shown.id()) {
                span.method { (shown.method.to_uppercase()) } " " code { (shown.path) }
            }
            p { strong { (prose(text(&it["summary"]))) "." } " " (prose(text(&it["description"]))) }
            @if listed(&it["parameters"]).next().is_some() {
                h4 { "Parameters" }
                (rows(["name", "where", "type", "what it is"], listed(&it["parameters"]).map(parameter).collect()))
            }
            @if !body.is_null() {
                h4 { "Body" @if it["requestBody"]["required"] == false { ", which may be left out" } }
                (properties(document, &body["schema"]))
            }
            h4 { "Example" }
            pre { code { (curl(shown, &body["example"])) } }
            h4 { "Answers" }
            (rows(["status", "what it is", "", ""], fields(&it["responses"]).map(|(status, it)| answer(status, it)).collect()))
            @for (_, answer) in fields(&it["responses"]).filter(|(status, _)| status.starts_with('2')) {
                @if let Some(example) = answer.pointer("/content/application~1json/example") {
                    pre { code { (pretty(example)) } }
                }
            }
        }
    }
}

fn rows(head: [&str; 4], rows: Vec<[Markup; 4]>) -> Markup {
    let columns = head.iter().filter(|name| !name.is_empty()).count();
    html! {
        div.wide {
            table {
                thead { tr { @for name in &head[..columns] { th scope="col" { (name) } } } }
                tbody { @for row in &rows { tr { @for cell in &row[..columns] { td { (cell) } } } } }
            }
        }
    }
}

fn parameter(it: &Value) -> [Markup; 4] {
    let needed = if it["required"] == true { "" } else { ", optional" };
    [
        html! { code { (text(&it["name"])) } },
        html! { (text(&it["in"])) (needed) },
        kind(&it["schema"]),
        prose(text(&it["description"])),
    ]
}

fn answer(status: &str, it: &Value) -> [Markup; 4] {
    let kinds: Vec<&String> = fields(&it["content"]).map(|(kind, _)| kind).collect();
    let shapes = fields(&it["content"]).filter_map(|(_, content)| content["schema"]["$ref"].as_str());
    let what = html! {
        p { (prose(text(&it["description"]))) }
        @for shape in shapes { p { (reference(shape)) } }
        @if kinds.iter().any(|kind| !kind.ends_with("json")) {
            p { @for kind in &kinds { code { (kind) } " " } }
        }
    };
    [html! { code { (status) } }, what, html! {}, html! {}]
}

/// The fields of a shape that a body has.
fn properties(document: &Value, schema: &Value) -> Markup {
    let schema = schema["$ref"].as_str().and_then(|it| document.pointer(it.trim_start_matches('#'))).unwrap_or(schema);
    let needed: Vec<&str> = listed(&schema["required"]).map(text).collect();
    let row = |(name, it): (&String, &Value)| {
        let optional = if needed.contains(&name.as_str()) { "" } else { ", optional" };
        [html! { code { (name) } }, html! { (kind(it)) (optional) }, prose(text(&it["description"])), html! {}]
    };
    html! {
        @if fields(&schema["properties"]).next().is_none() {
            p { "An empty object." }
        } @else {
            (rows(["field", "type", "what it is", ""], fields(&schema["properties"]).map(row).collect()))
        }
    }
}

fn shape(document: &Value, name: &str, schema: &Value) -> Markup {
    let kinds: Vec<&Value> = listed(&schema["oneOf"]).chain(listed(&schema["anyOf"])).collect();
    html! {
        section {
            h3 id=(name) { code { (name) } }
            p { (prose(text(&schema["description"]))) }
            @if schema["properties"].is_object() { (properties(document, schema)) }
            @for kind_of_it in &kinds {
                @match &kind_of_it["properties"]["type"]["const"] {
                    Value::String(word) => {
                        h4 { code { (word) } }
                        p { (prose(text(&kind_of_it["description"]))) }
                        (properties(document, kind_of_it))
                    }
                    _other => { p { (kind(kind_of_it)) " " (prose(text(&kind_of_it["description"]))) } }
                }
            }
            @if schema["enum"].is_array() { p { (kind(schema)) } }
        }
    }
}

/// The type of a value, in a few words.
fn kind(schema: &Value) -> Markup {
    if let Some(place) = schema["$ref"].as_str() {
        return reference(place);
    }
    let choices: Vec<&Value> = listed(&schema["anyOf"]).chain(listed(&schema["oneOf"])).collect();
    let words: Vec<&Value> = listed(&schema["enum"]).chain(schema.get("const")).collect();
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect(),
        one => vec![text(one)],
    };
    html! {
        @if !words.is_empty() {
            @for (at, word) in words.iter().enumerate() { @if at > 0 { ", " } code { (text(word)) } }
        } @else if !choices.is_empty() {
            @for (at, choice) in choices.iter().enumerate() { @if at > 0 { " or " } (kind(choice)) }
        } @else if schema["type"] == "array" {
            "list of " (kind(&schema["items"]))
        } @else {
            (types.join(" or "))
            @if let (Some(least), Some(most)) = (schema["minimum"].as_u64(), schema["maximum"].as_u64()) {
                " from " (least) " to " (most)
            }
        }
    }
}

fn reference(place: &str) -> Markup {
    let name = place.rsplit('/').next().unwrap_or(place);
    html! { a href={ "#" (name) } { (name) } }
}

/// A text in which back quotes stand around code.
fn prose(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value of the document is JSON")
}

/// A request as a person would make it, with `$REMIT` for the address and `$TOKEN` for the token.
fn curl(shown: &Shown<'_>, body: &Value) -> String {
    let mut path = shown.path.to_owned();
    let mut terms = Vec::new();
    for parameter in listed(&shown.it["parameters"]) {
        let name = text(&parameter["name"]);
        match text(&parameter["in"]) {
            "path" => path = path.replace(&format!("{{{name}}}"), text(&parameter["example"])),
            "query" if parameter["required"] == true => terms.push(format!("--url-query '{name}=shell: cargo test'")),
            _not_needed => {}
        }
    }
    let mut words = vec!["curl".to_owned()];
    if shown.method != "get" {
        words.push(format!("-X {}", shown.method.to_uppercase()));
    }
    if shown.id() == "events" {
        words.push("-N -H 'Accept: text/event-stream'".to_owned());
    }
    if listed(&shown.it["security"]).next().is_some() {
        words.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    if !body.is_null() {
        words.push(format!("--json '{body}'"));
    }
    words.extend(terms);
    words.push(format!("\"$REMIT{path}\""));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::table::ROUTES;

    #[test]
    fn the_page_has_every_operation_and_nothing_that_would_have_to_be_fetched_or_run() {
        let page = whole(openapi::document()).into_string();
        for route in ROUTES {
            assert!(page.contains(&format!("id=\"{}\"", route.id)), "{}", route.id);
        }
        for code in crate::problem::Code::ALL {
            assert!(code == crate::problem::Code::MethodNotAllowed || page.contains(code.word()), "{}", code.word());
        }
        for never in ["<script", "style=\"", "http://", "https://", "onclick"] {
            assert!(!page.contains(never), "`{never}` is in the page");
        }
    }

    #[test]
    fn each_link_within_the_page_leads_somewhere() {
        let page = whole(openapi::document()).into_string();
        for link in page.split("href=\"#").skip(1) {
            let name = link.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{name}\"")), "`#{name}`");
        }
    }
}
