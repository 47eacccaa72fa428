//! How services that speak one dialect differ, as a table by host.
//!
//! Not here: what every service of a dialect does alike, and what an answer itself shows (which field the reasoning
//! came in, what wants to go back): that is read from the answer, not from a table.

use crate::endpoint::Dialect;
pub use crate::names::CallIds;

/// How one service wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// The field that limits the output.
    pub output_limit: OutputLimit,
    /// Whether the service counts tokens in a stream only when asked to.
    pub usage: UsageWish,
    /// What of a model's earlier reasoning goes back as text.
    pub thoughts: Thoughts,
    /// What the service accepts as the identifier of a tool call.
    pub call_ids: CallIds,
    /// Whether the service takes a word that helps it find its prompt cache.
    pub cache_key: CacheKey,
    /// How the service is told what to keep in its prompt cache.
    pub cache_marks: CacheMarks,
}

/// The field that limits the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputLimit {
    /// `max_tokens`, which nearly everybody takes.
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// Whether usage must be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageWish {
    /// `stream_options.include_usage` is sent.
    Asked,
    /// The service counts by itself and refuses the field.
    Unasked,
}

/// What of a model's earlier reasoning goes back as text, into the field it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoughts {
    /// Nothing: the service refuses the field.
    Dropped,
    /// What came, in each reply it came with. The service or its chat template drops what it does not want; we do not,
    /// as a request that takes back what it said before loses the prompt cache.
    AsTheyCame,
    /// The same, and an empty text in each reply without any: the service refuses a conversation with tools that has
    /// a reply without the field.
    OnEveryReply,
}

/// Whether a word for the prompt cache is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKey {
    /// `prompt_cache_key` is sent where the endpoint has one.
    Sent,
    /// It is not.
    Unsent,
}

/// How the prompt cache is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMarks {
    /// Not at all: the service finds equal beginnings by itself.
    Unmarked,
    /// With `cache_control` on parts of the prompt.
    OnParts,
}

/// What an unknown service is taken for: a server such as vLLM, SGLang, llama.cpp, Ollama or LM Studio, or a gateway.
const USUAL: Quirks = Quirks {
    output_limit: OutputLimit::MaxTokens,
    usage: UsageWish::Asked,
    thoughts: Thoughts::AsTheyCame,
    call_ids: CallIds::Plain,
    cache_key: CacheKey::Unsent,
    cache_marks: CacheMarks::Unmarked,
};

/// The services whose chat completions differ, by the end of their host.
const CHAT_COMPLETIONS: [(&str, Quirks); 7] = [
    (
        "openai.com",
        Quirks {
            output_limit: OutputLimit::MaxCompletionTokens,
            thoughts: Thoughts::Dropped,
            cache_key: CacheKey::Sent,
            ..USUAL
        },
    ),
    // With tools, thinking on (it is by default) refuses a conversation in which one reply lacks the field:
    // api-docs.deepseek.com/guides/thinking_mode, "Tool Calls".
    ("deepseek.com", Quirks { thoughts: Thoughts::OnEveryReply, ..USUAL }),
    // The same for replies that call tools; elsewhere the field is ignored.
    ("moonshot.ai", Quirks { thoughts: Thoughts::OnEveryReply, cache_key: CacheKey::Sent, ..USUAL }),
    ("moonshot.cn", Quirks { thoughts: Thoughts::OnEveryReply, cache_key: CacheKey::Sent, ..USUAL }),
    // Unknown fields are errors there, and identifiers have nine letters.
    ("mistral.ai", Quirks { usage: UsageWish::Unasked, thoughts: Thoughts::Dropped, call_ids: CallIds::Nine, ..USUAL }),
    // Its reasoning goes back as a signature on each call, which an answer brings by itself.
    ("googleapis.com", Quirks { thoughts: Thoughts::Dropped, ..USUAL }),
    ("openrouter.ai", USUAL),
];

impl Quirks {
    /// Returns what is known of a service. `host` is of its address, `model` as the service spells it.
    pub fn of(dialect: Dialect, host: &str, model: &str) -> Quirks {
        match dialect {
            Dialect::ChatCompletions => {
                let known = CHAT_COMPLETIONS.iter().find(|(end, _)| is_under(host, end));
                let quirks = known.map_or(USUAL, |(_, quirks)| *quirks);
                // The gateway passes cache marks on to the one vendor that needs them.
                if is_under(host, "openrouter.ai") && model.trim_start_matches('~').starts_with("anthropic/") {
                    return Quirks { cache_marks: CacheMarks::OnParts, ..quirks };
                }
                quirks
            }
            Dialect::Responses => Quirks { cache_key: CacheKey::Sent, ..USUAL },
            Dialect::Anthropic => Quirks { call_ids: CallIds::Word, cache_marks: CacheMarks::OnParts, ..USUAL },
        }
    }
}

fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(host: &str) -> Quirks {
        Quirks::of(Dialect::ChatCompletions, host, "m")
    }

    #[test]
    fn a_service_is_known_by_the_end_of_its_host() {
        assert_eq!(chat("api.openai.com").output_limit, OutputLimit::MaxCompletionTokens);
        assert_eq!(chat("openai.com.example.org"), USUAL);
        assert_eq!(chat("notopenai.com"), USUAL);
        assert_eq!(chat("api.mistral.ai").usage, UsageWish::Unasked);
        assert_eq!(chat("127.0.0.1"), USUAL);
    }

    #[test]
    fn only_the_vendor_that_needs_cache_marks_gets_them_through_the_gateway() {
        let marks = |model| Quirks::of(Dialect::ChatCompletions, "openrouter.ai", model).cache_marks;
        assert_eq!(marks("anthropic/claude-sonnet-4.5"), CacheMarks::OnParts);
        assert_eq!(marks("deepseek/deepseek-v4"), CacheMarks::Unmarked);
    }
}
