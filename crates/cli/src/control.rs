//! How other programs of the same person speak to a running session: a socket that only they can open.
//!
//! Not here: carrying commands out (that is `engine`). The kernel says who is at the other end; a child of a Remit run is
//! told so and heard no further.

use crate::failure::Failure;
use crate::person;
use anyhow::{Context, anyhow};
use engine::voice::Catalogue;
use engine::{SessionCommand, Voice};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use wire::{ControlReply, ControlRequest, Event};

/// The longest request, in bytes.
const MOST: u64 = 64 * 1024;
/// The longest answer to one, in bytes.
const MOST_ANSWER: u64 = 4 << 20;
/// How long it is waited when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the owner of a session may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket that is gone when this is.
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        // A socket file that stays is replaced by the next owner.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens for commands to a session that this program owns.
pub fn listen(
    path: &Path,
    commands: mpsc::Sender<SessionCommand>,
    models: Arc<dyn Catalogue>,
) -> Result<Listening, Failure> {
    let open = || UnixListener::from_std(host::socket::listen(path)?);
    let listener = open().with_context(|| format!("no socket at `{}`", path.display())).map_err(Failure::host)?;
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // There is no room for another connection now; there will be.
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            match person::at_the_socket(&stream) {
                Some(person) => {
                    let voice = Voice { person: Some(person), commands: commands.clone(), models: Arc::clone(&models) };
                    tokio::spawn(serve(stream, voice));
                }
                // Heard no further, so that it holds nothing: an agent could take up all the room that there is.
                None => {
                    let _ = tokio::time::timeout(PAUSE, turn_away(stream)).await;
                }
            }
        }
    });
    Ok(Listening { path: path.to_owned(), task })
}

/// Tells a child of a run that it is one.
async fn turn_away(mut stream: UnixStream) -> std::io::Result<()> {
    let reply = refused("this was started by a Remit run, and only a person may speak to a session");
    stream.write_all(&[serde_json::to_vec(&reply)?.as_slice(), b"\n"].concat()).await
}

async fn serve(stream: UnixStream, voice: Voice) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    // One that says nothing keeps nobody else waiting.
    let asked = async {
        BufReader::new(read.take(MOST)).read_line(&mut line).await?;
        let request = match serde_json::from_str(&line) {
            Err(why) => return Ok((refused(&format!("the request is not understood: {why}")), None)),
            Ok(request) => request,
        };
        let watch = request == ControlRequest::Watch;
        let reply = voice.carry(if watch { ControlRequest::Status } else { request }).await;
        let hears = if watch { voice.watch().await } else { None };
        Ok::<_, std::io::Error>((reply, hears))
    };
    let Ok(asked) = tokio::time::timeout(PATIENCE, asked).await else { return Ok(()) };
    let (reply, hears) = asked?;
    write_line(&mut write, &reply).await?;
    let Some(mut hears) = hears else { return Ok(()) };
    while let Some(event) = hears.recv().await {
        write_line(&mut write, &event).await?;
    }
    Ok(())
}

async fn write_line(out: &mut OwnedWriteHalf, what: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    out.write_all(&line).await
}

fn refused(why: &str) -> ControlReply {
    ControlReply::Refused { why: why.to_owned() }
}

/// Connects to the owner of a session; `None` when nobody owns it.
fn connect(path: &Path) -> Result<Option<UnixStream>, Failure> {
    let failed = |why| Failure::host(anyhow::Error::new(why).context(format!("`{}`", path.display())));
    let Some(stream) = host::socket::connect(path).map_err(failed)? else { return Ok(None) };
    if !person::is_answered_by_a_run(&stream) {
        let cause = anyhow!("what listens at `{}` is not the program that has the session", path.display());
        return Err(Failure::host(cause).hint("the agent may have put it there; end the session's program"));
    }
    UnixStream::from_std(stream).map(Some).map_err(failed)
}

/// Asks the owner of a session; `None` when nobody owns it.
pub async fn ask(path: &Path, request: &ControlRequest) -> Result<Option<ControlReply>, Failure> {
    let Some(stream) = connect(path)? else { return Ok(None) };
    let exchange = async {
        let (read, mut write) = stream.into_split();
        // One that is turned away is told so before it has said anything.
        let _ = write_line(&mut write, request).await;
        let mut answer = String::new();
        BufReader::new(read.take(MOST_ANSWER)).read_line(&mut answer).await?;
        Ok::<ControlReply, anyhow::Error>(serde_json::from_str(&answer)?)
    };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(reply) => reply.map(Some).map_err(|why| Failure::host(why.context("the session's owner did not answer"))),
        Err(_) => Err(Failure::host(anyhow!("the session's owner did not answer within {} s", PATIENCE.as_secs()))),
    }
}

/// Hears all that a session says, from its past on, until its owner ends or the hearer has enough.
pub async fn watch(path: &Path, mut hear: impl FnMut(Event) -> bool) -> Result<(), Failure> {
    let Some(stream) = connect(path)? else { return Ok(()) };
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let listen = async {
        write_line(&mut write, &ControlRequest::Watch).await?;
        let Some(first) = lines.next_line().await? else { return Ok(()) };
        if let ControlReply::Refused { why } = serde_json::from_str(&first)? {
            return Err(anyhow!(why));
        }
        while let Some(line) = lines.next_line().await? {
            if !hear(serde_json::from_str(&line)?) {
                break;
            }
        }
        Ok(())
    };
    listen.await.map_err(|why| Failure::host(why.context("the session's owner is not understood")))
}
