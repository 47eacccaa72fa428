//! What went wrong between us and a server, in words, and whether the server can have acted.
//!
//! Addresses are left out of the words: their query may be a secret. Header values are taken out where the words leave
//! this crate (`ServerConfig::scrub`).
//!
//! Not here: what follows from it.

use crate::link::Broken;
use crate::text::one_line;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use std::error::Error;
use std::io;

type HttpFault = StreamableHttpError<reqwest::Error>;

/// The longest text about an error.
const LONGEST: usize = 600;

/// Why a connection was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoConnection {
    /// In words.
    pub(crate) why: String,
    /// Whether there is a point in trying again.
    pub(crate) again: Again,
}

/// Whether there is a point in trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It may work another time.
    Maybe,
    /// It may work with the other handshake of the protocol.
    OtherHandshake,
    /// It will not work until a person changes something.
    Pointless,
}

impl NoConnection {
    pub(crate) fn new(why: impl Into<String>, again: Again) -> NoConnection {
        NoConnection { why: why.into(), again }
    }
}

/// Reads why a handshake failed.
pub(crate) fn of_handshake(failure: &ClientInitializeError) -> NoConnection {
    match failure {
        ClientInitializeError::JsonRpcError(error) => {
            let why =
                format!("it refused the handshake: {} (error {})", one_line(&error.message, LONGEST), error.code.0);
            NoConnection::new(why, Again::OtherHandshake)
        }
        ClientInitializeError::TransportError { error, .. } => {
            let (why, again) = match error.error.downcast_ref::<HttpFault>() {
                Some(fault) => (of_http(fault).words(), again_after(fault)),
                None => (root(error.error.as_ref()), Again::Maybe),
            };
            NoConnection::new(why, again)
        }
        ClientInitializeError::ConnectionClosed(_) => {
            NoConnection::new("it closed the connection before it had answered the handshake", Again::Maybe)
        }
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            NoConnection::new("it speaks no version of the protocol that is spoken here", Again::Pointless)
        }
        other => NoConnection::new(one_line(&other.to_string(), LONGEST), Again::Maybe),
    }
}

fn again_after(fault: &HttpFault) -> Again {
    match fault {
        StreamableHttpError::AuthRequired(_) | StreamableHttpError::InsufficientScope(_) => Again::Pointless,
        // A server that knows only the newer handshake may answer the older one with a bare status.
        StreamableHttpError::UnexpectedServerResponse(text) if text.starts_with("HTTP 4") => Again::OtherHandshake,
        _ => Again::Maybe,
    }
}

/// Reads why a request that was handed over has no answer.
pub(crate) fn of_request(failure: &ServiceError) -> Broken {
    match failure {
        ServiceError::TransportSend(error) => of_send(error),
        ServiceError::TransportClosed => Broken::Lost("the connection closed while this ran".to_owned()),
        other => Broken::Lost(one_line(&other.to_string(), LONGEST)),
    }
}

fn of_send(error: &DynamicTransportError) -> Broken {
    match error.error.downcast_ref::<HttpFault>() {
        Some(fault) => of_http(fault),
        // Standard input: the line's end did not get through, and without it there is no message.
        None => Broken::NotSent(root(error.error.as_ref())),
    }
}

fn of_http(fault: &HttpFault) -> Broken {
    match fault {
        StreamableHttpError::Client(failure) if failure.is_connect() => {
            Broken::NotSent(format!("it cannot be reached: {}", root(failure)))
        }
        StreamableHttpError::Client(failure) => Broken::Lost(format!("the connection failed: {}", root(failure))),
        StreamableHttpError::HttpStatus(answer) if answer.status == 429 => {
            Broken::NotSent("it answered HTTP 429: too many requests".to_owned())
        }
        StreamableHttpError::HttpStatus(answer) => Broken::Lost(format!("it answered HTTP {}", answer.status)),
        StreamableHttpError::AuthRequired(_) => {
            Broken::NotSent("it answered HTTP 401: it wants authorization".to_owned())
        }
        StreamableHttpError::InsufficientScope(_) => {
            Broken::NotSent("it answered HTTP 403: this authorization is not enough".to_owned())
        }
        StreamableHttpError::UnexpectedServerResponse(text) => {
            let words = format!("it answered {}", one_line(text, LONGEST));
            let is_refusal = text.starts_with("HTTP 3") || text.starts_with("HTTP 4");
            if is_refusal { Broken::NotSent(words) } else { Broken::Lost(words) }
        }
        StreamableHttpError::SessionExpired | StreamableHttpError::ReinitializationFailed(_) => {
            Broken::NotSent("it has forgotten the session, and a new one could not be started".to_owned())
        }
        other => Broken::Lost(one_line(&other.to_string(), LONGEST)),
    }
}

impl Broken {
    /// Why there is no answer, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Broken::NotSent(why) | Broken::Refused(why) | Broken::Lost(why) => why.clone(),
            Broken::Stopped => "it was stopped".to_owned(),
            Broken::TimedOut(quiet) => format!("it said nothing for {quiet:?}"),
        }
    }
}

/// The innermost cause: the outer ones of an HTTP client repeat the address.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    if let Some(client) = innermost.downcast_ref::<reqwest::Error>() {
        return if client.is_timeout() { "it took too long".to_owned() } else { "the request failed".to_owned() };
    }
    one_line(&innermost.to_string(), LONGEST)
}

/// Why a program did not start.
pub(crate) fn of_start(command: &str, failure: &io::Error) -> NoConnection {
    let again = match failure.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory => Again::Pointless,
        _ => Again::Maybe,
    };
    NoConnection::new(format!("`{}` cannot be started: {failure}", one_line(command, 200)), again)
}
