//! What a tool is called: by the person, `mcp:server/tool`; by a model, a name that every service takes.
//!
//! Not here: which tools there are.

use crate::config::ServerName;
use sha2::{Digest as _, Sha256};

/// The call that lists and reads the resources of every server.
pub const RESOURCE_CALL: &str = "mcp_resource";

/// The longest name that the services of models take.
const LONGEST: usize = 64;

/// How many hexadecimal digits tell apart names that had to be changed.
const DIGITS: usize = 8;

/// Whether a name that a model calls, or a person writes, is one that this crate may know.
pub fn is_mcp_name(name: &str) -> bool {
    name == RESOURCE_CALL || name.starts_with("mcp__") || name.starts_with("mcp:")
}

/// The name that the person writes in rules.
pub(crate) fn full_name(server: &ServerName, tool: &str) -> String {
    format!("mcp:{server}/{tool}")
}

/// The name that a model calls, of at most 64 letters, digits, `_` and `-`.
///
/// It is `mcp__server__tool` where that is such a name. Else what does not fit is replaced, the rest shortened, and the
/// end is a digest of the whole name. A server's name has no `__`, so no tool can have a name of another server's.
pub(crate) fn model_name(server: &ServerName, tool: &str) -> String {
    let plain = format!("mcp__{server}__{tool}");
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if plain.len() <= LONGEST && tool.chars().all(fits) {
        return plain;
    }
    let digest = Sha256::digest(full_name(server, tool));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = plain.chars().map(|letter| if fits(letter) { letter } else { '_' }).take(LONGEST - DIGITS - 1);
    format!("{}_{}", kept.collect::<String>(), &digest[..DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(server: &str, tool: &str) -> String {
        model_name(&server.parse().unwrap(), tool)
    }

    #[test]
    fn a_plain_name_is_kept() {
        assert_eq!(called("forge", "create_pull_request"), "mcp__forge__create_pull_request");
        assert_eq!(called("a", &"x".repeat(56)), format!("mcp__a__{}", "x".repeat(56)));
    }

    #[test]
    fn a_name_that_no_service_takes_is_changed_and_stays_its_own() {
        let names = ["a.b", "a/b", "a b", "a_b", "é", "è", &"x".repeat(57), &"x".repeat(58), &"é".repeat(100)];
        let given: std::collections::BTreeSet<String> = names.iter().map(|tool| called("s", tool)).collect();
        assert_eq!(given.len(), names.len(), "{given:?}");
        for name in given {
            assert!(name.len() <= 64 && name.starts_with("mcp__s__"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'), "{name}");
        }
    }

    #[test]
    fn the_same_tool_always_has_the_same_name() {
        assert_eq!(called("files", "read.file"), "mcp__files__read_file_2535aa8b");
    }

    #[test]
    fn no_tool_has_a_name_that_belongs_to_another_server() {
        assert_ne!(called("a", "b__c"), called("a-b", "c"));
        assert!(called("a", "b__c").starts_with("mcp__a__"));
        assert!(called("_a", "x").starts_with("mcp___a__"));
        assert_ne!(called("a", "_x"), called("_a", "x"));
    }

    #[test]
    fn only_names_of_ours_are_known() {
        for name in ["mcp_resource", "mcp__a__b", "mcp:a/b"] {
            assert!(is_mcp_name(name));
        }
        assert!(!is_mcp_name("read") && !is_mcp_name("mcp"));
    }
}
