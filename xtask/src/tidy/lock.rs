//! Which cryptography is linked: one, and not OpenSSL.
//!
//! Not here: any other opinion on what others wrote.

use super::Finding;
use super::source::Tree;
use crate::run::{cargo, read};
use toml::Table;

const LOCK: &str = "Cargo.lock";

/// Packages that link OpenSSL.
const OPENSSL: &[&str] = &["openssl", "openssl-sys", "openssl-src", "native-tls"];

/// The two that a TLS library can stand on; both together are one too many.
const CRYPTOGRAPHIES: [&str; 2] = ["aws-lc-rs", "ring"];

/// Checks the lock file, and cargo's own tree where the lock file says more than is built.
pub fn one_cryptography(tree: &Tree) -> Vec<Finding> {
    let Some(lock) = tree.file(LOCK) else {
        return vec![Finding::new(LOCK, 1, "is missing; builds would not be the same twice")];
    };
    let names = locked(&lock.text);
    let mut found = openssl(&names);
    if CRYPTOGRAPHIES.iter().all(|name| names.iter().any(|locked| locked == name)) {
        let edges = ["tree", "--workspace", "--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}"];
        match read(cargo().args(edges)) {
            Ok(built) => found.extend(both(&built)),
            Err(why) => found.push(Finding::new(LOCK, 1, format!("what is built is not known: {why}"))),
        }
    }
    found
}

/// The packages that a lock file names. A lock file holds every optional dependency, built or not.
fn locked(text: &str) -> Vec<String> {
    let table = text.parse::<Table>().unwrap_or_default();
    let packages = table.get("package").and_then(|packages| packages.as_array());
    let names = packages.into_iter().flatten().filter_map(|package| package.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

fn openssl(names: &[String]) -> Vec<Finding> {
    let linked = OPENSSL.iter().filter(|name| names.iter().any(|locked| locked == *name));
    linked.map(|name| Finding::new(LOCK, 1, format!("holds `{name}`; TLS is rustls here"))).collect()
}

fn both(built: &str) -> Option<Finding> {
    let is_built = |name: &str| built.lines().any(|line| line.split(' ').next() == Some(name));
    let [one, other] = CRYPTOGRAPHIES;
    (is_built(one) && is_built(other))
        .then(|| Finding::new(LOCK, 1, format!("`{one}` and `{other}` are both built; one is enough")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_is_found_in_a_lock_file() {
        let lock = |name: &str| format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
        assert_eq!(openssl(&locked(&lock("openssl-probe"))), []);
        let found: Vec<String> = openssl(&locked(&lock("openssl-sys"))).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["Cargo.lock:1: holds `openssl-sys`; TLS is rustls here"]);
    }

    #[test]
    fn two_cryptographies_count_only_when_both_are_built() {
        assert_eq!(both("rustls v0.23.46\naws-lc-rs v1.19.0\nring-buffer v1.0.0"), None);
        let found = both("ring v0.17.14\naws-lc-rs v1.19.0 (*)").map(|finding| finding.to_string());
        assert_eq!(found.as_deref(), Some("Cargo.lock:1: `aws-lc-rs` and `ring` are both built; one is enough"));
    }
}
