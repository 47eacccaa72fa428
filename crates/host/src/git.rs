//! Asking git about a repository without running anything that the repository configures.
//!
//! Not here: what is asked (that is `tools`), or where the repository is (that is `repository`).
//!
//! A repository's own configuration can name programs for git to run: hooks, file-system monitors, filters, pagers, diff
//! and merge drivers, signature checkers, credential and transport commands. Those with fixed names are set to something
//! harmless by `-c`. Those whose names the repository makes up (`filter.NAME.clean`) are listed first, and each is set by
//! the environment, for `-c` cannot spell every name; a git too old to look there, or a list that does not read as one, is
//! an error. The person's and the system's configuration are left out, so that the answer is the same everywhere.
//!
//! Rejected: running git confined (not every machine can), reading the repository with a library (very large), and naming
//! an empty attributes source (`.git/info/attributes` is read all the same).

use crate::children::{ChildEnd, Exit, NotLaunched, Program, Variables, launch};
use crate::repository::Repository;
use crate::scene::{Progress, Scene};
use gate::Permit;
use std::ffi::OsString;
use std::time::Duration;

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(60);
/// How many made-up names a repository may have configured.
const MOST_NAMES: usize = 500;
/// A key that only the environment sets: when git does not list it, it does not look there.
const WITNESS: &str = "remit.witness";

/// What a repository could set, and what it is set to instead.
const SETTINGS: &[(&str, &str)] = &[
    ("advice.graftFileDeprecated", "false"),
    ("blame.ignoreRevsFile", ""),
    ("color.ui", "false"),
    ("core.alternateRefsCommand", "false"),
    ("core.askPass", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.editor", "false"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.quotePath", "false"),
    ("core.sshCommand", "false"),
    ("core.untrackedCache", "false"),
    ("credential.helper", ""),
    // Without it `git diff` writes the index and runs a hook.
    ("diff.autoRefreshIndex", "false"),
    ("diff.colorMoved", "no"),
    ("diff.external", "false"),
    ("diff.ignoreSubmodules", "dirty"),
    ("diff.mnemonicPrefix", "false"),
    ("diff.noprefix", "false"),
    ("diff.relative", "false"),
    ("diff.submodule", "short"),
    ("format.pretty", "medium"),
    ("gc.auto", "0"),
    ("gpg.openpgp.program", "false"),
    ("gpg.program", "false"),
    ("gpg.ssh.defaultKeyCommand", "false"),
    ("gpg.ssh.program", "false"),
    ("gpg.x509.program", "false"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("log.diffMerges", "off"),
    ("log.follow", "false"),
    ("log.showSignature", "false"),
    ("maintenance.auto", "false"),
    ("protocol.allow", "never"),
    ("safe.bareRepository", "explicit"),
    ("status.submoduleSummary", "false"),
    ("submodule.recurse", "false"),
];

/// The keys with made-up names that git could run something for.
const MADE_UP: &str = r"^((filter|diff|merge|hook)\..*\.(clean|smudge|process|required|command|textconv|driver|event|enabled)|remit\.witness)$";

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// git did not start, or was cut off.
    #[error(transparent)]
    NotLaunched(#[from] NotLaunched),
    /// What the repository configures could not be made out, so git was not asked.
    #[error("git was not asked: what this repository makes git run cannot be switched off ({0})")]
    NotSwitchedOff(String),
}

/// Runs git on a repository, with everything switched off that the repository could make it run.
///
/// The words are git's own command and its arguments; they are the caller's to keep from being options.
pub async fn ask<A>(
    permit: &Permit<A>,
    repository: &Repository,
    words: Vec<String>,
    scene: &Scene,
) -> Result<Exit, AskError> {
    let listing = ["config", "--name-only", "-z", "--get-regexp", MADE_UP].map(str::to_owned);
    // What this one prints is for here alone.
    let unseen = Scene { progress: Progress::nobody(), ..scene.clone() };
    let listed = launch(permit, program(repository, listing.into(), &[], &unseen), &unseen).await?;
    let overrides = overrides(&listed).map_err(AskError::NotSwitchedOff)?;
    Ok(launch(permit, program(repository, words, &overrides, scene), scene).await?)
}

fn program(repository: &Repository, words: Vec<String>, overrides: &[(String, &str)], scene: &Scene) -> Program {
    let mut all = vec!["git".to_owned(), "--no-pager".to_owned()];
    for (key, value) in SETTINGS {
        all.extend(["-c".to_owned(), format!("{key}={value}")]);
    }
    all.extend(words);
    let mut variables: Vec<(OsString, OsString)> = vec![("PATH".into(), scene.environment.search_path())];
    let fixed = [
        ("GIT_DIR", repository.own.as_str()),
        ("GIT_WORK_TREE", repository.tree.as_str()),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_NO_LAZY_FETCH", "1"),
        // Outranks `protocol.NAME.allow`; no protocol is called that.
        ("GIT_ALLOW_PROTOCOL", "none"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("GIT_PAGER", "cat"),
        ("GIT_EDITOR", "false"),
        ("GIT_ASKPASS", "false"),
        ("SSH_ASKPASS", "false"),
        ("HOME", "/dev/null"),
        ("LC_ALL", "C.UTF-8"),
    ];
    variables.extend(fixed.map(|(name, value)| (name.into(), value.into())));
    let set = overrides.iter().map(|(key, value)| (key.as_str(), *value)).chain([(WITNESS, "1")]);
    let mut count = 0;
    for (key, value) in set {
        variables.push((format!("GIT_CONFIG_KEY_{count}").into(), key.into()));
        variables.push((format!("GIT_CONFIG_VALUE_{count}").into(), value.into()));
        count += 1;
    }
    variables.push(("GIT_CONFIG_COUNT".into(), count.to_string().into()));
    Program { variables: Variables::Exactly(variables), ..Program::new(all, repository.tree.as_str()).within(LIMIT) }
}

/// What to set for the made-up names that were listed.
fn overrides(listed: &Exit) -> Result<Vec<(String, &'static str)>, String> {
    if listed.ending != ChildEnd::Code(0) {
        return Err(format!("git config: {}: {}", listed.ending, listed.output.text().trim()));
    }
    let bytes = listed.output.whole().ok_or("it configures too much")?;
    let text = String::from_utf8(bytes).map_err(|_| "a name in its configuration is not UTF-8")?;
    let (mut set, mut has_witness) = (Vec::new(), false);
    for key in text.split_terminator('\0') {
        if key == WITNESS {
            has_witness = true;
            continue;
        }
        let (section, name) = made_up(key).ok_or_else(|| format!("unexpected: {}", key.escape_debug()))?;
        let settings: &[(&str, &str)] = match section {
            "filter" => &[("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")],
            "hook" => &[("command", "true"), ("enabled", "false")],
            "merge" => &[("driver", "false")],
            _diff => &[("command", "false"), ("textconv", "false")],
        };
        for (key, value) in settings {
            let entry = (format!("{section}.{name}.{key}"), *value);
            if !set.contains(&entry) {
                set.push(entry);
            }
        }
        if set.len() > MOST_NAMES {
            return Err("it configures too much".to_owned());
        }
    }
    if has_witness { Ok(set) } else { Err("git is older than 2.31".to_owned()) }
}

/// The section and the made-up name of a key. A name cannot hold a line ending, so what has one is no key.
fn made_up(key: &str) -> Option<(&'static str, &str)> {
    let section =
        ["filter", "hook", "merge", "diff"].into_iter().find(|section| key.starts_with(&format!("{section}.")))?;
    let (name, _) = key[section.len() + 1..].rsplit_once('.')?;
    (!key.contains('\n')).then_some((section, name))
}
