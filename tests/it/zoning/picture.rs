//! The picture of where land stands: what it must show, that it is whole, and that it takes no orders.

use super::{stand, with, zone};
use crate::support::{Town, feature, parcel_code, square};
use serde_json::json;
use std::fs;

#[tokio::test]
async fn the_picture_shows_land_layers_scale_north_day_and_revision_in_both_languages() {
    let town = Town::settled().await;
    let evil = with(zone("B1", "base", true, 121.5, 121.5016), &json!({"name": "<script>alert(1)</script>&"}));
    let zones = [evil, zone("C1", "community", false, 121.5016, 121.51)];
    town.takes("zones", &town.geojson("zones", &zones));
    let unit = json!({"unit_code": "U1", "name": "单元", "uses": "M1:1-2", "valid_from": "2020-01-01"});
    let unit = feature(&unit, &square(121.5, 31.0999, 121.5035, 31.1015));
    town.takes("plan-units", &town.geojson("units", &[unit]));
    let ended = stand(&town, &["--parcel", &parcel_code(1), "--svg", "stand.svg"]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let svg = fs::read_to_string(town.folder().join("stand.svg")).unwrap();
    assert!(svg.len() < 20_000, "{} bytes", svg.len());
    let revision: i64 = town.value("select id from revision_head").await;
    for part in [
        &format!("宗地 {}", parcel_code(1)),
        "Where it stands in the plan",
        "图例 Legend",
        "产业基地（锁定）  base, locked",
        "产业社区  community",
        "规划单元  planning unit",
        "所查土地  the land asked about",
        "url(#hatch)",
        "北 N",
        "米 m",
        &format!("revision {revision}"),
        "跨界",
        "lies across a border",
        "&lt;script&gt;alert(1)&lt;/script&gt;&amp;",
    ] {
        assert!(svg.contains(part), "no {part:?} in {svg}");
    }
    assert!(!svg.contains("<script") && !svg.contains("legacy area"), "{svg}");
    // Whatever is opened is closed.
    for tag in ["svg", "g", "text", "defs", "pattern", "clipPath", "title"] {
        let opened = svg.matches(&format!("<{tag}>")).count() + svg.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, svg.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    // A place has a sign of its own, and a picture that can't be written is refused.
    assert_eq!(stand(&town, &["--at", "121.5012,31.1005", "--svg", "place.svg"]).status, Some(0));
    assert!(fs::read_to_string(town.folder().join("place.svg")).unwrap().contains("the place asked about"));
    fs::write(town.folder().join("full"), "").unwrap();
    let ended = stand(&town, &["--at", "121.5012,31.1005", "--svg", "full/place.svg"]);
    assert!(ended.status == Some(1) && ended.said.contains("full/place.svg"), "{}", ended.said);
}
