//! Language models over the wire: streams of words, the tokens they cost, and errors with a type.
//!
//! Not here: what a token costs, whether a request may be made, and what a tool call does.
//!
//! In reading order:
//! - [`completion`] is what comes back, and what is heard on the way;
//! - [`error`] is what can go wrong, and whether trying later is worth it;
//! - [`endpoint`] is where a model is and how it is spoken to, [`provider`] the services known by name,
//!   [`quirks`] how services that speak one dialect differ, [`secret`] a key that cannot be printed;
//! - [`client`] asks over the network, [`retry`] says when it asks again;
//! - [`decode`] turns bytes into events; it knows three dialects: `chat_completions`, `responses`, `anthropic`,
//!   all on `sse`, all filling one `draft`;
//! - [`script`] is the model that plays a file.

mod anthropic;
mod chat_completions;
pub mod client;
pub mod completion;
pub mod decode;
mod draft;
pub mod endpoint;
pub mod error;
mod fault;
mod names;
mod opaque;
pub mod provider;
pub mod quirks;
mod responses;
pub mod retry;
pub mod script;
pub mod secret;
mod sse;

pub use client::Client;
pub use completion::{Completion, Heard, Stop, Wasted};
pub use endpoint::{BadEndpoint, Caps, Dialect, Endpoint, Timeouts};
pub use error::{ModelError, Said, Unanswered};
pub use provider::Provider;
pub use retry::Retry;
pub use script::{Script, ScriptError, ScriptTurn};
pub use secret::Secret;

use turn::chat::Prompt;

/// A model that can be asked.
///
/// A closed enum, not a trait: there are two kinds, and a test that needs a third kind needs a real server instead.
#[derive(Debug)]
pub enum Model {
    /// A service on the network.
    Remote(Box<Client>),
    /// A file that is played.
    Script(Script),
}

impl Model {
    /// Asks the model and returns its whole answer, telling `heard` what arrives on the way.
    ///
    /// Failures that pass by themselves are tried again in here, and `heard` is told. What is returned is always
    /// whole: an answer that was cut off is asked for again from the start, so no tool call can come out of it twice.
    /// Dropping the future closes the connection.
    pub async fn ask(&self, prompt: &Prompt, heard: &mut (dyn FnMut(Heard) + Send)) -> Result<Completion, Unanswered> {
        match self {
            Model::Remote(client) => client.ask(prompt, heard).await,
            Model::Script(script) => script.ask(prompt, heard).await,
        }
    }

    /// Returns the model's name as its service spells it, or the script's name.
    pub fn name(&self) -> &str {
        match self {
            Model::Remote(client) => &client.endpoint().model,
            Model::Script(script) => script.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_can_be_moved_to_another_thread() {
        fn movable<T: Send>(_: &T) {}
        let model = Model::Script(Script::parse("[[turn]]\ntext = \"hello\"").unwrap());
        let prompt = Prompt { system: String::new(), tools: vec![], messages: vec![], max_output_tokens: None };
        let mut heard = |_| {};
        let asking = model.ask(&prompt, &mut heard);
        movable(&asking);
        assert_eq!(model.name(), "script");
    }
}
