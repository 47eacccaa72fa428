//! The arguments of one call, taken out by name; whatever is left over is an error.
//!
//! Not here: what the arguments mean.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The arguments that were not taken yet, and the names of all that were asked for.
#[derive(Debug)]
pub(super) struct Fields {
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    /// Starts with everything a model wrote. What is null counts as not given.
    pub(super) fn of(arguments: Value) -> Result<Fields, String> {
        match arguments {
            Value::Object(mut left) => {
                left.retain(|_, value| !value.is_null());
                Ok(Fields { left, known: Vec::new() })
            }
            _ => Err("the arguments must be an object".to_owned()),
        }
    }

    /// Takes one argument; `shape` says what it must be, for the error.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &'static str, shape: &str) -> Result<Option<T>, String> {
        match self.take_value(name) {
            None => Ok(None),
            Some(value) => serde_json::from_value(value).map(Some).map_err(|_| format!("`{name}` must be {shape}")),
        }
    }

    /// Takes one argument that there must be.
    pub(super) fn need<T: DeserializeOwned>(&mut self, name: &'static str, shape: &str) -> Result<T, String> {
        self.take(name, shape)?.ok_or_else(|| format!("`{name}` is missing; it must be {shape}"))
    }

    /// Takes one argument as it is.
    pub(super) fn take_value(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.shift_remove(name)
    }

    /// Ends the taking: an argument that nobody asked for is an error that names those that there are.
    pub(super) fn finish(self, operation: &str) -> Result<(), String> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(stranger) => {
                let known = self.known.join("`, `");
                let stranger: String = stranger.chars().take(60).collect();
                Err(format!("`{operation}` has no argument `{stranger}`; it takes `{known}`"))
            }
        }
    }
}
