//! Looking up what a call must know before it is understood: what the hardware costs now, and which of the secrets that
//! are tokens of the Hub can spend.
//!
//! Not here: what is believed and for how long (that is `board`), or pricing a call.
//!
//! It is a call of its own that the gate decides about, a free read: only what was let run may speak to the network.

use super::api::{Api, ApiError};
use super::board::Board;
use crate::site::{Hub, SecretPower, Site};
use gate::{Act, Admission, CallId, Done, Gate, GateError, Permit, Report, supervise};
use host::http::Net;
use policy::{Action, Effect, Price, Subject};
use pricing::Hardware;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long all of a look-up may take: a call waits for it.
const PATIENCE: Duration = Duration::from_secs(4);
/// What tokens of the Hub begin with.
const TOKEN_PREFIX: &str = "hf_";

/// One look-up: what is asked of the Hub.
#[derive(Clone, Debug)]
struct LookUp {
    hub: Arc<Hub>,
    board: Board,
    wants: Vec<Want>,
}

/// One thing that is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Want {
    /// What the hardware costs.
    Hardware,
    /// What the token may do that is the secret of this name.
    RoleOf(String),
}

/// Refreshes what is stale of all that a call of `hf_jobs` is priced by. To be called before such a call is understood;
/// it takes seconds at most, and asks nothing while all is fresh or where no Hub with a token is configured.
///
/// `call` names the look-up for the record, and must be new in the session: a call that nobody asked for and that has no
/// place in the conversation. `now_secs` is the time, in seconds since 1970. What could not be had is no error: the
/// documented prices stand in, marked as such, and a token can spend until the Hub says otherwise.
///
/// # Errors
/// When the record cannot be written.
pub async fn look_up(gate: &mut Gate, call: &CallId, site: &Site, net: &Net, now_secs: u64) -> Result<(), GateError> {
    let Some(due) = LookUp::due(site, now_secs) else { return Ok(()) };
    match gate.admit(call.clone(), due.clone()).await? {
        Admission::Run(permit) => {
            let net = net.clone();
            let asking = async move { ask(permit, &net, now_secs).await };
            // It is bounded by itself; a panic of it is no reason for the session to end.
            let ended = supervise(asking, CancellationToken::new(), Duration::ZERO).await;
            gate.close(call, ended, |_| Ok(Vec::new())).await?;
        }
        // Only a rule of the person's own is in the way of a free read.
        Admission::Refused(_) | Admission::Ask(_, _) => due.miss("a rule prohibits asking for it", now_secs),
    }
    Ok(())
}

impl LookUp {
    /// What is to be asked now, if anything is.
    fn due(site: &Site, now_secs: u64) -> Option<LookUp> {
        let hub = &site.hub;
        if hub.endpoint.is_none() || hub.token.is_none() {
            return None;
        }
        let hardware = site.hardware.is_stale(now_secs).then_some(Want::Hardware);
        let unsaid = hub.secrets.iter().filter(|(name, secret)| {
            secret.said.is_none()
                && secret.value.expose().starts_with(TOKEN_PREFIX)
                && hub.roles.is_stale(name, now_secs)
        });
        let wants: Vec<Want> = hardware.into_iter().chain(unsaid.map(|(name, _)| Want::RoleOf(name.clone()))).collect();
        let look_up = LookUp { hub: Arc::clone(hub), board: site.hardware.clone(), wants };
        if look_up.wants.is_empty() { None } else { Some(look_up) }
    }

    /// Keeps that nothing was learnt.
    fn miss(&self, why: &str, now_secs: u64) {
        self.wants.iter().for_each(|want| self.miss_one(want, why, now_secs));
    }

    fn miss_one(&self, want: &Want, why: &str, now_secs: u64) {
        match want {
            Want::Hardware => self.board.post(Err(why.to_owned()), now_secs),
            Want::RoleOf(name) => self.hub.roles.miss(name, now_secs),
        }
    }
}

impl Act for LookUp {
    fn action(&self) -> Action {
        let shown = self.wants.iter().map(|want| match want {
            Want::Hardware => "what the hardware of jobs costs".to_owned(),
            Want::RoleOf(name) => format!("what the token `{name}` may do"),
        });
        let shown = shown.collect::<Vec<_>>().join("\n");
        Action {
            tool: super::NAME.to_owned(),
            effect: Effect::Read,
            price: Price::Free,
            summary: format!("look up {}", shown.replace('\n', ", ")),
            subject: Subject::Other,
            shown,
        }
    }
}

/// Asks, one thing after the other, until the time is up.
async fn ask(permit: Permit<LookUp>, net: &Net, now_secs: u64) -> Done {
    let act = permit.act();
    let mut said = Vec::new();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for want in &act.wants {
        let asked = async {
            match want {
                Want::Hardware => hardware(&permit, net, now_secs).await,
                Want::RoleOf(name) => role(&permit, net, (name, now_secs)).await,
            }
        };
        let learnt = match tokio::time::timeout_at(deadline, asked).await {
            Ok(learnt) => learnt,
            Err(_) => Err(format!("the Hub had not answered after {} s", PATIENCE.as_secs())),
        };
        said.push(learnt.unwrap_or_else(|why| {
            let why = act.hub.redacted(&why);
            act.miss_one(want, &why, now_secs);
            why
        }));
    }
    permit.finish(Report::Done(said.join("\n")))
}

async fn hardware(permit: &Permit<LookUp>, net: &Net, now_secs: u64) -> Result<String, String> {
    let act = permit.act();
    let api = Api::new(&act.hub, net, permit)?;
    let answer = api.get("/api/jobs/hardware", &[]).await.map_err(|error| error.to_string())?;
    let list = Hardware::read(&answer.value).map_err(|error| error.to_string())?;
    let told = format!("the Hub lists {} prices of hardware", list.flavors().count());
    act.board.post(Ok(list), now_secs);
    Ok(told)
}

/// Asks what a token may do, under that token. Only the role `read` cannot spend: what a fine-grained one may do is not
/// said.
async fn role(permit: &Permit<LookUp>, net: &Net, (name, now_secs): (&str, u64)) -> Result<String, String> {
    let hub = &permit.act().hub;
    let secret = hub.secrets.get(name).ok_or("there is no such secret")?;
    let api = Api::new(hub, net, permit)?.under(&secret.value);
    let power = match api.get("/api/whoami-v2", &[]).await {
        Ok(answer) if answer.value.pointer("/auth/accessToken/role").and_then(Value::as_str) == Some("read") => {
            SecretPower::CannotSpend
        }
        Ok(_) => SecretPower::CanSpend,
        // The Hub does not know the token, which will not change.
        Err(ApiError::Status { status: 401 | 403, .. }) => SecretPower::CanSpend,
        Err(error) => return Err(error.to_string()),
    };
    hub.roles.keep(name, power, now_secs);
    Ok(match power {
        SecretPower::CanSpend => format!("the token `{name}` can spend"),
        SecretPower::CannotSpend => format!("the token `{name}` may only read"),
    })
}
