//! `remit serve`: sessions over HTTP, for the browser, for scripts and for teams.
//!
//! In reading order: this file begins and ends the server; [`house`] is what it asks of this program; [`demo`] the same for the
//! demo; [`tools`] what the built-in tools declare; [`entrance`] by what way people come in.
//!
//! Not here: HTTP (that is `server`), or any opinion about what may run.

mod demo;
mod entrance;
mod house;
mod tools;

use crate::commands::run;
use crate::failure::Failure;
use crate::out::outln;
use crate::paths::Paths;
use crate::rates::Models;
use crate::{person, wiring};
use anyhow::Context;
use demo::Demo;
use house::Configured;
use journal::{IfMissing, Journal};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::hall::{Hall, Marks};
use server::house::House;
use server::people::{BookError, Door, Ends, Hatch, Hosts, People, link};
use server::{Allowances, Server};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "Examples:
  remit serve                         for you, in the browser: open the address that it prints
  remit serve --demo                  the whole thing, with no key and no network
  remit serve --listen 127.0.0.1:8080 --continue
  remit serve --listen 0.0.0.0:443 --host-name remit.example.org --tls-cert chain.pem --tls-key key.pem
  remit serve --url                   another link to sign in with, from the server that runs

The address that is printed signs you in once. Sessions belong to whoever begins them; `remit token add NAME` lets others in, \
with what they may do.";

/// Where, and for whom.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The address to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7777")]
    listen: SocketAddr,
    /// The folder of sessions that name none
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Go on with what worked when the last server was cut off; each once
    #[arg(long = "continue")]
    go_on: bool,
    /// Play the demo: each session has a throwaway folder and stand-ins, and goes with the server
    #[arg(long, conflicts_with = "go_on")]
    demo: bool,
    /// Another name by which the server is called, besides localhost; can be given again
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
    /// Print another link to sign in with, from the server that runs, and serve nothing
    #[arg(long, exclusive = true)]
    url: bool,
    /// The certificate of the server's name, with those that it rests on, as a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, as a PEM file that is yours alone
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy with TLS stands in front, and says in X-Forwarded-Proto, -Host and -For what it saw
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
    /// How many sessions of one person may be open at once
    #[arg(long, value_name = "N", default_value_t = Allowances::default().sessions)]
    max_sessions: usize,
    /// How many streams of events one person may read at once
    #[arg(long, value_name = "N", default_value_t = Allowances::default().streams)]
    max_streams: usize,
}

/// How long what works may go on when the server is told to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves until it is told to end.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    person::at_the_command_line()?;
    if args.url {
        let (_, paths) = wiring::configured()?;
        return entrance::another_link(&paths);
    }
    run::become_a_run()?;
    open_many_files();
    let (config, paths) = wiring::configured()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(Failure::host)?;
    let throwaway = args.demo.then(tempfile::tempdir).transpose().map_err(Failure::host)?;
    let (config, paths) = match &throwaway {
        Some(folder) => (crate::config::Config::default(), Paths::below(folder.path())),
        None => (config, paths),
    };
    let ended = runtime.block_on(serve(args, config, paths));
    host::children::kill_all();
    ended.map(|()| ExitCode::SUCCESS)
}

async fn serve(args: Args, config: crate::config::Config, paths: Paths) -> Result<(), Failure> {
    let (way, tls) = entrance::way(&args)?;
    let provider = entrance::provider(&config)?;
    let journal = Journal::open(&paths.database(), IfMissing::Create).await.map_err(Failure::host)?;
    let models = Models::of(&config, &paths);
    let (config, paths) = (Arc::new(config), Arc::new(paths));
    let folder = std::path::absolute(&args.directory).map_err(Failure::user)?;
    let plain = Configured { config, paths: Arc::clone(&paths), journal: journal.clone(), folder, models };
    let house: Arc<dyn House> = if args.demo { Arc::new(Demo { plain }) } else { Arc::new(plain) };
    let marks = Marks::read(paths.working()).context("what works cannot be marked").map_err(Failure::host)?;
    let people = People::open(&paths.people()).map_err(|why| {
        let runs_already = matches!(why, BookError::InUse(_));
        let failure = Failure::host(why);
        match runs_already {
            true => failure.hint("a server of yours runs already; `remit serve --url` prints another link to it"),
            false => failure,
        }
    })?;
    let hosts = Hosts::of(args.host_name.iter().cloned()).map_err(Failure::user)?;
    let listener = TcpListener::bind(args.listen).await;
    let listener =
        listener.with_context(|| format!("`{}` cannot be listened at", args.listen)).map_err(Failure::user)?;
    let address = listener.local_addr().map_err(Failure::host)?;
    let hall = Hall::new(journal.clone(), house, marks, args.max_sessions);
    let leaving = CancellationToken::new();
    let limits = Allowances { sessions: args.max_sessions, streams: args.max_streams };
    let server = Server::new(hall.clone(), limits, leaving.clone());
    let sign_in = people.one_time().map_err(Failure::host)?;
    let at = entrance::address(&args, way, address);
    let _hatch = Hatch::open(&paths.hatch(), people.clone(), at.clone()).map_err(Failure::host)?;
    outln!("Remit listens at {at}");
    outln!("Open this to sign in (once, within 15 minutes): {at}{}", link(&sign_in).reveal());
    tokio::spawn(end_when_told(leaving.clone()));
    if args.go_on {
        go_on(&hall).await;
    }
    let router = server.router(Door::new(people, way, hosts, provider));
    let (service, left) = (router.into_make_service_with_connect_info::<Ends>(), leaving.clone().cancelled_owned());
    let serving = match tls {
        None => tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(left).into_future()),
        Some(tls) => {
            let listener = tls.listen(listener).map_err(Failure::host)?;
            tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(left).into_future())
        }
    };
    leaving.cancelled().await;
    hall.close(PATIENCE, |working| {
        eprintln!("ending; waiting up to {} s for:", PATIENCE.as_secs());
        working.iter().for_each(|line| eprintln!("  {line}"));
    })
    .await;
    // Streams end with their sessions; whoever keeps a connection open besides is not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(2), serving).await;
    journal.close().await.map_err(Failure::host)
}

/// Lets this program have as many files and sockets open as the system lets it: each session and each reader has some.
fn open_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // With fewer it serves fewer.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Takes up what was cut off, each once.
async fn go_on(hall: &Hall) {
    for id in hall.cut_off() {
        match hall.take_up(&id).await {
            Ok(()) => eprintln!("session {id} goes on"),
            Err(why) => eprintln!("session {id} cannot go on: {why}"),
        }
    }
}

/// The first signal ends the server; the second quits at once.
async fn end_when_told(leaving: CancellationToken) {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    let mut signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    for quits in [false, true] {
        let next = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(next).await;
        if quits {
            host::children::kill_all();
            std::process::exit(130);
        }
        eprintln!("\nending; once more quits at once");
        leaving.cancel();
    }
}
