//! What a child program may see of this program's environment: no credential of Remit's, and no well-known token that
//! spends money.
//!
//! Not here: starting a program (that is `children`), or what else a confined one may not see (that is `confine`).
//!
//! What is withheld, and why:
//! - the variables of the providers that Remit knows, by name, and every other variable that holds the same value: they
//!   are Remit's own credentials, and a child that has one could spend past the cap;
//! - everything that starts with `REMIT_`: it is meant for Remit;
//! - the well-known tokens that spend, by name ([`SPENDING`]) and by pattern ([`SPENDING_STARTS`], [`SPENDING_ENDS`]):
//!   keys of model services and of clouds. A name that the configuration passes stays, unless it is Remit's own.
//!
//! What stays, and why: `GH_TOKEN`, `GITHUB_TOKEN`, `SSH_AUTH_SOCK` and the like speak to a forge, they buy nothing there
//! that the cap could count, and without them an agent could not push a branch or open a pull request, which is its
//! trade. Registry tokens (`NPM_TOKEN`, `CARGO_REGISTRY_TOKEN`) stay for the same reason. Files with tokens in them are not
//! hidden: what the person's account can read, an unconfined child can read.

use std::ffi::{OsStr, OsString};
use std::fmt;

/// Tokens that spend money and have a name of their own.
const SPENDING: &[&str] = &[
    "ALICLOUD_ACCESS_KEY",
    "ALICLOUD_SECRET_KEY",
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "COHERE_KEY",
    "DIGITALOCEAN_ACCESS_TOKEN",
    "DIGITALOCEAN_TOKEN",
    "FAL_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "HCLOUD_TOKEN",
    "HF_TOKEN",
    "HUGGINGFACE_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "LINODE_TOKEN",
    "NETLIFY_AUTH_TOKEN",
    "RAILWAY_TOKEN",
    "VERCEL_TOKEN",
];

/// How the names of tokens that spend money begin.
const SPENDING_STARTS: &[&str] = &[
    "ALIBABA_CLOUD_",
    "ANTHROPIC_",
    "ARM_CLIENT_",
    "AWS_",
    "AZURE_",
    "FIREWORKS_",
    "LAMBDA_",
    "MODAL_TOKEN_",
    "OPENAI_",
    "OPENROUTER_",
    "REPLICATE_",
    "RUNPOD_",
    "SCW_",
    "STRIPE_",
    "TENCENTCLOUD_",
    "TOGETHER_",
    "VAST_",
];

/// How the names of tokens that spend money end.
const SPENDING_ENDS: &[&str] =
    &["_API_KEY", "_API_KEYS", "_APIKEY", "_API_TOKEN", "_API_SECRET", "_SECRET_KEY", "_ACCESS_KEY"];

/// What a confined program sees besides its home and the defaults; everything that starts with `LC_` too.
const CONFINED: &[&str] = &["PATH", "LANG", "LANGUAGE", "TZ"];

/// What every child gets, so that nothing waits for a person at a terminal that is not there.
const DEFAULTS: &[(&str, &str)] = &[
    ("TERM", "dumb"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("MANPAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_EDITOR", "true"),
];

/// The search path where this program has none.
const PLAIN_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What a child program may see of this program's environment. Made once, when a session starts; its `Debug` shows
/// names, never values.
#[derive(Clone)]
pub struct Environment {
    open: Vec<(OsString, OsString)>,
    withheld: Vec<String>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsString> = self.open.iter().map(|(name, _)| name).collect();
        f.debug_struct("Environment").field("open", &names).field("withheld", &self.withheld).finish()
    }
}

impl Environment {
    /// Looks at this program's environment, once.
    ///
    /// `provider_keys` are the variables that Remit itself reads keys from; `pass` are the names that the person's
    /// configuration lets through all the same.
    pub fn of_this_program(provider_keys: &[String], pass: &[String]) -> Environment {
        Environment::filtered(std::env::vars_os(), provider_keys, pass)
    }

    /// The same for any variables.
    pub fn filtered(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        provider_keys: &[String],
        pass: &[String],
    ) -> Environment {
        let variables: Vec<(OsString, OsString)> = variables.into_iter().collect();
        let named = |name: &OsStr| provider_keys.iter().any(|key| name.eq_ignore_ascii_case(key));
        let secrets: Vec<&OsString> =
            variables.iter().filter(|(name, value)| named(name) && value.len() >= 8).map(|(_, value)| value).collect();
        let is_own = |name: &OsStr, value: &OsString| {
            named(name) || secrets.contains(&value) || upper(name).starts_with("REMIT_")
        };
        let passed = |name: &OsStr| pass.iter().any(|allowed| name == OsStr::new(allowed));
        let (mut open, mut withheld) = (Vec::new(), Vec::new());
        for (name, value) in &variables {
            if is_own(name, value) || (spends(&upper(name)) && !passed(name)) {
                withheld.push(name.to_string_lossy().into_owned());
            } else {
                open.push((name.clone(), value.clone()));
            }
        }
        withheld.sort();
        Environment { open, withheld }
    }

    /// What an unconfined child is started with.
    pub fn open(&self) -> Vec<(OsString, OsString)> {
        let is_default = |name: &OsStr| DEFAULTS.iter().any(|(default, _)| name == OsStr::new(default));
        let mut variables: Vec<(OsString, OsString)> =
            self.open.iter().filter(|(name, _)| !is_default(name)).cloned().collect();
        variables.extend(defaults());
        variables
    }

    /// What a confined program is started with: names on a list, and an empty home.
    pub fn confined(&self, home: &str) -> Vec<(OsString, OsString)> {
        let is_listed = |name: &OsStr| name.to_str().is_some_and(is_shown_confined);
        let mut variables: Vec<(OsString, OsString)> =
            self.open.iter().filter(|(name, _)| is_listed(name)).cloned().collect();
        if !variables.iter().any(|(name, _)| name == "PATH") {
            variables.push(("PATH".into(), PLAIN_PATH.into()));
        }
        variables.push(("HOME".into(), home.into()));
        variables.extend(defaults());
        variables
    }

    /// The names of what no child sees, sorted.
    pub fn withheld(&self) -> &[String] {
        &self.withheld
    }

    /// The folders in which programs are looked for.
    pub(crate) fn search_path(&self) -> OsString {
        let path = self.open.iter().find(|(name, _)| name == "PATH");
        path.map_or_else(|| PLAIN_PATH.into(), |(_, value)| value.clone())
    }
}

/// Whether a confined program may have a variable of this name, its home and its mark apart.
pub(crate) fn is_confined_variable(name: &str) -> bool {
    is_shown_confined(name) || DEFAULTS.iter().any(|(default, _)| *default == name)
}

fn is_shown_confined(name: &str) -> bool {
    CONFINED.contains(&name) || name.starts_with("LC_")
}

fn defaults() -> impl Iterator<Item = (OsString, OsString)> {
    DEFAULTS.iter().map(|(name, value)| ((*name).into(), (*value).into()))
}

fn upper(name: &OsStr) -> String {
    name.to_string_lossy().to_ascii_uppercase()
}

fn spends(name: &str) -> bool {
    SPENDING.contains(&name)
        || SPENDING_STARTS.iter().any(|start| name.starts_with(start))
        || SPENDING_ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(lines: &[&str], keys: &[&str], pass: &[&str]) -> Environment {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let variables = lines.iter().map(|line| {
            let (name, value) = line.split_once('=').expect("NAME=value");
            (name.into(), value.into())
        });
        Environment::filtered(variables, &owned(keys), &owned(pass))
    }

    fn names(variables: &[(OsString, OsString)]) -> Vec<&str> {
        variables.iter().map(|(name, _)| name.to_str().expect("text")).collect()
    }

    #[test]
    fn keys_of_remit_and_tokens_that_spend_are_withheld() {
        let lines = [
            "PATH=/bin",
            "DEEPSEEK_KEY=sk-12345678",
            "REMIT_HOME=/x",
            "remit_x=1",
            "HF_TOKEN=h",
            "OPENAI_API_KEY=o",
            "MISTRAL_API_KEY=m",
            "CLOUDFLARE_API_TOKEN=c",
            "AWS_SECRET_ACCESS_KEY=a",
            "AWS_PROFILE=p",
            "AZURE_CLIENT_SECRET=z",
            "GOOGLE_APPLICATION_CREDENTIALS=/g",
            "REPLICATE_API_TOKEN=r",
            "FAL_KEY=f",
            "MODAL_TOKEN_SECRET=t",
            "RUNPOD_API_KEY=u",
            "VAST_KEY=v",
            "LAMBDA_KEY=l",
            "TOGETHER_KEY=e",
            "WANDB_API_KEY=w",
            "hf_token=lower",
            "GH_TOKEN=stays",
            "GITHUB_TOKEN=stays",
            "SSH_AUTH_SOCK=/s",
            "EDITOR=vi",
        ];
        let seen = environment(&lines, &["DEEPSEEK_KEY"], &[]);
        let left: Vec<&str> = names(&seen.open).into_iter().collect();
        assert_eq!(left, ["PATH", "GH_TOKEN", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "EDITOR"]);
        assert_eq!(seen.withheld().len(), lines.len() - left.len());
    }

    #[test]
    fn the_configuration_passes_a_spending_token_but_never_a_key_of_remits() {
        let lines = ["HF_TOKEN=h", "OPENAI_API_KEY=sk-abcdefgh", "REMIT_TOKEN=x"];
        let seen = environment(&lines, &["OPENAI_API_KEY"], &["HF_TOKEN", "OPENAI_API_KEY", "REMIT_TOKEN"]);
        assert_eq!(names(&seen.open), ["HF_TOKEN"]);
    }

    #[test]
    fn a_key_of_remits_is_withheld_under_any_name() {
        let lines = ["ANTHROPIC_API_KEY=sk-abcdefgh", "MINE=sk-abcdefgh", "ELSE=sk-other", "EMPTY_KEY=", "BLANK="];
        let seen = environment(&lines, &["ANTHROPIC_API_KEY", "EMPTY_KEY"], &[]);
        assert_eq!(names(&seen.open), ["ELSE", "BLANK"]);
    }

    #[test]
    fn a_confined_program_sees_names_on_a_list() {
        let lines =
            ["PATH=/p", "HOME=/home/ada", "LC_ALL=C", "LANG=de", "GH_TOKEN=t", "TZ=UTC", "EDITOR=vi", "TERM=xterm"];
        let seen = environment(&lines, &[], &[]).confined("/run/empty");
        let mut expected = vec!["PATH", "LC_ALL", "LANG", "TZ", "HOME"];
        expected.extend(DEFAULTS.iter().map(|(name, _)| *name));
        assert_eq!(names(&seen), expected);
        assert!(seen.contains(&("HOME".into(), "/run/empty".into())));
        assert!(seen.contains(&("TERM".into(), "dumb".into())));
    }

    #[test]
    fn values_are_never_printed() {
        let seen = environment(&["GH_TOKEN=very-secret", "HF_TOKEN=quite-secret"], &[], &[]);
        let printed = format!("{seen:?}");
        assert!(printed.contains("GH_TOKEN") && printed.contains("HF_TOKEN") && !printed.contains("secret"));
    }

    #[test]
    fn defaults_replace_what_the_person_has() {
        let seen = environment(&["PAGER=less", "TERM=xterm", "A=b"], &[], &[]).open();
        assert_eq!(seen.iter().filter(|(name, _)| name == "PAGER").count(), 1);
        assert!(seen.contains(&("PAGER".into(), "cat".into())) && seen.contains(&("A".into(), "b".into())));
    }
}
