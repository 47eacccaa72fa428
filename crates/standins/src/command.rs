//! Starts one stand-in as a program of its own: its flags, the line it prints, and when it ends.
//!
//! Not here: what the stand-ins answer.

use crate::forge::{self, ForgeOptions, forge_on_stdio};
use crate::jobs::{self, JobsOptions};
use crate::{StandinError, model};
use axum::Router;
use axum::serve::ListenerExt;
use serde_json::json;
use std::io::{Read, Write};
use std::str::FromStr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "a stand-in is one of
  forge --repo DIR [--port N] [--state FILE] [--allow-delete] [--stdio]
  jobs  [--port N] [--state FILE] [--token TOKEN]... [--read-token TOKEN]... [--user NAME] [--org NAME]...
        [--speed N] [--page N] [--keep-alive-ms N] [--cancel-secs N]
        [--scheduling-secs N] [--run-secs N] [--outcome STAGE] [--message TEXT] [--line TEXT]...
  model (--script FILE | --turns N [--tool NAME] [--args JSON]) [--port N] [--key KEY] [--fault NAME[:N]]...";

/// Starts the stand-in that `args` name (`forge`, `jobs` or `model`, then its flags) and serves until standard
/// input closes or the program is told to terminate.
///
/// Once it listens, it prints one line of JSON: `{"listening":"http://127.0.0.1:PORT","pid":N}`. A forge on
/// standard input and output prints nothing but the protocol.
///
/// # Errors
/// When the flags are not understood, when what they name cannot be used, or when the port is taken.
pub async fn main(args: &[String]) -> Result<(), StandinError> {
    let Some((which, rest)) = args.split_first() else {
        return Err(usage("no stand-in was named"));
    };
    match which.as_str() {
        "forge" => forge_command(rest).await,
        "jobs" => jobs_command(rest).await,
        "model" => model::command(rest).await,
        other => Err(usage(&format!("there is no stand-in `{other}`"))),
    }
}

async fn forge_command(args: &[String]) -> Result<(), StandinError> {
    let mut flags = Flags::parse(args, &["--repo", "--port", "--state"], &["--allow-delete", "--stdio"])?;
    let Some(repo) = flags.one("--repo")? else {
        return Err(usage("a forge needs `--repo DIR`"));
    };
    let mut options = ForgeOptions::on(repo.into());
    options.state = flags.one("--state")?.map(Into::into);
    options.allow_delete = flags.has("--allow-delete");
    if flags.has("--stdio") {
        return forge_on_stdio(options).await;
    }
    let router = forge::router(options).await?;
    serve_on(flags.number("--port")?.unwrap_or(0), router).await
}

async fn jobs_command(args: &[String]) -> Result<(), StandinError> {
    let mut flags = Flags::parse(args, JobsOptions::FLAGS, &[])?;
    let router = jobs::router(JobsOptions::from_flags(&mut flags)?)?;
    serve_on(flags.number("--port")?.unwrap_or(0), router).await
}

/// Makes the error for a command line that cannot be used.
pub(crate) fn usage(reason: &str) -> StandinError {
    StandinError::Usage(format!("{reason}\n{USAGE}"))
}

/// Serves on a port of the loopback address, 0 being any free one, until the program is told to stop.
pub(crate) async fn serve_on(port: u16, router: Router) -> Result<(), StandinError> {
    let stop = told_to_stop()?;
    let listener =
        TcpListener::bind(("127.0.0.1", port)).await.map_err(|source| StandinError::Listen { port, source })?;
    announce(&listener)?;
    serve(listener, router, stop).await
}

/// Serves until `stop` completes, and then waits for nobody: a stream may stay open for ever.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> Result<(), StandinError> {
    // Without it a small piece of a stream waits for the one before it to be acknowledged, which takes 40 ms.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    tokio::select! {
        ended = async { axum::serve(listener, router).await } => ended.map_err(StandinError::Serve),
        () = stop => Ok(()),
    }
}

/// Prints the one line that says where the stand-in listens.
fn announce(listener: &TcpListener) -> Result<(), StandinError> {
    let address = listener.local_addr().map_err(StandinError::Announce)?;
    let line = json!({ "listening": format!("http://{address}"), "pid": std::process::id() }).to_string();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(StandinError::Announce)
}

/// Listens for the two ways to end: standard input closes, so that no stand-in outlives who started it, or SIGTERM.
///
/// Standard input is read by a thread of its own: the runtime would wait for a blocking read when it ends.
fn told_to_stop() -> Result<impl Future<Output = ()>, StandinError> {
    let mut terminated = signal(SignalKind::terminate()).map_err(StandinError::Serve)?;
    let (open, closed) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut ignored = [0_u8; 512];
        let mut input = std::io::stdin().lock();
        loop {
            match input.read(&mut ignored) {
                Ok(0) => break,
                Ok(_) => {}
                Err(failure) if failure.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        drop(open);
    });
    Ok(async move {
        tokio::select! {
            _ = closed => {}
            _ = terminated.recv() => {}
        }
    })
}

/// The flags of a command line, taken out one by one.
#[derive(Debug)]
pub(crate) struct Flags {
    values: Vec<(String, String)>,
    switches: Vec<String>,
}

impl Flags {
    /// Reads `--flag VALUE`, `--flag=VALUE` and bare switches; anything else is an error.
    pub(crate) fn parse(args: &[String], valued: &[&str], switches: &[&str]) -> Result<Flags, StandinError> {
        let mut flags = Flags { values: Vec::new(), switches: Vec::new() };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            if switches.contains(&arg.as_str()) {
                flags.switches.push(arg.clone());
                continue;
            }
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (arg.as_str(), None),
            };
            if !valued.contains(&name) {
                return Err(usage(&format!("`{arg}` is not understood")));
            }
            match inline.or_else(|| rest.next().cloned()) {
                Some(value) => flags.values.push((name.to_owned(), value)),
                None => return Err(usage(&format!("`{name}` needs a value"))),
            }
        }
        Ok(flags)
    }

    /// Takes every value of a flag that may be given more than once.
    pub(crate) fn many(&mut self, name: &str) -> Vec<String> {
        let (taken, kept) = std::mem::take(&mut self.values).into_iter().partition(|(given, _)| given == name);
        self.values = kept;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// Takes the value of a flag that may be given once.
    pub(crate) fn one(&mut self, name: &str) -> Result<Option<String>, StandinError> {
        let mut values = self.many(name);
        if values.len() > 1 {
            return Err(usage(&format!("`{name}` was given more than once")));
        }
        Ok(values.pop())
    }

    /// Takes the value of a flag as a number.
    pub(crate) fn number<N: FromStr>(&mut self, name: &str) -> Result<Option<N>, StandinError> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(usage(&format!("`{name}` needs a whole number, not `{text}`"))),
        }
    }

    /// Says whether a bare switch was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.switches.iter().any(|given| given == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_flag_takes_its_value_from_the_next_word_or_after_an_equals_sign() {
        let mut flags = Flags::parse(&words("--port 7 --state=a=b --on"), &["--port", "--state"], &["--on"]).unwrap();
        assert_eq!(flags.number::<u16>("--port").unwrap(), Some(7));
        assert_eq!(flags.one("--state").unwrap().as_deref(), Some("a=b"));
        assert!(flags.has("--on"));
    }

    #[test]
    fn a_command_line_that_is_not_understood_says_which_word() {
        for (line, expected) in [
            ("--prot 7", "`--prot` is not understood"),
            ("--port", "`--port` needs a value"),
            ("--port x", "`--port` needs a whole number, not `x`"),
            ("--port 1 --port 2", "`--port` was given more than once"),
        ] {
            let failure = Flags::parse(&words(line), &["--port"], &[])
                .and_then(|mut flags| flags.number::<u16>("--port").map(|_| ()))
                .unwrap_err()
                .to_string();
            assert!(failure.starts_with(expected), "{line}: {failure}");
        }
    }
}
