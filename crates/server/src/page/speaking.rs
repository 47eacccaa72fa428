//! The words that a model is saying, while more are to come: which of them are settled, and which may still be drawn otherwise.
//!
//! Not here: the whole message, which is drawn anew when it is there.
//!
//! What comes before the last blank line is settled: it is drawn once, and never sent again. Code grows by its letters and gets its colours
//! when it is whole, so that a long program costs its length and not its length for each word.

use crate::page::markdown::markdown;
use maud::{Markup, html};

/// The words so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speaking {
    text: String,
    /// Where each settled part ends.
    cuts: Vec<usize>,
    /// Where the first line begins that is not whole yet.
    line: usize,
    fence: Option<Fence>,
    /// Whether a line that begins something new may follow.
    rests: bool,
}

/// Code that was begun and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fence {
    sign: char,
    length: usize,
    /// Where the code begins, when all that is not settled is this code.
    code: Option<usize>,
}

/// What is to be drawn because of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// So many parts at the end are settled now, and what is open is another.
    Settled(usize),
    /// What is open is another.
    Open,
    /// The open code has this more.
    Code(String),
}

impl Speaking {
    /// Adds a piece.
    pub fn say(&mut self, piece: &str) -> Spoken {
        let (cuts, fence) = (self.cuts.len(), self.fence);
        self.text.push_str(piece);
        while let Some(length) = self.text[self.line..].find('\n') {
            let (begin, end) = (self.line, self.line + length + 1);
            self.line = end;
            self.pass(begin, end);
        }
        match (self.cuts.len() - cuts, fence) {
            (0, Some(Fence { code: Some(_), .. })) if self.fence == fence => Spoken::Code(piece.to_owned()),
            (0, _) => Spoken::Open,
            (settled, _) => Spoken::Settled(settled),
        }
    }

    /// The words.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words, drawn.
    pub fn draw(&self) -> Markup {
        html! {
            div #speaking.message.model {
                div #said.md { (self.settled(self.cuts.len())) }
                div #unsaid.md { (self.open()) }
            }
        }
    }

    /// The last so many settled parts, drawn.
    pub fn settled(&self, last: usize) -> Markup {
        let first = self.cuts.len() - last;
        let begin = |at: usize| at.checked_sub(1).map_or(0, |before| self.cuts[before]);
        html! { @for at in first..self.cuts.len() { (markdown(&self.text[begin(at)..self.cuts[at]])) } }
    }

    /// What is open, drawn.
    pub fn open(&self) -> Markup {
        match self.fence.and_then(|fence| fence.code) {
            Some(code) => html! { pre tabindex="0" { code #code { (self.text[code..]) } } },
            None => markdown(&self.text[self.cuts.last().copied().unwrap_or(0)..]),
        }
    }

    /// Takes in a whole line.
    fn pass(&mut self, begin: usize, end: usize) {
        let line = &self.text[begin..end];
        let inner = line.trim_start_matches(' ');
        let indent = line.len() - inner.len();
        if let Some(fence) = self.fence {
            let signs = inner.trim_end();
            if indent < 4 && signs.len() >= fence.length && signs.chars().all(|letter| letter == fence.sign) {
                (self.fence, self.rests) = (None, true);
            }
        } else if let Some((sign, length)) = fence_of(inner) {
            if indent == 0 && begin > self.cuts.last().copied().unwrap_or(0) {
                self.cuts.push(begin);
            }
            self.fence = Some(Fence { sign, length, code: (indent == 0).then_some(end) });
        } else if inner.trim_end().is_empty() {
            self.rests = true;
        } else if std::mem::take(&mut self.rests) && indent == 0 {
            self.cuts.push(begin);
        }
    }
}

/// The sign and the length of a fence that a line begins code with.
fn fence_of(line: &str) -> Option<(char, usize)> {
    let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let length = line.chars().take_while(|letter| *letter == sign).count();
    let is_code_in_a_line = sign == '`' && line[length..].contains('`');
    (length >= 3 && !is_code_in_a_line).then_some((sign, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "One\ntwo.\n\nThree `x`.\n\n- a\n\n  b\n\nText\n```rust\nfn f() {\n\n}\n```\nAfter\n\n````\n```\n````\nend";

    /// The page's own part: what it would have drawn, told piece by piece.
    fn heard(pieces: impl Iterator<Item = String>) -> (Speaking, String, String) {
        let (mut speaking, mut said, mut unsaid) = (Speaking::default(), String::new(), String::new());
        for piece in pieces {
            match speaking.say(&piece) {
                Spoken::Settled(last) => {
                    said.push_str(&speaking.settled(last).into_string());
                    unsaid = speaking.open().into_string();
                }
                Spoken::Open => unsaid = speaking.open().into_string(),
                Spoken::Code(more) => {
                    let more = html! { (more) }.into_string();
                    let end = unsaid.len() - "</code></pre>".len();
                    unsaid.insert_str(end, &more);
                }
            }
        }
        (speaking, said, unsaid)
    }

    #[test]
    fn words_are_the_same_in_whatever_pieces_they_come() {
        let (whole, _, _) = heard(std::iter::once(TEXT.to_owned()));
        for size in 1..9 {
            let letters: Vec<char> = TEXT.chars().collect();
            let (speaking, said, unsaid) = heard(letters.chunks(size).map(|piece| piece.iter().collect()));
            assert_eq!(speaking.text(), TEXT);
            assert_eq!(speaking.cuts, whole.cuts, "{size}");
            assert_eq!(said, whole.settled(whole.cuts.len()).into_string(), "{size}");
            assert_eq!(unsaid, whole.open().into_string(), "{size}");
        }
    }

    #[test]
    fn code_grows_by_its_letters_and_nothing_in_it_is_cut() {
        let (mut speaking, _, _) = heard(std::iter::once("Words\n```sh\nls\n".to_owned()));
        assert_eq!(speaking.say("\n\ncat <x>\n"), Spoken::Code("\n\ncat <x>\n".to_owned()));
        assert!(speaking.open().into_string().ends_with("cat &lt;x&gt;\n</code></pre>"));
        assert_eq!(speaking.say("```\n"), Spoken::Open);
        assert_eq!(speaking.say("more\n"), Spoken::Settled(1));
    }
}
