//! The commands that a person types after a slash: one table makes the commands, their completion and the help.
//!
//! Not here: carrying one out (that is `app`).

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Sets the mode, or says it.
    Mode,
    /// Shows the contract.
    Contract,
    /// Shows what the session has cost.
    Spend,
    /// Lets the model go on.
    GoOn,
    /// Shows the keys and the commands.
    Help,
    /// Ends the program.
    Quit,
}

/// One command: its name, what follows it, and what it does in a line.
#[derive(Clone, Copy, Debug)]
pub struct OrderEntry {
    /// The name, without the slash.
    pub name: &'static str,
    /// What may follow, as help writes it.
    pub takes: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Which one it is.
    pub order: Order,
}

/// Every command, as help lists them.
pub const ORDERS: &[OrderEntry] = &[
    OrderEntry {
        name: "mode",
        takes: "[plan|agent|yolo|yolo CAP|yolo uncapped]",
        does: "set the mode; without a word, say it",
        order: Order::Mode,
    },
    OrderEntry { name: "contract", takes: "", does: "what each mode does", order: Order::Contract },
    OrderEntry { name: "spend", takes: "", does: "what this session has cost and holds", order: Order::Spend },
    OrderEntry { name: "continue", takes: "", does: "let the model go on where it stopped", order: Order::GoOn },
    OrderEntry { name: "help", takes: "", does: "the keys and the commands", order: Order::Help },
    OrderEntry { name: "quit", takes: "", does: "end; the session can be resumed", order: Order::Quit },
];

/// The command of that name, or of the only name that begins so.
pub fn named(name: &str) -> Option<&'static OrderEntry> {
    let mut begun = ORDERS.iter().filter(|entry| entry.name.starts_with(name));
    ORDERS.iter().find(|entry| entry.name == name).or_else(|| begun.next().filter(|_| begun.next().is_none()))
}

/// The keys, for the help.
pub const KEYS: &[(&str, &str)] = &[
    ("Enter", "send; while the model works, it hears it with its next request"),
    ("Shift+Enter, Alt+Enter, Ctrl+J", "a new line"),
    ("Tab, Shift+Tab", "the next mode, the one before; in force half a second later"),
    ("y, s, n", "answer a card: once, for this session, no"),
    ("e", "edit the arguments of a card; Enter then allows what you wrote"),
    ("Space, then words", "on a card: no, and why; the model reads it"),
    ("Up, Down", "on several cards, pick one"),
    ("PageUp, PageDown, wheel", "scroll; End follows again"),
    ("Ctrl+O", "open or fold the last call"),
    ("Ctrl+T", "show or fold what the model thinks"),
    ("Esc", "stop what runs"),
    ("Ctrl+C", "clear what is written, then stop, then quit"),
];

/// The mode that the words of `/mode` ask for, as the session reads it.
pub fn mode_of(rest: &str) -> String {
    rest.split_whitespace().collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_name_or_by_a_beginning_that_is_no_others() {
        let order = |name| named(name).map(|entry| entry.order);
        assert_eq!(order("mode"), Some(Order::Mode));
        assert_eq!(order("q"), Some(Order::Quit));
        assert_eq!(order("con"), None, "it could be two");
        assert_eq!(order("cont"), None);
        assert_eq!(order("contr"), Some(Order::Contract));
        assert_eq!(order("fly"), None);
    }

    #[test]
    fn the_words_of_a_mode_are_its_text() {
        assert_eq!(mode_of("yolo 10"), "yolo:10");
        assert_eq!(mode_of(" yolo   uncapped "), "yolo:uncapped");
        assert_eq!(mode_of("plan"), "plan");
    }
}
