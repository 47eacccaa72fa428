//! What there is to pick from: the person's sessions, the models that can be asked, the files of the workspace.
//!
//! Not here: how one is picked (that is `tui`).

use crate::commands::run::about;
use crate::commands::sessions::age;
use crate::config::Config;
use crate::draw;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::{rates, wiring};
use engine::Tariff;
use ignore::WalkBuilder;
use journal::{IfMissing, Journal, JournalError};
use model::Provider;
use model::provider::{KeyNeed, PROVIDERS};
use pricing::models::bundled_models;
use std::collections::BTreeSet;
use std::path::Path;
use tui::errand::{ListKind, ListRow, Listing};

/// The most files that are offered for completion.
const MOST_FILES: usize = 50_000;

/// The person's sessions, the one written to last first.
pub async fn sessions(paths: &Paths, shown: &str) -> Result<Listing, Failure> {
    let rows = match Journal::open(&paths.database(), IfMissing::Refuse).await {
        Ok(journal) => journal.sessions().await.map_err(Failure::host)?,
        Err(JournalError::NotFound { .. }) => Vec::new(),
        Err(why) => return Err(Failure::host(why)),
    };
    let now = wiring::now_ms();
    let row = |row: &journal::SessionRow| {
        let about = about(row)?;
        let here = if row.id.as_str() == shown { "this one, " } else { "" };
        let age = age(now.saturating_sub(row.updated_at_ms));
        let title = if about.title.is_empty() { "nothing was said yet" } else { &about.title };
        Ok(ListRow {
            id: row.id.to_string(),
            label: draw::short(title),
            note: format!("{here}{age}  {}  {}", draw::clean(&about.workspace), row.id),
        })
    };
    let rows = rows.iter().map(row).collect::<Result<_, Failure>>()?;
    Ok(Listing { kind: ListKind::Sessions, title: "Sessions".to_owned(), rows })
}

/// The models that can be asked with what is configured and what keys there are, each with its price.
pub fn models(config: &Config) -> Result<Listing, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let has_key = |provider: &Provider| {
        let own = config.providers.get(provider.name);
        let configured =
            own.is_some_and(|own| own.key.is_some() || own.key_env.as_deref().and_then(variable).is_some());
        configured || (provider.key == KeyNeed::Required && provider.key_in(variable).is_some())
    };
    let with_key: BTreeSet<&str> =
        PROVIDERS.iter().filter(|provider| has_key(provider)).map(|provider| provider.name).collect();
    let configured = config.model.clone().into_iter().chain(config.models.keys().cloned());
    let mut names: Vec<String> = Vec::new();
    let bundled = bundled_models().filter(|found| with_key.contains(found.provider));
    for name in configured.chain(bundled.map(|found| format!("{}/{}", found.provider, found.model))) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let row = |name: &String| {
        let note = price(&rates::tariff(config, name)?);
        Ok(ListRow { id: name.clone(), label: name.clone(), note })
    };
    let rows = names.iter().map(row).collect::<Result<_, Failure>>()?;
    Ok(Listing { kind: ListKind::Models, title: "Models: dollars for a million tokens".to_owned(), rows })
}

fn price(tariff: &Tariff) -> String {
    match tariff {
        Tariff::Known(price) if price.is_free() => "free".to_owned(),
        Tariff::Known(price) => match price.tiers() {
            [] => String::new(),
            [first, further @ ..] => {
                let from = if further.is_empty() { "" } else { "from " };
                format!("{from}${} in, {from}${} out", first.rates.input(), first.rates.output())
            }
        },
        Tariff::Unknown(_) => "no known price: it cannot be capped".to_owned(),
    }
}

/// The files of a folder that are not ignored, as paths from it.
pub fn files(folder: &Path) -> Vec<String> {
    let walk = WalkBuilder::new(folder).hidden(false).filter_entry(|entry| entry.file_name() != ".git").build();
    let found = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let named = found.filter_map(|entry| Some(entry.path().strip_prefix(folder).ok()?.to_str()?.to_owned()));
    let mut files: Vec<String> = named.take(MOST_FILES).collect();
    files.sort();
    files
}
