//! Whom a provider's word lets in.
//!
//! Not here: whether the word counts (that is `claims`).

use super::claims::Word;

/// A rule that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` lets nobody in; give `alice@example.org`, `*@example.org` or `sub:SUBJECT`")]
pub struct BadRule(String);

/// Who may come in. Without a rule nobody may.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed(Vec<Rule>);

#[derive(Clone, Debug)]
enum Rule {
    /// Whom the provider knows by this.
    Subject(String),
    /// Who has this address, which the provider has verified; in small letters.
    Email(String),
    /// Who has such an address here; in small letters.
    Domain(String),
}

impl Allowed {
    pub(super) fn of(rules: &[String]) -> Result<Allowed, BadRule> {
        rules.iter().map(|rule| read(rule).ok_or_else(|| BadRule(rule.clone()))).collect::<Result<_, _>>().map(Allowed)
    }

    /// Whether it makes a difference what e-mail address somebody has.
    pub(super) fn asks_for_email(&self) -> bool {
        self.0.iter().any(|rule| !matches!(rule, Rule::Subject(_)))
    }

    pub(super) fn lets_in(&self, word: &Word) -> bool {
        let email = word.verified_email().map(str::to_ascii_lowercase);
        let domain = email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
        self.0.iter().any(|rule| match rule {
            Rule::Subject(subject) => *subject == word.subject,
            Rule::Email(allowed) => email.as_deref() == Some(allowed),
            Rule::Domain(allowed) => domain == Some(allowed),
        })
    }
}

fn read(rule: &str) -> Option<Rule> {
    let plain =
        |text: &&str| !text.is_empty() && !text.contains(['*', '@']) && text.bytes().all(|b| b.is_ascii_graphic());
    if let Some(subject) = rule.strip_prefix("sub:") {
        return (!subject.is_empty()).then(|| Rule::Subject(subject.to_owned()));
    }
    let (local, domain) = rule.split_once('@')?;
    let domain = Some(domain).filter(plain)?.to_ascii_lowercase();
    match local {
        "*" => Some(Rule::Domain(domain)),
        _one => Some(local).filter(plain).map(|local| Rule::Email(format!("{}@{domain}", local.to_ascii_lowercase()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(subject: &str, email: &str) -> Word {
        let email = (!email.is_empty()).then(|| email.to_owned());
        Word { subject: subject.to_owned(), email, is_verified: true, name: None }
    }

    fn lets_in(rules: &[&str], word: &Word) -> bool {
        Allowed::of(&rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>()).unwrap().lets_in(word)
    }

    #[test]
    fn whoever_is_named_comes_in_and_nobody_else() {
        let alice = word("123", "Alice@Example.org");
        assert!(!lets_in(&[], &alice));
        for rule in ["alice@example.org", "ALICE@example.ORG", "*@example.org", "sub:123"] {
            assert!(lets_in(&["x@y", rule], &alice), "{rule}");
        }
        for rule in ["bob@example.org", "*@example.com", "*@ample.org", "*@org", "sub:12", "sub:1234", "sub:alice"] {
            assert!(!lets_in(&[rule], &alice), "{rule}");
        }
        assert!(!lets_in(&["*@example.org"], &word("1", "a@example.org@evil.example")));
        assert!(!lets_in(&["*@example.org"], &word("1", "a@evil.example.org")));
    }

    #[test]
    fn an_address_counts_only_when_it_is_verified() {
        let claims = Word { is_verified: false, ..word("123", "alice@example.org") };
        assert!(!lets_in(&["alice@example.org", "*@example.org"], &claims));
        assert!(lets_in(&["sub:123"], &claims));
        assert!(!lets_in(&["alice@example.org"], &word("123", "")));
    }

    #[test]
    fn a_rule_that_would_let_everybody_in_is_none() {
        for rule in
            ["", "*", "*@*", "@", "alice", "alice@", "@example.org", "*@", "a*@b", "*@*.org", "a@b@c", "sub:", "a b@c"]
        {
            assert_eq!(Allowed::of(&[rule.to_owned()]).unwrap_err(), BadRule(rule.to_owned()));
        }
    }
}
