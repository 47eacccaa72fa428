//! The hatch: how other programs of the same person have a running server change who may use it.
//!
//! Not here: HTTP. The kernel says who is at the other end of a socket; a child of a Remit run is told so and heard no
//! further.

use super::book::TokenEntry;
use super::credential::{Credential, in_the_open};
use super::register::{MadeToken, NewToken, People};
use super::sign_in;
use host::authority::{self, Peer};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// The longest line, in bytes.
const MOST: u64 = 64 * 1024;
/// How long it is waited when no connection can be taken, or for one that is turned away to hear it.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a request may take from end to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked of a running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum HatchRequest {
    /// A new link to sign in with.
    Link,
    /// A token.
    AddToken {
        /// What it is to be.
        new: NewToken,
    },
    /// The end of a token.
    RevokeToken {
        /// Which one.
        id: String,
    },
}

/// What a running server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum HatchReply {
    /// A link to sign in with, once and soon.
    Link {
        /// The whole address.
        #[serde(with = "in_the_open")]
        url: Credential,
    },
    /// The token that was made.
    Added {
        /// It.
        made: MadeToken,
    },
    /// The token that was ended.
    Revoked {
        /// What was kept of it.
        entry: TokenEntry,
    },
    /// It was not done.
    Refused {
        /// Why.
        why: String,
    },
}

/// Why a running server was not asked.
#[derive(Debug, thiserror::Error)]
pub enum HatchError {
    /// Somebody else listens there.
    #[error("what listens at `{}` is not a server", .0.display())]
    Impostor(PathBuf),
    /// It took too long.
    #[error("the server did not answer within {} s", PATIENCE.as_secs())]
    TooLong,
    /// The system refused, or what came back is no answer.
    #[error("`{}`: {why}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What is wrong.
        why: io::Error,
    },
}

/// A socket at which a server is asked; it is gone when this is.
#[derive(Debug)]
pub struct Hatch {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hatch {
    #[allow(clippy::disallowed_methods, reason = "the socket's file goes with it")]
    fn drop(&mut self) {
        self.task.abort();
        // A socket file that stays is replaced by the next server.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Hatch {
    /// Listens for programs of the same person. `at` is the address that a link begins with, as `http://127.0.0.1:8080`.
    pub fn open(path: &Path, people: Arc<People>, at: String) -> io::Result<Hatch> {
        let listener = UnixListener::from_std(host::socket::listen(path)?)?;
        let desk = Desk { people, at: at.into() };
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // There is no room for another connection now; there will be.
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                match authority::peer(&stream) {
                    Peer::Person => {
                        let desk = desk.clone();
                        tokio::spawn(tokio::time::timeout(PATIENCE, desk.serve(stream)));
                    }
                    // Heard no further, so that it holds nothing: an agent could take up all the room that there is.
                    Peer::Child => {
                        let _ = tokio::time::timeout(PAUSE, turn_away(stream)).await;
                    }
                }
            }
        });
        Ok(Hatch { path: path.to_owned(), task })
    }
}

async fn turn_away(mut stream: UnixStream) -> io::Result<()> {
    say(&mut stream, &refused("this was started by a Remit run, and only a person may say who uses the server")).await
}

async fn say(to: &mut UnixStream, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line).await
}

async fn hear(from: &mut UnixStream) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(from.take(MOST)).read_line(&mut line).await?;
    Ok(line)
}

fn refused(why: impl ToString) -> HatchReply {
    HatchReply::Refused { why: why.to_string() }
}

/// What is asked, carried out.
#[derive(Clone, Debug)]
struct Desk {
    people: Arc<People>,
    at: Arc<str>,
}

impl Desk {
    async fn serve(self, mut stream: UnixStream) -> io::Result<()> {
        let reply = match serde_json::from_str(&hear(&mut stream).await?) {
            Err(why) => refused(format!("the request is not understood: {why}")),
            Ok(request) => {
                let carried = tokio::task::spawn_blocking(move || self.carry(request)).await;
                carried.unwrap_or_else(|_| refused("a bug in remit: it could not be carried out"))
            }
        };
        say(&mut stream, &reply).await
    }

    fn carry(&self, request: HatchRequest) -> HatchReply {
        match request {
            HatchRequest::Link => match self.people.one_time() {
                Ok(token) => {
                    let url = Credential::of(format!("{}{}", self.at, sign_in::link(&token).reveal()));
                    HatchReply::Link { url }
                }
                Err(why) => refused(why),
            },
            HatchRequest::AddToken { new } => match self.people.add_token(&new) {
                Ok(made) => HatchReply::Added { made },
                Err(why) => refused(why),
            },
            HatchRequest::RevokeToken { id } => match self.people.revoke_token(&id) {
                Ok(entry) => HatchReply::Revoked { entry },
                Err(why) => refused(why),
            },
        }
    }
}

/// Asks a running server; `None` when there is none.
pub async fn ask(path: &Path, request: &HatchRequest) -> Result<Option<HatchReply>, HatchError> {
    let io = |why| HatchError::Io { path: path.to_owned(), why };
    let Some(stream) = host::socket::connect(path).map_err(io)? else { return Ok(None) };
    if !authority::is_a_run_at(&stream) {
        return Err(HatchError::Impostor(path.to_owned()));
    }
    let exchange = async {
        let mut stream = UnixStream::from_std(stream)?;
        // One that is turned away is told so before it has said anything.
        let _ = say(&mut stream, request).await;
        Ok(serde_json::from_str(&hear(&mut stream).await?)?)
    };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(reply) => reply.map(Some).map_err(io),
        Err(_) => Err(HatchError::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{Owner, Scopes};

    fn desk(folder: &Path) -> Desk {
        let people = People::open(&folder.join("people.json")).unwrap();
        Desk { people, at: "http://127.0.0.1:8080".into() }
    }

    #[test]
    fn what_is_asked_is_carried_out_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let HatchReply::Link { url } = desk.carry(HatchRequest::Link) else { panic!("a link") };
        let token = url.reveal().strip_prefix("http://127.0.0.1:8080/sign-in?token=").unwrap();
        assert!(desk.people.use_one_time(token).is_some());
        let new = NewToken { owner: Owner::named("alice").unwrap(), scopes: Scopes::all(), lasts_ms: Some(60_000) };
        let HatchReply::Added { made } = desk.carry(HatchRequest::AddToken { new }) else { panic!("a token") };
        assert!(desk.people.by_token(made.token.reveal()).is_some());
        let ends = HatchRequest::RevokeToken { id: made.entry.id.clone() };
        let HatchReply::Revoked { entry } = desk.carry(ends.clone()) else { panic!("its end") };
        assert_eq!(entry.id, made.entry.id);
        assert!(desk.people.by_token(made.token.reveal()).is_none());
        assert!(matches!(desk.carry(ends), HatchReply::Refused { .. }));
    }

    #[test]
    fn a_reply_is_written_whole_and_shown_without_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let new = NewToken { owner: Owner::named("alice").unwrap(), scopes: Scopes::all(), lasts_ms: None };
        for request in [HatchRequest::Link, HatchRequest::AddToken { new }] {
            let again: HatchRequest = serde_json::from_str(&serde_json::to_string(&request).unwrap()).unwrap();
            assert_eq!(again, request);
            let reply = desk.carry(request);
            let text = serde_json::to_string(&reply).unwrap();
            assert_eq!(serde_json::from_str::<HatchReply>(&text).unwrap(), reply);
            let secret = match &reply {
                HatchReply::Link { url } => url.reveal(),
                HatchReply::Added { made } => made.token.reveal(),
                other => panic!("{other:?}"),
            };
            assert!(text.contains(secret) && !format!("{reply:?}").contains(secret));
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_where_nobody_listens_and_an_impostor_is_told_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/server.sock");
        assert_eq!(ask(&path, &HatchRequest::Link).await.unwrap(), None);
        // This test's program is no run.
        let _listener = host::socket::listen(&path).unwrap();
        assert!(matches!(ask(&path, &HatchRequest::Link).await, Err(HatchError::Impostor(_))));
    }

    #[tokio::test]
    async fn a_child_of_the_server_is_heard_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let deep = "d".repeat(150);
        let path = folder.path().join(deep).join("server.sock");
        let hatch = Hatch::open(&path, desk(folder.path()).people, "http://x".to_owned()).unwrap();
        // The server is no person to itself.
        let stream = host::socket::connect(&path).unwrap().unwrap();
        let mut stream = UnixStream::from_std(stream).unwrap();
        let _ = say(&mut stream, &HatchRequest::Link).await;
        let heard = hear(&mut stream).await.unwrap();
        assert!(heard.contains("\"reply\":\"refused\"") && heard.contains("only a person may"), "{heard}");
        drop(hatch);
        assert!(host::socket::connect(&path).unwrap().is_none());
    }
}
