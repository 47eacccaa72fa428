//! The commands that a person types after a slash, and the keys: one table makes the commands, their completion, the help and
//! the page of the documentation.
//!
//! Not here: carrying one out (that is `app`).

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Sets the mode, or says it.
    Mode,
    /// Shows the contract.
    Contract,
    /// Lists the answers that last for the session.
    Answers,
    /// Shows what the person prohibited.
    Prohibitions,
    /// Picks another model.
    Model,
    /// Shows what the session has cost.
    Spend,
    /// Lists the sessions.
    Sessions,
    /// Begins another session.
    New,
    /// Gives the session another title.
    Rename,
    /// Has the older part of the conversation summed up.
    Compact,
    /// Shows what fills the model's context.
    Context,
    /// Lists the MCP servers.
    Servers,
    /// Shows what differs in the workspace.
    Diff,
    /// Copies the model's last message.
    Copy,
    /// Writes the conversation to a file.
    Export,
    /// Picks the colours for a dark or a light ground.
    Theme,
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

const fn entry(order: Order, name: &'static str, takes: &'static str, does: &'static str) -> OrderEntry {
    OrderEntry { name, takes, does, order }
}

/// Every command, as help lists them.
pub const ORDERS: &[OrderEntry] = &[
    entry(Order::Mode, "mode", "[plan|agent|yolo|yolo CAP|yolo uncapped]", "set the mode; without a word, say it"),
    entry(Order::Contract, "contract", "", "what each mode does"),
    entry(Order::Answers, "answers", "", "your answers that last for this session; Enter takes one back"),
    entry(Order::Prohibitions, "prohibitions", "", "what you prohibited"),
    entry(Order::Model, "model", "[NAME]", "pick another model, with prices, from the next request on"),
    entry(Order::Spend, "spend", "", "what this session has cost and holds"),
    entry(Order::Sessions, "sessions", "[WORDS]", "find, resume, fork, rename or delete a session"),
    entry(Order::New, "new", "", "begin another session; this one can be resumed"),
    entry(Order::Rename, "rename", "TITLE", "give this session another title"),
    entry(Order::Compact, "compact", "", "have the model sum up the older part of the conversation"),
    entry(Order::Context, "context", "", "what fills the model's context, by part"),
    entry(Order::Servers, "mcp", "", "the MCP servers and their tools; Enter starts one anew"),
    entry(Order::Diff, "diff", "", "what differs in the workspace from what is committed"),
    entry(Order::Copy, "copy", "", "copy the model's last message"),
    entry(Order::Export, "export", "", "write the conversation to a file"),
    entry(Order::Theme, "theme", "[dark|light|auto]", "colours for a dark or a light ground"),
    entry(Order::GoOn, "continue", "", "let the model go on where it stopped"),
    entry(Order::Help, "help", "", "the keys and the commands"),
    entry(Order::Quit, "quit", "", "end; the session can be resumed"),
];

/// The command of that name, or of the only name that begins so.
pub fn named(name: &str) -> Option<&'static OrderEntry> {
    let mut begun = ORDERS.iter().filter(|entry| entry.name.starts_with(name));
    ORDERS.iter().find(|entry| entry.name == name).or_else(|| begun.next().filter(|_| begun.next().is_none()))
}

/// The keys, for the help.
pub const KEYS: &[(&str, &str)] = &[
    ("Enter", "send; while the model works, it hears it with its next request"),
    ("Ctrl+Q", "send it when the model is done, by itself; what waits is shown above what you write"),
    ("Up (nothing written)", "take the last that waits back; else what you sent before"),
    ("Shift+Enter, Alt+Enter, Ctrl+J", "a new line"),
    ("Tab, Shift+Tab", "the next mode, the one before; in force half a second later"),
    ("/", "a command"),
    ("@", "a file of the workspace"),
    ("!", "a command in your own shell; nobody asks, and the model does not see it"),
    ("Ctrl+S", "put what your last command said where you write, for the model"),
    ("Ctrl+G", "write on in your own editor"),
    ("Ctrl+_, Alt+Z", "undo what was written, and do it again"),
    ("Ctrl+R", "search what you sent"),
    ("y, s, n", "answer a card: once, for this session, no"),
    ("e", "edit the arguments of a card, and Enter allows what you wrote; on a form, begin the answer"),
    ("r", "on a card past the cap: write the mode with a higher cap; Enter sets it"),
    ("Space, words, Enter", "on a card: no, and why; the model reads it"),
    ("Alt+Y, Alt+S after words", "on a card: yes, once or for this session, and the model reads the words"),
    ("Alt+N", "decline what a server asks"),
    ("Up, Down", "of several cards, pick one"),
    ("Ctrl+Up, Ctrl+Down", "scroll a card that is longer than its room; with Page by ten lines; Shift does too"),
    ("PageUp, PageDown, wheel", "scroll"),
    ("Home, End (nothing written)", "go to the first line; to the last, and follow again"),
    ("Ctrl+O", "open a call, then all of it, then fold it: the last, or when scrolled the one in the middle"),
    ("Ctrl+T", "show or fold what the model thinks"),
    ("dragging the mouse", "select, and copy what is selected; with Shift the terminal does it its own way"),
    ("Esc", "stop what runs"),
    ("Esc Esc (nothing written)", "go back to an earlier message, in a new session"),
    ("Ctrl+C", "clear what is written, then stop, then end when pressed twice"),
    ("Ctrl+Z", "stop the program itself; `fg` in the shell goes on"),
];

/// The mode that the words of `/mode` ask for, as the session reads it.
pub fn mode_of(rest: &str) -> String {
    rest.split_whitespace().collect::<Vec<_>>().join(":")
}

/// The keys and the commands as the help shows them.
pub fn help() -> String {
    let keys = KEYS.iter().map(|(key, does)| format!("{key:<34}{does}\n"));
    let orders = ORDERS.iter().map(|entry| match entry.takes.len() {
        // What takes much stands on a line of its own.
        0..=20 => format!("{:<34}{}\n", format!("/{} {}", entry.name, entry.takes), entry.does),
        _ => format!("/{} {}\n{:<34}{}\n", entry.name, entry.takes, "", entry.does),
    });
    keys.chain(["\n".to_owned()]).chain(orders).collect()
}

/// The commands and the keys as two tables of Markdown.
pub fn tables() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let orders = ORDERS.iter().map(|entry| {
        let line = format!("/{} {}", entry.name, entry.takes);
        format!("| `{}` | {} |\n", cell(line.trim_end()), cell(entry.does))
    });
    let keys = KEYS.iter().map(|(key, does)| format!("| {} | {} |\n", cell(key), cell(does)));
    let (orders, keys): (String, String) = (orders.collect(), keys.collect());
    format!("| command | what it does |\n|---|---|\n{orders}\n| key | what it does |\n|---|---|\n{keys}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/terminal.md");
    const BEGINS: &str = "<!-- commands -->\n";
    const ENDS: &str = "<!-- /commands -->";

    #[test]
    fn a_command_is_known_by_its_name_or_by_a_beginning_that_is_no_others() {
        let order = |name| named(name).map(|entry| entry.order);
        assert_eq!(order("mode"), Some(Order::Mode));
        assert_eq!(order("q"), Some(Order::Quit));
        assert_eq!(order("con"), None, "it could be three");
        assert_eq!(order("conte"), Some(Order::Context));
        assert_eq!(order("contr"), Some(Order::Contract));
        assert_eq!(order("mo"), None, "it could be two");
        assert_eq!(order("fly"), None);
    }

    #[test]
    fn the_words_of_a_mode_are_its_text() {
        assert_eq!(mode_of("yolo 10"), "yolo:10");
        assert_eq!(mode_of(" yolo   uncapped "), "yolo:uncapped");
        assert_eq!(mode_of("plan"), "plan");
    }

    #[test]
    fn the_columns_of_the_help_stand_below_each_other() {
        for (key, does) in KEYS {
            assert!(key.len() <= 32 && help().contains(&format!("{key:<34}{does}\n")), "{key}");
        }
    }

    #[test]
    fn no_two_commands_have_one_name_and_each_is_in_the_table() {
        for (at, entry) in ORDERS.iter().enumerate() {
            assert!(ORDERS[..at].iter().all(|other| other.name != entry.name && other.order != entry.order));
            assert!(help().contains(&format!("/{} ", entry.name)) && tables().contains(entry.does), "{}", entry.name);
        }
    }

    /// `REMIT_UPDATE=1` writes the page anew.
    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "the test compares a page of the documentation, and writes it when asked to"
    )]
    fn the_documentation_has_the_commands_and_the_keys_that_there_are() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGINS).expect("the page says where the tables begin");
        let (written, after) = rest.split_once(ENDS).expect("the page says where the tables end");
        if std::env::var_os("REMIT_UPDATE").is_some() {
            return std::fs::write(PAGE, format!("{before}{BEGINS}{}{ENDS}{after}", tables())).unwrap();
        }
        assert_eq!(written, tables(), "REMIT_UPDATE=1 writes docs/terminal.md anew");
    }
}
