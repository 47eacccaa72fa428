//! Draws a screen as a picture, in few bytes: text by runs of one look, and the grounds behind it.
//!
//! Not here: what is on the screen.

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;
use tui::theme::Ground;

/// How wide and how high a cell is.
const CELL: (usize, usize) = (8, 17);
/// How far the screen is from the edge of the picture.
const EDGE: usize = 8;

/// The colours of a terminal that sets none: the letters, and what is behind them.
fn own(ground: Ground) -> (&'static str, &'static str) {
    match ground {
        Ground::Dark => ("#d7dae5", "#1e1e2e"),
        Ground::Light => ("#24292f", "#ffffff"),
    }
}

/// How a run of text looks: its letters' colour, what is behind them, and the rest.
#[derive(Clone, PartialEq)]
struct Style {
    ink: String,
    behind: Option<String>,
    modifiers: Modifier,
}

impl Style {
    fn of(cell: &Cell, ground: Ground) -> Style {
        let (ink, behind) = own(ground);
        let exact = |colour: Color, otherwise: &str| match colour {
            Color::Reset => otherwise.to_owned(),
            Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
            other => panic!("{other} is no exact colour"),
        };
        let (letters, back) = (exact(cell.fg, ink), exact(cell.bg, behind));
        let modifiers = cell.modifier & !(Modifier::REVERSED | Modifier::HIDDEN);
        match cell.modifier.contains(Modifier::REVERSED) {
            true => Style { ink: back, behind: Some(letters), modifiers },
            false => Style { ink: letters, behind: (back != behind).then_some(back), modifiers },
        }
    }

    fn rules(&self) -> String {
        let mut rules = format!("fill:{}", self.ink);
        let mut decorations = Vec::new();
        for (modifier, rule) in [
            (Modifier::BOLD, ";font-weight:700"),
            (Modifier::ITALIC, ";font-style:italic"),
            (Modifier::DIM, ";opacity:.7"),
        ] {
            if self.modifiers.contains(modifier) {
                rules.push_str(rule);
            }
        }
        for (modifier, line) in [(Modifier::UNDERLINED, "underline"), (Modifier::CROSSED_OUT, "line-through")] {
            if self.modifiers.contains(modifier) {
                decorations.push(line);
            }
        }
        if !decorations.is_empty() {
            let _ = write!(rules, ";text-decoration:{}", decorations.join(" "));
        }
        rules
    }
}

/// Some text of one look in a row.
struct Run {
    x: usize,
    cells: usize,
    text: String,
    style: Style,
}

/// A picture of a screen with its cursor.
pub fn picture((buffer, cursor): &(Buffer, Option<Position>), ground: Ground) -> String {
    let (columns, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let (width, height) = (columns * CELL.0 + 2 * EDGE, rows * CELL.1 + 2 * EDGE);
    let (mut looks, mut grounds, mut texts) = (Vec::<String>::new(), String::new(), String::new());
    for y in 0..rows {
        let top = EDGE + y * CELL.1;
        for run in runs(buffer, y, ground) {
            let (x, long) = (EDGE + run.x * CELL.0, run.cells * CELL.0);
            if let Some(behind) = &run.style.behind {
                let _ = writeln!(
                    grounds,
                    "<rect x=\"{x}\" y=\"{top}\" width=\"{long}\" height=\"{}\" fill=\"{behind}\"/>",
                    CELL.1
                );
            }
            if run.text.trim().is_empty() {
                continue;
            }
            let rules = run.style.rules();
            let at = looks.iter().position(|look| *look == rules).unwrap_or(looks.len());
            if at == looks.len() {
                looks.push(rules);
            }
            let (base, text) = (top + 13, escaped(&run.text));
            let _ = writeln!(texts, "<text x=\"{x}\" y=\"{base}\" textLength=\"{long}\" class=\"s{at}\">{text}</text>");
        }
    }
    let (_, behind) = own(ground);
    let looks: String = looks.iter().enumerate().map(|(at, rules)| format!(".s{at}{{{rules}}}")).collect();
    let cursor = cursor.map(|at| {
        let (x, y) = (EDGE + usize::from(at.x) * CELL.0, EDGE + usize::from(at.y) * CELL.1);
        format!("<rect x=\"{x}\" y=\"{y}\" width=\"2\" height=\"{}\" fill=\"{}\"/>\n", CELL.1, own(ground).0)
    });
    let cursor = cursor.unwrap_or_default();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>text{{font:13.3px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}}{looks}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{behind}\"/>\n{grounds}{texts}{cursor}</svg>\n"
    )
}

/// The runs of a row. Blanks end a run, so that what is behind them stands where it belongs in any fount.
fn runs(buffer: &Buffer, y: usize, ground: Ground) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut hidden, mut blanks) = (0, 0);
    for x in 0..usize::from(buffer.area.width) {
        let cell = &buffer[(x as u16, y as u16)];
        if hidden > 0 {
            hidden -= 1;
            continue;
        }
        let cells = usize::from(cell.cell_width()).max(1);
        hidden = cells - 1;
        let style = Style::of(cell, ground);
        blanks = if cell.symbol() == " " { blanks + 1 } else { 0 };
        match runs.last_mut() {
            Some(run)
                if run.style == style
                    && cells == 1
                    && run.x + run.cells == x
                    && (blanks < 2 || style.behind.is_some()) =>
            {
                run.text.push_str(cell.symbol());
                run.cells += 1;
            }
            _ if blanks > 0 && style.behind.is_none() && style.modifiers.is_empty() => {}
            _ => runs.push(Run { x, cells, text: cell.symbol().to_owned(), style }),
        }
    }
    for run in runs.iter_mut().filter(|run| run.style.behind.is_none()) {
        let text = run.text.trim_end();
        run.cells -= run.text.len() - text.len();
        run.text.truncate(text.len());
    }
    runs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
