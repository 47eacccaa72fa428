//! `remit init`: write a configuration in which every setting stands commented, with its default.
//!
//! Not here: the settings (that is `config::settings`).

use crate::commands::config::keep::{IfThere, keep};
use crate::commands::config::settings::SETTINGS;
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::paths::Paths;
use crate::person;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit init                writes the file where `remit config` looks for it
  remit init --print        shows what it would write
  REMIT_CONFIG=./my.toml remit init";

const HEAD: &str = "\
# Remit's configuration. It is yours alone: no repository can bring one. It is
# read once, when a session starts. Each setting stands below with its default,
# or with an example where there is none; take the # in front of a line away to
# set it. `remit config` shows what is in force and where it comes from.
";

/// How to write it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Show it instead of writing it
    #[arg(long, conflicts_with = "force")]
    print: bool,
    /// Overwrite the file that is there
    #[arg(long)]
    force: bool,
}

/// Writes or shows it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    if args.print {
        out!("{}", commented());
        return Ok(ExitCode::SUCCESS);
    }
    person::at_the_command_line()?;
    let file = Paths::find()?.config_file();
    keep(&file, &commented(), if args.force { IfThere::Replace } else { IfThere::Refuse })?;
    outln!("wrote {}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// The configuration with every setting commented out.
fn commented() -> String {
    let setting = |setting: &crate::commands::config::settings::Setting| {
        let meaning: String = setting.meaning.iter().map(|line| format!("# {line}\n")).collect();
        format!("\n{meaning}#{}\n", setting.line)
    };
    let settings: String = SETTINGS.iter().map(setting).collect();
    format!("{HEAD}{settings}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    /// A line that is a setting begins with `#` and no blank; prose has the blank.
    fn uncommented(line: &str) -> &str {
        line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' ')).unwrap_or(line)
    }

    #[test]
    fn as_it_is_written_it_sets_nothing() {
        let config = parse(&commented()).unwrap();
        assert!(config.model.is_none() && config.mcp.is_empty() && config.providers.is_empty());
        assert!(commented().lines().all(|line| line.is_empty() || line.starts_with('#')));
    }

    #[test]
    fn with_every_line_uncommented_it_is_a_configuration() {
        let text: String = commented().lines().map(|line| format!("{}\n", uncommented(line))).collect();
        assert_ne!(text, commented());
        let config = parse(&text).unwrap();
        assert_eq!(config.yolo.cap.as_deref(), Some("5.00"));
        assert_eq!(config.mcp.len(), 2);
    }

    #[test]
    fn with_any_one_line_uncommented_it_is_a_configuration() {
        let text = commented();
        let lines: Vec<&str> = text.lines().collect();
        let settings: Vec<usize> = (0..lines.len()).filter(|at| uncommented(lines[*at]) != lines[*at]).collect();
        assert_eq!(settings.len(), SETTINGS.len());
        for at in settings {
            let one = lines.iter().enumerate().map(|(other, line)| if other == at { uncommented(line) } else { line });
            parse(&one.collect::<Vec<_>>().join("\n")).unwrap_or_else(|why| panic!("{}: {why}", lines[at]));
        }
    }
}
