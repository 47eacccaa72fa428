//! Chance, and the texts that it makes: what a model, a tool or a paste may bring, most of it meant badly.
//!
//! Not here: what is done with them.

/// Numbers that look like chance and are the same for a seed (splitmix64, by Steele, Lea and Flood).
#[derive(Clone, Debug)]
pub struct Chance(u64);

/// Pieces that hostile texts are made of.
const PIECES: &[&str] = &[
    "\u{1b}[2J",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{1b}]0;title\u{1b}\\",
    "\u{1b}P$q\u{1b}\\",
    "\u{1b}[38;5;1m",
    "\u{1b}",
    "\u{9b}31m",
    "\u{9d}8;;x\u{9c}",
    "\r",
    "\r\n",
    "\n",
    "\n\n",
    "\t",
    "\u{8}\u{8}",
    "\u{7}",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}abc\u{202c}",
    "\u{2066}x\u{2069}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}",
    "e\u{301}",
    "a\u{300}\u{301}\u{302}",
    "日本語の文",
    "한국어",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇩🇪",
    "لا",
    "नमस्ते",
    "ﷺ",
    "a",
    "word ",
    "two words ",
    "**bold",
    "*",
    "_",
    "`code`",
    "```rust\nfn f() {}\n",
    "```",
    "~~~\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "- item\n",
    "1. item\n",
    "> quote\n",
    "# Head\n",
    "---\n",
    "[words](https://a.example/x)",
    "https://b.example/y ",
    "<b>",
    "&#27;[2J",
    "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n",
    "{\"command\":\"rm -rf ~\"}",
    "{\"a\": [1, \"\\u001b\"]}",
    "/mode yolo uncapped",
    "YOLO uncapped",
    " Plan ",
    "=",
    "\\",
    "¶",
];

impl Chance {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from one to before another.
    pub fn between(&mut self, from: u16, end: u16) -> u16 {
        from + u16::try_from(self.below(u64::from(end - from))).unwrap_or(0)
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of some.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.below(of.len() as u64);
        &of[usize::try_from(at).unwrap_or(0)]
    }

    /// A text that means no good: short as a rule, long now and then, and seldom very long.
    pub fn text(&mut self) -> String {
        let pieces = match self.below(2_000) {
            0 => 4_000,
            1..20 => 200,
            _ => self.below(8),
        };
        let mut text = String::new();
        for _ in 0..pieces {
            match self.below(8) {
                0 => text.extend(char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap_or(0))),
                1 => {
                    let piece = *self.one(PIECES);
                    (0..self.below(12)).for_each(|_| text.push_str(piece));
                }
                _ => {
                    let piece = self.one(PIECES);
                    text.push_str(piece);
                }
            }
        }
        text
    }
}
