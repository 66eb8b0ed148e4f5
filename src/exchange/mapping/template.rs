//! Templates of field maps: a text with places in it that a row fills. It knows columns by number, and no field.

use super::named_column;

/// A piece of a template.
pub(super) enum Part {
    Text(String),
    Row(usize),
    Fid(usize),
    Column(usize, usize),
}

/// Takes a template apart; an unknown column comes back as the error.
pub(super) fn parts(template: &str, columns: &[String]) -> Result<(Vec<Part>, Vec<usize>), String> {
    let (mut parts, mut used, mut rest) = (Vec::new(), Vec::new(), template);
    while let Some((text, tail)) = rest.split_once('{') {
        let Some((inside, after)) = tail.split_once('}') else { break };
        parts.push(Part::Text(text.to_owned()));
        let (name, width) = inside.rsplit_once(":0").unwrap_or((inside, "0"));
        // Wider than any code; a width is not a way to ask for gigabytes of zeros.
        let width = width.parse().unwrap_or(0).min(64);
        parts.push(match name {
            "row" => Part::Row(width),
            "fid" => Part::Fid(width),
            column => {
                let index = named_column(column, columns).ok_or_else(|| column.to_owned())?;
                used.push(index);
                Part::Column(index, width)
            }
        });
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok((parts, used))
}

/// The text of one row; `cell` gives a column's text.
pub(super) fn fill(parts: &[Part], row: u64, fid: u64, mut cell: impl FnMut(usize) -> String) -> String {
    let mut filled = String::new();
    for part in parts {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Row(width) => filled.push_str(&format!("{row:0width$}")),
            Part::Fid(width) => filled.push_str(&format!("{fid:0width$}")),
            Part::Column(index, width) => {
                let text = cell(*index);
                filled.extend(std::iter::repeat_n('0', width.saturating_sub(text.chars().count())));
                filled.push_str(&text);
            }
        }
    }
    filled
}
