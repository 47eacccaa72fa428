//! Sessions: commands in, events out. One task owns a session and everything that happens in it.
//!
//! In reading order: [`setup`] has what a session works with; [`command`] what it is told; [`record`] how it is taken up
//! from its record; [`session`] the loop; `asking` the model's part of it, with [`metering`] for what a request may cost
//! and [`requests`] for what requests have cost; `calls` the tools' part; [`work`] what a call can be; `reconciling` what
//! became of open holds; `servers` what MCP servers do by themselves; `looking` and `past` what
//! somebody is told who looks, or comes later; [`voice`] one person's requests; [`speaker`] who hears it all; [`bill`] the money as surfaces show it.
//!
//! Not here: drawing, arguments, configuration, or any opinion about what may run.

mod asking;
pub mod bill;
mod calls;
pub mod command;
mod looking;
pub mod metering;
pub mod past;
mod reconciling;
pub mod record;
pub mod requests;
mod servers;
pub mod session;
pub mod setup;
pub mod speaker;
pub mod voice;
pub mod work;

pub use command::SessionCommand;
pub use metering::Tariff;
pub use record::Replayed;
pub use requests::{Purpose, RequestOutcome, RequestRecord, Requests};
pub use servers::hear_servers;
pub use session::{Authority, DEFAULT_CAP, EngineError, RunEnd, SERVERS_PATIENCE, Session, Surface, can_be_capped};
pub use setup::{About, Picked, Setup};
pub use speaker::Speaker;
pub use voice::Voice;
