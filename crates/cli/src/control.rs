//! How other programs of the same person speak to a running session: a socket that only they can open.
//!
//! Not here: carrying commands out (that is `engine`). The kernel says who is at the other end; a child of a Remit run is
//! told so and heard no further.

use crate::failure::Failure;
use crate::person;
use anyhow::{Context, anyhow};
use engine::SessionCommand;
use gate::{Answer, CallId};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use wire::{ControlReply, ControlRequest, Permission};

/// The longest request, in bytes.
const MOST: u64 = 64 * 1024;
/// How long it is waited when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the owner of a session may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest path by which the kernel finds a socket: what its address has room for, on every system.
const LONGEST_PATH: usize = 100;

/// A way to a socket that the kernel takes, however far down the person's folders are.
struct Reach {
    path: PathBuf,
    /// The socket's folder, held open where the way leads through it.
    _folder: Option<File>,
}

impl Reach {
    fn of(path: &Path) -> std::io::Result<Reach> {
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) if path.as_os_str().len() > LONGEST_PATH => {
                let folder = File::open(folder)?;
                let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
                Ok(Reach { path, _folder: Some(folder) })
            }
            _short => Ok(Reach { path: path.to_owned(), _folder: None }),
        }
    }
}

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
pub fn listen(path: &Path, commands: mpsc::Sender<SessionCommand>) -> Result<Listening, Failure> {
    let open = || -> anyhow::Result<UnixListener> {
        let folder = path.parent().unwrap_or(path);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        match std::fs::remove_file(path) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why.into()),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&Reach::of(path)?.path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
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
                    let commands = commands.clone();
                    // One that says nothing keeps nobody else waiting.
                    tokio::spawn(async move { tokio::time::timeout(PATIENCE, serve(stream, person, commands)).await });
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

async fn serve(
    stream: UnixStream,
    person: gate::Person,
    commands: mpsc::Sender<SessionCommand>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(MOST)).read_line(&mut line).await?;
    let reply = match serde_json::from_str(&line) {
        Err(why) => refused(&format!("the request is not understood: {why}")),
        Ok(request) => carry(request, person, &commands).await,
    };
    let mut answer = serde_json::to_vec(&reply)?;
    answer.push(b'\n');
    write.write_all(&answer).await
}

async fn carry(request: ControlRequest, person: gate::Person, commands: &mpsc::Sender<SessionCommand>) -> ControlReply {
    let (done, reply) = oneshot::channel();
    let orders = match understood(request, person, done) {
        Ok(orders) => orders,
        Err(why) => return refused(&why),
    };
    for order in orders {
        if commands.send(order).await.is_err() {
            return refused("the session is ending");
        }
    }
    reply.await.unwrap_or_else(|_| refused("the session ended before it answered"))
}

/// What a session is to do for a request, the last of it an answer; or what is wrong with the request.
pub fn understood(
    request: ControlRequest,
    person: gate::Person,
    done: oneshot::Sender<ControlReply>,
) -> Result<Vec<SessionCommand>, String> {
    let order = match request {
        ControlRequest::Status => return Ok(vec![SessionCommand::Status { done }]),
        ControlRequest::SetMode { mode } => {
            let mode = mode.parse().map_err(|why| format!("{why}"))?;
            return Ok(vec![SessionCommand::SetMode { person, mode, done }]);
        }
        ControlRequest::Say { text } => SessionCommand::Say(text),
        ControlRequest::GoOn => SessionCommand::GoOn,
        ControlRequest::Answer { call, answer, edited, words } => {
            let answer = match answer {
                Permission::Once => Answer::Once,
                Permission::Session => Answer::ForSession,
                Permission::No => Answer::No,
            };
            SessionCommand::Answer { person, call: CallId::new(call), answer, edited, words }
        }
        ControlRequest::Respond { call, text } => SessionCommand::Respond { call: CallId::new(call), text },
        ControlRequest::Stop => SessionCommand::Stop,
    };
    Ok(vec![order, SessionCommand::Status { done }])
}

fn refused(why: &str) -> ControlReply {
    ControlReply::Refused { why: why.to_owned() }
}

/// Asks the owner of a session; `None` when nobody owns it.
pub async fn ask(path: &Path, request: &ControlRequest) -> Result<Option<ControlReply>, Failure> {
    let connect = async { UnixStream::connect(&Reach::of(path)?.path).await };
    let stream = match connect.await {
        Ok(stream) => stream,
        Err(why) if matches!(why.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(why) => return Err(Failure::host(anyhow!(why).context(format!("`{}`", path.display())))),
    };
    if !person::is_answered_by_a_run(&stream) {
        let cause = anyhow!("what listens at `{}` is not the program that has the session", path.display());
        return Err(Failure::host(cause).hint("the agent may have put it there; end the session's program"));
    }
    let exchange = async {
        let (read, mut write) = stream.into_split();
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        // One that is turned away is told so before it has said anything.
        let _ = write.write_all(&line).await;
        let mut answer = String::new();
        BufReader::new(read.take(MOST)).read_line(&mut answer).await?;
        Ok::<ControlReply, anyhow::Error>(serde_json::from_str(&answer)?)
    };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(reply) => reply.map(Some).map_err(|why| Failure::host(why.context("the session's owner did not answer"))),
        Err(_) => Err(Failure::host(anyhow!("the session's owner did not answer within {} s", PATIENCE.as_secs()))),
    }
}
