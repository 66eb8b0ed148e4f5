//! The files of the made-up city, in the awkward shapes in which a bureau sends them.

use super::city::DISTRICTS;
use super::economy::{Economy, YEARS};
use super::history::{Contract, Obligation};
use super::lives;
use super::names;
use super::unit::{Parcel, Unit};
use super::{chance, chance::Chance, supply};
use crate::domain::dictionary::{Origin, What};
use crate::domain::intake::FieldType::{self, Date, Flag, Integer, Number, Text};
use crate::domain::intake::Kind;
use crate::exchange::workbook::WorkbookWriter;
use crate::exchange::write::{
    Column, CsvOptions, CsvWriter, Encoding, Format, Row, Value, VectorLayer, VectorOptions, VectorWriter, WriteError,
};
use std::path::{Path, PathBuf};

pub(super) const BUILDINGS: &str = "建筑.gpkg";
pub(super) const PARCELS_WEST: &str = "产业用地_120E.shp";
pub(super) const PARCELS_EAST: &str = "产业用地_123E.shp";
pub(super) const ENTERPRISES: &str = "企业.csv";
pub(super) const OCCUPANCIES: &str = "占用关系.csv";
pub(super) const OBLIGATIONS: &str = "履约事项.csv";
pub(super) const LIVES: &str = "生命周期.csv";
pub(super) const SUPPLY: &str = "用地保障台账.csv";
pub(super) const RESERVE: &str = "储备土地台账.csv";
/// The line that parts the two projections.
const ZONE_EDGE: f64 = 121.5;
/// As many rows as a workbook gets before the next begins.
const ROWS_A_WORKBOOK: usize = 200_000;

const UTF8: CsvOptions = CsvOptions { bom: false, encoding: Encoding::Utf8 };
const UTF8_BOM: CsvOptions = CsvOptions { bom: true, encoding: Encoding::Utf8 };
const GBK: CsvOptions = CsvOptions { bom: false, encoding: Encoding::Gbk };

/// Everything that one unit adds to the files, ready to be written.
pub(super) struct Rows {
    parcels: Vec<(bool, Row)>,
    buildings: Vec<Row>,
    enterprises: Vec<Vec<Value>>,
    occupancies: Vec<Vec<Value>>,
    contracts: Vec<Vec<Value>>,
    obligations: Vec<Vec<Value>>,
    returns: [Vec<Vec<Value>>; 5],
    lives: Vec<Vec<Value>>,
    supply: Vec<Vec<Value>>,
    reserve: Vec<Vec<Value>>,
}

/// Columns with the names that the data set itself has.
pub(super) fn canonical(kind: Kind) -> Vec<Column> {
    kind.fields().iter().map(|field| Column::new(field.name, field.holds, 40)).collect()
}

fn obligation_columns() -> Vec<Column> {
    let all = canonical(Kind::Obligations);
    all.into_iter().filter(|column| OBLIGATION_FIELDS.contains(&column.name.as_str())).collect()
}

/// The columns of a register's own export, under their printed headings.
fn of_dictionary(what: What) -> Vec<Column> {
    let terms = what.terms().iter().filter(|term| term.origin == Origin::Register);
    terms.map(|term| Column::new(&term.heading(), term.holds, term.width)).collect()
}

/// Columns under the headers of a bureau.
fn columns(list: &[(&str, FieldType, u16)]) -> Vec<Column> {
    list.iter().map(|(name, holds, width)| Column::new(name, *holds, *width)).collect()
}

const PARCEL_COLUMNS: [(&str, FieldType, u16); 8] = [
    ("DKBH", Text, 28),
    ("XZQDM", Text, 6),
    ("YQBM", Text, 20),
    ("TDYT", Text, 6),
    ("ZZMJ", Number, 19),
    ("RJL", Number, 19),
    ("TDZL", Text, 120),
    ("QSRQ", Date, 8),
];

const CONTRACT_COLUMNS: [(&str, FieldType, u16); 25] = [
    ("合同编号", Text, 34),
    ("宗地编码", Text, 22),
    ("供地方式", Text, 10),
    ("受让人", Text, 22),
    ("签订日期", Date, 12),
    ("出让年限", Integer, 9),
    ("起始日期", Date, 12),
    ("终止日期", Date, 12),
    ("成交价款(万元)", Number, 14),
    ("容积率下限", Number, 11),
    ("容积率上限", Number, 11),
    ("履约条款", Flag, 9),
    ("责任单位", Text, 34),
    ("开发比例(%)", Number, 11),
    ("投资比例(%)", Number, 11),
    ("停工日期", Date, 12),
    ("付清日期", Date, 12),
    ("交地日期", Date, 12),
    ("定金(万元)", Number, 12),
    ("开工保证金(万元)", Number, 12),
    ("竣工保证金(万元)", Number, 12),
    ("投产保证金(万元)", Number, 12),
    ("保证金形式", Text, 8),
    ("保证金应缴日期", Date, 12),
    ("保证金缴纳日期", Date, 12),
];

/// An obligation's columns have the names of the data set itself, as far as the city has something to say.
const OBLIGATION_FIELDS: [&str; 18] = [
    "obligation_no",
    "contract_no",
    "kind",
    "due_on",
    "target",
    "unit",
    "comparator",
    "met_on",
    "achieved",
    "excuse",
    "due_after",
    "due_count",
    "due_unit",
    "due_yearly",
    "due_from_year",
    "body",
    "evidence",
    "consequence",
];

const RETURN_COLUMNS: [(&str, FieldType, u16); 17] = [
    ("统一社会信用代码", Text, 20),
    ("年度", Integer, 8),
    ("工业总产值(万元)", Number, 16),
    ("主营业务收入(万元)", Number, 16),
    ("实缴税收(万元)", Number, 16),
    ("工业增加值(万元)", Number, 16),
    ("固定资产累计(万元)", Number, 16),
    ("综合能耗(吨标煤)", Number, 16),
    ("污染物排放(吨)", Number, 16),
    ("研发经费(万元)", Number, 16),
    ("从业人员", Number, 10),
    ("本地从业人员", Number, 10),
    ("用电量(千瓦时)", Number, 16),
    ("用水量(立方米)", Number, 16),
    ("化学需氧量(吨)", Number, 12),
    ("否决事项", Text, 12),
    ("否决解除日期", Date, 12),
];

impl Rows {
    pub(super) fn of(
        unit: &Unit<'_>,
        parcels: &[Parcel],
        economy: &Economy,
        contracts: &[Contract],
        obligations: &[Obligation],
        lives: Vec<Vec<Value>>,
        seed: u64,
    ) -> Self {
        let code = |enterprise: usize| Value::from(economy.enterprises[enterprise].code.as_str());
        let mut returns: [Vec<Vec<Value>>; 5] = std::array::from_fn(|_| Vec::new());
        for one in &economy.returns {
            let mut row = vec![code(one.enterprise), Value::Integer(i64::from(YEARS[one.year]))];
            row.extend(one.figures.iter().map(|figure| Value::from(*figure)));
            row.push(Value::from(one.veto));
            row.push(Value::from(one.cleared_on));
            returns[one.year].push(row);
        }
        Self {
            parcels: parcel_rows(unit, parcels, seed),
            buildings: building_rows(parcels),
            enterprises: economy
                .enterprises
                .iter()
                .zip(&economy.above_scale)
                .map(|(one, above)| {
                    vec![
                        Value::from(one.code.as_str()),
                        Value::from(one.name.as_str()),
                        Value::from(one.industry.code()),
                        Value::from(one.founded_on),
                        Value::from(if *above { "是" } else { "否" }),
                    ]
                })
                .collect(),
            occupancies: economy
                .occupancies
                .iter()
                .map(|one| {
                    vec![
                        Value::from(parcels[one.parcel].code.as_str()),
                        code(one.enterprise),
                        Value::from(if one.owner { "自用" } else { "承租" }),
                        Value::from(one.floor_m2),
                        Value::from(one.from),
                        Value::from(one.to),
                        Value::from(if one.tax_elsewhere { "外地" } else { "本地" }),
                    ]
                })
                .collect(),
            contracts: contracts
                .iter()
                .map(|one| {
                    vec![
                        Value::from(one.number.as_str()),
                        Value::from(parcels[one.parcel].code.as_str()),
                        Value::from(one.kind),
                        code(one.holder),
                        Value::from(one.signed_on),
                        Value::from(one.years),
                        Value::from(one.starts_on),
                        Value::from(one.ends_on),
                        Value::from(one.price_wan_yuan),
                        Value::from(one.ratio_low),
                        Value::from(one.ratio_high),
                        Value::from(one.performance_terms),
                        Value::from(one.responsible_unit.as_str()),
                        Value::from(one.developed),
                        Value::from(one.invested),
                        Value::from(one.suspended_on),
                        Value::from(one.paid_on),
                        Value::from(one.handed_over_on),
                        Value::from(one.deposit_wan_yuan),
                        Value::from(one.bonds.map(|bonds| bonds[0])),
                        Value::from(one.bonds.map(|bonds| bonds[1])),
                        Value::from(one.bonds.map(|bonds| bonds[2])),
                        Value::from(one.bonds.map(|_| one.bond_form)),
                        Value::from(one.bond_due_on),
                        Value::from(one.bond_due_on),
                    ]
                })
                .collect(),
            obligations: obligations
                .iter()
                .map(|one| {
                    let (target, unit, comparator) = one.target.map_or((None, None, None), |(target, unit, than)| {
                        (Some(target), Some(unit).filter(|unit| !unit.is_empty()), Some(than))
                    });
                    let due = one.due.columns();
                    vec![
                        Value::from(one.number.as_str()),
                        Value::from(contracts[one.contract].number.as_str()),
                        Value::from(one.kind),
                        Value::from(due.on),
                        Value::from(target),
                        Value::from(unit),
                        Value::from(comparator),
                        Value::from(one.met_on),
                        Value::from(one.achieved),
                        Value::from(one.excuse),
                        Value::from(due.after),
                        Value::from(due.count.map(i64::from)),
                        Value::from(due.unit),
                        Value::from(due.yearly.as_deref()),
                        Value::from(due.from_year.map(i64::from)),
                        Value::from(one.body),
                        Value::from(one.evidence),
                        Value::from(one.consequence),
                    ]
                })
                .collect(),
            returns,
            lives,
            supply: supply::secured(unit, parcels, seed),
            reserve: supply::reserve(unit, parcels, seed),
        }
    }
}

fn parcel_rows(unit: &Unit<'_>, parcels: &[Parcel], seed: u64) -> Vec<(bool, Row)> {
    let mut chance = Chance::of(seed, chance::Stage::Zones, 1 + unit.index);
    let district = &DISTRICTS[unit.district()];
    let row = |parcel: &Parcel| {
        let values = vec![
            Value::from(parcel.code.as_str()),
            Value::from(district.code),
            Value::from(unit.park_code()),
            Value::from(parcel.land_use),
            Value::from(parcel.registered_m2),
            Value::from(parcel.ratio_allowed),
            Value::from(names::address(district.name, &mut chance)),
            Value::from(parcel.signed_on),
        ];
        let first = parcel.shape.iter().next().and_then(|polygon| polygon.exterior().0.first());
        (first.is_some_and(|point| point.x >= ZONE_EDGE), (values, Some(parcel.shape.clone())))
    };
    parcels.iter().map(row).collect()
}

fn building_rows(parcels: &[Parcel]) -> Vec<Row> {
    let mut rows = Vec::new();
    for parcel in parcels {
        for (building, number) in parcel.buildings.iter().zip(1..) {
            let values = vec![
                // A unit's code on its parcel: F for a building, then its number.
                Value::from(format!("{}F{number:04}0001", parcel.code)),
                Value::from(parcel.code.as_str()),
                Value::from(building.storeys),
                Value::from(building.storey_height_m),
                Value::from(building.footprint_m2),
                Value::from(building.floor_m2),
                Value::from(building.used_m2),
                Value::from(building.year),
                // The rest is empty: a made-up city has no unexplained floor area.
                Value::from(None::<f64>),
            ];
            rows.push((values, Some(building.shape.clone())));
        }
    }
    rows
}

/// The files that units are written to.
pub(super) struct Files {
    folder: PathBuf,
    west: VectorWriter,
    east: VectorWriter,
    buildings: VectorWriter,
    enterprises: CsvWriter,
    occupancies: CsvWriter,
    obligations: CsvWriter,
    lives: CsvWriter,
    returns: Vec<CsvWriter>,
    supply: CsvWriter,
    reserve: CsvWriter,
    workbook: WorkbookWriter,
    in_workbook: usize,
    /// The workbooks begun so far.
    pub(super) workbooks: Vec<String>,
}

/// The name of the returns of a year.
pub(super) fn returns_name(year: i32) -> String {
    format!("年报_{year}.csv")
}

impl Files {
    pub(super) fn create(folder: &Path) -> Result<Self, WriteError> {
        let parcel_columns = columns(&PARCEL_COLUMNS);
        let shapefile = |name: &str, epsg| {
            let layer = VectorLayer { name: "parcels", title: None, description: None, columns: &parcel_columns };
            let options = VectorOptions { epsg, encoding: "CP936", says_encoding: false };
            VectorWriter::create(&folder.join(name), Format::Shapefile, &[layer], options)
        };
        let building_columns = canonical(Kind::Buildings);
        let layer = VectorLayer {
            name: "buildings",
            title: Some("建筑（演示，虚构）"),
            description: Some("全部虚构，仅供演示。Everything here is made up."),
            columns: &building_columns,
        };
        let (name, workbook) = begin_workbook(folder, 1)?;
        let enterprise_columns = columns(&[
            ("统一社会信用代码", Text, 20),
            ("企业名称", Text, 40),
            ("行业代码", Text, 8),
            ("成立日期", Date, 12),
            ("规上", Text, 6),
        ]);
        let occupancy_columns = columns(&[
            ("宗地编码", Text, 22),
            ("统一社会信用代码", Text, 20),
            ("使用方式", Text, 10),
            ("建筑面积(平方米)", Number, 14),
            ("起始日期", Date, 12),
            ("终止日期", Date, 12),
            ("纳税地", Text, 8),
        ]);
        let return_columns = columns(&RETURN_COLUMNS);
        let options = VectorOptions::default();
        Ok(Self {
            folder: folder.to_owned(),
            west: shapefile(PARCELS_WEST, 4549)?,
            east: shapefile(PARCELS_EAST, 4550)?,
            buildings: VectorWriter::create(&folder.join(BUILDINGS), Format::Gpkg, &[layer], options)?,
            enterprises: CsvWriter::create(&folder.join(ENTERPRISES), &enterprise_columns, UTF8_BOM)?,
            occupancies: CsvWriter::create(&folder.join(OCCUPANCIES), &occupancy_columns, GBK)?,
            obligations: CsvWriter::create(&folder.join(OBLIGATIONS), &obligation_columns(), UTF8)?,
            lives: CsvWriter::create(
                &folder.join(LIVES),
                &lives::COLUMNS.map(|name| Column::new(name, Text, 20)),
                UTF8_BOM,
            )?,
            returns: YEARS
                .iter()
                .map(|year| CsvWriter::create(&folder.join(returns_name(*year)), &return_columns, UTF8))
                .collect::<Result<_, _>>()?,
            supply: CsvWriter::create(&folder.join(SUPPLY), &of_dictionary(What::Supply), UTF8_BOM)?,
            reserve: CsvWriter::create(&folder.join(RESERVE), &of_dictionary(What::Reserve), UTF8_BOM)?,
            workbook,
            in_workbook: 0,
            workbooks: vec![name],
        })
    }

    /// Writes what a unit adds.
    pub(super) fn write(&mut self, rows: Rows) -> Result<(), WriteError> {
        for (east, row) in rows.parcels {
            if east { &mut self.east } else { &mut self.west }.write(0, row)?;
        }
        for row in rows.buildings {
            self.buildings.write(0, row)?;
        }
        for row in rows.contracts {
            if self.in_workbook == ROWS_A_WORKBOOK {
                let (name, next) = begin_workbook(&self.folder, self.workbooks.len() + 1)?;
                std::mem::replace(&mut self.workbook, next).finish()?;
                self.workbooks.push(name);
                self.in_workbook = 0;
            }
            self.in_workbook += 1;
            self.workbook.write(&row)?;
        }
        let lists = [
            (&mut self.enterprises, &rows.enterprises),
            (&mut self.occupancies, &rows.occupancies),
            (&mut self.obligations, &rows.obligations),
            (&mut self.lives, &rows.lives),
            (&mut self.supply, &rows.supply),
            (&mut self.reserve, &rows.reserve),
        ];
        for (file, rows) in lists.into_iter().chain(self.returns.iter_mut().zip(&rows.returns)) {
            for row in rows {
                file.write(row)?;
            }
        }
        Ok(())
    }

    /// Puts every file in its place.
    pub(super) fn finish(self) -> Result<Vec<String>, WriteError> {
        self.west.finish()?;
        self.east.finish()?;
        self.buildings.finish()?;
        for file in [self.enterprises, self.occupancies, self.obligations, self.lives, self.supply, self.reserve]
            .into_iter()
            .chain(self.returns)
        {
            file.finish()?;
        }
        self.workbook.finish()?;
        Ok(self.workbooks)
    }
}

fn begin_workbook(folder: &Path, number: usize) -> Result<(String, WorkbookWriter), WriteError> {
    let name = format!("合同_{number}.xlsx");
    let book = WorkbookWriter::create(&folder.join(&name), "合同（演示）", &columns(&CONTRACT_COLUMNS), None)?;
    Ok((name, book))
}
