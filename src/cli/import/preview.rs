//! The first rows of a data set laid out for people: fields down, rows across.

use crate::cli::printer::{pairs, table};
use crate::domain::finding::Severity;
use crate::flow::import::Preview;
use serde_json::Value;

/// How many rows are read for a look; people see the first of them.
pub(super) const ROWS: u16 = 5;
const ACROSS: usize = 3;
/// How much of a cell is shown.
const WIDEST: usize = 28;

/// The look as text.
pub(super) fn people(found: &Preview) -> String {
    let none = || "none".to_owned();
    let encoding = match (&found.encoding, &found.evidence) {
        (Some(encoding), Some(evidence)) => format!("{encoding} ({evidence})"),
        (encoding, _) => encoding.clone().unwrap_or_else(none),
    };
    let mut text = pairs(&[
        ("data set", found.dataset.clone()),
        ("files", found.files.join(", ")),
        ("CRS", found.crs.clone().unwrap_or_else(none)),
        ("encoding", encoding),
    ]);
    text.push('\n');
    let across = &found.rows[..found.rows.len().min(ACROSS)];
    let mut lines: Vec<[String; 5]> = Vec::new();
    let mut line = |field: String, from: String, cell: &dyn Fn(usize) -> String| {
        let shown = |index: usize| if index < across.len() { shorten(&cell(index)) } else { String::new() };
        lines.push([field, from, shown(0), shown(1), shown(2)]);
    };
    for column in &found.columns {
        if across.first().is_some_and(|row| row.file != column.file) {
            continue;
        }
        let unit = column.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"));
        line(column.field.clone(), format!("{}{unit}", column.from), &|index| {
            across[index].values.get(&column.field).map_or_else(|| "-".to_owned(), words)
        });
    }
    if across.iter().any(|row| row.place.is_some()) {
        let place = |index: usize| across[index].place.as_ref();
        line("shape".into(), String::new(), &|index| place(index).map_or("-".into(), |place| place.shape.clone()));
        line("first point".into(), String::new(), &|index| {
            let point = place(index).and_then(|place| place.first_point);
            point.map_or("-".into(), |[x, y]| format!("{x:.6} {y:.6}"))
        });
        line("area, m2".into(), String::new(), &|index| {
            place(index).and_then(|place| place.area_m2).map_or("-".into(), |area| format!("{area:.1}"))
        });
    }
    let heading = |index: usize| across.get(index).map_or(String::new(), |row| format!("row {}", row.row));
    let headings = [heading(0), heading(1), heading(2)];
    text.push_str(&table(["field", "column", &headings[0], &headings[1], &headings[2]], &lines));
    if !found.findings.is_empty() {
        text.push('\n');
    }
    for finding in &found.findings {
        let mark = if finding.severity == Severity::Error { "refused" } else { "warning" };
        text.push_str(&format!("{mark}: {}\n", finding.sentence()));
    }
    text
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}
