//! The colours: which style each thing on the screen has, for what the terminal can show and the ground it shows it on.
//!
//! Not here: asking the terminal. What it can show is told from its environment, by the function that is given.

use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Any colour, as red, green and blue.
    True,
    /// The 256 of `xterm`; Remit uses those that no palette changes.
    Ansi256,
    /// The sixteen that the person's own palette defines.
    Ansi16,
    /// None at all; bold, underlined and reversed are left.
    None,
}

impl Depth {
    /// Tells the depth from environment variables.
    ///
    /// `NO_COLOR` with any content wins, as its convention asks (no-color.org), then `TERM=dumb`. GNU screen gets no true
    /// colour, because it passes `COLORTERM` on from outside without being able to show it. A terminal that says nothing of
    /// itself gets no colour: a wrong guess writes signs that nobody can read.
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Depth {
        let value = |name: &str| environment(name).unwrap_or_default();
        let term = value("TERM").to_ascii_lowercase();
        if !value("NO_COLOR").is_empty() || term == "dumb" {
            return Depth::None;
        }
        let told = matches!(value("COLORTERM").to_ascii_lowercase().as_str(), "truecolor" | "24bit");
        let known =
            ["kitty", "alacritty", "ghostty", "wezterm", "foot", "-direct"].iter().any(|name| term.contains(name));
        if !value("STY").is_empty() {
            return if term.contains("256color") { Depth::Ansi256 } else { Depth::Ansi16 };
        }
        match term.as_str() {
            _ if told || known => Depth::True,
            "" => Depth::None,
            _ if term.contains("256color") => Depth::Ansi256,
            _ => Depth::Ansi16,
        }
    }
}

/// Whether the terminal writes on dark or on light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Light letters on dark.
    Dark,
    /// Dark letters on light.
    Light,
}

impl Ground {
    /// Tells the ground from `COLORFGBG`, which some terminals set to `foreground;background` by palette number; else dark.
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Ground {
        let colours = environment("COLORFGBG").unwrap_or_default();
        match colours.rsplit(';').next().map(str::parse::<u8>) {
            Some(Ok(7 | 9..=15)) => Ground::Light,
            _ => Ground::Dark,
        }
    }
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident,)*) => {
        /// Everything that is drawn, by what it means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role { $($(#[$doc])* $role,)* }

        impl Role {
            /// All of them, in the order in which they are declared.
            pub const ALL: &'static [Role] = &[$(Role::$role,)*];
        }
    };
}

roles! {
    /// What the model says, and all that has no role of its own: the terminal's own colour.
    Text,
    /// What may be passed over: reasoning, counts, hints.
    Dim,
    /// What is stressed.
    Strong,
    /// A heading.
    Heading,
    /// The words of a link.
    Link,
    /// Code within a sentence.
    Code,
    /// A quotation, and the bar beside it.
    Quote,
    /// What the person said.
    Person,
    /// The title of a tool's card.
    Tool,
    /// What ended well.
    Ok,
    /// What ended with an error.
    Failed,
    /// What is going on.
    Running,
    /// What the mode or the person refused.
    Refused,
    /// A line that a change adds.
    Added,
    /// A line that a change takes away.
    Removed,
    /// Where in a file a change is.
    Hunk,
    /// The border of a card that asks for permission.
    Permission,
    /// The border of a card on which the model asks.
    ModelQuestion,
    /// What costs money.
    Paid,
    /// The chip of the mode Plan.
    ChipPlan,
    /// The chip of the mode Agent.
    ChipAgent,
    /// The chip of YOLO under a cap.
    ChipYolo,
    /// The chip of YOLO without a cap.
    ChipUncapped,
    /// The chip of a mode that does not apply yet.
    ChipPending,
    /// What is selected.
    Selection,
    /// The bar that names the session.
    TitleBar,
    /// Lines that part one thing from another.
    Border,
    /// What went wrong in Remit itself.
    Error,
    /// What Remit has to say.
    Notice,
    /// A comment in a program.
    CodeComment,
    /// A quoted text in a program.
    CodeString,
    /// A word of the programming language.
    CodeKeyword,
    /// A number or another constant in a program.
    CodeConstant,
    /// The name of what is called or defined in a program.
    CodeCall,
    /// The name of a type or of a field in a program.
    CodeType,
}

/// Which role the mode's chip has, told from the beginning of its text.
///
/// A text that is not known gets the loudest chip: better to warn of nothing than to whisper of what may spend.
pub fn chip_role(text: &str) -> Role {
    if text.starts_with("Plan") {
        Role::ChipPlan
    } else if text.starts_with("Agent") {
        Role::ChipAgent
    } else if text.starts_with("YOLO $") {
        Role::ChipYolo
    } else {
        Role::ChipUncapped
    }
}

/// The inks. Each has a colour for either ground in true colour, and one of the sixteen for either.
#[derive(Clone, Copy)]
enum Ink {
    Grey,
    Blue,
    Cyan,
    Green,
    Red,
    Yellow,
    Orange,
    Violet,
    Pink,
}

impl Ink {
    fn exact(self, ground: Ground) -> (u8, u8, u8) {
        let (dark, light) = match self {
            Ink::Grey => ((158, 163, 184), (92, 97, 112)),
            Ink::Blue => ((130, 178, 255), (18, 86, 184)),
            Ink::Cyan => ((110, 208, 218), (0, 100, 116)),
            Ink::Green => ((132, 212, 132), (22, 110, 42)),
            Ink::Red => ((255, 132, 140), (184, 22, 44)),
            Ink::Yellow => ((236, 202, 112), (122, 82, 0)),
            Ink::Orange => ((255, 168, 98), (160, 70, 0)),
            Ink::Violet => ((202, 166, 255), (112, 56, 178)),
            Ink::Pink => ((255, 140, 204), (162, 28, 116)),
        };
        match ground {
            Ground::Dark => dark,
            Ground::Light => light,
        }
    }

    /// The nearest of the sixteen. Grey has none: bright black is the ground itself in more than one well-liked palette, so
    /// it is the terminal's own colour made dim. On light, cyan and yellow cannot be read and are replaced.
    fn named(self, ground: Ground) -> Option<Color> {
        let (dark, light) = match self {
            Ink::Grey => return None,
            Ink::Blue => (Color::LightBlue, Color::Blue),
            Ink::Cyan => (Color::LightCyan, Color::Blue),
            Ink::Green => (Color::LightGreen, Color::Green),
            Ink::Red => (Color::LightRed, Color::Red),
            Ink::Yellow => (Color::LightYellow, Color::Magenta),
            Ink::Orange => (Color::Yellow, Color::Red),
            Ink::Violet | Ink::Pink => (Color::LightMagenta, Color::Magenta),
        };
        Some(match ground {
            Ground::Dark => dark,
            Ground::Light => light,
        })
    }
}

/// How things look on one terminal. It is small and copied about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    depth: Depth,
    ground: Ground,
}

impl Theme {
    /// Makes the theme of a terminal.
    pub const fn new(depth: Depth, ground: Ground) -> Theme {
        Theme { depth, ground }
    }

    /// How many colours it uses.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Which ground it is for.
    pub fn ground(&self) -> Ground {
        self.ground
    }

    /// The style of a role.
    ///
    /// No role sets a background: a chip is its ink *reversed*, so that it is as readable as the ink on whatever ground the
    /// terminal has, and is still a chip without any colour.
    pub fn style(&self, role: Role) -> Style {
        let (ink, modifiers) = paint(role);
        let style = Style::new().add_modifier(modifiers);
        let Some(ink) = ink else { return style };
        match self.depth {
            Depth::True => {
                let (red, green, blue) = ink.exact(self.ground);
                style.fg(Color::Rgb(red, green, blue))
            }
            Depth::Ansi256 => style.fg(Color::Indexed(nearest(ink.exact(self.ground)))),
            Depth::Ansi16 => match ink.named(self.ground) {
                Some(colour) => style.fg(colour),
                None => style.add_modifier(Modifier::DIM),
            },
            Depth::None => style.add_modifier(without_colour(role)),
        }
    }
}

/// The ink of a role, none being the terminal's own, and what it has at every depth.
fn paint(role: Role) -> (Option<Ink>, Modifier) {
    let none = Modifier::empty();
    let bold = Modifier::BOLD;
    let chip = Modifier::REVERSED;
    match role {
        Role::Text => (None, none),
        Role::Dim | Role::Border | Role::CodeComment => (Some(Ink::Grey), none),
        Role::Strong => (None, bold),
        Role::Heading => (Some(Ink::Blue), bold),
        Role::Link => (Some(Ink::Cyan), Modifier::UNDERLINED),
        Role::Code => (Some(Ink::Orange), none),
        Role::Quote => (Some(Ink::Grey), Modifier::ITALIC),
        Role::Person => (Some(Ink::Cyan), bold),
        Role::Tool => (Some(Ink::Violet), bold),
        Role::Ok | Role::Added | Role::CodeString => (Some(Ink::Green), none),
        Role::Failed => (Some(Ink::Red), bold),
        Role::Running => (Some(Ink::Yellow), none),
        Role::Refused => (Some(Ink::Pink), bold),
        Role::Removed => (Some(Ink::Red), none),
        Role::Hunk => (Some(Ink::Cyan), none),
        Role::Permission => (Some(Ink::Yellow), bold),
        Role::ModelQuestion => (Some(Ink::Blue), none),
        Role::Paid => (Some(Ink::Orange), bold),
        Role::ChipPlan => (Some(Ink::Blue), chip),
        Role::ChipAgent => (Some(Ink::Green), chip.union(bold)),
        Role::ChipYolo => (Some(Ink::Orange), chip.union(bold).union(Modifier::UNDERLINED)),
        Role::ChipUncapped => (Some(Ink::Red), chip.union(bold).union(Modifier::UNDERLINED).union(Modifier::ITALIC)),
        Role::ChipPending => (Some(Ink::Grey), Modifier::UNDERLINED.union(Modifier::ITALIC)),
        Role::Selection => (None, chip),
        Role::TitleBar => (Some(Ink::Grey), bold),
        Role::Error => (Some(Ink::Red), chip.union(bold)),
        Role::Notice => (Some(Ink::Grey), Modifier::ITALIC),
        Role::CodeKeyword => (Some(Ink::Violet), none),
        Role::CodeConstant => (Some(Ink::Orange), none),
        Role::CodeCall => (Some(Ink::Blue), none),
        Role::CodeType => (Some(Ink::Cyan), none),
    }
}

/// What a role has besides, where its ink cannot be seen.
fn without_colour(role: Role) -> Modifier {
    match role {
        Role::Dim | Role::Border | Role::Quote | Role::Notice | Role::CodeComment | Role::ChipPending => Modifier::DIM,
        Role::Code | Role::Added | Role::Running | Role::Hunk => Modifier::BOLD,
        Role::Refused | Role::Failed | Role::Paid => Modifier::UNDERLINED,
        _ => Modifier::empty(),
    }
}

/// The steps of one channel in the colour cube of `xterm`'s 256.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of the 240 colours that are the same everywhere: the cube of six steps a side from 16, the greys from 232.
fn nearest((red, green, blue): (u8, u8, u8)) -> u8 {
    let apart = |a: (u8, u8, u8)| {
        let of = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        of(a.0, red) + of(a.1, green) + of(a.2, blue)
    };
    (16..=255).min_by_key(|index| apart(indexed(*index))).unwrap_or(255)
}

/// What a colour from 16 up is, as red, green and blue.
fn indexed(index: u8) -> (u8, u8, u8) {
    let place = usize::from(index.saturating_sub(16));
    if index < 232 {
        (STEPS[place / 36], STEPS[place / 6 % 6], STEPS[place % 6])
    } else {
        let grey = 8 + 10 * (index - 232);
        (grey, grey, grey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUNDS: [(Ground, (u8, u8, u8)); 2] =
        [(Ground::Dark, (0x1e, 0x1e, 0x2e)), (Ground::Light, (0xff, 0xff, 0xff))];

    /// The relative luminance of WCAG 2.2.
    fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
        let linear = |channel: u8| {
            let part = f64::from(channel) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        if a > b { a / b } else { b / a }
    }

    fn exact(colour: Color) -> (u8, u8, u8) {
        match colour {
            Color::Rgb(red, green, blue) => (red, green, blue),
            Color::Indexed(index) => indexed(index),
            other => panic!("{other} is the palette's, and has no known contrast"),
        }
    }

    #[test]
    fn every_ink_can_be_read_on_its_ground() {
        for (ground, behind) in GROUNDS {
            for depth in [Depth::True, Depth::Ansi256] {
                for role in Role::ALL {
                    let style = Theme::new(depth, ground).style(*role);
                    assert_eq!(style.bg, None, "{role:?} has a background");
                    let Some(ink) = style.fg else { continue };
                    let ratio = contrast(exact(ink), behind);
                    assert!(ratio >= 4.5, "{role:?} on {ground:?} at {depth:?}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn the_colours_that_no_palette_changes_are_found() {
        assert_eq!(nearest((255, 255, 255)), 231);
        assert_eq!(nearest((0, 0, 0)), 16);
        assert_eq!(nearest((8, 8, 8)), 232);
        assert_eq!(nearest((96, 134, 255)), 69);
    }

    #[test]
    fn without_colour_nothing_is_coloured_and_what_must_differ_does() {
        let theme = Theme::new(Depth::None, Ground::Dark);
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        let groups: [&[Role]; 6] = [
            &[Role::ChipPlan, Role::ChipAgent, Role::ChipYolo, Role::ChipUncapped, Role::ChipPending],
            &[Role::Added, Role::Removed],
            &[Role::Ok, Role::Failed],
            &[Role::Running, Role::Refused, Role::Ok],
            &[Role::Permission, Role::ModelQuestion],
            &[Role::Text, Role::Dim, Role::Strong, Role::Link, Role::Selection, Role::Error],
        ];
        for group in groups {
            for (at, role) in group.iter().enumerate() {
                for other in &group[at + 1..] {
                    assert_ne!(theme.style(*role), theme.style(*other), "{role:?} looks like {other:?}");
                }
            }
        }
    }

    #[test]
    fn sixteen_colours_are_the_palettes_own_and_grey_is_dim() {
        let theme = Theme::new(Depth::Ansi16, Ground::Light);
        assert_eq!(theme.style(Role::Removed).fg, Some(Color::Red));
        assert_eq!(theme.style(Role::Dim), Style::new().add_modifier(Modifier::DIM));
    }

    fn depth(variables: &[(&str, &str)]) -> Depth {
        Depth::of(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_depth_is_told_from_the_environment() {
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-kitty")]), Depth::True);
        assert_eq!(depth(&[("TERM", "tmux-256color")]), Depth::Ansi256);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(depth(&[]), Depth::None);
    }

    #[test]
    fn who_wants_no_colour_gets_none() {
        let term = [("TERM", "xterm-256color"), ("COLORTERM", "24bit")];
        assert_eq!(depth(&[term[0], term[1], ("NO_COLOR", "0")]), Depth::None);
        assert_eq!(depth(&[term[0], term[1], ("NO_COLOR", "")]), Depth::True);
        assert_eq!(depth(&[("TERM", "dumb"), term[1]]), Depth::None);
    }

    #[test]
    fn gnu_screen_is_not_believed_what_it_passes_on() {
        let outside = ("COLORTERM", "truecolor");
        assert_eq!(depth(&[("TERM", "screen-256color"), outside, ("STY", "1.a")]), Depth::Ansi256);
        assert_eq!(depth(&[("TERM", "screen"), outside, ("STY", "1.a")]), Depth::Ansi16);
        assert_eq!(depth(&[("TERM", "screen-256color"), outside]), Depth::True);
    }

    #[test]
    fn the_ground_is_told_from_the_palette_numbers() {
        let ground = |value: &str| Ground::of(|name| (name == "COLORFGBG").then(|| value.to_owned()));
        assert_eq!(ground("0;15"), Ground::Light);
        assert_eq!(ground("15;0"), Ground::Dark);
        assert_eq!(ground("0;default;7"), Ground::Light);
        assert_eq!(ground("?"), Ground::Dark);
    }

    #[test]
    fn a_chip_is_told_by_how_its_text_begins() {
        assert_eq!(chip_role("Plan"), Role::ChipPlan);
        assert_eq!(chip_role("Agent"), Role::ChipAgent);
        assert_eq!(chip_role("YOLO $3.20 of $5.00 + 1 unbounded"), Role::ChipYolo);
        assert_eq!(chip_role("YOLO uncapped"), Role::ChipUncapped);
        assert_eq!(chip_role("something new"), Role::ChipUncapped);
    }
}
