//! Words of a server, made fit to be shown: bounded, and without the characters that play tricks on a screen.
//!
//! Not here: what a tool answers to the model, which is bounded in `content` and otherwise left as it is.

/// Words in one line of at most so many characters.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(words.chars().filter(|letter| !is_trick(*letter)), most)
}

/// Words that keep their lines, of at most so many characters.
pub(crate) fn paragraphs(text: &str, most: usize) -> String {
    shorten(text.chars().filter(|letter| *letter == '\n' || *letter == '\t' || !is_trick(*letter)), most)
}

/// The longest prefix of at most so many bytes that ends between characters.
pub(crate) fn prefix(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn shorten(letters: impl Iterator<Item = char>, most: usize) -> String {
    let mut kept = String::new();
    for (at, letter) in letters.enumerate() {
        if at == most {
            kept.push('…');
            break;
        }
        kept.push(letter);
    }
    kept
}

/// Whether a character moves the cursor, turns the direction of the text, or cannot be seen.
pub(crate) fn is_trick(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(letter, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_breaks_no_escapes_and_no_more_than_its_length() {
        assert_eq!(one_line("a\n\u{1b}[31mb\u{202e}  c", 80), "a [31mb c");
        assert_eq!(one_line("héllo", 2), "hé…");
        assert_eq!(one_line("héllo", 5), "héllo");
    }

    #[test]
    fn a_paragraph_keeps_its_lines() {
        assert_eq!(paragraphs("a\n\tb\r\u{7}c", 80), "a\n\tbc");
    }

    #[test]
    fn a_prefix_ends_between_characters() {
        assert_eq!(prefix("aé", 2), "a");
        assert_eq!(prefix("aé", 9), "aé");
    }
}
