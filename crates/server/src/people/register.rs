//! Who may use a server that runs: kept in memory, written through to the file.
//!
//! Not here: requests (those are at the `door`), or what the file looks like (that is `book`).

use super::book::{self, Book, BookError, BookFile, SignInEntry, TokenEntry};
use super::clock::{Clock, DAY_MS, HOUR_MS, MINUTE_MS};
use super::credential::{Credential, Fingerprint, NoRandomness, in_the_open};
use super::who::{By, Owner, Scopes, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// How long a browser stays signed in.
pub(crate) const SIGNED_IN_MS: i64 = 30 * DAY_MS;
/// How long a link to sign in with is good.
const LINK_MS: i64 = 15 * MINUTE_MS;
/// How many such links are good at once; the oldest goes.
const LINKS: usize = 16;
/// How many browsers one owner has signed in; the one seen least recently goes.
const SIGN_INS_EACH: usize = 100;
/// How many browsers are signed in at all.
const SIGN_INS: usize = 10_000;
/// How many tokens there are at most.
const TOKENS: usize = 1_000;
/// How a token begins.
const TOKEN: &str = "remit_";
/// The longest time that is waited at once for something to end.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Everybody who may use one server. One for a server; shared by its requests and its socket.
#[derive(Debug)]
pub struct People {
    file: Mutex<BookFile>,
    book: RwLock<Arc<Book>>,
    fleeting: Mutex<Fleeting>,
    changed: watch::Sender<()>,
    pub(super) clock: Clock,
}

/// What a restart forgets.
#[derive(Debug, Default)]
struct Fleeting {
    /// Links to sign in with, and when each ends; the oldest first.
    links: Vec<(Fingerprint, i64)>,
    /// When somebody was seen, where that is not written yet.
    seen: HashMap<Fingerprint, i64>,
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// Whose it is.
    pub owner: Owner,
    /// What it allows.
    pub scopes: Scopes,
    /// How long it is good, in milliseconds; for good when absent.
    pub lasts_ms: Option<i64>,
}

/// A token that was made: the one moment at which it can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeToken {
    /// The token.
    #[serde(with = "in_the_open")]
    pub token: Credential,
    /// What is kept of it.
    pub entry: TokenEntry,
}

/// Somebody to be signed in.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// Who it is.
    pub owner: Owner,
    /// What they may do.
    pub scopes: Scopes,
    /// What they are called, where that is not their name.
    pub called: Option<String>,
}

/// Why a change of who may use the server was not made.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Book(#[from] BookError),
    /// Nothing secret can be made.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// There is no such token.
    #[error("there is no token `{0}`")]
    NoToken(String),
    /// There are too many.
    #[error("there are {TOKENS} tokens, which is as many as there can be; revoke one")]
    TooManyTokens,
    /// Everybody is in.
    #[error("{SIGN_INS} browsers are signed in, which is as many as can be")]
    TooManySignIns,
}

impl People {
    /// Reads who may use the server, and keeps other programs from changing it for as long as this lasts.
    pub fn open(path: &Path) -> Result<Arc<People>, BookError> {
        People::with(path, Clock::System)
    }

    pub(crate) fn with(path: &Path, clock: Clock) -> Result<Arc<People>, BookError> {
        let (file, book) = BookFile::take(path)?;
        Ok(Arc::new(People {
            file: Mutex::new(file),
            book: RwLock::new(Arc::new(book)),
            fleeting: Mutex::default(),
            changed: watch::Sender::new(()),
            clock,
        }))
    }

    /// Everybody, as of now.
    fn book(&self) -> Arc<Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a change, on disk first. Those who look in meanwhile see what was.
    fn change<T>(&self, change: impl FnOnce(&mut Book) -> Result<T, PeopleError>) -> Result<T, PeopleError> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = Book::clone(&self.book());
        let now = self.clock.now_ms();
        let seen = std::mem::take(&mut self.fleeting().seen);
        for (who, at) in seen {
            book.tokens.entry(who).and_modify(|token| token.seen_ms = Some(at));
            book.sign_ins.entry(who).and_modify(|sign_in| sign_in.seen_ms = at);
        }
        book.sign_ins.retain(|_, sign_in| sign_in.expires_ms > now);
        let done = change(&mut book)?;
        file.write(&book)?;
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
        self.changed.send_replace(());
        Ok(done)
    }

    fn fleeting(&self) -> MutexGuard<'_, Fleeting> {
        self.fleeting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a token. It waits for the disk.
    pub fn add_token(&self, new: &NewToken) -> Result<MadeToken, PeopleError> {
        let token = Credential::fresh(TOKEN)?;
        let id = Credential::fresh("")?.reveal()[..8].to_owned();
        let now = self.clock.now_ms();
        let entry = TokenEntry {
            id,
            owner: new.owner.clone(),
            scopes: new.scopes,
            made_ms: now,
            expires_ms: new.lasts_ms.map(|lasts| now.saturating_add(lasts)),
            seen_ms: None,
            ends_with: token.reveal()[token.reveal().len() - 4..].to_owned(),
        };
        self.change(|book| {
            if book.tokens.len() >= TOKENS {
                return Err(PeopleError::TooManyTokens);
            }
            book.tokens.insert(Fingerprint::of(token.reveal()), entry.clone());
            Ok(())
        })?;
        Ok(MadeToken { token, entry })
    }

    /// All tokens, the oldest first.
    pub fn tokens(&self) -> Vec<TokenEntry> {
        by_age(&self.book())
    }

    /// All tokens that are in a file, the oldest first, whoever has it.
    pub fn stored_tokens(path: &Path) -> Result<Vec<TokenEntry>, BookError> {
        book::read(path).map(|book| by_age(&book))
    }

    /// Ends a token, and the sign-ins that were made with it. It waits for the disk.
    pub fn revoke_token(&self, id: &str) -> Result<TokenEntry, PeopleError> {
        self.change(|book| {
            let found = book.tokens.iter().find(|(_, token)| token.id == id).map(|(key, _)| *key);
            let token = found.and_then(|key| book.tokens.remove(&key));
            book.sign_ins.retain(|_, sign_in| sign_in.token.as_deref() != Some(id));
            token.ok_or_else(|| PeopleError::NoToken(id.chars().take(80).collect()))
        })
    }

    /// Makes a token for the person of this account to sign in with, once and soon.
    pub fn one_time(&self) -> Result<Credential, NoRandomness> {
        let secret = Credential::fresh("")?;
        let now = self.clock.now_ms();
        let links = &mut self.fleeting().links;
        links.retain(|(_, until)| *until > now);
        if links.len() == LINKS {
            links.remove(0);
        }
        links.push((Fingerprint::of(secret.reveal()), now + LINK_MS));
        Ok(secret)
    }

    /// Takes back a token to sign in with; whoever has the answer `Some` has used it.
    pub(crate) fn use_one_time(&self, token: &str) -> Option<Guest> {
        let now = self.clock.now_ms();
        let fingerprint = Fingerprint::of(token);
        let links = &mut self.fleeting().links;
        let at = links.iter().position(|(link, until)| *link == fingerprint && *until > now)?;
        links.remove(at);
        Some(Guest { owner: Owner::account(), scopes: Scopes::all(), called: None })
    }

    /// Signs a browser in, and makes what its cookie holds. It waits for the disk.
    pub(crate) fn sign_in(&self, guest: Guest) -> Result<Credential, PeopleError> {
        let ends = self.clock.now_ms() + SIGNED_IN_MS;
        self.sign_in_until(guest, None, ends)
    }

    /// Signs a browser in for as long as a token is good; `None` when it is not.
    pub(crate) fn sign_in_with_token(&self, token: &str) -> Result<Option<Credential>, PeopleError> {
        let now = self.clock.now_ms();
        let book = self.book();
        let found = book.tokens.get(&Fingerprint::of(token)).filter(|entry| entry.is_good(now));
        let Some(TokenEntry { id, owner, scopes, expires_ms, .. }) = found else { return Ok(None) };
        let ends = expires_ms.map_or(i64::MAX, |at| at).min(now + SIGNED_IN_MS);
        let guest = Guest { owner: owner.clone(), scopes: *scopes, called: None };
        self.sign_in_until(guest, Some(id.clone()), ends).map(Some)
    }

    fn sign_in_until(&self, guest: Guest, token: Option<String>, ends: i64) -> Result<Credential, PeopleError> {
        let secret = Credential::fresh("")?;
        let now = self.clock.now_ms();
        let Guest { owner, scopes, called } = guest;
        self.change(|book| {
            // The token may have been revoked since it was looked at.
            if let Some(id) = &token
                && !book.tokens.values().any(|entry| entry.id == *id)
            {
                return Err(PeopleError::NoToken(id.clone()));
            }
            make_room(book, &owner);
            if book.sign_ins.len() >= SIGN_INS {
                return Err(PeopleError::TooManySignIns);
            }
            let entry = SignInEntry { owner, scopes, called, token, made_ms: now, seen_ms: now, expires_ms: ends };
            book.sign_ins.insert(Fingerprint::of(secret.reveal()), entry);
            Ok(())
        })?;
        Ok(secret)
    }

    /// Signs a browser out. It waits for the disk.
    pub(crate) fn sign_out(&self, visitor: &Visitor) -> Result<(), PeopleError> {
        self.change(|book| {
            book.sign_ins.remove(&visitor.shown);
            Ok(())
        })
    }

    /// Who shows this token.
    pub(crate) fn by_token(&self, token: &str) -> Option<Visitor> {
        let shown = Fingerprint::of(token);
        let now = self.clock.now_ms();
        let book = self.book();
        let entry = book.tokens.get(&shown).filter(|entry| entry.is_good(now))?;
        self.note(shown, now);
        let TokenEntry { owner, scopes, expires_ms, .. } = entry.clone();
        Some(Visitor { owner, scopes, by: By::Token, called: None, until_ms: expires_ms, shown })
    }

    /// Whose browser shows this cookie.
    pub(crate) fn by_cookie(&self, cookie: &str) -> Option<Visitor> {
        let shown = Fingerprint::of(cookie);
        let now = self.clock.now_ms();
        let book = self.book();
        let entry = book.sign_ins.get(&shown).filter(|entry| entry.expires_ms > now)?;
        self.note(shown, now);
        let SignInEntry { owner, scopes, called, expires_ms, .. } = entry.clone();
        Some(Visitor { owner, scopes, by: By::Cookie, called, until_ms: Some(expires_ms), shown })
    }

    fn note(&self, shown: Fingerprint, now: i64) {
        self.fleeting().seen.insert(shown, now);
    }

    /// Whether somebody was seen who was not for an hour before, so that it should be written down.
    pub(crate) fn has_news(&self, visitor: &Visitor) -> bool {
        let book = self.book();
        let written = match visitor.by {
            By::Token => book.tokens.get(&visitor.shown).map(|token| token.seen_ms.unwrap_or(0)),
            By::Cookie => book.sign_ins.get(&visitor.shown).map(|sign_in| sign_in.seen_ms),
        };
        written.is_some_and(|at| self.clock.now_ms() - at > HOUR_MS)
    }

    /// Writes down who was seen. It waits for the disk.
    pub(crate) fn write_news(&self) -> Result<(), PeopleError> {
        self.change(|_| Ok(()))
    }

    /// Whether what a visitor showed is still worth something.
    pub fn has_still(&self, visitor: &Visitor) -> bool {
        let book = self.book();
        let there = match visitor.by {
            By::Token => book.tokens.contains_key(&visitor.shown),
            By::Cookie => book.sign_ins.contains_key(&visitor.shown),
        };
        there && visitor.until_ms.is_none_or(|until| until > self.clock.now_ms())
    }

    /// Waits until what a visitor showed is worth nothing any more: for answers that go on for long.
    pub async fn gone(&self, visitor: &Visitor) {
        let mut changed = self.changed.subscribe();
        while self.has_still(visitor) {
            let left = visitor.until_ms.map_or(i64::MAX, |until| until.saturating_sub(self.clock.now_ms()));
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(LONGEST_WAIT);
            // Whichever comes first; either is a reason to look again.
            let _ = tokio::time::timeout(left, changed.changed()).await;
        }
    }
}

fn by_age(book: &Book) -> Vec<TokenEntry> {
    let mut all: Vec<TokenEntry> = book.tokens.values().cloned().collect();
    all.sort_by(|one, other| (one.made_ms, &one.id).cmp(&(other.made_ms, &other.id)));
    all
}

impl TokenEntry {
    /// Whether it lets anybody in at this time.
    pub fn is_good(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|at| at > now_ms)
    }
}

/// Lets go of an owner's browser that was there least recently, when they have as many as they can.
fn make_room(book: &mut Book, owner: &Owner) {
    let own = book.sign_ins.iter().filter(|(_, entry)| entry.owner == *owner);
    let mut own: Vec<(i64, Fingerprint)> = own.map(|(key, entry)| (entry.seen_ms, *key)).collect();
    own.sort();
    let surplus = (own.len() + 1).saturating_sub(SIGN_INS_EACH);
    for (_, key) in own.iter().take(surplus) {
        book.sign_ins.remove(key);
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests look at what is left behind")]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};
    use tempfile::TempDir;

    const START: i64 = 1_800_000_000_000;

    struct Place {
        folder: TempDir,
        now: Arc<AtomicI64>,
    }

    impl Place {
        fn new() -> Place {
            Place { folder: tempfile::tempdir().unwrap(), now: Arc::new(AtomicI64::new(START)) }
        }

        fn open(&self) -> Arc<People> {
            People::with(&self.folder.path().join("people.json"), Clock::Hand(self.now.clone())).unwrap()
        }

        fn pass(&self, ms: i64) {
            self.now.fetch_add(ms, Ordering::SeqCst);
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.folder.path().join("people.json")).unwrap()
        }
    }

    fn alice(scopes: &str, lasts_ms: Option<i64>) -> NewToken {
        NewToken { owner: Owner::named("alice").unwrap(), scopes: scopes.parse().unwrap(), lasts_ms }
    }

    #[test]
    fn a_token_is_good_until_it_ends_or_is_revoked() {
        let place = Place::new();
        let people = place.open();
        let short = people.add_token(&alice("read", Some(1_000))).unwrap();
        let long = people.add_token(&alice("drive", None)).unwrap();
        let visitor = people.by_token(short.token.reveal()).unwrap();
        assert_eq!((visitor.owner.name(), visitor.by), (Some("alice"), By::Token));
        assert!(people.has_still(&visitor));
        place.pass(1_000);
        assert!(people.by_token(short.token.reveal()).is_none());
        assert!(!people.has_still(&visitor));
        assert_eq!(people.sign_in_with_token(short.token.reveal()).unwrap(), None);
        assert!(people.by_token(long.token.reveal()).is_some());
        assert!(matches!(people.revoke_token("nosuch"), Err(PeopleError::NoToken(_))));
        people.revoke_token(&long.entry.id).unwrap();
        assert!(people.by_token(long.token.reveal()).is_none());
        assert_eq!(people.tokens().len(), 1);
        for wrong in ["", "remit_", &long.entry.id, "x"] {
            assert!(people.by_token(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_restart_keeps_tokens_and_sign_ins_and_no_link() {
        let place = Place::new();
        let people = place.open();
        let made = people.add_token(&alice("read,answer", None)).unwrap();
        let link = people.one_time().unwrap();
        let guest = people.use_one_time(people.one_time().unwrap().reveal()).unwrap();
        let cookie = people.sign_in(guest).unwrap();
        for secret in [&made.token, &cookie] {
            assert!(!place.text().contains(secret.reveal()), "a secret is in the file");
        }
        drop(people);
        let people = place.open();
        assert_eq!(people.tokens(), [made.entry]);
        assert!(people.by_token(made.token.reveal()).is_some());
        let visitor = people.by_cookie(cookie.reveal()).unwrap();
        assert_eq!((visitor.owner.clone(), visitor.surface()), (Owner::account(), "web".to_owned()));
        assert!(people.use_one_time(link.reveal()).is_none());
        people.sign_out(&visitor).unwrap();
        assert!(people.by_cookie(cookie.reveal()).is_none());
    }

    #[test]
    fn a_link_is_good_once_and_for_a_quarter_of_an_hour() {
        let place = Place::new();
        let people = place.open();
        let link = people.one_time().unwrap();
        assert!(people.use_one_time("").is_none());
        assert!(people.use_one_time(link.reveal()).is_some());
        assert!(people.use_one_time(link.reveal()).is_none());
        let late = people.one_time().unwrap();
        place.pass(LINK_MS);
        assert!(people.use_one_time(late.reveal()).is_none());
        let first = people.one_time().unwrap();
        let rest: Vec<Credential> = (0..LINKS).map(|_| people.one_time().unwrap()).collect();
        assert!(people.use_one_time(first.reveal()).is_none());
        assert!(rest.iter().all(|link| people.use_one_time(link.reveal()).is_some()));
    }

    #[test]
    fn a_sign_in_with_a_token_ends_with_the_token() {
        let place = Place::new();
        let people = place.open();
        let made = people.add_token(&alice("read", Some(DAY_MS))).unwrap();
        let other = people.add_token(&alice("read", None)).unwrap();
        let enter = |token: &Credential| people.sign_in_with_token(token.reveal()).unwrap().unwrap();
        let (ends, revoked, stays) = (enter(&made.token), enter(&made.token), enter(&other.token));
        assert_eq!(people.by_cookie(stays.reveal()).unwrap().surface(), "web alice");
        place.pass(DAY_MS - 1);
        assert!(people.by_cookie(ends.reveal()).is_some());
        people.revoke_token(&made.entry.id).unwrap();
        assert!(people.by_cookie(revoked.reveal()).is_none());
        assert!(people.by_cookie(stays.reveal()).is_some());
        place.pass(SIGNED_IN_MS);
        assert!(people.by_cookie(stays.reveal()).is_none());
    }

    #[test]
    fn the_browser_that_was_there_least_recently_makes_room() {
        let place = Place::new();
        let people = place.open();
        let guest = || Guest { owner: Owner::account(), scopes: Scopes::all(), called: None };
        let cookies: Vec<Credential> = (0..SIGN_INS_EACH)
            .map(|_| {
                place.pass(1);
                people.sign_in(guest()).unwrap()
            })
            .collect();
        let foreign = people.sign_in(Guest { owner: Owner::named("bob").unwrap(), ..guest() }).unwrap();
        place.pass(1);
        assert!(people.by_cookie(cookies[0].reveal()).is_some());
        people.sign_in(guest()).unwrap();
        assert!(people.by_cookie(cookies[0].reveal()).is_some());
        assert!(people.by_cookie(cookies[1].reveal()).is_none());
        assert!(people.by_cookie(cookies[2].reveal()).is_some());
        assert!(people.by_cookie(foreign.reveal()).is_some());
    }

    #[test]
    fn what_is_done_to_the_file_changes_nothing_in_a_server_that_runs() {
        let place = Place::new();
        let people = place.open();
        let made = people.add_token(&alice("read", None)).unwrap();
        let forged = place.text().replace("\"read\"", "\"answer\"");
        std::fs::write(place.folder.path().join("people.json"), forged).unwrap();
        assert_eq!(people.by_token(made.token.reveal()).unwrap().scopes.to_string(), "read");
        people.add_token(&alice("read", None)).unwrap();
        assert!(!place.text().contains("answer"));
    }

    #[test]
    fn when_somebody_was_there_is_written_by_the_hour() {
        let place = Place::new();
        let people = place.open();
        let made = people.add_token(&alice("read", None)).unwrap();
        let visitor = people.by_token(made.token.reveal()).unwrap();
        assert!(people.has_news(&visitor));
        people.write_news().unwrap();
        assert!(!people.has_news(&visitor));
        assert_eq!(people.tokens()[0].seen_ms, Some(START));
        place.pass(HOUR_MS + 1);
        people.by_token(made.token.reveal()).unwrap();
        assert!(people.has_news(&visitor));
    }

    #[tokio::test]
    async fn whoever_waits_for_a_revocation_is_told() {
        let place = Place::new();
        let people = place.open();
        let made = people.add_token(&alice("read", None)).unwrap();
        let visitor = people.by_token(made.token.reveal()).unwrap();
        let waits = tokio::spawn({
            let people = people.clone();
            async move { people.gone(&visitor).await }
        });
        tokio::task::yield_now().await;
        people.add_token(&alice("read", None)).unwrap();
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        people.revoke_token(&made.entry.id).unwrap();
        waits.await.unwrap();
    }

    #[test]
    fn nothing_secret_is_shown_by_any_of_it() {
        let place = Place::new();
        let people = place.open();
        let made = people.add_token(&alice("read", None)).unwrap();
        let link = people.one_time().unwrap();
        let cookie = people.sign_in_with_token(made.token.reveal()).unwrap().unwrap();
        let visitor = people.by_cookie(cookie.reveal()).unwrap();
        let shown = format!("{people:?} {made:?} {link:?} {visitor:?}");
        for secret in [&made.token, &link, &cookie] {
            assert!(!shown.contains(secret.reveal()));
            assert!(!shown.contains(&String::from(Fingerprint::of(secret.reveal()))));
        }
    }
}
