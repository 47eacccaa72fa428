//! An answer while it is being put together, with the caps on what a service may make it grow to.
//!
//! Not here: how any service spells the pieces.

use turn::chat::ToolCall;

use crate::completion::Heard;
use crate::decode::Trouble;
use crate::endpoint::Caps;
use crate::names::Names;

/// The longest name of a tool and the longest identifier of a call; both are shown to people.
const LONGEST_NAME: usize = 1024;

/// What has come of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    caps: Caps,
    names: Names,
    text: String,
    reasoning: String,
    calls: Vec<Slot>,
    /// The bytes of all calls together: names, identifiers and arguments.
    calls_weigh: usize,
    /// The bytes of what a service wants back unread.
    opaque_weighs: usize,
}

/// One tool call while it is being put together.
#[derive(Clone, Debug)]
struct Slot {
    key: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    braces: Braces,
}

/// The parts of a finished answer.
pub(crate) struct Parts {
    pub text: String,
    pub reasoning: String,
    pub calls: Vec<ToolCall>,
}

impl Draft {
    pub fn new(caps: Caps, names: Names) -> Draft {
        Draft {
            caps,
            names,
            text: String::new(),
            reasoning: String::new(),
            calls: Vec::new(),
            calls_weigh: 0,
            opaque_weighs: 0,
        }
    }

    /// Adds a piece of what is said.
    pub fn say(&mut self, piece: &str, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        if piece.is_empty() {
            return Ok(());
        }
        within(self.text.len() + piece.len(), self.caps.text, "text")?;
        self.text.push_str(piece);
        out.push(Heard::Text(piece.to_owned()));
        Ok(())
    }

    /// Adds a piece of what is thought.
    pub fn think(&mut self, piece: &str, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        if piece.is_empty() {
            return Ok(());
        }
        within(self.reasoning.len() + piece.len(), self.caps.reasoning, "reasoning")?;
        self.reasoning.push_str(piece);
        out.push(Heard::Reasoning(piece.to_owned()));
        Ok(())
    }

    /// Begins a tool call and returns its place.
    pub fn open(&mut self, key: Option<u64>) -> Result<usize, Trouble> {
        if self.calls.len() >= self.caps.calls {
            return Err(Trouble::TooMuch(format!("more than {} tool calls", self.caps.calls)));
        }
        self.calls.push(Slot {
            key,
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
            braces: Braces::default(),
        });
        Ok(self.calls.len() - 1)
    }

    /// Returns the place of the last tool call that was begun with this key.
    pub fn place_of(&self, key: u64) -> Option<usize> {
        self.calls.iter().rposition(|slot| slot.key == Some(key))
    }

    /// Returns the place of the last tool call with this identifier.
    pub fn place_of_id(&self, id: &str) -> Option<usize> {
        self.calls.iter().rposition(|slot| slot.id == id)
    }

    /// Returns the place of the last tool call.
    pub fn last_place(&self) -> Option<usize> {
        self.calls.len().checked_sub(1)
    }

    /// Gives a tool call its identifier; the first one stays.
    pub fn identify(&mut self, place: usize, id: &str) -> Result<(), Trouble> {
        within(id.len(), LONGEST_NAME, "identifier of a tool call")?;
        if self.calls[place].id.is_empty() {
            self.weigh_call(id.len())?;
            self.calls[place].id = id.to_owned();
        }
        Ok(())
    }

    /// Gives a tool call its name; the first one stays, for some services repeat it with every piece.
    pub fn name(&mut self, place: usize, name: &str, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        within(name.len(), LONGEST_NAME, "name of a tool")?;
        if !name.is_empty() && self.calls[place].name.is_empty() {
            self.weigh_call(name.len())?;
            self.calls[place].name = self.names.meant(name).to_owned();
            out.push(Heard::Calling { name: self.calls[place].name.clone() });
        }
        Ok(())
    }

    /// Adds a piece of a tool call's arguments.
    pub fn argue(&mut self, place: usize, piece: &str) -> Result<(), Trouble> {
        self.weigh_call(piece.len())?;
        let slot = &mut self.calls[place];
        slot.arguments.push_str(piece);
        slot.braces.read(piece);
        Ok(())
    }

    /// Returns what is known of a tool call's identifier.
    pub fn id_at(&self, place: usize) -> &str {
        &self.calls[place].id
    }

    /// Returns what is known of a tool call's name.
    pub fn name_at(&self, place: usize) -> &str {
        &self.calls[place].name
    }

    /// Returns whether a tool call has no arguments yet.
    pub fn is_bare(&self, place: usize) -> bool {
        self.calls[place].arguments.is_empty()
    }

    /// Returns whether a tool call's arguments are a whole object, so that a further piece cannot belong to it.
    pub fn is_closed(&self, place: usize) -> bool {
        self.calls[place].braces.closed
    }

    /// Counts bytes that are kept for the service, unread.
    pub fn keep(&mut self, bytes: usize) -> Result<(), Trouble> {
        within(self.opaque_weighs + bytes, self.caps.opaque, "hidden reasoning")?;
        self.opaque_weighs += bytes;
        Ok(())
    }

    /// Returns whether nothing has come.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty() && self.calls.is_empty()
    }

    /// Returns whether a tool was called.
    pub fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Returns the number of bytes said so far.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns the number of bytes thought so far.
    pub fn reasoning_bytes(&self) -> usize {
        self.reasoning.len()
    }

    /// Ends the draft: identifiers that are missing or taken are replaced, absent arguments become an empty object.
    pub fn finish(self) -> Parts {
        let mut calls: Vec<ToolCall> = Vec::with_capacity(self.calls.len());
        for (place, slot) in self.calls.into_iter().enumerate() {
            let mut id = if slot.id.is_empty() { format!("call_{place}") } else { slot.id };
            while calls.iter().any(|call| call.id == id) {
                id = format!("{id}_{place}");
            }
            let arguments = if slot.arguments.trim().is_empty() { "{}".to_owned() } else { slot.arguments };
            calls.push(ToolCall { id, name: slot.name, arguments });
        }
        Parts { text: self.text, reasoning: self.reasoning, calls }
    }

    fn weigh_call(&mut self, bytes: usize) -> Result<(), Trouble> {
        within(self.calls_weigh + bytes, self.caps.arguments, "arguments of tool calls")?;
        self.calls_weigh += bytes;
        Ok(())
    }
}

fn within(bytes: usize, cap: usize, what: &str) -> Result<(), Trouble> {
    if bytes <= cap { Ok(()) } else { Err(Trouble::TooMuch(format!("more than {cap} bytes of {what}"))) }
}

/// Follows the braces of JSON text, so that its end is known without parsing it again with each piece.
#[derive(Clone, Copy, Debug, Default)]
struct Braces {
    depth: usize,
    quoted: Quoted,
    closed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Quoted {
    #[default]
    No,
    Yes,
    Escaped,
}

impl Braces {
    fn read(&mut self, piece: &str) {
        for byte in piece.bytes() {
            self.quoted = match (self.quoted, byte) {
                (Quoted::Escaped, _) => Quoted::Yes,
                (Quoted::Yes, b'\\') => Quoted::Escaped,
                (Quoted::Yes, b'"') => Quoted::No,
                (Quoted::Yes, _) => Quoted::Yes,
                (Quoted::No, b'"') => Quoted::Yes,
                (Quoted::No, b'{') => {
                    self.depth += 1;
                    Quoted::No
                }
                (Quoted::No, b'}') => {
                    self.closed |= self.depth == 1;
                    self.depth = self.depth.saturating_sub(1);
                    Quoted::No
                }
                (Quoted::No, _) => Quoted::No,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let caps = Caps { text: 10, reasoning: 10, calls: 2, arguments: 20, opaque: 10, ..Caps::default() };
        Draft::new(caps, Names::of(&[]))
    }

    #[test]
    fn each_part_stops_at_its_cap() {
        let mut out = Vec::new();
        let mut full = draft();
        full.say("1234567890", &mut out).unwrap();
        assert_eq!(full.say("1", &mut out), Err(Trouble::TooMuch("more than 10 bytes of text".into())));
        full.think("1234567890", &mut out).unwrap();
        assert_eq!(full.think("1", &mut out), Err(Trouble::TooMuch("more than 10 bytes of reasoning".into())));
        full.open(None).unwrap();
        full.open(None).unwrap();
        assert_eq!(full.open(None), Err(Trouble::TooMuch("more than 2 tool calls".into())));
        full.argue(0, "1234567890").unwrap();
        full.identify(1, "1234567890").unwrap();
        assert_eq!(full.argue(1, "1"), Err(Trouble::TooMuch("more than 20 bytes of arguments of tool calls".into())));
        assert!(full.keep(11).is_err());
        assert!(full.name(0, &"x".repeat(1025), &mut out).is_err());
        assert!(full.identify(0, &"x".repeat(1025)).is_err());
    }

    #[test]
    fn missing_and_repeated_identifiers_become_different_ones() {
        let mut draft = Draft::new(Caps::default(), Names::of(&[]));
        for id in ["", "call_0", "x", "x", "x"] {
            let place = draft.open(None).unwrap();
            draft.identify(place, id).unwrap();
        }
        let ids: Vec<_> = draft.finish().calls.into_iter().map(|call| call.id).collect();
        assert_eq!(ids, ["call_0", "call_0_1", "x", "x_3", "x_4"]);
    }

    #[test]
    fn absent_arguments_are_an_empty_object() {
        let mut draft = draft();
        draft.open(None).unwrap();
        let place = draft.open(None).unwrap();
        draft.argue(place, " \n").unwrap();
        assert!(draft.finish().calls.iter().all(|call| call.arguments == "{}"));
    }

    #[test]
    fn arguments_are_closed_by_their_last_brace_and_not_by_one_in_a_text() {
        let mut braces = Braces::default();
        for piece in ["{\"a\": \"}", "\\\"}\"", ", \"b\": {}"] {
            braces.read(piece);
            assert!(!braces.closed, "{piece}");
        }
        braces.read("}");
        assert!(braces.closed);
    }
}
