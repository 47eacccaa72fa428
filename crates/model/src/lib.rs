//! Language models over the wire: streams of words, the tokens they cost, and errors with a type.
//!
//! Not here: what a token costs, whether a request may be made, and what a tool call does.
//!
//! In reading order:
//! - [`completion`] is what comes back, and what is heard on the way;
//! - [`error`] is what can go wrong, and whether trying later is worth it;
//! - [`endpoint`] is where a model is and how it is spoken to, [`provider`] the services known by name,
//!   [`quirks`] how services that speak one dialect differ, [`secret`] a key that cannot be printed;
//! - [`client`] asks over the network, [`retry`] says when to ask again;
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
pub use completion::{Completion, Heard, Spent, Stop};
pub use endpoint::{BadEndpoint, Caps, Dialect, Endpoint, Timeouts};
pub use error::{Lost, ModelError, Said};
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
    /// Makes one attempt to ask the model and returns its whole answer, telling `heard` what arrives on the way.
    ///
    /// `number` counts the attempts at this request, from 1. Each attempt may cost money, so making another is the
    /// caller's: a failure says whether that is worth it, and when. What is returned is always whole: an answer that was
    /// cut off is no answer, so no tool call can come out of it twice. Dropping the future closes the connection.
    pub async fn attempt(
        &self,
        prompt: &Prompt,
        number: u32,
        heard: &mut (dyn FnMut(Heard) + Send),
    ) -> Result<Completion, Lost> {
        match self {
            Model::Remote(client) => client.attempt(prompt, number, heard).await,
            Model::Script(script) => script.attempt(prompt, number, heard).await,
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
        let asking = model.attempt(&prompt, 1, &mut heard);
        movable(&asking);
        assert_eq!(model.name(), "script");
    }
}
