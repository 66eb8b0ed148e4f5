//! The file of the made-up plan: districts, parks, and the layers that the plan lays over them.

use super::city::DISTRICTS;
use super::files::canonical;
use super::places::Standing;
use super::plane;
use super::sites::Park;
use super::supply;
use super::zones::{self, Zone};
use crate::domain::intake::Kind;
use crate::exchange::write::{Format, Value, VectorLayer, VectorOptions, VectorWriter, WriteError};
use geo_types::MultiPolygon;
use std::path::Path;

pub(super) const PLANS: &str = "规划分区.gpkg";

/// Writes districts, parks and the layers of the plan. Each zone is a planning unit and a legacy area too; so is each park that no
/// zone was laid over, the weak ones in 198.
pub(super) fn write(folder: &Path, seed: u64, zones: &[Zone], parks: &[Park]) -> Result<(), WriteError> {
    let made_up = Some("全部虚构，仅供演示；界线并非真实界线。Everything here is made up; no border is a real one.");
    let columns = [Kind::Districts, Kind::Zones, Kind::Parks, Kind::PlanUnits, Kind::LegacyAreas].map(canonical);
    let layer = |name, title, columns| VectorLayer { name, title: Some(title), description: made_up, columns };
    let layers = [
        layer("districts", "行政区（演示，虚构）", &columns[0]),
        layer("zones", "产业基地与产业社区（演示，虚构）", &columns[1]),
        layer("parks", "园区（演示，虚构）", &columns[2]),
        layer("plan-units", "规划单元（演示，虚构）", &columns[3]),
        layer("legacy-areas", "104、195、198 区域（演示，虚构）", &columns[4]),
    ];
    let mut file = VectorWriter::create(&folder.join(PLANS), Format::Gpkg, &layers, VectorOptions::default())?;
    for district in &DISTRICTS {
        let row = vec![Value::from(district.code), Value::from(district.name), Value::from(district.name_en)];
        file.write(0, (row, Some(district.shape(seed))))?;
    }
    for zone in zones {
        let row = vec![
            Value::from(zone.code.as_str()),
            Value::from(zone.name.as_str()),
            Value::from(zone.tier),
            Value::from(zone.locked),
            Value::from(zone.document.as_str()),
            Value::from(zone.decided_on),
            Value::from(zone.valid_from),
            Value::Empty,
        ];
        let shape = plane::shape(&zone.ring);
        file.write(1, (row, Some(shape.clone())))?;
        let (uses, class) = match zone.tier {
            "base" => ("M1:1.0-2.0;M2:0.8-2.0;M4:1.5-3.0;W1:-2.0", "104"),
            _ => ("M1:1.0-2.5;M4:1.5-3.0;C65:-3.0", "195"),
        };
        let (code, from) = (Value::from(zone.code.as_str()), Value::from(zone.valid_from));
        let named = |what: &str| Value::from(zone.name.replace("（演示）", what));
        let decided = [Value::from(zone.document.as_str()), Value::from(zone.decided_on)];
        let unit = [code.clone(), named("规划单元（演示）"), Value::Empty, Value::from(uses)].into_iter();
        let unit = unit.chain(decided.clone()).chain([from.clone(), Value::Empty]).collect();
        file.write(3, (unit, Some(shape.clone())))?;
        let legacy = [code, named("既有工业区（演示）"), Value::from(class)].into_iter();
        file.write(4, (legacy.chain(decided).chain([from, Value::Empty]).collect(), Some(shape)))?;
    }
    let unzoned = parks.iter().enumerate().filter(|(index, _)| !zones.iter().any(|zone| zone.park == *index));
    for (index, park) in unzoned {
        let class = if park.place.standing == Standing::Weak { "198" } else { "195" };
        let code = format!("{}L{index:03}", DISTRICTS[park.district].code);
        let name = park.names().0.replace("（演示）", "既有工业区（演示）");
        let legacy = [Value::from(code), Value::from(name), Value::from(class), Value::Empty, Value::Empty];
        let row = legacy.into_iter().chain([Value::from(zones::first_day()), Value::Empty]).collect();
        file.write(4, (row, Some(plane::shape(&plane::dense(&park.cell, 150.0)))))?;
    }
    for park in parks {
        let (name, name_en) = park.names();
        let code = DISTRICTS[park.district].code;
        let leads = Value::from(supply::leading_industries(park.place.flavour));
        let row = vec![Value::from(park.code()), Value::from(name), Value::from(name_en), Value::from(code), leads];
        let shape: MultiPolygon<f64> = plane::shape(&plane::dense(&park.cell, 150.0));
        file.write(2, (row, Some(shape)))?;
    }
    file.finish()
}
