//! The list of the Hugging Face router: asked for when it is needed, and kept for hours.
//!
//! Not here: what is on it (that is `pricing::models::router`).

use super::asking;
use crate::draw;
use pricing::models::RouterCatalogue;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

const HOUR_MS: i64 = 3_600_000;
/// How long a list is believed without asking again.
const FRESH_MS: i64 = 6 * HOUR_MS;
/// How long a list is believed while there is no other to be had.
const USABLE_MS: i64 = 24 * HOUR_MS;
/// The most bytes of a kept list that are read.
const MOST_BYTES: u64 = 16 << 20;

/// The router's list, and how old it is.
#[derive(Clone, Debug)]
pub struct RouterList {
    /// What is on it.
    pub catalogue: RouterCatalogue,
    /// When it was asked for, in milliseconds since 1970.
    pub asked_at_ms: i64,
    /// Why there is no newer one, when one was asked for.
    pub stale_because: Option<String>,
}

/// A list as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    base_url: String,
    asked_at_ms: i64,
    list: String,
}

/// The list that was kept, while nobody has to be asked.
pub fn kept(file: &Path, base_url: &str, now_ms: i64) -> Option<RouterList> {
    read(file, base_url).filter(|list| is_within(list, now_ms, FRESH_MS))
}

/// The router's list: the kept one while it is fresh, else a new one, else what was kept if that is not a day old.
pub async fn list(file: &Path, base_url: &str, now_ms: i64) -> Result<RouterList, String> {
    let kept = read(file, base_url);
    if let Some(fresh) = kept.as_ref().filter(|list| is_within(list, now_ms, FRESH_MS)) {
        return Ok(fresh.clone());
    }
    let why = match asked(base_url).await {
        Ok((catalogue, list)) => {
            // One that cannot be kept is asked for again the next time.
            let _ = keep(file, &Kept { base_url: base_url.to_owned(), asked_at_ms: now_ms, list });
            return Ok(RouterList { catalogue, asked_at_ms: now_ms, stale_because: None });
        }
        Err(why) => why,
    };
    match kept.filter(|list| is_within(list, now_ms, USABLE_MS)) {
        Some(list) => Ok(RouterList { stale_because: Some(why), ..list }),
        None => Err(why),
    }
}

/// Asks without a key: the list is for everybody.
async fn asked(base_url: &str) -> Result<(RouterCatalogue, String), String> {
    let body = asking::get(base_url, "/models", None).await?;
    let catalogue = RouterCatalogue::read(&body).map_err(|why| draw::clean(&why.to_string()))?;
    let list = String::from_utf8(body).map_err(|_| "the list is no text".to_owned())?;
    Ok((catalogue, list))
}

/// A moment after now is one before the clock was set back: nobody knows how old that list is.
fn is_within(list: &RouterList, now_ms: i64, span_ms: i64) -> bool {
    (0..span_ms).contains(&now_ms.saturating_sub(list.asked_at_ms))
}

/// Reads what was kept; a file that is not as it was written is none.
fn read(file: &Path, base_url: &str) -> Option<RouterList> {
    let mut text = String::new();
    File::open(file).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    let catalogue = RouterCatalogue::read(kept.list.as_bytes()).ok()?;
    let list = RouterList { catalogue, asked_at_ms: kept.asked_at_ms, stale_because: None };
    (kept.base_url == base_url).then_some(list)
}

/// Writes it whole or not at all: another program may read it at any moment.
fn keep(file: &Path, kept: &Kept) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut temporary = tempfile::Builder::new().prefix(".remit-list-").tempfile_in(folder)?;
    temporary.write_all(serde_json::to_string(kept)?.as_bytes())?;
    temporary.persist(file).map(drop).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    const NOW: i64 = 1_795_324_800_000;
    const LIST: &str = r#"{"data": [{"id": "a/b", "providers": [{"provider": "p", "status": "live", "pricing": {"input": 1, "output": 2}}]}]}"#;
    /// Nothing listens there.
    const NOBODY: &str = "http://127.0.0.1:1/v1";

    fn kept_since(asked_at_ms: i64) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache/list.json");
        keep(&file, &Kept { base_url: NOBODY.to_owned(), asked_at_ms, list: LIST.to_owned() }).unwrap();
        (folder, file)
    }

    #[tokio::test]
    async fn a_kept_list_is_believed_for_hours_and_for_a_day_when_there_is_no_other() {
        let (_folder, file) = kept_since(NOW);
        for (later, fresh, usable) in
            [(0, true, true), (6, false, true), (23, false, true), (24, false, false), (-1, false, false)]
        {
            let at = NOW + later * HOUR_MS;
            assert_eq!(kept(&file, NOBODY, at).is_some(), fresh, "{later}");
            let had = list(&file, NOBODY, at).await;
            assert_eq!(had.is_ok(), usable, "{later}: {had:?}");
            if let Ok(had) = had {
                assert_eq!((had.asked_at_ms, had.stale_because.is_none()), (NOW, fresh), "{later}");
                assert_eq!(had.catalogue.models().collect::<Vec<_>>(), ["a/b"]);
            }
        }
    }

    #[tokio::test]
    async fn a_list_of_another_address_or_a_damaged_one_is_none() {
        let (_folder, file) = kept_since(NOW);
        assert!(kept(&file, "http://127.0.0.1:2/v1", NOW).is_none());
        for text in
            ["", "{}", "[", "{\"base_url\":\"http://127.0.0.1:1/v1\",\"asked_at_ms\":1795324800000,\"list\":\"[]\"}"]
        {
            std::fs::write(&file, text).unwrap();
            assert!(kept(&file, NOBODY, NOW).is_none(), "{text}");
            assert!(list(&file, NOBODY, NOW).await.is_err(), "{text}");
        }
    }
}
