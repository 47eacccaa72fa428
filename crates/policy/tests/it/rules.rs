//! Prohibitions match whatever could be meant; answers cover only what surely is.

use policy::*;

fn act(tool: &str, subject: Subject) -> Action {
    let (summary, shown) = (String::new(), String::new());
    Action { tool: tool.into(), effect: Effect::Change, price: Price::Free, summary, subject, shown }
}

fn strings(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

fn plain(commands: &[&str]) -> Action {
    act("shell", Subject::Shell(ShellLine::Plain(commands.iter().map(|command| strings(command)).collect())))
}

/// A word that starts with `$` is opaque.
fn adorned(command: &str) -> Action {
    let word = |text: String| if text.starts_with('$') { Word::Opaque } else { Word::Literal(text) };
    act("shell", Subject::Shell(ShellLine::Adorned(vec![strings(command).into_iter().map(word).collect()])))
}

fn name(absolute: &str) -> Name {
    let inside = absolute.strip_prefix("/w").map(|rest| rest.trim_start_matches('/').to_owned());
    Name { absolute: absolute.to_owned(), inside }
}

fn place(real: &str, spelled: &str) -> Place {
    Place { real: name(real), spelled: name(spelled) }
}

fn write(path: &str) -> Action {
    act("write", Subject::Write(place(path, path)))
}

fn forbids(rule: &str, action: &Action) -> bool {
    rule.parse::<Prohibition>().unwrap().forbids(action)
}

#[test]
fn a_shell_prohibition_is_a_prefix_by_words_of_any_command_of_the_line() {
    assert!(forbids("shell: git push --force", &plain(&["true", "git push --force origin main"])));
    assert!(forbids("shell: git  push", &plain(&["git push"])));
    assert!(!forbids("shell: git push --force", &plain(&["git push --forced"])));
    assert!(!forbids("shell: git push --force", &plain(&["git push"])));
    assert!(!forbids("shell: git push", &plain(&["echo git push"])));
}

#[test]
fn a_word_that_is_known_only_when_it_runs_could_be_any_words() {
    assert!(forbids("shell: git push --force", &adorned("git $SUB origin")));
    assert!(forbids("shell: git push --force", &adorned("git push $ARGS")));
    assert!(forbids("shell: git push --force", &adorned("$ANY")));
    assert!(forbids("shell: git push --force", &adorned("git push --force")));
    assert!(!forbids("shell: git push --force", &adorned("git pull $ARGS")));
    assert!(!forbids("shell: git push --force", &adorned("git push")));
}

#[test]
fn a_line_that_cannot_be_read_could_be_what_is_prohibited() {
    let unreadable = act("shell", Subject::Shell(ShellLine::Unreadable));
    assert!(forbids("shell: git push", &unreadable));
    assert!(!forbids("write: *", &unreadable));
}

#[test]
fn a_path_prohibition_matches_where_it_leads_and_how_it_was_spelled() {
    assert!(forbids("write: .env", &write("/w/.env")));
    assert!(forbids("write: .env", &write("/w/deep/.env")));
    assert!(forbids("write: .git", &write("/w/.git/config")), "a folder is prohibited with all below");
    assert!(forbids("write: *.pem", &write("/elsewhere/key.pem")));
    assert!(forbids("write: secrets/**", &write("/w/secrets/a/b")));
    assert!(forbids("write: secrets/*", &write("/w/secrets/a/b")), "a folder that matches holds what is below");
    assert!(forbids("write: ./Cargo.toml", &write("/w/Cargo.toml")));
    assert!(!forbids("write: ./Cargo.toml", &write("/w/sub/Cargo.toml")));
    assert!(!forbids("write: secrets/**", &write("/elsewhere/secrets/a")));
    assert!(forbids("write: ./**", &write("/w")), "the folder itself, too");
    assert!(!forbids("write: ./**", &write("/elsewhere")));
    assert!(forbids("write: /etc/**", &write("/etc/passwd")));
    assert!(forbids("write: /etc/", &write("/etc/passwd")));
    assert!(!forbids("write: /etc", &write("/w/etc/passwd")));
    assert!(!forbids("write: a*c", &write("/w/a/c")), "`*` stays within one part");
    let linked = act("write", Subject::Write(place("/w/real/x", "/w/link/x")));
    assert!(forbids("write: real/x", &linked));
    assert!(forbids("write: link/x", &linked));
}

#[test]
fn reading_and_writing_are_prohibited_apart() {
    let read = act("read", Subject::Read(place("/w/.env", "/w/.env")));
    assert!(forbids("read: .env", &read));
    assert!(!forbids("write: .env", &read));
    assert!(!forbids("read: .env", &write("/w/.env")));
}

#[test]
fn hosts_and_mcp_tools_are_prohibited_with_wildcards() {
    let fetch = |host: &str| act("web_fetch", Subject::Fetch(host.into()));
    assert!(forbids("fetch: example.org", &fetch("example.org")));
    assert!(forbids("fetch: Example.ORG", &fetch("example.org")));
    assert!(!forbids("fetch: example.org", &fetch("www.example.org")));
    assert!(forbids("fetch: *.example.org", &fetch("www.example.org")));
    assert!(!forbids("fetch: *.example.org", &fetch("example.org")));
    assert!(forbids("fetch: *", &fetch("anything")));
    assert!(forbids("fetch: a*b*c", &fetch("a-b-b-c")));
    assert!(!forbids("fetch: a*b*c", &fetch("a-c-b")));
    for twice in ["ab*ba on aba", "*bc*bc* on xxbc", "*bc*bc* on bcx"] {
        let (pattern, host) = twice.split_once(" on ").unwrap();
        assert!(!forbids(&format!("fetch: {pattern}"), &fetch(host)), "no character counts twice: {twice}");
    }
    let mcp = |server: &str, tool: &str| act("x", Subject::Mcp { server: server.into(), tool: tool.into() });
    assert!(forbids("mcp:forge/delete_repo", &mcp("forge", "delete_repo")));
    assert!(forbids("mcp:forge/*", &mcp("forge", "anything")));
    assert!(forbids("mcp:*/delete_*", &mcp("other", "delete_repo")));
    assert!(!forbids("mcp:forge/delete_repo", &mcp("other", "delete_repo")));
    assert!(!forbids("mcp:forge/delete_repo", &mcp("forge", "delete_repos")));
}

#[test]
fn what_is_no_prohibition_says_what_would_be() {
    for (line, fragment) in [
        ("", "shell: PREFIX"),
        ("shell:", "shell: PREFIX"),
        ("bash: rm", "`bash` is none of"),
        ("mcp: forge", "mcp:SERVER/TOOL"),
        ("mcp: /tool", "mcp:SERVER/TOOL"),
        ("mcp: forge/", "mcp:SERVER/TOOL"),
        ("write: a{b", "is no rule"),
        ("read: [", "is no rule"),
    ] {
        let why = line.parse::<Prohibition>().unwrap_err().to_string();
        assert!(why.contains(fragment), "{line}: {why}");
    }
    assert_eq!("write: *.pem".parse::<Prohibition>().unwrap().to_string(), "write: *.pem");
    assert_ne!("write: a".parse::<Prohibition>().unwrap(), "write: b".parse().unwrap());
    assert_eq!("write: a".parse::<Prohibition>().unwrap(), "write: a".parse().unwrap());
}

fn covers(grants: &[&str], action: &Action) -> bool {
    let grants: Vec<Grant> = grants.iter().map(|text| text.parse().unwrap()).collect();
    Grant::cover(&grants, action)
}

#[test]
fn an_answer_covers_a_line_only_when_each_command_is_covered() {
    assert!(covers(&["shell: cargo test"], &plain(&["cargo test --lib"])));
    assert!(!covers(&["shell: cargo test"], &plain(&["cargo test", "rm -rf x"])));
    assert!(covers(&["shell: cargo test", "shell: rm"], &plain(&["cargo test", "rm -rf x"])));
    assert!(!covers(&["shell: cargo test"], &plain(&["cargo"])));
    assert!(!covers(&["shell: cargo test"], &adorned("cargo test $ARGS")));
    assert!(!covers(&["shell: cargo test"], &adorned("cargo test")));
    assert!(!covers(&["shell: cargo test"], &act("shell", Subject::Shell(ShellLine::Unreadable))));
    assert!(!covers(&["shell: cargo test"], &plain(&[])), "a line without commands is covered by nothing");
    assert!(!Grant::cover(&[Grant::Shell(vec![])], &plain(&["rm"])), "no words cover nothing");
}

#[test]
fn an_answer_for_a_writing_tool_covers_the_workspace_but_never_git() {
    assert!(covers(&["write: workspace"], &write("/w/a/b")));
    assert!(!covers(&["edit: workspace"], &write("/w/a/b")), "the same tool");
    assert!(!covers(&["write: workspace"], &write("/w/.git/config")));
    assert!(!covers(&["write: workspace"], &write("/w/sub/.GIT/hooks/x")));
    assert!(!covers(&["write: workspace"], &write("/etc/passwd")));
    let led_out = act("write", Subject::Write(place("/etc/passwd", "/w/link")));
    assert!(!covers(&["write: workspace"], &led_out));
    let led_in = act("write", Subject::Write(place("/w/a", "/tmp/link")));
    assert!(!covers(&["write: workspace"], &led_in));
}

#[test]
fn an_answer_covers_the_same_key_and_no_other() {
    let read = |path: &str| Action { effect: Effect::Reach, ..act("read", Subject::Read(place(path, path))) };
    assert!(covers(&["read: /etc/hostname"], &read("/etc/hostname")));
    assert!(!covers(&["read: /etc/hostname"], &read("/etc/passwd")));
    let fetch = |host: &str| act("web_fetch", Subject::Fetch(host.into()));
    assert!(covers(&["fetch: example.org"], &fetch("example.org")));
    assert!(!covers(&["fetch: *"], &fetch("example.org")), "an answer has no wildcards");
    let mcp = act("x", Subject::Mcp { server: "forge".into(), tool: "frob".into() });
    assert!(covers(&["mcp:forge/frob"], &mcp));
    assert!(!covers(&["mcp:forge/other"], &mcp));
    assert!(!covers(&["fetch: forge"], &mcp));
    assert!(!covers(&["fetch: x"], &act("hf_jobs", Subject::Other)));
    let inside = act("read", Subject::Read(place("/w/a", "/w/a")));
    assert_eq!(Grant::offered(&inside), [], "what is read in the workspace is never asked about");
}

#[test]
fn no_yes_for_the_session_is_offered_for_what_costs_money() {
    let paid = Action { price: Price::AtMost(money::Usd::ZERO), ..plain(&["cargo test"]) };
    assert_eq!(Grant::offered(&paid), []);
    assert!(!covers(&["shell: cargo test"], &paid));
}

#[test]
fn an_answer_is_printed_so_that_it_reads_back_the_same() {
    let tricky = ["git", "commit", "-m", "it's \"two\" words", "", "''", "'a", "tab\there"];
    for grant in [
        Grant::Shell(tricky.iter().map(|word| (*word).to_owned()).collect()),
        Grant::Workspace { tool: "edit".into() },
        Grant::Outside("/a b".into()),
        Grant::Fetch("example.org".into()),
        Grant::Mcp { server: "forge".into(), tool: "x".into() },
    ] {
        assert_eq!(grant.to_string().parse::<Grant>().unwrap(), grant);
    }
    assert_eq!(Grant::Shell(vec!["cargo".into(), "test".into()]).to_string(), "shell: cargo test");
    for wrong in ["shell: 'open", "read: relative", "edit: all", "mcp: x", "nonsense", "shell:", "fetch:"] {
        assert!(wrong.parse::<Grant>().is_err(), "{wrong}");
    }
}

#[test]
fn the_words_of_the_record_read_back() {
    for consent in [Consent::None, Consent::Once, Consent::ForSession, Consent::Denied] {
        assert_eq!(consent.to_string().parse(), Ok(consent));
    }
    for attendance in [Attendance::Attended, Attendance::Unattended] {
        assert_eq!(attendance.to_string().parse(), Ok(attendance));
    }
    let why = "perhaps".parse::<Consent>().unwrap_err().to_string();
    assert!(why.contains("`perhaps`"), "{why}");
    assert!("perhaps".parse::<Attendance>().is_err());
}

#[test]
fn effects_prices_and_reasons_have_words() {
    let effects = [Effect::Read, Effect::Reach, Effect::Confined, Effect::Change].map(|effect| effect.to_string());
    assert_eq!(effects, ["read", "reach", "confined", "change"]);
    assert_eq!(Price::Free.to_string(), "free");
    assert_eq!(Price::AtMost("1".parse().unwrap()).to_string(), "$1.00");
    assert_eq!(Price::Unknown("no price".into()).to_string(), "unknown (no price)");
    assert_eq!(Price::Unbounded("a schedule".into()).to_string(), "unbounded (a schedule)");
    let whys = [Why::ReachesBeyond, Why::Changes, Why::CostsMoney, Why::OverCap, Why::NoPrice, Why::NoBound];
    let mut texts: Vec<String> = whys.iter().map(Why::to_string).collect();
    texts.extend([Reason::PlanIsReadOnly, Reason::PlanSpendsNothing, Reason::PersonSaidNo].map(|r| r.to_string()));
    texts.push(Reason::NobodyToAsk(Why::OverCap).to_string());
    assert!(texts.last().unwrap().contains("nobody is there to ask"));
    let distinct: std::collections::BTreeSet<_> = texts.iter().filter(|text| text.len() > 10).collect();
    assert_eq!(distinct.len(), texts.len(), "each has words of its own");
}
