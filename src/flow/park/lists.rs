//! The parks of an evaluation as files, the best first, in the formats that bureaus open.

use super::SealedPark;
use crate::domain::dictionary;
use crate::domain::park_evaluation::indicator::{ParkFacts, ParkIndicator};
use crate::domain::quantity::SquareMetres;
use crate::domain::review::facts::round;
use crate::domain::today::{Area, AreaKind, Today};
use crate::exchange::workbook::Cover;
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError};
use crate::flow::lists::{ListError, Written};
use std::collections::HashMap;
use std::path::Path;

/// The name of the list.
const LIST: &str = "park-evaluation";
const FORMATS: [Format; 4] = [Format::Csv, Format::Xlsx, Format::GeoJson, Format::Gpkg];

/// Writes the results of an evaluation into a folder. Names and shapes come from `today`, everything else from the receipts.
pub fn write(evaluation: i64, results: &[SealedPark], today: &Today, folder: &Path) -> Result<Written, ListError> {
    std::fs::create_dir_all(folder).map_err(|source| ListError::Folder { path: folder.to_owned(), source })?;
    let of = |kind: AreaKind| -> HashMap<&str, &Area> {
        today.areas.iter().filter(|area| area.kind == kind).map(|area| (area.code.as_str(), area)).collect()
    };
    let parks = of(AreaKind::Park);
    let terms = dictionary::park_evaluation();
    let columns: Vec<Column> = terms.iter().map(|term| Column::new(&term.name, term.holds, term.width)).collect();
    let note = today.city.note_zh.as_deref().map(|note| format!("    {note}")).unwrap_or_default();
    let moment = results.first().map_or_else(String::new, |(first, ..)| {
        format!(
            "评价年度 {}    评价基准日 {}    登记册版本 {}    评价批次 {evaluation}（{}）",
            first.year, first.as_of, today.revision, first.rules.scheme
        )
    });
    let cover = Cover {
        title: format!("{}园区年度评价结果表", today.city.name),
        source: format!("来源：{}产业用地登记册（landcycle）{note}", today.city.name),
        moment,
        crs: Some("EPSG:4490（CGCS2000）"),
        terms,
        shape: None,
    };
    let mut chosen: Vec<&SealedPark> = results.iter().collect();
    chosen.sort_by_key(|(receipt, ..)| (receipt.rank.is_none(), receipt.rank, receipt.facts.code.clone()));
    let mut files = Vec::new();
    for format in FORMATS {
        let path = folder.join(format!("{LIST}.{}", format.extension()));
        let rows = chosen.iter().map(|sealed| {
            let park = parks.get(sealed.0.facts.code.as_str());
            Ok::<Row, WriteError>((values(evaluation, sealed, park.copied()), park.map(|park| park.shape.clone())))
        });
        write::table(&path, &Layout { cover: Some(&cover), ..Layout::plain(format, LIST, &columns) }, rows)?;
        files.push(path);
    }
    Ok(Written { list: LIST, rows: chosen.len() as u64, files })
}

/// The values of a result in the order of the columns.
fn values(evaluation: i64, (receipt, _, hash): &SealedPark, park: Option<&Area>) -> Vec<Value> {
    let facts: &ParkFacts = &receipt.facts;
    let mut values: Vec<Value> = vec![
        receipt.rank.map(i64::from).into(),
        facts.code.as_str().into(),
        park.map(|park| park.name.as_str()).into(),
        i64::from(receipt.year).into(),
        receipt.score.into(),
        receipt.stars.map(i64::from).into(),
        receipt.came_to.name().into(),
        receipt.coverage.into(),
        i64::from(facts.parcels).into(),
        round(facts.land_m2, 2).into(),
        round(SquareMetres(facts.land_m2).to_mu().value(), 4).into(),
        Some(facts.leading_industries.join(" ")).filter(|text| !text.is_empty()).into(),
    ];
    // Every indicator has its column, whether or not the scheme asks for it.
    values.extend(ParkIndicator::ALL.into_iter().map(|key| Value::from(key.figure(facts))));
    let tail: [Value; 5] = [
        receipt.review_run.into(),
        evaluation.into(),
        receipt.rules.scheme.as_str().into(),
        receipt.as_of.into(),
        hash.as_str().into(),
    ];
    values.extend(tail);
    values
}
