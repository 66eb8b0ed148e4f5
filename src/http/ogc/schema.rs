//! `GET /ogc/collections/{id}/queryables` and `…/schema`: the properties of a feature as JSON Schema.

use super::asked::Asked;
use super::{SCHEMA, collections, html};
use crate::domain::collection::{Collection, Property};
use crate::domain::filter::{Element, Kind};
use crate::http::App;
use crate::http::problem::Problem;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Map, Value, json};

/// What a filter may name.
pub async fn queryables(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, path, &uri, &headers, "queryables").await
}

/// What a feature is made of.
pub async fn schema(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, path, &uri, &headers, "schema").await
}

async fn answer(
    app: &App,
    path: Result<Path<String>, PathRejection>,
    uri: &Uri,
    headers: &HeaderMap,
    what: &str,
) -> Result<Response, Problem> {
    let asked = Asked::of(uri, headers)?;
    asked.knows_no_more("f")?;
    let one = collections::named(&mut collections::hold(app).await?, path).await?;
    let body = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": asked.at(&format!("/ogc/collections/{}/{what}", one.id)),
        "type": "object",
        "title": format!("{} · {}", one.title.zh, one.title.en),
        "description": format!("{} · {}", one.description.zh, one.description.en),
        "properties": properties(&one),
        "additionalProperties": false,
    });
    Ok(asked.answer(SCHEMA, body.to_string(), || page(&one, what)))
}

/// The properties and the shape, each with its part in a feature.
pub fn properties(one: &Collection) -> Map<String, Value> {
    let mut all = Map::new();
    for (place, property) in one.properties.iter().enumerate() {
        let mut schema = of_property(property);
        let role = match one.time {
            _ if Some(place) == one.key => Some("id"),
            Some([from, _]) if place == from => Some("primary-interval-start"),
            Some([_, to]) if place == to => Some("primary-interval-end"),
            _ => None,
        };
        if let Some(role) = role {
            schema["x-ogc-role"] = role.into();
        }
        schema["x-ogc-propertySeq"] = (place + 1).into();
        all.insert(property.name.clone(), schema);
    }
    if let Some(shape) = &one.shape {
        let title = "图形 · shape";
        all.insert(
            shape.clone(),
            json!({"title": title, "format": "geometry-any", "x-ogc-role": "primary-geometry",
                "x-ogc-propertySeq": one.properties.len() + 1}),
        );
    }
    all
}

/// The schema of one property, without its part in a feature.
pub fn of_property(property: &Property) -> Value {
    let mut schema = of_kind(property.holds, property.is_whole);
    schema["title"] = property.title.clone().into();
    if let Some(meaning) = &property.meaning {
        schema["description"] = format!("{} · {}", meaning.zh, meaning.en).into();
    }
    if let Some(unit) = unit(&property.name) {
        schema["x-ogc-unit"] = unit.into();
    }
    schema
}

fn of_kind(kind: Kind, is_whole: bool) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Number => json!({"type": if is_whole { "integer" } else { "number" }}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Timestamp => json!({"type": "string", "format": "date-time"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Shape => json!({"format": "geometry-any"}),
        Kind::Interval(_) => json!({"type": "array"}),
        Kind::List(element) => {
            let of = match element {
                Element::Text | Element::None => Kind::Text,
                Element::Number => Kind::Number,
                Element::Date => Kind::Date,
                Element::Timestamp => Kind::Timestamp,
                Element::Flag => Kind::Flag,
            };
            json!({"type": "array", "items": of_kind(of, is_whole)})
        }
    }
}

/// The unit that a name ends in, as UCUM writes it; money and mu have none there.
fn unit(name: &str) -> Option<&'static str> {
    match name.rsplit_once('_')?.1 {
        "m2" => Some("m2"),
        "m" => Some("m"),
        "percent" => Some("%"),
        "years" => Some("a"),
        _ => None,
    }
}

fn page(one: &Collection, what: &str) -> String {
    let heads = ["属性 · property", "名称 · title", "类型 · type", "含义 · meaning"].map(str::to_owned);
    let rows = properties(one).into_iter().map(|(name, schema)| {
        let word = |key: &str| html::escape(schema[key].as_str().unwrap_or_default());
        let kind = [word("type"), word("format")].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
        vec![format!("<code>{}</code>", html::escape(&name)), word("title"), kind.join(" "), word("description")]
    });
    let title = format!("{} · {} · {what}", one.title.zh, one.title.en);
    let above = format!("/ogc/collections/{}?f=html", one.id);
    html::page(
        &title,
        &[("/ogc/collections?f=html", "数据集合 · collections"), (&above, &one.id)],
        &html::table(&heads, rows),
    )
}
