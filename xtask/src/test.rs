//! `cargo xtask test`: gets what the tests need, says what it gets, and runs all of them.
//!
//! Not here: the tests. A test that needs what is got here reads where it is from `REMIT_TEST_NPM` and
//! `REMIT_TEST_PYTHON`; with `REMIT_TEST_FULL` set it fails without it, and is not skipped.

use crate::run::{Trouble, cargo, go, root, trouble};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// A program that tests start, and the Debian package that brings it.
struct Program {
    /// A command that succeeds when the program is there.
    asked: &'static [&'static str],
    package: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program { asked: &["bwrap", "--version"], package: "bubblewrap" },
    Program { asked: &["chromium", "--version"], package: "chromium" },
    Program { asked: &["git", "--version"], package: "git" },
    Program { asked: &["node", "--version"], package: "nodejs" },
    Program { asked: &["npm", "--version"], package: "npm" },
    Program { asked: &["python3", "-c", "import venv, ensurepip"], package: "python3-venv" },
    Program { asked: &["tmux", "-V"], package: "tmux" },
];

/// Packages from npm: two MCP servers and a provider of sign-ins that others wrote, what drives a browser, and what looks for what
/// some people could not use. None of them downloads a browser.
const NPM: &[(&str, &str)] = &[
    ("@modelcontextprotocol/server-everything", "2026.8.31"),
    ("@modelcontextprotocol/server-filesystem", "2026.8.31"),
    ("axe-core", "4.14.1"),
    ("oidc-provider", "9.13.3"),
    ("playwright-core", "1.65.1"),
];

/// Packages from PyPI, by the names of their folders: the client that the jobs stand-in must satisfy, and those that try the
/// server's interface.
const PYPI: &[(&str, &str)] = &[
    ("huggingface_hub", "2.4.0"),
    ("httpx", "0.28.1"),
    ("httpx_sse", "0.4.3"),
    ("openapi_spec_validator", "0.9.0"),
    ("schemathesis", "4.32.5"),
];

/// Gets what is missing, then runs the tests, to which the arguments go.
pub fn chore(args: &[String]) -> Result<ExitCode, Trouble> {
    let kept = root().join("target").join("test-deps");
    fs::create_dir_all(&kept).map_err(|why| trouble(format!("making `{}`", kept.display()), why))?;
    programs()?;
    let modules = npm(&kept.join("npm"))?;
    let python = pypi(&kept.join("venv"))?;
    nextest(&kept)?;
    println!("test: what the tests need is there");
    let all =
        if args.iter().any(|arg| arg == "-p" || arg.starts_with("--package")) { &[][..] } else { &["--workspace"] };
    let run = |words: &[&str]| {
        let mut tests = cargo();
        tests.args(words).args(all).args(args);
        tests.env("PATH", path_with(&kept.join("bin")));
        tests.env("REMIT_TEST_NPM", &modules).env("REMIT_TEST_PYTHON", &python).env("REMIT_TEST_FULL", "1");
        tests.status().map_err(|why| trouble("cargo", why))
    };
    // The documentation's examples first: nextest leaves them out, and its closing lines are the ones to end with.
    let passed = run(&["test", "--doc"])?.success() && run(&["nextest", "run", "--no-fail-fast"])?.success();
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Gets nextest where it is missing: it gives each test a program of its own, and several here are about programs.
fn nextest(folder: &Path) -> Result<(), Trouble> {
    if is_there(&["cargo-nextest", "nextest", "--version"]) || folder.join("bin/cargo-nextest").exists() {
        return Ok(());
    }
    println!("test: getting cargo-nextest with cargo install");
    let mut install = cargo();
    go(install.args(["install", "--locked", "--quiet", "cargo-nextest", "--root"]).arg(folder))
}

/// The search path with one folder more, at its end.
fn path_with(folder: &Path) -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":");
    path.push(folder);
    path
}

/// Installs the programs that are missing, from Debian, where that is possible.
fn programs() -> Result<(), Trouble> {
    let missing: Vec<&str> =
        PROGRAMS.iter().filter(|program| !is_there(program.asked)).map(|program| program.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !is_there(&["apt-get", "--version"]) {
        return Err(Trouble(format!("tests need programs that are not here; Debian's packages for them: {packages}")));
    }
    println!("test: getting {packages} with apt-get");
    let as_root = ["sudo", "--non-interactive"];
    let before: &[&str] = match is_there(&["test", "-w", "/var/lib/dpkg/lock"]) {
        true => &[],
        false if is_there(&["sudo", "--non-interactive", "true"]) => &as_root,
        false => return Err(Trouble(format!("tests need programs that are not here; run `apt install {packages}`"))),
    };
    let apt = |words: &[&str]| {
        let line: Vec<&str> = before.iter().chain(["apt-get", "-q", "-y"].iter()).chain(words).copied().collect();
        go(Command::new(line[0]).args(&line[1..]).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"], missing.as_slice()].concat())
}

fn is_there(words: &[&str]) -> bool {
    let mut asked = Command::new(words[0]);
    asked.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

/// Gets the npm packages unless they are there in their pinned versions; returns the folder they are in.
fn npm(folder: &Path) -> Result<PathBuf, Trouble> {
    let modules = folder.join("node_modules");
    let have = |(name, version): &&(&str, &str)| npm_version(&modules.join(name)).as_deref() == Some(*version);
    if NPM.iter().filter(have).count() < NPM.len() {
        let packages: Vec<String> = NPM.iter().map(|(name, version)| format!("{name}@{version}")).collect();
        println!("test: getting {} with npm", packages.join(" "));
        let mut install = Command::new("npm");
        install.arg("install").arg("--prefix").arg(folder).args(["--no-audit", "--no-fund", "--save-exact"]);
        go(install.args(packages))?;
    }
    Ok(modules)
}

fn npm_version(package: &Path) -> Option<String> {
    let text = fs::read_to_string(package.join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}

/// Gets the PyPI packages unless they are there in their pinned versions; returns the Python that can import them.
fn pypi(folder: &Path) -> Result<PathBuf, Trouble> {
    let python = folder.join("bin").join("python");
    let have = |(name, version): &&(&str, &str)| has_distribution(folder, &format!("{name}-{version}.dist-info"));
    if !python.exists() || PYPI.iter().filter(have).count() < PYPI.len() {
        let packages: Vec<String> = PYPI.iter().map(|(name, version)| format!("{name}=={version}")).collect();
        println!("test: getting {} with pip, in an environment of their own", packages.join(" "));
        go(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut install = Command::new(&python);
        go(install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
    }
    Ok(python)
}

/// Whether the environment has a package in a version; its `lib` holds one folder, named for its Python.
fn has_distribution(environment: &Path, name: &str) -> bool {
    let Ok(versions) = fs::read_dir(environment.join("lib")) else {
        return false;
    };
    versions.flatten().any(|version| version.path().join("site-packages").join(name).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_missed() {
        assert!(is_there(&["sh", "-c", "exit 0"]));
        assert!(!is_there(&["sh", "-c", "exit 1"]));
        assert!(!is_there(&["remit-no-such-program"]));
    }

    #[test]
    fn a_package_counts_only_in_its_version() {
        let folder = std::env::temp_dir().join(format!("xtask-npm-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(npm_version(&folder), None);
        fs::write(folder.join("package.json"), r#"{"name":"a","version":"1.2.3"}"#).unwrap();
        assert_eq!(npm_version(&folder).as_deref(), Some("1.2.3"));
        fs::create_dir_all(folder.join("lib/python3.11/site-packages/a-1.dist-info")).unwrap();
        assert!(has_distribution(&folder, "a-1.dist-info"));
        assert!(!has_distribution(&folder, "a-2.dist-info"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
