//! Every setting there is, in one table: the commented configuration, `remit config` and a test of the documentation read it.
//!
//! Not here: their types (that is `crate::config`); a test holds the two together.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key; `NAME` stands for a name that the person picks.
    pub key: &'static str,
    /// What holds when nothing is written, as a person reads it.
    pub default: &'static str,
    /// A line that sets it: to the default where there is one, else to an example. Each line can stand alone.
    pub line: &'static str,
    /// What it is, in lines of at most 78 characters.
    pub meaning: &'static [&'static str],
}

/// Whether a key's value is a secret, which is never shown.
pub fn is_secret(key: &[String]) -> bool {
    matches!(
        key.iter().map(String::as_str).collect::<Vec<_>>().as_slice(),
        ["providers", _, "key"]
            | ["hf", "secrets", _, "value"]
            | ["mcp", _, "env" | "headers", ..]
            | ["serve", "oidc", "client_secret"]
    )
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "model",
        default: "none",
        line: r#"model = "anthropic/claude-sonnet-4-5""#,
        meaning: &[
            "The model, as PROVIDER/NAME or script:FILE. No default; `--model` and",
            "REMIT_MODEL come before it.",
        ],
    },
    Setting {
        key: "prohibitions",
        default: "[]",
        line: "prohibitions = []",
        meaning: &[
            "What is refused in every mode, never asked: `shell: PREFIX`, `write: GLOB`,",
            "`read: GLOB`, `fetch: HOST`, `mcp:SERVER/TOOL` (`*` in the last two).",
            "A guard rail, not a wall; the contract's page says what it cannot see.",
            "Such as: [\"shell: git push --force\", \"write: .env\", \"mcp:forge/delete_*\"]",
        ],
    },
    Setting {
        key: "yolo.cap",
        default: "\"5.00\"",
        line: r#"yolo.cap = "5.00""#,
        meaning: &["The cap that `yolo` alone takes, in US dollars, as text. Never uncapped."],
    },
    Setting {
        key: "limits.max_turns",
        default: "500",
        line: "limits.max_turns = 500",
        meaning: &["The most requests to the model for one prompt."],
    },
    Setting {
        key: "terminal.theme",
        default: "what the terminal tells, else dark",
        line: r#"terminal.theme = "light""#,
        meaning: &["The ground that the screen is drawn for: \"dark\" or \"light\"."],
    },
    Setting {
        key: "shell.pass",
        default: "[]",
        line: "shell.pass = []",
        meaning: &[
            "Variables with credentials that commands get all the same. Without it they",
            "get none of Remit's own keys and none of the well-known tokens that spend.",
        ],
    },
    Setting {
        key: "prices.NAME",
        default: "free",
        line: r#"prices."mcp:images/generate" = "0.05""#,
        meaning: &[
            "What a call of a tool costs, in US dollars, as text, or \"free\". A tool",
            "without a price is free; what it spends elsewhere is outside the cap.",
        ],
    },
    Setting {
        key: "providers.NAME.base_url",
        default: "the provider's own, where it is known by name",
        line: r#"providers.local.base_url = "http://127.0.0.1:8080/v1""#,
        meaning: &["A service that speaks to models: its address."],
    },
    Setting {
        key: "providers.NAME.dialect",
        default: "the provider's own, else \"chat-completions\"",
        line: r#"providers.local.dialect = "chat-completions""#,
        meaning: &["What it speaks: chat-completions, responses or anthropic."],
    },
    Setting {
        key: "providers.NAME.key_env",
        default: "the provider's own, such as ANTHROPIC_API_KEY",
        line: r#"providers.local.key_env = "LOCAL_API_KEY""#,
        meaning: &["The variable that holds its key."],
    },
    Setting {
        key: "providers.NAME.key",
        default: "none",
        line: r#"providers.local.key = "...""#,
        meaning: &["The key itself; a variable is better."],
    },
    Setting {
        key: "providers.NAME.free",
        default: "false",
        line: "providers.local.free = false",
        meaning: &["Whether its models cost nothing. Only you can say so, even of one on this", "machine."],
    },
    Setting {
        key: "providers.NAME.context_tokens",
        default: "none",
        line: "providers.local.context_tokens = 128000",
        meaning: &["How many tokens its models take in; older turns are summed up before that."],
    },
    Setting {
        key: "providers.NAME.max_output_tokens",
        default: "the service's own",
        line: "providers.local.max_output_tokens = 16000",
        meaning: &["The most tokens of one answer."],
    },
    Setting {
        key: "models.NAME.price",
        default: "the bundled table's, or the router's",
        line: r#"models."local/my-model".price = { input = "0.28", output = "0.42" }"#,
        meaning: &[
            "What one model costs: dollars for a million tokens, or \"free\". `cached_input`,",
            "`cache_write` and `reasoning` can be given too. `remit prices` shows all.",
        ],
    },
    Setting {
        key: "models.NAME.context_tokens",
        default: "the provider's, or the documented ones",
        line: r#"models."local/my-model".context_tokens = 128000"#,
        meaning: &["How many tokens it takes in; older turns are summed up before that."],
    },
    Setting {
        key: "models.NAME.max_output_tokens",
        default: "the provider's, or the service's own",
        line: r#"models."local/my-model".max_output_tokens = 16000"#,
        meaning: &["The most tokens of one answer."],
    },
    Setting {
        key: "mcp.NAME.command",
        default: "none",
        line: r#"mcp.files.command = ["npx", "-y", "@modelcontextprotocol/server-filesystem", "."]"#,
        meaning: &["An MCP server that is a program: the program and its arguments."],
    },
    Setting {
        key: "mcp.NAME.env",
        default: "{}",
        line: r#"mcp.files.env = { LOG_LEVEL = "info" }"#,
        meaning: &["Variables that the program gets besides the usual ones."],
    },
    Setting {
        key: "mcp.NAME.url",
        default: "none",
        line: r#"mcp.tickets.url = "https://example.com/mcp""#,
        meaning: &["An MCP server that is a service: its address, instead of a command."],
    },
    Setting {
        key: "mcp.NAME.headers",
        default: "{}",
        line: r#"mcp.tickets.headers = { Authorization = "Bearer ..." }"#,
        meaning: &["Headers that each request to the service carries."],
    },
    Setting {
        key: "mcp.NAME.timeout_s",
        default: "600",
        line: "mcp.tickets.timeout_s = 600",
        meaning: &["The longest that a call may say nothing, in seconds."],
    },
    Setting {
        key: "hf.endpoint",
        default: "none without a token",
        line: r#"hf.endpoint = "https://huggingface.co""#,
        meaning: &[
            "The Hugging Face Hub, for paid jobs. Without it HF_ENDPOINT holds, else the",
            "public Hub where there is a token.",
        ],
    },
    Setting {
        key: "hf.token_env",
        default: "\"HF_TOKEN\"",
        line: r#"hf.token_env = "HF_TOKEN""#,
        meaning: &["The variable that holds the Hub's token."],
    },
    Setting {
        key: "hf.secrets.NAME.env",
        default: "the variable of the secret's own name",
        line: r#"hf.secrets.WANDB_API_KEY.env = "WANDB_API_KEY""#,
        meaning: &["A secret that a job may be handed: the variable that holds it. A job can be", "handed no other."],
    },
    Setting {
        key: "hf.secrets.NAME.value",
        default: "none",
        line: r#"hf.secrets.OTHER.value = "...""#,
        meaning: &["The secret itself, instead of a variable; a variable is better."],
    },
    Setting {
        key: "hf.secrets.NAME.spends",
        default: "the Hub is asked",
        line: "hf.secrets.WANDB_API_KEY.spends = true",
        meaning: &[
            "Whether somebody who holds it can spend money. A job that is handed one that",
            "can has no bound, so that it fits in no cap. Without it the Hub is asked: a",
            "token of its own whose role is `read` cannot spend; anything else can.",
        ],
    },
    Setting {
        key: "serve.oidc.issuer",
        default: "none",
        line: r#"serve.oidc.issuer = "https://huggingface.co""#,
        meaning: &[
            "A provider that vouches for people who use the server: its address. Any that",
            "speaks OpenID Connect.",
        ],
    },
    Setting {
        key: "serve.oidc.name",
        default: "its address",
        line: r#"serve.oidc.name = "Hugging Face""#,
        meaning: &["What it is called on the page."],
    },
    Setting {
        key: "serve.oidc.client_id",
        default: "none",
        line: r#"serve.oidc.client_id = "...""#,
        meaning: &["What it knows this server by. It has to send browsers back to", "ADDRESS/sign-in/oidc/back."],
    },
    Setting {
        key: "serve.oidc.client_secret_env",
        default: "none, for a public client",
        line: r#"serve.oidc.client_secret_env = "REMIT_OIDC_SECRET""#,
        meaning: &["The variable that holds the secret which it gave for this server."],
    },
    Setting {
        key: "serve.oidc.client_secret",
        default: "none, for a public client",
        line: r#"serve.oidc.client_secret = "...""#,
        meaning: &["The secret itself; a variable is better."],
    },
    Setting {
        key: "serve.oidc.allow",
        default: "[]",
        line: "serve.oidc.allow = []",
        meaning: &[
            "Who may come in: addresses that the provider has verified, all of a domain,",
            "or whom it knows by a subject. Without any, nobody.",
            "Such as: [\"alice@example.org\", \"*@example.org\", \"sub:61d2a9\"]",
        ],
    },
    Setting {
        key: "serve.oidc.scopes",
        default: "\"read,drive,answer\"",
        line: r#"serve.oidc.scopes = "read,drive,answer""#,
        meaning: &["What they may do."],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, parse};
    use serde::de::DeserializeOwned;

    /// The fields of a type, by what it says to a key that it does not know.
    fn fields<T: DeserializeOwned>() -> Vec<String> {
        let why = toml::from_str::<T>("no_such_key = 1").err().expect("every table refuses strangers").to_string();
        let (_, known) = why.split_once("expected").expect("it says what it expected");
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_field_of_the_configuration_is_a_setting_and_the_other_way_round() {
        use crate::config::{
            HfConfig, HfSecret, LimitsConfig, McpConfig, ModelConfig, OidcConfig, ProviderConfig, ServeConfig,
            ShellConfig, TerminalConfig, Yolo,
        };
        let below =
            |prefix: &str, names: Vec<String>| names.into_iter().map(|name| format!("{prefix}{name}")).collect();
        let tables = [
            "yolo",
            "providers",
            "models",
            "mcp",
            "prices",
            "hf",
            "shell",
            "limits",
            "terminal",
            "hf.secrets",
            "serve",
            "serve.oidc",
        ];
        let mut known: Vec<String> = [
            fields::<Config>(),
            below("yolo.", fields::<Yolo>()),
            below("providers.NAME.", fields::<ProviderConfig>()),
            below("models.NAME.", fields::<ModelConfig>()),
            below("mcp.NAME.", fields::<McpConfig>()),
            below("hf.", fields::<HfConfig>()),
            below("hf.secrets.NAME.", fields::<HfSecret>()),
            below("shell.", fields::<ShellConfig>()),
            below("limits.", fields::<LimitsConfig>()),
            below("terminal.", fields::<TerminalConfig>()),
            below("serve.", fields::<ServeConfig>()),
            below("serve.oidc.", fields::<OidcConfig>()),
            vec!["prices.NAME".to_owned()],
        ]
        .concat();
        known.retain(|key| !tables.contains(&key.as_str()));
        let mut listed: Vec<String> = SETTINGS.iter().map(|setting| setting.key.to_owned()).collect();
        known.sort();
        listed.sort();
        assert_eq!(listed, known);
    }

    #[test]
    fn each_line_can_stand_alone_and_all_of_them_together() {
        for setting in SETTINGS {
            parse(setting.line).unwrap_or_else(|why| panic!("{}: {why}", setting.key));
        }
        let all: Vec<&str> = SETTINGS.iter().map(|setting| setting.line).collect();
        parse(&all.join("\n")).unwrap();
    }

    #[test]
    fn a_line_sets_the_key_that_it_stands_for() {
        for setting in SETTINGS {
            let key = setting.line.split_once(" = ").unwrap().0;
            let parts = toml_edit::Key::parse(key).unwrap();
            let names: Vec<&str> = parts.iter().map(toml_edit::Key::get).collect();
            let pattern: Vec<&str> = setting.key.split('.').collect();
            assert_eq!(names.len(), pattern.len(), "{key}");
            assert!(pattern.iter().zip(&names).all(|(wanted, name)| wanted == &"NAME" || wanted == name), "{key}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_program() {
        let default = |key: &str| SETTINGS.iter().find(|setting| setting.key == key).unwrap().default;
        assert_eq!(default("yolo.cap"), format!("\"{}\"", engine::DEFAULT_CAP));
        assert_eq!(default("limits.max_turns"), turn::Limits::default().requests.to_string());
        assert_eq!(default("mcp.NAME.timeout_s"), mcp::Patience::default().call.as_secs().to_string());
    }

    #[test]
    fn the_documentation_has_every_setting_and_its_example_is_a_configuration() {
        let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md"));
        let example = page.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
        parse(example).unwrap();
        for setting in SETTINGS {
            assert!(page.contains(&format!("`{}`", setting.key)), "docs/configuration.md lacks `{}`", setting.key);
        }
    }

    #[test]
    fn meanings_fit_on_a_terminal() {
        for line in SETTINGS.iter().flat_map(|setting| setting.meaning) {
            assert!(line.chars().count() <= 78, "{line}");
        }
    }

    #[test]
    fn what_could_be_a_secret_is_one() {
        let key = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        for secret in [
            "providers.x.key",
            "hf.secrets.A.value",
            "mcp.a.env.TOKEN",
            "mcp.a.headers.Authorization",
            "serve.oidc.client_secret",
        ] {
            assert!(is_secret(&key(secret)), "{secret}");
        }
        for plain in
            ["model", "providers.x.key_env", "hf.secrets.A.env", "mcp.a.command", "serve.oidc.client_secret_env"]
        {
            assert!(!is_secret(&key(plain)), "{plain}");
        }
    }
}
