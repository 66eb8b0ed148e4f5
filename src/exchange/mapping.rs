//! Field maps: which column of a file holds which field, in which unit and by which words. It knows headers and cells,
//! and neither formats nor what a value means.

mod filter;
mod template;

use super::error::{ReadError, finding, refuse, warning};
use super::header::{self, Factor, UnitFit};
use super::table::text;
use crate::domain::finding::Finding;
use crate::domain::intake::{Cell, Field, FieldType, Kind, Shapes, written};
use filter::{Filter, Where};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::LazyLock;
use template::{Part, fill, parts};

/// The words that bureaus use for our fields, by kind and field.
type Aliases = HashMap<String, HashMap<String, Vec<String>>>;

static ALIASES: LazyLock<Aliases> = LazyLock::new(|| {
    toml::from_str(include_str!("../../data/mappings/default.toml"))
        .expect("the list is compiled in, and every test that reads a file reads it")
});

/// The maps that are named and not given as a file.
const NAMED: &[(&str, &str)] = &[
    ("bureau", include_str!("../../data/mappings/bureau.toml")),
    ("euluc", include_str!("../../data/mappings/euluc.toml")),
    ("cambridge", include_str!("../../data/mappings/cambridge.toml")),
    ("cambridge-2013", include_str!("../../data/mappings/cambridge-2013.toml")),
    ("cambridge-buildings", include_str!("../../data/mappings/cambridge-buildings.toml")),
    ("cambridge-buildings-2013", include_str!("../../data/mappings/cambridge-buildings-2013.toml")),
];

/// The largest map file; the shipped ones have some kilobytes.
const MAX_MAP_BYTES: u64 = 1 << 20;

/// How a field was found in a file, for the receipt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ColumnUse {
    /// The file.
    pub file: String,
    /// The field.
    pub field: &'static str,
    /// The column's name, or `= text` for a constant or a template.
    pub from: String,
    /// The unit that was turned into the field's own, where it was another.
    pub unit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MapFile {
    /// For people.
    #[serde(default, rename = "title")]
    _title: Option<String>,
    kind: Option<String>,
    layer: Option<String>,
    /// Whether fields that the map does not name are looked for by their usual words.
    #[serde(default)]
    aliases: bool,
    /// Whether the layer's shapes are those of the things; a table of buildings may hang on the shapes of parcels.
    #[serde(default = "yes")]
    shapes: bool,
    #[serde(rename = "where")]
    filter: Option<Where>,
    #[serde(default)]
    fields: BTreeMap<String, Rule>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    column: Option<String>,
    /// The unit of the column where its header does not say it.
    unit: Option<String>,
    /// What a number is multiplied by.
    factor: Option<f64>,
    /// Words of the file and the words that take their place.
    #[serde(default)]
    values: BTreeMap<String, toml::Value>,
    constant: Option<toml::Value>,
    /// A text with {row}, {fid} or {a column's name} in it, `:05` behind the name fills up with zeros; {hash NAME:05} is
    /// five digits that follow from the column's text.
    template: Option<String>,
    /// Whether a file without the column is read all the same.
    #[serde(default)]
    optional: bool,
}

/// A field map as asked for, before it meets a file.
pub(crate) struct Mapping {
    kind: Kind,
    aliases: bool,
    rules: BTreeMap<String, Rule>,
    filter: Option<Where>,
    /// The layer that the map is made for.
    pub layer: Option<String>,
    /// Whether shapes are read.
    pub shapes: bool,
}

fn yes() -> bool {
    true
}

impl Mapping {
    /// The usual words, a named map, a map file, or pairs `field=column,…`.
    pub fn load(kind: Kind, asked: Option<&str>) -> Result<Self, ReadError> {
        let usual = Self { kind, aliases: true, rules: BTreeMap::new(), filter: None, layer: None, shapes: true };
        let Some(asked) = asked else { return Ok(usual) };
        if let Some((_, text)) = NAMED.iter().find(|(name, _)| *name == asked) {
            return Self::from_toml(kind, asked, text);
        }
        if asked.to_ascii_lowercase().ends_with(".toml") {
            let name = Path::new(asked).file_name().map_or(asked.into(), |name| name.to_string_lossy());
            let text = super::small::read(Path::new(asked), MAX_MAP_BYTES).map_err(super::error::io(&name))?;
            return Self::from_toml(kind, &name, &text);
        }
        if asked.contains('=') {
            let mut map = usual;
            for pair in asked.split(',').filter(|pair| !pair.trim().is_empty()) {
                let Some((field, column)) = pair.split_once('=') else {
                    return Err(refuse("--map", "bad-map", pair, "pairs field=column with commas between them"));
                };
                let rule = Rule { column: Some(column.trim().to_owned()), ..Rule::default() };
                map.rules.insert(field.trim().to_owned(), rule);
            }
            map.check("--map")?;
            return Ok(map);
        }
        let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
        let expected = format!("a FILE.toml, pairs field=column, or one of the maps {}", names.join(", "));
        Err(refuse("--map", "bad-map", asked, expected))
    }

    fn from_toml(kind: Kind, name: &str, text: &str) -> Result<Self, ReadError> {
        let file: MapFile = toml::from_str(text)
            .map_err(|error| refuse(name, "bad-map", &error.to_string(), "a field map (see data/mappings)"))?;
        if let Some(word) = &file.kind
            && word != kind.name()
        {
            let expected = format!("a map for {}, or an import of {word}", kind.name());
            return Err(refuse(name, "bad-map", word, expected));
        }
        if !file.shapes && kind.shapes() == Shapes::Required {
            return Err(refuse(name, "bad-map", "shapes = false", format!("shapes: {} have some", kind.name())));
        }
        let map = Self {
            kind,
            aliases: file.aliases,
            rules: file.fields,
            filter: file.filter,
            layer: file.layer,
            shapes: file.shapes,
        };
        map.check(name)?;
        Ok(map)
    }

    fn check(&self, name: &str) -> Result<(), ReadError> {
        for (field, rule) in &self.rules {
            if !self.kind.fields().iter().any(|known| known.name == field) {
                let names: Vec<&str> = self.kind.fields().iter().map(|field| field.name).collect();
                let expected = format!("a field of {}: {}", self.kind.name(), names.join(", "));
                return Err(refuse(name, "bad-map", field, expected));
            }
            let sources = [rule.column.is_some(), rule.constant.is_some(), rule.template.is_some()];
            if sources.iter().filter(|given| **given).count() != 1 {
                let expected = "exactly one of column, constant and template";
                return Err(refuse(name, "bad-map", field, expected));
            }
            if let Some(unit) = &rule.unit
                && !matches!(header::fit(field, unit_word(unit).as_deref()), UnitFit::Converts(_))
            {
                return Err(refuse(name, "bad-map", unit, format!("a unit that turns into that of {field}")));
            }
        }
        Ok(())
    }

    /// How many of these headers are known: what tells the header row from a title above it.
    pub fn recognised(&self, columns: &[String]) -> usize {
        let found = find_columns(self, columns);
        found.iter().flatten().collect::<BTreeSet<_>>().len()
    }

    /// Meets a file: which column goes where. Every fault of the header is told at once.
    pub fn plan(&self, file: &str, columns: &[String]) -> Result<Plan, ReadError> {
        let mut meeting = Meeting {
            kind: self.kind,
            file,
            columns,
            headers: columns.iter().map(|column| header::parse(column)).collect(),
            used: BTreeSet::new(),
            faults: Vec::new(),
            plan: Plan { fields: Vec::new(), filter: None, uses: Vec::new(), findings: Vec::new() },
        };
        for (field, candidates) in self.kind.fields().iter().zip(find_columns(self, columns)) {
            meeting.field(field, self.rules.get(field.name), &candidates);
        }
        if let Some(filter) = &self.filter {
            match filter.meet(file, columns) {
                Ok(met) => {
                    meeting.used.insert(met.index);
                    meeting.plan.filter = Some(met);
                }
                Err(fault) => meeting.faults.push(fault),
            }
        }
        meeting.finish()
    }
}

/// A map while it meets a file.
struct Meeting<'a> {
    kind: Kind,
    file: &'a str,
    columns: &'a [String],
    headers: Vec<header::Header>,
    used: BTreeSet<usize>,
    faults: Vec<Finding>,
    plan: Plan,
}

impl Meeting<'_> {
    fn field(&mut self, field: &Field, rule: Option<&Rule>, candidates: &[usize]) {
        let mut step = Step { source: From::Nothing, factor: None, values: HashMap::new(), holds: field.holds };
        let mut unit = None;
        if let Some(rule) = rule {
            step.values = rule.values.iter().map(|(word, value)| (word.trim().to_owned(), text_of(value))).collect();
        }
        let constant = rule.and_then(|rule| rule.constant.as_ref()).map(text_of);
        let template = rule.and_then(|rule| rule.template.as_ref());
        let from = if let Some(constant) = constant {
            let from = format!("= {constant}");
            step.source = From::Constant(constant);
            from
        } else if let Some(template) = template {
            match parts(template, self.columns) {
                Ok((parts, used)) => {
                    self.used.extend(used);
                    step.source = From::Template(parts);
                }
                Err(column) => self.missing(field, Some(&column)),
            }
            format!("= {template}")
        } else if let Some((&index, others)) = candidates.split_first() {
            self.used.insert(index);
            step.source = From::Column(index);
            (step.factor, unit) = self.factor(field, rule, index);
            for &other in others {
                let expected = format!("one column for {}; {:?} is used", field.name, self.columns[index]);
                self.warn("ambiguous-column", &self.columns[other], expected);
            }
            if rule.is_none() && is_guess(self.kind, field, &self.headers[index]) {
                let expected = format!("a column for {}; its name says less than that, so check it", field.name);
                self.plan
                    .findings
                    .push(of_field(warning(self.file, "column-guessed", &self.columns[index], expected), field));
            }
            self.columns[index].clone()
        } else {
            let asked = rule.and_then(|rule| rule.column.as_deref());
            let may_lack = rule.is_some_and(|rule| rule.optional) && !field.required;
            if !may_lack && (asked.is_some() || field.required) {
                self.missing(field, asked);
            }
            self.plan.fields.push(step);
            return;
        };
        self.plan.uses.push(ColumnUse { file: self.file.to_owned(), field: field.name, from, unit });
        self.plan.fields.push(step);
    }

    /// What turns the column's figures into the field's unit, and the words for it.
    fn factor(&mut self, field: &Field, rule: Option<&Rule>, index: usize) -> (Option<Factor>, Option<String>) {
        let column = &self.columns[index];
        let own = header::unit_of(field.name).unwrap_or("its own unit");
        let given = rule.and_then(|rule| rule.unit.as_ref()).and_then(|unit| unit_word(unit));
        let named = given.or_else(|| self.headers[index].unit.clone());
        let mut found = (None, None);
        match header::fit(field.name, named.as_deref()) {
            UnitFit::Converts(factor) if !factor.is_one() => found = (Some(factor), named),
            UnitFit::Foreign => {
                let expected = format!("a unit that turns into {own}");
                self.faults.push(of_field(finding(self.file, "unit-mismatch", Some(column), expected), field));
            }
            // A factor by hand says what the unit is worth.
            UnitFit::Unknown if rule.is_none_or(|rule| rule.factor.is_none()) => {
                let expected = format!(
                    "one of the units {} instead of {:?}; or name the unit or a factor in a field map",
                    header::units(field.name).join(", "),
                    named.as_deref().unwrap_or_default()
                );
                self.faults.push(of_field(finding(self.file, "unknown-unit", Some(column), expected), field));
            }
            UnitFit::Converts(_) | UnitFit::Silent | UnitFit::Unknown => {}
        }
        if let Some(factor) = rule.and_then(|rule| rule.factor) {
            found = (Some(Factor::times(factor)), Some(format!("× {factor}")));
        }
        if let Some(unit) = &found.1 {
            let expected = format!("{} in {own}; converted", field.name);
            self.warn("unit-converted", &format!("{column} [{unit}]"), expected);
        }
        found
    }

    fn missing(&mut self, field: &Field, asked: Option<&str>) {
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let wanted =
            asked.map_or_else(|| format!("a column for {}", field.name), |column| format!("the column {column:?}"));
        let expected = format!("{wanted}; the file has: {}. Name it with --map {}=COLUMN", list(&names), field.name);
        self.faults.push(of_field(finding(self.file, "missing-column", None, expected), field));
    }

    fn warn(&mut self, code: &'static str, value: &str, expected: String) {
        self.plan.findings.push(warning(self.file, code, value, expected));
    }

    fn finish(mut self) -> Result<Plan, ReadError> {
        if !self.faults.is_empty() {
            return Err(ReadError::Refused { findings: self.faults });
        }
        let ignored: Vec<&str> = (0..self.columns.len())
            .filter(|index| !self.used.contains(index) && !self.columns[*index].trim().is_empty())
            .map(|index| self.columns[index].as_str())
            .collect();
        if !ignored.is_empty() {
            self.warn(
                "ignored-columns",
                &list(&ignored),
                "columns that a field map names; these are not read".to_owned(),
            );
        }
        Ok(self.plan)
    }
}

fn of_field(mut finding: Finding, field: &Field) -> Finding {
    finding.facts.insert("field".into(), field.name.into());
    finding
}

/// Whether that header is one of the words that the list marks as said of more than one thing.
fn is_guess(kind: Kind, field: &Field, found: &header::Header) -> bool {
    let words = ALIASES.get(kind.name()).and_then(|fields| fields.get(field.name)).into_iter().flatten();
    words.filter_map(|word| word.strip_suffix('?')).any(|word| header::parse(word).key == found.key)
}

/// A unit by itself, written as it would be in a header.
fn unit_word(unit: &str) -> Option<String> {
    header::parse(&format!("x({unit})")).unit
}

/// The columns of each field, the best first.
fn find_columns(map: &Mapping, columns: &[String]) -> Vec<Vec<usize>> {
    let keys: Vec<String> = columns.iter().map(|column| header::parse(column).key).collect();
    let aliases = ALIASES.get(map.kind.name());
    let find = |field: &Field| {
        if let Some(rule) = map.rules.get(field.name) {
            return rule.column.iter().filter_map(|column| named_column(column, columns)).collect();
        }
        if !map.aliases {
            return Vec::new();
        }
        let bare = header::unit_of(field.name).and_then(|unit| field.name.strip_suffix(unit));
        let words = aliases.and_then(|fields| fields.get(field.name)).into_iter().flatten().map(String::as_str);
        let mut found: Vec<usize> = Vec::new();
        for word in std::iter::once(field.name).chain(bare).chain(words) {
            let wanted = header::parse(word).key;
            for (index, _) in keys.iter().enumerate().filter(|(_, key)| **key == wanted) {
                if !found.contains(&index) {
                    found.push(index);
                }
            }
        }
        found
    };
    map.kind.fields().iter().map(find).collect()
}

/// A column as someone named it: letter by letter, or else by its words.
fn named_column(name: &str, columns: &[String]) -> Option<usize> {
    let wanted = header::parse(name);
    columns
        .iter()
        .position(|column| column.trim() == name.trim())
        .or_else(|| columns.iter().position(|column| header::parse(column).key == wanted.key && !wanted.key.is_empty()))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "no column".to_owned();
    }
    let mut text = names.iter().take(30).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 30 {
        text.push_str(&format!(" and {} more", names.len() - 30));
    }
    text
}

fn text_of(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

enum From {
    Nothing,
    Column(usize),
    Constant(String),
    Template(Vec<Part>),
}

struct Step {
    source: From,
    factor: Option<Factor>,
    values: HashMap<String, String>,
    holds: FieldType,
}

/// A map that has met its file.
pub(crate) struct Plan {
    fields: Vec<Step>,
    filter: Option<Filter>,
    /// What is used for what.
    pub uses: Vec<ColumnUse>,
    /// What is worth a look.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// The cells of one row in the order of the kind's fields; nothing for a row that the map leaves out. `cell` gives a
    /// column's cell, as near to the wanted type as the file has it.
    pub fn cells(&self, row: u64, fid: u64, mut cell: impl FnMut(usize, FieldType) -> Cell) -> Option<Vec<Cell>> {
        if self.filter.as_ref().is_some_and(|filter| !filter.takes(&mut cell)) {
            return None;
        }
        let value = |step: &Step| {
            let found = match &step.source {
                From::Nothing => return Cell::Empty,
                From::Column(index) if step.values.is_empty() => cell(*index, step.holds),
                From::Column(index) => cell(*index, FieldType::Text),
                From::Constant(text) => Cell::Text(text.clone()),
                From::Template(parts) => Cell::Text(fill(parts, row, fid, |index| text(&cell(index, FieldType::Text)))),
            };
            convert(step, found)
        };
        Some(self.fields.iter().map(value).collect())
    }

    /// What to say of the rows that the map left out, once all were met.
    pub fn left_out(&self, file: &str) -> Option<Finding> {
        self.filter.as_ref()?.left_out(file)
    }
}

fn convert(step: &Step, found: Cell) -> Cell {
    let found = match found {
        // Excel and Shapefile have no empty text; blanks are nothing.
        Cell::Text(text) if text.trim().is_empty() => return Cell::Empty,
        Cell::Text(_) | Cell::Number(_) if !step.values.is_empty() => {
            let word = text(&found);
            step.values.get(word.trim()).map_or(found, |value| Cell::Text(value.clone()))
        }
        found => found,
    };
    let Some(factor) = step.factor else { return found };
    match found {
        Cell::Number(number) => Cell::Number(factor.apply(number)),
        Cell::Text(text) => match written::number(&text) {
            Some(number) => Cell::Number(factor.apply(number)),
            // The domain says what is wrong with it.
            None => Cell::Text(text),
        },
        other => other,
    }
}
