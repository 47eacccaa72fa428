//! What is sent when the person presses Enter, and what kind of thing it is.
//!
//! Not here: which commands there are.

use super::block::Blocks;
use super::cluster::LEAD;

/// What the person sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The text, with all that was pasted.
    pub text: String,
    /// What it is.
    pub kind: ComposedKind,
}

/// What a text that is sent is.
///
/// The first character tells, and it must have been written, not be the beginning of a pasted block. A sign that is
/// doubled is no sign: `// a comment` and `!!` are words as they stand, for taking a slash off would spoil a comment.
/// Neither is a slash that begins a path, `/usr/bin`. A space before a sign says that it is meant literally; that one
/// space is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComposedKind {
    /// Words for the model.
    Words,
    /// A command of the surface: `/name rest`.
    Command {
        /// What stands between the slash and the first space; empty for a lone slash.
        name: String,
        /// What follows, without spaces around it.
        rest: String,
    },
    /// A line for the person's own shell: what follows `!`.
    Shell(String),
}

impl Composed {
    /// Makes a draft of a text with marks, or nothing where there is nothing to send.
    pub(super) fn of(marked: &str, blocks: &Blocks) -> Option<Self> {
        let text = blocks.whole(marked);
        let said = text.trim_end();
        if said.trim_start().is_empty() || said == "!" {
            return None;
        }
        let mut signs = marked.chars();
        let kind = match (signs.next(), signs.next()) {
            (Some('/'), Some('/')) | (Some('!'), Some('!')) => ComposedKind::Words,
            (Some(' '), Some('/' | '!')) => {
                return Some(Self { text: text[1..].to_owned(), kind: ComposedKind::Words });
            }
            (Some('/'), _) => command(&text[1..]),
            (Some('!'), _) => ComposedKind::Shell(said[1..].trim_start().to_owned()),
            (Some(LEAD), _) | (Some(_), _) | (None, _) => ComposedKind::Words,
        };
        Some(Self { text, kind })
    }
}

fn command(line: &str) -> ComposedKind {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match name.contains('/') {
        true => ComposedKind::Words,
        false => ComposedKind::Command { name: name.to_owned(), rest: rest.trim().to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, text: &str, kind: ComposedKind) {
        let draft = Composed::of(written, &Blocks::default());
        assert_eq!(draft, Some(Composed { text: text.to_owned(), kind }));
    }

    fn command(name: &str, rest: &str) -> ComposedKind {
        ComposedKind::Command { name: name.to_owned(), rest: rest.to_owned() }
    }

    #[test]
    fn the_first_character_says_what_is_sent() {
        check("say it ", "say it ", ComposedKind::Words);
        check("/mode yolo 10 ", "/mode yolo 10 ", command("mode", "yolo 10"));
        check("/help", "/help", command("help", ""));
        check("/", "/", command("", ""));
        check("/note a\nb", "/note a\nb", command("note", "a\nb"));
        check("! ls -l\n", "! ls -l\n", ComposedKind::Shell("ls -l".to_owned()));
    }

    #[test]
    fn a_doubled_sign_a_path_and_a_space_before_a_sign_are_words() {
        check("// a comment", "// a comment", ComposedKind::Words);
        check("!! again", "!! again", ComposedKind::Words);
        check("/usr/bin/env is missing", "/usr/bin/env is missing", ComposedKind::Words);
        check(" /mode", "/mode", ComposedKind::Words);
        check(" !x", "!x", ComposedKind::Words);
        check("  /mode", "  /mode", ComposedKind::Words);
    }

    #[test]
    fn a_pasted_block_is_never_a_command() {
        let mut blocks = Blocks::default();
        let marked = blocks.keep("/quit\n".to_owned(), "");
        let draft = Composed::of(&marked, &blocks);
        assert_eq!(draft, Some(Composed { text: "/quit\n".to_owned(), kind: ComposedKind::Words }));
    }

    #[test]
    fn nothing_is_sent_where_nothing_is_said() {
        for blank in ["", " ", "\n\n", "!", "! \n"] {
            assert_eq!(Composed::of(blank, &Blocks::default()), None, "{blank:?}");
        }
    }
}
