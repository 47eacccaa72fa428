//! Texts for the model: cut to size, saying what was cut and where the whole is.
//!
//! Not here: what any one tool has to say.

use gate::{Permit, Report};
use host::files;
use host::scene::Scene;
use policy::{Name, Place};
use std::borrow::Cow;

/// About how many bytes of text one call may put before the model.
pub const MOST: usize = 30_000;

/// The text when it fits, else its beginning, with the whole kept in a file that the model can read.
pub fn fitted<A>(permit: &Permit<A>, scene: &Scene, text: String) -> String {
    if text.len() <= MOST {
        return text;
    }
    let end = text.floor_char_boundary(MOST);
    let end = text[..end].rfind('\n').map_or(end, |line_end| line_end + 1);
    let cut = text.len() - end;
    let whole = match files::keep(permit, &scene.outputs, "txt", text.as_bytes()) {
        Ok(path) => format!("the whole is in `{path}`, for `read` and `search`"),
        Err(why) => format!("the whole could not be kept: {why}"),
    };
    format!("{}[cut here: {cut} of {} bytes are not shown; {whole}]", &text[..end], text.len())
}

/// The beginning of a text that is for a look only, with a word on what was cut.
pub fn beginning(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most);
    Cow::Owned(format!("{}… [{} more bytes]", &text[..end], text.len() - end))
}

/// A count of bytes, in three digits or so.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut scale, mut unit) = (1000, 0);
    while bytes / scale >= 1000 && unit + 1 < UNITS.len() {
        scale *= 1000;
        unit += 1;
    }
    format!("{}.{} {}", bytes / scale, bytes % scale * 10 / scale, UNITS[unit])
}

/// A count with its noun.
pub fn count(number: usize, one: &str) -> String {
    match (number, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {one}s"),
    }
}

/// A file's name for the model: below the workspace where it is there, `.` for the workspace itself.
pub fn name(name: &Name) -> &str {
    match name.inside.as_deref() {
        Some("") => ".",
        Some(inside) => inside,
        None => &name.absolute,
    }
}

/// A file as a person is shown it in a line: how it was spelled and, where that is elsewhere, where it leads.
pub fn place(place: &Place) -> String {
    let (spelled, real) = (name(&place.spelled), name(&place.real));
    if spelled == real { real.to_owned() } else { format!("{spelled} -> {real}") }
}

/// What a tool that may fail reports.
pub fn report(outcome: Result<String, String>) -> Report {
    match outcome {
        Ok(text) => Report::Done(text),
        Err(why) => Report::Failed(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_three_digits_or_so() {
        let sizes = [0, 999, 1000, 1234, 999_999, 1_500_000, 2_000_000_000, 5_000_000_000_000_000].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.2 kB", "999.9 kB", "1.5 MB", "2.0 GB", "5000.0 TB"]);
    }

    #[test]
    fn a_beginning_is_never_cut_inside_a_letter() {
        assert_eq!(beginning("aé", 2), "a… [2 more bytes]");
        assert_eq!(beginning("aé", 3), "aé");
        assert_eq!([count(1, "entry"), count(2, "entry"), count(0, "line")], ["1 entry", "2 entries", "0 lines"]);
    }
}
