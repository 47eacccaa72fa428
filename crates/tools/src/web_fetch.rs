//! `web_fetch`: the text of what is at an address.
//!
//! Not here: following a redirect to another host. That is another address, to be judged by itself, so the model is told
//! where it leads and calls again.

use crate::call::{Invalid, Priced};
use crate::site::Site;
use crate::{json, page, text};
use gate::{Act, Done, Permit};
use host::http::{Address, Extent, FetchLimits, Fetched};
use host::scene::Scene;
use policy::{Action, Effect, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "web_fetch";

/// What one page may take.
const LIMITS: FetchLimits = FetchLimits { bytes: 5 << 20, time: Duration::from_secs(30) };
/// How many redirects on one host are followed.
const MOST_REDIRECTS: usize = 5;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Fetches an http(s) address; a page comes as plain text.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": { "url": { "type": "string" } },
            "required": ["url"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    url: String,
}

/// A call that fetches.
#[derive(Debug)]
pub struct WebFetch {
    address: Address,
    shown: String,
}

/// Understands a call.
pub fn parse(arguments: Value, _: &Site) -> Result<WebFetch, Invalid> {
    let shown = arguments.to_string();
    let Arguments { url } = json::typed(NAME, arguments)?;
    let address = Address::parse(&url).map_err(|why| Invalid::of(NAME, format!("`url`: {why}")))?;
    Ok(WebFetch { address, shown })
}

impl Act for WebFetch {
    fn action(&self) -> Action {
        Action {
            tool: NAME.to_owned(),
            effect: Effect::Reach,
            price: Price::Free,
            summary: format!("fetch {}", text::beginning(self.address.as_str(), 200)),
            subject: Subject::Fetch(self.address.host()),
            shown: self.shown.clone(),
        }
    }
}

/// Fetches.
pub async fn run(permit: Permit<Priced<WebFetch>>, scene: &Scene) -> Done {
    let outcome = tokio::select! {
        outcome = fetched(&permit, scene) => outcome,
        () = scene.stop.cancelled() => Err("stopped before it ended".to_owned()),
    };
    permit.finish(text::report(outcome))
}

async fn fetched(permit: &Permit<Priced<WebFetch>>, scene: &Scene) -> Result<String, String> {
    let mut address = permit.act().address.clone();
    for _ in 0..=MOST_REDIRECTS {
        let answer = scene.net.get(permit, &address, LIMITS).await.map_err(|why| format!("{address}: {why}"))?;
        let Some(location) = &answer.location else {
            return told(permit, scene, &address, answer).await;
        };
        let next = match address.join(location) {
            Ok(next) => next,
            Err(why) => return Err(format!("{address} redirects to where nothing can be fetched: {why}")),
        };
        let is_same_host = next.host() == address.host();
        let is_as_safe = next.is_encrypted() || !address.is_encrypted();
        if !is_same_host || !is_as_safe {
            let why = if is_same_host { "without encryption" } else { "another host" };
            return Ok(format!("{address} redirects to {next} ({why}), which was not followed; fetch that to go on"));
        }
        address = next;
    }
    Err(format!("{} redirects more than {MOST_REDIRECTS} times", permit.act().address))
}

/// What the page says, under a line on what it is.
async fn told(
    permit: &Permit<Priced<WebFetch>>,
    scene: &Scene,
    address: &Address,
    answer: Fetched,
) -> Result<String, String> {
    let kind = answer.content_type.clone().unwrap_or_else(|| "no content type".to_owned());
    let cut = match answer.extent {
        Extent::Whole => String::new(),
        Extent::Beginning => format!(", only the first {}", text::size(LIMITS.bytes as u64)),
    };
    let status = answer.status;
    let head = format!("{address}: status {status}, {kind}, {}{cut}", text::size(answer.body.len() as u64));
    let body = tokio::task::spawn_blocking(move || readable(&answer)).await;
    let body = body.map_err(|why| format!("{address}: reading the page crashed: {why}"))?;
    let told = text::fitted(permit, scene, format!("{head}\n\n{body}"));
    if (200..300).contains(&status) { Ok(told) } else { Err(told) }
}

/// The body as text, as far as it is one.
fn readable(answer: &Fetched) -> String {
    let kind = answer.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_html = matches!(essence, "text/html" | "application/xhtml+xml");
    let is_text = essence.starts_with("text/")
        || essence.ends_with("json")
        || essence.ends_with("xml")
        || essence.ends_with("yaml")
        || essence.ends_with("javascript")
        || essence.is_empty() && !answer.body.contains(&0);
    if answer.body.is_empty() {
        "[the body is empty]".to_owned()
    } else if is_html {
        page::text_of(&decoded(&answer.body, &kind))
    } else if is_text {
        decoded(&answer.body, &kind)
    } else {
        let hex: Vec<String> = answer.body.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
        format!("[not text; it begins with the bytes {}]", hex.join(" "))
    }
}

/// The text in its own letters: Latin-1 where the answer says so, else UTF-8 with what is wrong replaced.
fn decoded(body: &[u8], content_type: &str) -> String {
    let charset = content_type.split("charset=").nth(1).unwrap_or_default().trim_matches(['"', '\'', ' ']);
    let is_latin = ["iso-8859-1", "latin1", "windows-1252", "us-ascii"].iter().any(|name| charset.starts_with(name));
    if is_latin && std::str::from_utf8(body).is_err() {
        body.iter().map(|byte| char::from(*byte)).collect()
    } else {
        String::from_utf8_lossy(body).into_owned()
    }
}
