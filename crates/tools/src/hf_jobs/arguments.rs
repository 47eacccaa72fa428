//! From what a model wrote to a typed operation, or to what is wrong with it.
//!
//! Not here: prices, or looking anything up. What is checked is what would lead astray later: a path made of an id, a
//! label that the Hub refuses, a secret that nobody configured.

use super::fields::Fields;
use super::operation::{Image, JobSpec, Launch, Listing, LogsOf, Operation, Recurring, Target, Wait};
use super::schedule::Schedule;
use crate::site::Hub;
use base64::Engine as _;
use pricing::{Hardware, Timeout};
use serde_json::Value;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// Every operation, as a model spells it.
pub(super) const OPERATIONS: [&str; 13] = [
    "run",
    "uv",
    "ps",
    "logs",
    "inspect",
    "cancel",
    "scheduled run",
    "scheduled uv",
    "scheduled ps",
    "scheduled inspect",
    "scheduled delete",
    "scheduled suspend",
    "scheduled resume",
];
/// The label by which a launch is found again when its answer is lost.
pub(super) const OPERATION_LABEL: &str = "remit-op";
/// The variable in which an inline script travels.
pub(super) const SCRIPT_VARIABLE: &str = "REMIT_SCRIPT";
const DEFAULT_IMAGE: &str = "python:3.12";
const UV_IMAGE: &str = "ghcr.io/astral-sh/uv:python3.12-bookworm";
const DEFAULT_FLAVOR: &str = "cpu-basic";
const SPACE_PREFIXES: [&str; 4] =
    ["https://huggingface.co/spaces/", "https://hf.co/spaces/", "huggingface.co/spaces/", "hf.co/spaces/"];
const MOST_ATTEMPTS: u32 = 100;
/// The longest inline script. As base64 it stays below what Linux takes in one variable (128 KiB).
const MOST_SCRIPT: usize = 64 * 1024;
/// The longest command line and environment together.
const MOST_COMMAND: usize = 256 * 1024;
/// Unpacks the script and becomes `uv run`; what follows are its words, so that none of them is read by a shell.
const UNPACK: &str =
    r#"printf %s "$REMIT_SCRIPT" | base64 -d > /tmp/remit_script.py && unset REMIT_SCRIPT && exec uv run "$@""#;
const SCRIPT_PATH: &str = "/tmp/remit_script.py";

/// What a call is understood by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) hub: &'a Hub,
    pub(super) hardware: &'a Hardware,
}

/// Reads a call's arguments.
pub(super) fn read(arguments: Value, known: Known) -> Result<Operation, String> {
    let mut fields = Fields::of(arguments)?;
    let operation: String = fields.need("operation", "a text")?;
    let read = match operation.as_str() {
        "run" => Operation::Run(launch(&mut fields, known, container)?),
        "uv" => Operation::Uv(launch(&mut fields, known, uv)?),
        "ps" => Operation::Ps(listing(&mut fields)?),
        "logs" => {
            let tail = fields.take::<NonZeroU32>("tail", "a number of lines, at least 1")?.map(NonZeroU32::get);
            Operation::Logs(LogsOf { job: target(&mut fields, "job_id")?, tail })
        }
        "inspect" => Operation::Inspect(target(&mut fields, "job_id")?),
        "cancel" => Operation::Cancel(target(&mut fields, "job_id")?),
        "scheduled run" => Operation::ScheduledRun(recurring(&mut fields, known, container)?),
        "scheduled uv" => Operation::ScheduledUv(recurring(&mut fields, known, uv)?),
        "scheduled ps" => Operation::ScheduledPs(listing(&mut fields)?),
        "scheduled inspect" => Operation::ScheduledInspect(target(&mut fields, "scheduled_job_id")?),
        "scheduled delete" => Operation::ScheduledDelete(target(&mut fields, "scheduled_job_id")?),
        "scheduled suspend" => Operation::ScheduledSuspend(target(&mut fields, "scheduled_job_id")?),
        "scheduled resume" => Operation::ScheduledResume(target(&mut fields, "scheduled_job_id")?),
        other => {
            let other: String = other.chars().take(60).collect();
            return Err(format!("there is no operation `{other}`; it is one of {}", OPERATIONS.join(", ")));
        }
    };
    fields.finish(&operation)?;
    Ok(read)
}

/// What runs in a job, before the machine it runs on.
struct Program {
    image: Image,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
}

fn launch(
    fields: &mut Fields,
    known: Known,
    program: fn(&mut Fields) -> Result<Program, String>,
) -> Result<Launch, String> {
    let program = program(fields)?;
    let detached = fields.take::<bool>("detach", "true or false")?;
    let wait = if detached == Some(true) { Wait::Detached } else { Wait::ToTheEnd };
    let namespace = namespace(fields)?;
    Ok(Launch { job: job(fields, known, program)?, namespace, wait })
}

fn recurring(
    fields: &mut Fields,
    known: Known,
    program: fn(&mut Fields) -> Result<Program, String>,
) -> Result<Recurring, String> {
    let program = program(fields)?;
    let schedule = Schedule::parse(&fields.need::<String>("schedule", "a text such as `@daily` or `0 3 * * 1`")?)?;
    let namespace = namespace(fields)?;
    Ok(Recurring { job: job(fields, known, program)?, namespace, schedule })
}

/// What `run` runs: a command in a container.
fn container(fields: &mut Fields) -> Result<Program, String> {
    let command: Vec<String> = fields.need("command", r#"a list of texts, such as ["python", "-c", "print(1)"]"#)?;
    if command.first().is_none_or(String::is_empty) {
        return Err("`command` is empty; its first text is the program".to_owned());
    }
    let image = image(fields, DEFAULT_IMAGE)?;
    Ok(Program { image, command, environment: environment(fields)? })
}

/// What `uv` runs: a script, with its dependencies installed first.
///
/// A script at an address is fetched by `uv` itself. An inline one travels in a variable: the clients of the Hub put a
/// local file into a storage bucket instead, which would leave the script behind for others to change.
fn uv(fields: &mut Fields) -> Result<Program, String> {
    let script: String = fields.need("script", "the text of a Python script, or its URL")?;
    let dependencies: Vec<String> = fields.take("dependencies", "a list of package names")?.unwrap_or_default();
    let python: Option<String> = fields.take("python", "a version such as `3.12`")?;
    let arguments: Vec<String> = fields.take("arguments", "a list of texts")?.unwrap_or_default();
    let image = image(fields, UV_IMAGE)?;
    let mut environment = environment(fields)?;
    if let Some(wrong) = dependencies.iter().find(|name| name.is_empty() || name.starts_with('-')) {
        return Err(format!("`{wrong}` in `dependencies` is no package"));
    }
    let mut options: Vec<String> = dependencies.into_iter().flat_map(|name| ["--with".to_owned(), name]).collect();
    if let Some(version) = python {
        if !is_word(&version, 32) {
            return Err(format!("`python` must be a version such as `3.12`, not `{version}`"));
        }
        options.extend(["--python".to_owned(), version]);
    }
    let is_url = script.starts_with("https://") || script.starts_with("http://");
    let (start, script) = if is_url && !script.contains(char::is_whitespace) {
        (vec!["uv".to_owned(), "run".to_owned()], script)
    } else {
        check_inline(&script)?;
        if environment.contains_key(SCRIPT_VARIABLE) {
            return Err(format!("`{SCRIPT_VARIABLE}` in `environment` is taken: the script travels in it"));
        }
        let packed = base64::engine::general_purpose::STANDARD.encode(&script);
        environment.insert(SCRIPT_VARIABLE.to_owned(), packed);
        (["sh", "-c", UNPACK, "sh"].map(str::to_owned).to_vec(), SCRIPT_PATH.to_owned())
    };
    let command = start.into_iter().chain(options).chain([script]).chain(arguments).collect();
    Ok(Program { image, command, environment })
}

fn check_inline(script: &str) -> Result<(), String> {
    if script.trim().is_empty() {
        return Err("`script` is empty; it must be the text of a Python script, or its URL".to_owned());
    }
    if script.len() > MOST_SCRIPT {
        return Err(format!("`script` is longer than {MOST_SCRIPT} bytes; put it at an address and give its URL"));
    }
    if script.ends_with(".py") && !script.contains(char::is_whitespace) {
        return Err(format!("`script` is a path, `{script}`, which a job cannot see; give the text of the script"));
    }
    Ok(())
}

fn job(fields: &mut Fields, known: Known, program: Program) -> Result<JobSpec, String> {
    let flavor = fields.take("flavor", "a text such as `a10g-small`")?.unwrap_or_else(|| DEFAULT_FLAVOR.to_owned());
    if !is_word(&flavor, 64) {
        return Err("`flavor` must be a name such as `cpu-basic` or `a10g-small`".to_owned());
    }
    let timeout = Timeout::read(fields.take_value("timeout").as_ref()).map_err(|why| format!("`timeout`: {why}"))?;
    let attempts = fields.take::<u32>("attempts", "a whole number")?.unwrap_or(1);
    let attempts = NonZeroU32::new(attempts).filter(|count| count.get() <= MOST_ATTEMPTS);
    let attempts = attempts.ok_or_else(|| format!("`attempts` must be between 1 and {MOST_ATTEMPTS}"))?;
    let mut ports: Vec<u16> = fields.take("ports", "a list of port numbers")?.unwrap_or_default();
    if ports.contains(&0) {
        return Err("`ports` must be between 1 and 65535".to_owned());
    }
    ports.sort_unstable();
    ports.dedup();
    let Program { image, command, environment } = program;
    let length: usize = command.iter().chain(environment.values()).map(String::len).sum();
    if length > MOST_COMMAND {
        return Err(format!("the command and its environment are longer than {MOST_COMMAND} bytes"));
    }
    if command.iter().chain(environment.values()).any(|text| text.contains('\0')) {
        return Err("a command and its environment cannot hold a zero byte".to_owned());
    }
    Ok(JobSpec {
        image,
        command,
        environment,
        secrets: secrets(fields, known.hub)?,
        unit: known.hardware.price_of(&flavor),
        flavor,
        timeout,
        attempts,
        ports,
        labels: labels(fields)?,
    })
}

fn image(fields: &mut Fields, default: &str) -> Result<Image, String> {
    let image: String = fields.take("image", "a text such as `python:3.12`")?.unwrap_or_else(|| default.to_owned());
    if image.is_empty() || image.len() > 512 || image.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("`image` must be the name of an image, such as `python:3.12`".to_owned());
    }
    match SPACE_PREFIXES.iter().find_map(|prefix| image.strip_prefix(prefix)) {
        Some(space) => Ok(Image::Space(space.to_owned())),
        None => Ok(Image::Docker(image)),
    }
}

fn environment(fields: &mut Fields) -> Result<BTreeMap<String, String>, String> {
    let shape = r#"an object of texts, such as {"SEED": "1"}"#;
    let environment: BTreeMap<String, String> = fields.take("environment", shape)?.unwrap_or_default();
    let is_name = |name: &str| {
        name.len() <= 128
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match environment.keys().find(|name| !is_name(name)) {
        Some(wrong) => Err(format!("`{}` in `environment` is no name of a variable", shortened(wrong))),
        None => Ok(environment),
    }
}

/// A secret comes only from the person's configuration.
fn secrets(fields: &mut Fields, hub: &Hub) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = fields.take("secrets", "a list of names")?.unwrap_or_default();
    names.sort_unstable();
    names.dedup();
    let Some(stranger) = names.iter().find(|name| !hub.secrets.contains_key(*name)) else {
        return Ok(names);
    };
    let names: Vec<&str> = hub.secrets.keys().map(String::as_str).collect();
    let names = if names.is_empty() { "none is".to_owned() } else { format!("these are: `{}`", names.join("`, `")) };
    Err(format!("secret `{}` is not configured in [hf.secrets]; {names}", shortened(stranger)))
}

fn labels(fields: &mut Fields) -> Result<BTreeMap<String, String>, String> {
    let shape = r#"an object of texts, such as {"task": "train"}"#;
    let labels: BTreeMap<String, String> = fields.take("labels", shape)?.unwrap_or_default();
    let allowed = |text: &str| {
        text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    for (name, value) in &labels {
        if name.is_empty() || !allowed(name) || !allowed(value) {
            let (name, value) = (shortened(name), shortened(value));
            return Err(format!("label `{name}={value}` must be at most 100 characters of A-Z a-z 0-9 . _ -"));
        }
        if name == OPERATION_LABEL {
            return Err(format!("label `{OPERATION_LABEL}` is taken: a launch is found again by it"));
        }
    }
    Ok(labels)
}

fn listing(fields: &mut Fields) -> Result<Listing, String> {
    Ok(Listing { namespace: namespace(fields)? })
}

fn target(fields: &mut Fields, name: &'static str) -> Result<Target, String> {
    let id: String = fields.need(name, "an id as `ps` shows it")?;
    if !is_word(&id, 64) {
        return Err(format!("`{name}` must be an id as `ps` shows it, not `{}`", shortened(&id)));
    }
    Ok(Target { namespace: namespace(fields)?, id })
}

fn namespace(fields: &mut Fields) -> Result<Option<String>, String> {
    let namespace: Option<String> = fields.take("namespace", "the name of a user or an organisation")?;
    match namespace {
        Some(name) if !is_word(&name, 96) => {
            Err(format!("`namespace` must be the name of a user or an organisation, not `{}`", shortened(&name)))
        }
        other => Ok(other),
    }
}

/// Whether a text is one harmless part of a path: letters, digits, `.`, `_`, `-`, with a letter or digit first.
pub(super) fn is_word(text: &str, most: usize) -> bool {
    text.len() <= most
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}
