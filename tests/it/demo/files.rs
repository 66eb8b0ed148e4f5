//! Reads the files of a demo city with the libraries alone, by tables of headers of its own, and passes every row
//! through the rules of the domain.

use calamine::{Data, DataType, Reader};
use chrono::NaiveDate;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::vector::{FieldValue, LayerAccess};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use geo::MultiPolygon;
use landcycle::demo::{Settings, generate};
use landcycle::domain::building::Building;
use landcycle::domain::contract::{Contract, obligation::Obligation};
use landcycle::domain::enterprise::Enterprise;
use landcycle::domain::geometry;
use landcycle::domain::intake::{Cell, Kind, Reading, Record, Shape};
use landcycle::domain::occupancy::Occupancy;
use landcycle::domain::parcel::Parcel;
use landcycle::domain::performance::Return;
use landcycle::domain::zoning::Zone;
use landcycle::domain::{building, contract, district, enterprise, occupancy, parcel, park, performance, zoning};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::LazyLock;

pub const PARCELS: u32 = 2_400;
pub const SEED: u64 = 310_000;

/// A small city with all of its 200 parks, made once.
pub static CITY: LazyLock<CityFiles> = LazyLock::new(|| CityFiles::make(PARCELS, SEED));

pub struct ParcelRow {
    pub code: String,
    pub district: String,
    pub park: Option<String>,
    pub west: bool,
    pub shape: MultiPolygon,
    pub parcel: Parcel,
}

pub struct BuildingRow {
    pub building: Building,
    pub shape: MultiPolygon,
}

pub struct CityFiles {
    pub folder: tempfile::TempDir,
    pub parcels: Vec<ParcelRow>,
    pub buildings: Vec<BuildingRow>,
    pub enterprises: Vec<Enterprise>,
    pub occupancies: Vec<Occupancy>,
    pub contracts: Vec<Contract>,
    pub obligations: Vec<Obligation>,
    pub returns: Vec<Return>,
}

/// The headers of a data set's files in the order of its canonical fields; "" where a file has no such column.
fn headers(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Parcels => vec!["DKBH", "XZQDM", "YQBM", "TDYT", "", "ZZMJ", "RJL", "TDZL", "QSRQ"],
        Kind::Enterprises => vec!["统一社会信用代码", "企业名称", "行业代码", "成立日期", "规上"],
        Kind::Occupancies => {
            vec!["宗地编码", "统一社会信用代码", "使用方式", "建筑面积(平方米)", "起始日期", "终止日期", "纳税地"]
        }
        Kind::Contracts => vec![
            "合同编号",
            "宗地编码",
            "供地方式",
            "受让人",
            "签订日期",
            "出让年限",
            "起始日期",
            "终止日期",
            "成交价款(万元)",
            "容积率下限",
            "容积率上限",
            "履约条款",
            "责任单位",
            "开发比例(%)",
            "投资比例(%)",
            "停工日期",
            "",
            "付清日期",
            "交地日期",
            "定金(万元)",
            "",
            "",
            "",
            "开工保证金(万元)",
            "竣工保证金(万元)",
            "投产保证金(万元)",
            "保证金形式",
            "保证金应缴日期",
            "保证金缴纳日期",
            "",
            "",
        ],
        Kind::Returns => vec![
            "统一社会信用代码",
            "年度",
            "工业总产值(万元)",
            "主营业务收入(万元)",
            "实缴税收(万元)",
            "工业增加值(万元)",
            "固定资产累计(万元)",
            "综合能耗(吨标煤)",
            "污染物排放(吨)",
            "研发经费(万元)",
            "从业人员",
            "本地从业人员",
            "用电量(千瓦时)",
            "用水量(立方米)",
            "化学需氧量(吨)",
            "否决事项",
            "否决解除日期",
        ],
        // What the city has nothing to say of has no column.
        Kind::Obligations => {
            let left_out = ["due_to_year", "year", "valid_from", "valid_to"];
            let name = |name: &'static str| if name.starts_with("act") || left_out.contains(&name) { "" } else { name };
            kind.fields().iter().map(|field| name(field.name)).collect()
        }
        _ => kind.fields().iter().map(|field| field.name).collect(),
    }
}

fn pick(kind: Kind, row: u64, found: &HashMap<String, Cell>, shape: Shape) -> Record {
    let names = headers(kind);
    assert_eq!(names.iter().filter(|name| !name.is_empty()).count(), found.len(), "columns of {}", kind.name());
    let cells = names.iter().map(|name| match *name {
        "" => Cell::Empty,
        name => found.get(name).unwrap_or_else(|| panic!("no column {name}")).clone(),
    });
    Record { row, cells: cells.collect(), shape }
}

fn accept<T>(kind: Kind, record: &Record, read: fn(&mut Reading<'_>) -> Option<T>) -> T {
    let mut reading = Reading::new(kind, record, NaiveDate::from_ymd_opt(2026, 6, 30).unwrap());
    let value = read(&mut reading);
    assert!(reading.faults.is_empty(), "{} row {}: {:?}", kind.name(), record.row, reading.faults);
    value.unwrap()
}

fn srs(epsg: u32) -> SpatialRef {
    let mut srs = SpatialRef::from_epsg(epsg).unwrap();
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    srs
}

/// The EPSG code of a file's only layer.
pub fn epsg(path: &Path) -> i32 {
    let dataset = Dataset::open(path).unwrap();
    let mut srs = dataset.layer(0).unwrap().spatial_ref().unwrap();
    srs.auto_identify_epsg().ok();
    srs.auth_code().unwrap()
}

/// The rows of a layer, with shapes in EPSG:4490.
fn layer(path: &Path, name: &str, kind: Kind) -> Vec<Record> {
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR,
        open_options: path.extension().is_some_and(|end| end == "shp").then_some(&["ENCODING=GB18030"]),
        ..DatasetOptions::default()
    };
    let dataset = Dataset::open_ex(path, options).unwrap();
    let mut layer = dataset.layer_by_name(name).unwrap();
    let mut source = layer.spatial_ref().unwrap();
    source.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let transform = CoordTransform::new(&source, &srs(4490)).unwrap();
    let mut records = Vec::new();
    for (row, feature) in (1..).zip(layer.features()) {
        let mut found = HashMap::new();
        for (name, value) in feature.fields() {
            let cell = match value {
                None => Cell::Empty,
                Some(FieldValue::StringValue(text)) => Cell::Text(text),
                Some(FieldValue::IntegerValue(number)) => Cell::Number(f64::from(number)),
                Some(FieldValue::Integer64Value(number)) => Cell::Number(number as f64),
                Some(FieldValue::RealValue(number)) => Cell::Number(number),
                Some(FieldValue::DateValue(day)) => Cell::Date(day),
                Some(other) => panic!("{name}: {other:?}"),
            };
            found.insert(name, cell);
        }
        let mut geometry = feature.geometry().unwrap().clone();
        geometry.transform_inplace(&transform).unwrap();
        let shape = match geometry.to_geo().unwrap() {
            geo::Geometry::Polygon(polygon) => MultiPolygon(vec![polygon]),
            geo::Geometry::MultiPolygon(shape) => shape,
            other => panic!("{other:?}"),
        };
        records.push(pick(kind, row, &found, Shape::Polygons(shape)));
    }
    records
}

fn csv_rows(path: &Path, kind: Kind, gbk: bool) -> Vec<Record> {
    let bytes = std::fs::read(path).unwrap();
    let text = if gbk {
        let (text, _, broken) = encoding_rs::GBK.decode(&bytes);
        assert!(!broken);
        text.into_owned()
    } else {
        String::from_utf8(bytes).unwrap().trim_start_matches('\u{FEFF}').to_owned()
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (1..)
        .zip(reader.records())
        .map(|(row, record)| {
            let record = record.unwrap();
            let cells = record.iter().map(|text| match text {
                "" => Cell::Empty,
                text => Cell::Text(text.to_owned()),
            });
            pick(kind, row, &names.iter().cloned().zip(cells).collect(), Shape::None)
        })
        .collect()
}

fn book_rows(path: &Path, kind: Kind) -> Vec<Record> {
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(path).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let mut rows = sheet.rows();
    let names: Vec<String> = rows.next().unwrap().iter().map(ToString::to_string).collect();
    (1..)
        .zip(rows)
        .map(|(row, cells)| {
            let cells = cells.iter().map(|cell| match cell {
                Data::Empty => Cell::Empty,
                Data::String(text) => Cell::Text(text.clone()),
                Data::Float(number) => Cell::Number(*number),
                Data::Int(number) => Cell::Number(*number as f64),
                Data::DateTime(_) => Cell::Date(cell.as_date().unwrap()),
                other => panic!("{other:?}"),
            });
            pick(kind, row, &names.iter().cloned().zip(cells).collect(), Shape::None)
        })
        .collect()
}

fn polygons(record: &Record) -> MultiPolygon {
    match &record.shape {
        Shape::Polygons(shape) => shape.clone(),
        other => panic!("{other:?}"),
    }
}

impl CityFiles {
    pub fn make(parcels: u32, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        generate(&Settings { parcels, seed }, folder.path(), &mut |_, _, _| {}).unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut rows = Vec::new();
        for (name, west) in [("产业用地_120E", true), ("产业用地_123E", false)] {
            for record in layer(&at(&format!("{name}.shp")), name, Kind::Parcels) {
                let parcel = accept(Kind::Parcels, &record, parcel::read);
                rows.push(ParcelRow {
                    code: parcel.code.as_str().to_owned(),
                    district: parcel.district.as_str().to_owned(),
                    park: parcel.park.clone(),
                    west,
                    shape: polygons(&record),
                    parcel,
                });
            }
        }
        let buildings = layer(&at("建筑.gpkg"), "buildings", Kind::Buildings)
            .iter()
            .map(|record| BuildingRow {
                building: accept(Kind::Buildings, record, building::read),
                shape: polygons(record),
            })
            .collect();
        let read = |name: &str, kind, gbk| csv_rows(&at(name), kind, gbk);
        let all = |kind, records: Vec<Record>| records.into_iter().map(move |record| (kind, record));
        let enterprises = all(Kind::Enterprises, read("企业.csv", Kind::Enterprises, false));
        let occupancies = all(Kind::Occupancies, read("占用关系.csv", Kind::Occupancies, true));
        let contracts = all(Kind::Contracts, book_rows(&at("合同_1.xlsx"), Kind::Contracts));
        let obligations = all(Kind::Obligations, read("履约事项.csv", Kind::Obligations, false));
        let returns =
            (2021..=2025).flat_map(|year| all(Kind::Returns, read(&format!("年报_{year}.csv"), Kind::Returns, false)));
        Self {
            parcels: rows,
            buildings,
            enterprises: enterprises.map(|(kind, record)| accept(kind, &record, enterprise::read)).collect(),
            occupancies: occupancies.map(|(kind, record)| accept(kind, &record, occupancy::read)).collect(),
            contracts: contracts.map(|(kind, record)| accept(kind, &record, contract::read)).collect(),
            obligations: obligations.map(|(kind, record)| accept(kind, &record, contract::obligation::read)).collect(),
            returns: returns.map(|(kind, record)| accept(kind, &record, performance::read)).collect(),
            folder,
        }
    }

    fn plan(&self, name: &str, kind: Kind) -> Vec<Record> {
        layer(&self.folder.path().join("规划分区.gpkg"), name, kind)
    }

    /// The districts, zones or parks by code.
    pub fn shapes(&self, name: &str) -> HashMap<String, MultiPolygon> {
        let code = |record: &Record| match name {
            "districts" => accept(Kind::Districts, record, district::read).code.as_str().to_owned(),
            "parks" => accept(Kind::Parks, record, park::read).code,
            _ => accept(Kind::Zones, record, zoning::read).code,
        };
        let records = self.plan(name, Kind::parse(name).unwrap());
        let all: HashMap<_, _> = records.iter().map(|record| (code(record), polygons(record))).collect();
        assert_eq!(all.len(), records.len(), "codes of {name} are unique");
        all
    }

    pub fn zones(&self) -> Vec<(Zone, MultiPolygon)> {
        let records = self.plan("zones", Kind::Zones);
        records.iter().map(|record| (accept(Kind::Zones, record, zoning::read), polygons(record))).collect()
    }

    /// Land in m² and mean yearly output in 万元 of each park, and of the land outside; an enterprise's output is
    /// shared among its parcels by floor area.
    pub fn by_park(&self) -> (BTreeMap<Option<String>, f64>, BTreeMap<Option<String>, f64>) {
        let (mut land, mut output) = (BTreeMap::new(), BTreeMap::new());
        let mut park_of = HashMap::new();
        for one in &self.parcels {
            *land.entry(one.park.clone()).or_default() += geometry::area(&one.shape).value();
            park_of.insert(one.code.as_str(), &one.park);
        }
        let mut figures: HashMap<&str, Vec<f64>> = HashMap::new();
        for one in &self.returns {
            figures.entry(&one.enterprise).or_default().extend(one.output_wan_yuan);
        }
        let mut floor: HashMap<&str, f64> = HashMap::new();
        for one in &self.occupancies {
            *floor.entry(&one.enterprise).or_default() += one.floor_area.value();
        }
        for one in &self.occupancies {
            let Some(figures) = figures.get(one.enterprise.as_str()).filter(|figures| !figures.is_empty()) else {
                continue;
            };
            let mean = figures.iter().sum::<f64>() / figures.len() as f64;
            *output.entry(park_of[one.parcel.as_str()].clone()).or_default() +=
                mean * one.floor_area.value() / floor[one.enterprise.as_str()];
        }
        (land, output)
    }
}
