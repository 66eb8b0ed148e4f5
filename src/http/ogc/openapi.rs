//! `GET /ogc/api`: the OpenAPI 3.0 description of the part that follows OGC API - Features, made from the collections that
//! there are.

use super::asked::Asked;
use super::items::{MOST, USUAL};
use super::{DESCRIPTION, GEOJSON, JSON, OPENAPI, SCHEMA, TITLE, collections, html, schema};
use crate::domain::collection::{Collection, SYSTEMS};
use crate::flow::collection;
use crate::http::App;
use crate::http::problem::Problem;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The description.
pub async fn show(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = Asked::of(&uri, &headers)?;
    asked.knows_no_more("f")?;
    let all = collection::all(&mut collections::hold(&app).await?).await.map_err(|error| Problem::of_store(&error))?;
    let paths = paths(&all);
    let page = || page(&paths);
    let document = json!({
        "openapi": "3.0.3",
        "info": {"title": TITLE, "description": DESCRIPTION, "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0"}},
        "servers": [{"url": asked.at("")}],
        "paths": paths,
        "components": components(),
    });
    Ok(asked.answer(OPENAPI, document.to_string(), page))
}

/// Every path with what can be asked there.
pub fn paths(all: &[Cow<'_, Collection>]) -> Map<String, Value> {
    let mut paths = Map::new();
    let mut put = |path: String, summary: String, parameters: Vec<Value>, kind: &str, answers: &str| {
        let found = json!({
            "description": "what was asked for",
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": {kind: {"schema": reference("schemas", answers)}, "text/html": {"schema": {"type": "string"}}},
        });
        let id: String = path.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect();
        let mut responses = json!({"200": found, "304": {"description": "the caller has it already"}});
        for status in ["400", "404", "500", "503"] {
            responses[status] = reference("responses", "Problem");
        }
        let get = json!({
            "summary": summary,
            "operationId": format!("get{id}"),
            "parameters": parameters,
            "responses": responses,
        });
        paths.insert(path, json!({ "get": get }));
    };
    let form = || reference("parameters", "f");
    put("/ogc".into(), "the landing page".into(), vec![form()], JSON, "Landing");
    put("/ogc/conformance".into(), "what it conforms to".into(), vec![form()], JSON, "Conformance");
    put("/ogc/api".into(), "this description".into(), vec![form()], OPENAPI, "Object");
    put("/ogc/collections".into(), "the collections".into(), vec![form()], JSON, "Collections");
    for one in all {
        let at = |rest: &str| format!("/ogc/collections/{}{rest}", one.id);
        let words = |what: &str| format!("{} · {}: {what}", one.title.zh, one.title.en);
        put(at(""), words("the collection"), vec![form()], JSON, "Collection");
        put(at("/queryables"), words("what filters may name"), vec![form()], SCHEMA, "Object");
        put(at("/schema"), words("the schema of a feature"), vec![form()], SCHEMA, "Object");
        let common =
            ["f", "limit", "after", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang", "filter-crs"];
        let mut parameters: Vec<Value> = common.iter().map(|name| reference("parameters", name)).collect();
        for property in one.properties.iter().filter(|property| !common.contains(&property.name.as_str())) {
            let mut schema = schema::of_property(property);
            if schema["type"] == "array" {
                // A value that the list must have.
                schema = schema["items"].clone();
            }
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            parameters.push(json!({"name": property.name, "in": "query", "required": false,
                "description": about.unwrap_or_default().as_str().unwrap_or_default(), "schema": schema}));
        }
        put(at("/items"), words("features, page by page"), parameters, GEOJSON, "Features");
        let feature = json!({"name": "featureId", "in": "path", "required": true, "schema": {"type": "string"}});
        let parameters = vec![feature, form(), reference("parameters", "crs")];
        put(at("/items/{featureId}"), words("one feature"), parameters, GEOJSON, "Feature");
    }
    paths
}

fn reference(part: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{part}/{name}") })
}

/// What the paths refer to.
pub fn components() -> Value {
    let crs = |name: &str, about: &str| {
        let known: Vec<&str> = SYSTEMS.iter().map(|system| system.uri).collect();
        json!({"name": name, "in": "query", "required": false, "description": about,
            "schema": {"type": "string", "format": "uri", "enum": known, "default": known[0]}})
    };
    let text = |name: &str, about: &str| json!({"name": name, "in": "query", "required": false, "description": about, "schema": {"type": "string"}});
    let links = json!({"type": "array", "items": {"$ref": "#/components/schemas/Link"}});
    let array = |of: Value| json!({"type": "array", "items": of});
    let object = |required: &[&str], properties: Value| json!({"type": "object", "required": required, "properties": properties});
    let string = || json!({"type": "string"});
    json!({
        "parameters": {
            "f": {"name": "f", "in": "query", "required": false, "description": "the form of the answer",
                "schema": {"type": "string", "enum": ["json", "html"]}},
            "limit": {"name": "limit", "in": "query", "required": false, "description": "how many features a page has",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
                "style": "form", "explode": false},
            "after": text("after", "the code behind which a page begins; part of the link to the next page"),
            "bbox": {"name": "bbox", "in": "query", "required": false, "style": "form", "explode": false,
                "description": "lower and upper corner; features that meet the box, and those without a place",
                "schema": {"type": "array", "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
                    "items": {"type": "number"}}},
            "bbox-crs": crs("bbox-crs", "the coordinates of bbox"),
            "crs": crs("crs", "the coordinates of the answer"),
            "datetime": {"name": "datetime", "in": "query", "required": false, "style": "form", "explode": false,
                "description": "what was law then; a day, a moment or a stretch, ../2026-06-30 and 2026-06-30/.. too; today where nothing is said",
                "schema": {"type": "string"}},
            "filter": text("filter", "CQL2 over the queryables"),
            "filter-lang": {"name": "filter-lang", "in": "query", "required": false, "description": "how it is written",
                "schema": {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}},
            "filter-crs": crs("filter-crs", "the coordinates of shapes in filter"),
        },
        "responses": {
            "Problem": {"description": "a refusal, with what to do",
                "content": {"application/problem+json": {"schema": reference("schemas", "Problem")}}},
        },
        "schemas": {
            "Object": {"type": "object"},
            "Link": object(&["href", "rel"], json!({"href": string(), "rel": string(), "type": string(), "title": string()})),
            "Landing": object(&["title", "links"], json!({"title": string(), "description": string(), "links": links})),
            "Conformance": object(&["conformsTo"], json!({"conformsTo": array(string())})),
            "Collection": object(&["id", "links"], json!({"id": string(), "title": string(), "description": string(),
                "links": links, "itemType": string(), "crs": array(string()), "storageCrs": string(),
                "extent": {"type": "object"}})),
            "Collections": object(&["links", "collections"],
                json!({"links": links, "collections": array(reference("schemas", "Collection"))})),
            "Feature": object(&["type", "id", "geometry", "properties"], json!({
                "type": {"type": "string", "enum": ["Feature"]}, "id": string(),
                "geometry": {"type": "object", "nullable": true}, "properties": {"type": "object"}, "links": links})),
            "Features": object(&["type", "features", "links", "timeStamp", "numberMatched", "numberReturned"], json!({
                "type": {"type": "string", "enum": ["FeatureCollection"]},
                "features": array(reference("schemas", "Feature")), "links": links,
                "timeStamp": {"type": "string", "format": "date-time"},
                "numberMatched": {"type": "integer", "minimum": 0}, "numberReturned": {"type": "integer", "minimum": 0}})),
            "Problem": object(&["type", "title", "status", "detail", "findings"], json!({"type": string(), "title": string(),
                "status": {"type": "integer"}, "detail": string(), "findings": array(json!({"type": "object"}))})),
        },
    })
}

fn page(paths: &Map<String, Value>) -> String {
    let heads = ["地址 · address", "内容 · answers", "参数 · parameters"].map(str::to_owned);
    let rows = paths.iter().map(|(path, methods)| {
        let get = &methods["get"];
        let names = get["parameters"].as_array().into_iter().flatten().filter_map(|one| {
            one["name"].as_str().or_else(|| one["$ref"].as_str().and_then(|at| at.rsplit('/').next()))
        });
        let names: Vec<String> = names.map(html::escape).collect();
        let summary = html::escape(get["summary"].as_str().unwrap_or_default());
        vec![format!("<code>{}</code>", html::escape(path)), summary, names.join(", ")]
    });
    html::page("接口说明 · the interface", &[], &html::table(&heads, rows))
}
