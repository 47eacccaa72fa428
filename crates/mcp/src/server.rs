//! One configured server for the length of a session: connected in the background, listed, and started again when it dies.
//!
//! Not here: the set of them, or what a call is.

use crate::config::{Patience, ServerConfig, ServerName, StdioServer, Surroundings, Transport};
use crate::connect::{Connection, Offers, Opening};
use crate::event::{Next, ServerEvent, Voice};
use crate::fault::{Again, NoConnection};
use crate::link::{Asked, Broken, Link, OnProgress, Watch};
use crate::tool::{Floor, McpTool, Taken, Taking};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long a server has to stay up for its earlier deaths to be forgotten.
const STEADY: Duration = Duration::from_secs(60);

/// The longest wait before a server is started again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How much time lies between two looks at a list that changes all the time.
const BETWEEN_LISTS: Duration = Duration::from_millis(500);

/// Why a server is down that a person has ended.
const ANEW: &str = "a person has it started anew";

/// How a server stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// The server.
    pub server: ServerName,
    /// Where it is in its life.
    pub phase: ServerPhase,
}

/// Where a server is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerPhase {
    /// It is being reached for the first time.
    Connecting,
    /// It is up.
    Up {
        /// How many of its tools can be called.
        tools: usize,
    },
    /// It ended, or was not reached, and is started again; its tools stay declared until then.
    Restarting {
        /// What was seen of its end.
        why: String,
    },
    /// It stays down for this session.
    Down {
        /// What was seen of its end.
        why: String,
    },
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) config: ServerConfig,
    around: Arc<Surroundings>,
    voice: Voice,
    face: Mutex<Face>,
    phase: watch::Sender<ServerPhase>,
    /// Rung by a person who wants it started anew.
    anew: Notify,
}

/// What is seen of a server from outside.
#[derive(Debug, Default)]
struct Face {
    link: Option<Link>,
    tools: Vec<McpTool>,
    left_out: Vec<String>,
    offers: Offers,
}

/// How a life ended.
enum Life {
    /// It was no longer wanted.
    Stopped,
    /// It never began.
    Unborn(NoConnection),
    /// It was up since this moment, and died.
    Died(Instant, String),
    /// A person wants it started anew.
    Ended,
}

impl Server {
    pub(crate) fn new(config: ServerConfig, around: Arc<Surroundings>, voice: Voice) -> Server {
        let phase = watch::Sender::new(ServerPhase::Connecting);
        Server { config, around, voice, face: Mutex::default(), phase, anew: Notify::new() }
    }

    /// A server that declares these tools and is never reached, or what of them cannot be used.
    pub(crate) fn declared(name: ServerName, listed: &[Value], voice: Voice) -> Result<Server, Vec<String>> {
        let mut floor = Floor::default();
        let mut taking = Taking::new(&name, &mut floor);
        // What is too much is left out, and said.
        let _ = taking.add(listed);
        let Taken { tools, left_out } = taking.done();
        if !left_out.is_empty() {
            return Err(left_out);
        }
        let nothing = StdioServer { command: String::new(), args: Vec::new(), env: Vec::new(), folder: None };
        let config = ServerConfig { name, transport: Transport::Stdio(nothing), patience: Patience::default() };
        let around = Arc::new(Surroundings { environment: Vec::new(), folder: "/".into() });
        let server = Server::new(config, around, voice);
        server.phase.send_replace(ServerPhase::Up { tools: tools.len() });
        server.face().tools = tools;
        Ok(server)
    }

    pub(crate) fn name(&self) -> &ServerName {
        &self.config.name
    }

    pub(crate) fn state(&self) -> ServerState {
        ServerState { server: self.name().clone(), phase: self.phase.borrow().clone() }
    }

    /// Waits until it is known whether the server can be reached.
    pub(crate) async fn settled(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.phase.subscribe().wait_for(|phase| *phase != ServerPhase::Connecting).await;
    }

    pub(crate) fn tools(&self) -> Vec<McpTool> {
        self.face().tools.clone()
    }

    pub(crate) fn offers(&self) -> Offers {
        self.face().offers
    }

    /// The connection, waited for while the server starts, or why there is none.
    pub(crate) async fn link(&self, stop: &CancellationToken) -> Result<Link, String> {
        let mut phase = self.phase.subscribe();
        // A server that has just died is up without a connection for a moment.
        let settled = phase.wait_for(|phase| match phase {
            ServerPhase::Up { .. } => self.face().link.is_some(),
            ServerPhase::Down { .. } => true,
            ServerPhase::Connecting | ServerPhase::Restarting { .. } => false,
        });
        let waited = tokio::select! {
            waited = timeout(self.config.patience.connect, settled) => waited.is_ok(),
            () = stop.cancelled() => return Err("it was stopped before it began".to_owned()),
        };
        if waited && let Some(link) = self.face().link.clone() {
            return Ok(link);
        }
        Err(format!("server `{}` {}", self.name(), self.state().phase.words()))
    }

    /// What was seen of the end of the server's program, if it ends within a moment. A service has no end that is seen.
    pub(crate) async fn epitaph(&self, within: Duration) -> Option<String> {
        if matches!(self.config.transport, Transport::Http(_)) {
            return None;
        }
        let mut phase = self.phase.subscribe();
        let dead = phase.wait_for(|phase| matches!(phase, ServerPhase::Restarting { .. } | ServerPhase::Down { .. }));
        match timeout(within, dead).await.ok()?.ok()?.clone() {
            ServerPhase::Restarting { why } | ServerPhase::Down { why } => Some(why),
            ServerPhase::Connecting | ServerPhase::Up { .. } => None,
        }
    }

    /// Keeps the server up until it is no longer wanted, or has died too often.
    pub(crate) async fn keep(self: Arc<Server>, stop: CancellationToken) {
        let (mut floor, mut deaths) = (Floor::default(), 0);
        loop {
            let (why, again) = match self.live(&mut floor, &stop).await {
                Life::Stopped => return self.lay_down("the session has ended"),
                Life::Unborn(none) => (none.why, none.again),
                Life::Died(since, why) => {
                    deaths = if since.elapsed() >= STEADY { 0 } else { deaths };
                    (why, Again::Maybe)
                }
                Life::Ended => {
                    self.set(ServerPhase::Restarting { why: ANEW.to_owned() });
                    deaths = 0;
                    continue;
                }
            };
            let why = self.config.scrub(&why);
            if again == Again::Pointless || deaths == self.config.patience.restarts {
                self.lay_down(&why);
                self.tell(|server| ServerEvent::Died { server, why, next: Next::GivenUp });
                // It stays down unless a person wants it once more.
                tokio::select! {
                    () = self.anew.notified() => {}
                    () = stop.cancelled() => return,
                }
                self.set(ServerPhase::Restarting { why: ANEW.to_owned() });
                deaths = 0;
                continue;
            }
            let wait = self.config.patience.first_wait.saturating_mul(2_u32.saturating_pow(deaths));
            deaths += 1;
            self.set(ServerPhase::Restarting { why: why.clone() });
            let next = Next::Restart { attempt: deaths, of: self.config.patience.restarts };
            self.tell(|server| ServerEvent::Died { server, why, next });
            tokio::select! {
                () = sleep(wait.min(LONGEST_WAIT)) => {}
                () = self.anew.notified() => deaths = 0,
                () = stop.cancelled() => return self.lay_down("the session has ended"),
            }
        }
    }

    /// One life: from connecting to its end.
    async fn live(&self, floor: &mut Floor, stop: &CancellationToken) -> Life {
        let opening = Opening { config: &self.config, around: &self.around, voice: &self.voice, stop };
        let opened = opening.open().await;
        if stop.is_cancelled() {
            if let Ok(connection) = opened {
                connection.close("").await;
            }
            return Life::Stopped;
        }
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(none) => return Life::Unborn(none),
        };
        let taken = match self.list(&connection.link, connection.offers, floor, stop).await {
            Ok(taken) => taken,
            Err(why) => {
                let why = connection.close(&format!("it did not list its tools: {}", why.words())).await;
                return if stop.is_cancelled() {
                    Life::Stopped
                } else {
                    Life::Unborn(NoConnection::new(why, Again::Maybe))
                };
            }
        };
        self.rise(&connection.link, connection.offers, taken);
        let since = Instant::now();
        let seen = tokio::select! {
            seen = self.attend(&mut connection, floor, stop) => Some(seen),
            () = self.anew.notified() => None,
        };
        self.face().link = None;
        let Some(seen) = seen else {
            connection.close(ANEW).await;
            return if stop.is_cancelled() { Life::Stopped } else { Life::Ended };
        };
        let why = connection.close(&seen).await;
        if stop.is_cancelled() { Life::Stopped } else { Life::Died(since, why) }
    }

    /// Lists the tools.
    async fn list(
        &self,
        link: &Link,
        offers: Offers,
        floor: &mut Floor,
        stop: &CancellationToken,
    ) -> Result<Taken, Broken> {
        let mut taking = Taking::new(self.name(), floor);
        if offers.tools {
            let watch = self.brief_watch(stop);
            link.list(Asked::Tools, "tools", &watch, |page| taking.add(page)).await?;
        }
        Ok(taking.done())
    }

    /// How an answer is waited for that has to come soon.
    pub(crate) fn brief_watch<'a>(&self, stop: &'a CancellationToken) -> Watch<'a> {
        Watch { quiet: self.config.patience.list, patience: OnProgress::AllTheSame, progress: None, stop }
    }

    /// Shows a server that has come up.
    fn rise(&self, link: &Link, offers: Offers, taken: Taken) {
        let tools = taken.tools.len();
        {
            let mut face = self.face();
            face.link = Some(link.clone());
            face.offers = offers;
        }
        let is_first = *self.phase.borrow() == ServerPhase::Connecting;
        let is_other = self.adopt(taken);
        self.set(ServerPhase::Up { tools });
        match is_first {
            true => self.tell(|server| ServerEvent::Started { server, tools }),
            false => self.tell(|server| ServerEvent::Restarted { server, tools }),
        }
        if is_other && !is_first {
            self.tell(|server| ServerEvent::ToolsChanged { server });
        }
    }

    /// Shows the tools that were listed, and says whether they are others than before.
    fn adopt(&self, taken: Taken) -> bool {
        let (is_other, news) = {
            let mut face = self.face();
            let is_other = face.tools != taken.tools;
            let news = if face.left_out == taken.left_out { Vec::new() } else { taken.left_out.clone() };
            (face.tools, face.left_out) = (taken.tools, taken.left_out);
            (is_other, news)
        };
        for what in news {
            self.tell(|server| ServerEvent::LeftOut { server, what });
        }
        is_other
    }

    /// Looks after a server that is up until it has ended, and says what was seen of that.
    async fn attend(&self, connection: &mut Connection, floor: &mut Floor, stop: &CancellationToken) -> String {
        let mut heard = Box::pin(connection.subscription());
        let (stale, link, offers) = (connection.stale.clone(), connection.link.clone(), connection.offers);
        let mut last = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return "the session has ended".to_owned(),
                seen = connection.ended() => return seen,
                () = &mut heard => {}
                () = async { stale.notified().await; sleep_until(last + BETWEEN_LISTS).await } => {
                    match self.list(&link, offers, floor, stop).await {
                        Ok(taken) => {
                            let tools = taken.tools.len();
                            if self.adopt(taken) {
                                self.set(ServerPhase::Up { tools });
                                self.tell(|server| ServerEvent::ToolsChanged { server });
                            }
                        }
                        Err(why) => {
                            let what = format!("a new list of its tools, so the old one is kept: {}", why.words());
                            self.tell(|server| ServerEvent::LeftOut { server, what: self.config.scrub(&what) });
                        }
                    }
                    last = Instant::now();
                }
            }
        }
    }

    /// Has it started anew, whatever it does now.
    pub(crate) fn start_anew(&self) {
        self.anew.notify_one();
    }

    fn lay_down(&self, why: &str) {
        *self.face() = Face::default();
        self.set(ServerPhase::Down { why: why.to_owned() });
    }

    fn set(&self, phase: ServerPhase) {
        self.phase.send_replace(phase);
    }

    fn tell(&self, event: impl FnOnce(ServerName) -> ServerEvent) {
        self.voice.say(event(self.name().clone()));
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerPhase {
    /// What the server is doing, as the rest of a sentence.
    pub fn words(&self) -> String {
        match self {
            ServerPhase::Connecting => "is still starting".to_owned(),
            ServerPhase::Up { .. } => "is up".to_owned(),
            ServerPhase::Restarting { why } => format!("is being started again: {why}"),
            ServerPhase::Down { why } => format!("is down: {why}"),
        }
    }
}
