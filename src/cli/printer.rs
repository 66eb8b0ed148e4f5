//! Everything a command says: the result on stdout, failures and progress on stderr. The only room that prints; it
//! refuses to know what the words mean.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::Failure;

/// Whether stdout has the command's one document already. Of the process, as stdout is.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Prints results in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    json: bool,
    quiet: bool,
}

impl Printer {
    /// A printer of JSON documents or of text for people, with or without progress.
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether the result is to be one JSON document.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints a result: the document as JSON, or the text that `people` makes of it.
    pub fn result<T: Serialize>(self, document: &T, people: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json {
            let mut text = serde_json::to_string_pretty(document).map_err(Failure::fault)?;
            text.push('\n');
            return self.raw(text.as_bytes());
        }
        let mut text = people(document);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        self.raw(text.as_bytes())
    }

    /// Writes bytes that are a result in a form of their own, such as GeoJSON.
    pub fn raw(self, bytes: &[u8]) -> Result<(), Failure> {
        ANSWERED.store(true, Ordering::Relaxed);
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }

    /// A line for people beside the result, on stderr.
    pub fn note(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Says on stderr why the command failed, and where a document was asked for and none was printed yet, in one on
    /// stdout too: how it ended, in the words of the exit statuses, the message, and what to do.
    pub fn failure(self, failure: &Failure) {
        let Some(message) = failure.message() else { return };
        // With stderr gone there is nobody left to tell.
        let _ = writeln!(io::stderr(), "landcycle: {message}");
        if self.json && !ANSWERED.load(Ordering::Relaxed) {
            self.failure_document(failure.name(), message);
        }
    }

    /// The document of a failure.
    pub fn failure_document(self, name: &str, message: &str) {
        let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let document = json!({ "error": name, "message": first, "hints": lines.collect::<Vec<_>>() });
        // With stdout gone there is nobody left to tell.
        let _ = self.raw(format!("{document}\n").as_bytes());
    }

    /// A bar for `total` steps of something, seen only on a terminal. With a total of 0 it only counts.
    pub fn progress(self, label: &str, total: u64) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let (bar, form) = if total == 0 {
            (ProgressBar::no_length(), "{msg:24} {human_pos} {elapsed}")
        } else {
            (ProgressBar::new(total), "{msg:24} {bar:32} {human_pos}/{human_len} {elapsed}")
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.with_message(label.to_owned())
    }
}

/// Lays rows out in columns under their headings. Chinese characters count as the two columns they take, and a control
/// character out of someone's file is shown, not obeyed.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut lines = vec![headings.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| row.each_ref().map(|cell| tame(cell))));
    let widths: [usize; N] = std::array::from_fn(|i| lines.iter().map(|line| width(&line[i])).max().unwrap_or(0));
    let mut text = String::new();
    for line in &lines {
        let mut laid = String::new();
        for (cell, room) in line.iter().zip(widths) {
            laid.push_str(cell);
            laid.extend(std::iter::repeat_n(' ', room - width(cell) + 2));
        }
        text.push_str(laid.trim_end());
        text.push('\n');
    }
    text
}

/// The first rows of a list in columns, and how many more there are.
pub fn first_rows<T, const N: usize>(
    headings: [&str; N],
    all: &[T],
    limit: usize,
    row: impl Fn(&T) -> [String; N],
) -> String {
    let rows: Vec<[String; N]> = all.iter().take(limit).map(row).collect();
    let mut text = table(headings, &rows);
    let more = all.len().saturating_sub(limit);
    if more > 0 {
        text.push_str(&format!("and {more} more; --limit lists them\n"));
    }
    text
}

/// Lays pairs out as one line each.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let room = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let line =
        |(name, value): &(&str, String)| format!("{name}{}{}\n", " ".repeat(room - width(name) + 2), tame(value));
    rows.iter().map(line).collect()
}

fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f
        | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x20000..=0x3fffd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_under_chinese_names() {
        let rows = [["张江科学城".into(), "12".into()], ["Lingang".into(), "7".into()]];
        assert_eq!(table(["park", "parcels"], &rows), "park        parcels\n张江科学城  12\nLingang     7\n");
    }

    #[test]
    fn a_cell_can_not_command_the_terminal() {
        assert_eq!(table(["name"], &[["a\u{1b}[2Jb\nc".into()]]), "name\na\u{fffd}[2Jb\u{fffd}c\n");
    }
}
