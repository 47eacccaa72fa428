//! `remit token`: let others use the server, each with a token of their own.
//!
//! Not here: what a token lets its holder do (that is `server::people`).
//!
//! A server that runs has read who may use it, and reads it no more; so it is asked to make the change itself. Where none runs
//! the file is changed here.

use crate::calendar;
use crate::draw;
use crate::failure::Failure;
use crate::out::outln;
use crate::paths::Paths;
use crate::{person, wiring};
use anyhow::anyhow;
use serde_json::{Value, json};
use server::people::hatch::{self, HatchReply, HatchRequest};
use server::people::{BookError, NewToken, Owner, People, PeopleError, Scopes, TokenEntry};
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  remit token add alice                                    prints a token for Alice, this once
  remit token add ci --scope read,drive --expires 30d      it may begin work, answers nothing, and ends by itself
  remit token list
  remit token revoke 3f9c01ab

A token goes into the `Authorization: Bearer` header, or into the form at /sign-in. Whoever has it sees the sessions of its name and
no others; with `answer` they may also answer, set modes and caps, and give tokens away.";

/// How often it is tried again while another command has the file.
const TRIES: u32 = 100;
/// How long it is waited between.
const PAUSE: Duration = Duration::from_millis(50);

/// What is done with tokens.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a token, and print it this once
    Add {
        /// Whose it is: 1 to 64 of a-z, 0-9, `.`, `_`, `@` and `-`
        #[arg(value_parser = Owner::named)]
        name: Owner,
        /// What it allows: `read`, `drive` and `answer`, with commas between them
        #[arg(long, value_name = "SCOPES", default_value = "read,drive,answer")]
        scope: Scopes,
        /// When it ends: in so many minutes, hours, days or weeks, such as `12h` or `30d`; never when absent
        #[arg(long, value_name = "TIME", value_parser = lasts)]
        expires: Option<i64>,
        /// Write a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List tokens, without what they are
    List {
        /// Write one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// End a token, and the sign-ins that were made with it
    Revoke {
        /// The token's id, as `list` has it
        id: String,
    },
}

/// Makes, lists or ends tokens.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let (_, paths) = wiring::configured()?;
    match args.what {
        What::List { json } => list(&paths, if json { Form::Json } else { Form::Text })?,
        What::Add { name, scope, expires, json } => {
            person::at_the_command_line()?;
            let new = NewToken { owner: name, scopes: scope, lasts_ms: expires };
            match carried_out(&paths, HatchRequest::AddToken { new })? {
                HatchReply::Added { made } if json => {
                    let mut object = described(&made.entry);
                    object["token"] = made.token.reveal().into();
                    outln!("{object}");
                }
                HatchReply::Added { made } => {
                    eprintln!("This is the token of {}, and it is not shown again:", about(&made.entry));
                    outln!("{}", made.token.reveal());
                }
                other => return Err(unexpected(other)),
            }
        }
        What::Revoke { id } => {
            person::at_the_command_line()?;
            match carried_out(&paths, HatchRequest::RevokeToken { id })? {
                HatchReply::Revoked { entry } => outln!("ended: {}", about(&entry)),
                other => return Err(unexpected(other)),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How a list is written.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Json,
}

fn list(paths: &Paths, form: Form) -> Result<(), Failure> {
    let tokens = People::stored_tokens(&paths.people()).map_err(Failure::host)?;
    for entry in &tokens {
        match form {
            Form::Json => outln!("{}", described(entry)),
            Form::Text => outln!("{}  ..{}  {}", entry.id, draw::clean(&entry.ends_with), about(entry)),
        }
    }
    if tokens.is_empty() && matches!(form, Form::Text) {
        eprintln!("there are no tokens; `remit token add NAME` makes one");
    }
    Ok(())
}

fn about(entry: &TokenEntry) -> String {
    let ends = match entry.expires_ms {
        None => "does not end by itself".to_owned(),
        Some(at) if entry.is_good(wiring::now_ms()) => format!("ends {}", calendar::moment(at)),
        Some(at) => format!("ended {}", calendar::moment(at)),
    };
    let seen = match entry.seen_ms {
        None => "never used".to_owned(),
        Some(at) => format!("used {}", calendar::ago(wiring::now_ms().saturating_sub(at))),
    };
    let made = calendar::moment(entry.made_ms);
    format!("{}  {}  made {made}  {ends}  {seen}", draw::clean(&entry.owner.to_string()), entry.scopes)
}

fn described(entry: &TokenEntry) -> Value {
    let TokenEntry { id, owner, scopes, made_ms, expires_ms, seen_ms, ends_with } = entry;
    json!({
        "id": id, "name": owner, "scopes": scopes, "made_ms": made_ms, "expires_ms": expires_ms, "seen_ms": seen_ms,
        "ends_with": ends_with,
    })
}

/// Has a change made by the server that runs, or makes it where none does.
fn carried_out(paths: &Paths, request: HatchRequest) -> Result<HatchReply, Failure> {
    let runtime = crate::runtime()?;
    for _ in 0..TRIES {
        match runtime.block_on(hatch::ask(&paths.hatch(), &request)) {
            Ok(Some(HatchReply::Refused { why })) => return Err(Failure::user(anyhow!(why))),
            Ok(Some(reply)) => return Ok(reply),
            Ok(None) => {}
            Err(why) => return Err(Failure::host(why)),
        }
        match People::open(&paths.people()) {
            Ok(people) => return by_hand(&people, &request),
            // A server that has just begun, or another command.
            Err(BookError::InUse(_)) => std::thread::sleep(PAUSE),
            Err(why) => return Err(Failure::host(why)),
        }
    }
    Err(Failure::host(anyhow!("`{}` is in use by a program that does not answer", paths.people().display())))
}

fn by_hand(people: &People, request: &HatchRequest) -> Result<HatchReply, Failure> {
    let done = match request {
        HatchRequest::AddToken { new } => people.add_token(new).map(|made| HatchReply::Added { made }),
        HatchRequest::RevokeToken { id } => people.revoke_token(id).map(|entry| HatchReply::Revoked { entry }),
        HatchRequest::Link => return Err(Failure::user(anyhow!("no server runs"))),
    };
    done.map_err(|why| match why {
        PeopleError::NoToken(_) | PeopleError::TooManyTokens => Failure::user(why),
        other => Failure::host(other),
    })
}

fn unexpected(reply: HatchReply) -> Failure {
    Failure::bug(anyhow!("the server answered something else: {reply:?}"))
}

/// Reads `30d` as milliseconds.
fn lasts(text: &str) -> Result<i64, String> {
    const MINUTE: i64 = 60_000;
    let bad = || format!("`{text}` is no time; write a number and `m`, `h`, `d` or `w`, such as `30d`");
    let unit = text.chars().next_back().ok_or_else(bad)?;
    let each = match unit {
        'm' => MINUTE,
        'h' => 60 * MINUTE,
        'd' => calendar::DAY_MS,
        'w' => 7 * calendar::DAY_MS,
        _other => return Err(bad()),
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: i64 = digits.parse().ok().filter(|count| is_number && *count > 0).ok_or_else(bad)?;
    // Longer than anybody lives is no time either.
    count.checked_mul(each).filter(|all| *all <= 100 * 366 * calendar::DAY_MS).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::lasts;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(["90m", "12h", "30d", "2w"].map(|text| lasts(text).unwrap() / 60_000), [90, 720, 43_200, 20_160]);
        for wrong in ["", "d", "30", "0d", "-1d", "+1d", "1y", "1.5d", "30 d", "999999999999d", "é", "3é"] {
            assert!(lasts(wrong).is_err(), "{wrong}");
        }
    }
}
