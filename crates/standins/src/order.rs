//! Reading an order of a fault: every field of it must mean something.
//!
//! Not here: which faults there are.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads an order that is told from others by its `kind`.
///
/// Serde lets fields pass that a kind without fields does not have, so what was read is written again and compared: a
/// misspelled order must not become another one.
pub(crate) fn read<T: DeserializeOwned + Serialize>(order: Value) -> Result<T, String> {
    let fault: T = serde_json::from_value(order.clone()).map_err(|failure| failure.to_string())?;
    let meant = serde_json::to_value(&fault).map_err(|failure| failure.to_string())?;
    match order.as_object().into_iter().flatten().find(|(key, _)| meant.get(key).is_none()) {
        Some((key, _)) => Err(format!("unknown field `{key}`")),
        None => Ok(fault),
    }
}
