//! What a call may cost at most, and what it has cost in the end.
//!
//! In reading order: [`timeout`] reads how long a job may run; [`hardware`] has what an hour of each machine costs;
//! [`job`] turns both into a price before the job and a cost after it; [`tool_prices`] has what the person says that a
//! call of a tool costs; [`models`] has what the tokens of a model cost.
//!
//! Not here: deciding whether anything may be bought (that is `policy`), or remembering what was (that is `ledger`).

pub mod hardware;
pub mod job;
pub mod models;
pub mod timeout;
pub mod tool_prices;

pub use hardware::{CatalogueError, Hardware, Source, UnitPrice};
pub use job::{Elapsed, Ports, job_price, settlement};
pub use models::{ModelPrice, PriceSource, RouterCatalogue, TokenCounts};
pub use timeout::{Timeout, TimeoutError};
pub use tool_prices::{ToolPriceError, ToolPrices};
