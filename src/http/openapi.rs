//! `GET /openapi.json` and `GET /docs`: the description of the whole service, for programs and for people. What is said here
//! of a route is held against the routes and against what they refuse by tests.

use super::App;
use super::answer::of_text;
use super::ogc::{collections, html, openapi as ogc};
use super::problem::Problem;
use crate::flow::collection;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// What a parameter is.
#[derive(Debug, Clone, Copy)]
enum Is {
    /// Words.
    Text,
    /// A day.
    Day,
    /// A whole number from one to another.
    Whole(i64, i64),
    /// A number that is not negative.
    Number,
    /// Degrees to either side of nothing, up to so many.
    Degrees(u32),
    /// One of some words.
    OneOf(&'static [&'static str]),
}

/// A route that is read.
struct Route {
    path: &'static str,
    about: &'static str,
    kind: &'static str,
    parameters: &'static [(&'static str, Is)],
}

const JSON: &str = "application/json";
const PAGE: [(&str, Is); 2] = [AFTER, LIMIT];
const AFTER: (&str, Is) = ("after", Is::Text);
const LIMIT: (&str, Is) = ("limit", Is::Whole(0, 1_000));
const MOMENT: [(&str, Is); 2] = [("valid_at", Is::Day), ("known_at", Is::Text)];
const PLACE: [(&str, Is); 2] = [("lon", Is::Degrees(180)), ("lat", Is::Degrees(90))];
const MIN_REVISION: (&str, Is) = ("min_revision", Is::Whole(0, i64::MAX));
const LIST: (&str, Is) = ("list", Is::OneOf(&["exit", "renewal"]));

const fn json(path: &'static str, about: &'static str, parameters: &'static [(&'static str, Is)]) -> Route {
    Route { path, about, kind: JSON, parameters }
}

/// Every route that is read, but those beneath /ogc.
const READ: &[Route] = &[
    Route { path: "/healthz", about: "the process is up", kind: "text/plain; charset=utf-8", parameters: &[] },
    json("/readyz", "the map is loaded and the database answers", &[]),
    json("/openapi.json", "this description", &[]),
    Route { path: "/docs", about: "this description for people", kind: "text/html; charset=utf-8", parameters: &[] },
    json("/api/v1/city", "name, bounds and newest review of the city", &[]),
    json("/api/v1/parcels/at", "the parcels at a place", &[PLACE[0], PLACE[1], MIN_REVISION]),
    json(
        "/api/v1/parcels/nearest",
        "the parcels nearest to a place",
        &[PLACE[0], PLACE[1], ("limit", Is::Whole(0, 100)), ("metres", Is::Number), MIN_REVISION],
    ),
    json("/api/v1/parcels/{code}", "everything about one parcel", &MOMENT),
    json("/api/v1/parcels/{code}/lineage", "the events behind and ahead of a parcel", &[]),
    json(
        "/api/v1/parcels/{code}/standing",
        "where a parcel stands in the plan",
        &[MOMENT[0], MOMENT[1], ("f", Is::OneOf(&["json", "geojson"]))],
    ),
    Route {
        path: "/api/v1/parcels/{code}/standing.svg",
        about: "the same drawn",
        kind: "image/svg+xml",
        parameters: &MOMENT,
    },
    json(
        "/api/v1/obligations",
        "what falls due and what is overdue",
        &[("within", Is::Whole(0, 36_500)), ("body", Is::Text), ("as_of", Is::Day), LIMIT],
    ),
    json(
        "/api/v1/plot-ratio",
        "the plot-ratio ledger",
        &[("by", Is::OneOf(&["parcel", "park", "tier", "district"])), ("district", Is::Text), LIMIT, AFTER],
    ),
    json(
        "/api/v1/plot-ratio/procedures",
        "what districts have set about their simplified procedure",
        &[("district", Is::Text), LIMIT, AFTER],
    ),
    json(
        "/api/v1/land-account",
        "industrial land at the end of a year",
        &[("year", Is::Whole(1949, 2199)), ("by", Is::OneOf(&["tier", "use", "district"]))],
    ),
    json(
        "/api/v1/supply",
        "land secured for industry by year and source",
        &[("year", Is::Whole(1949, 2199)), ("district", Is::Text), MOMENT[1], LIMIT, AFTER],
    ),
    json("/api/v1/reserve", "what parks hold in reserve", &[("park", Is::Text), MOMENT[0], MOMENT[1], LIMIT, AFTER]),
    json("/api/v1/reviews", "the review runs, the newest first", &PAGE),
    json(
        "/api/v1/reviews/due",
        "the reviews that contracts make due",
        &[
            ("as_of", Is::Day),
            ("within", Is::Whole(0, 36_500)),
            ("body", Is::Text),
            ("district", Is::Text),
            ("scheme", Is::Text),
            ("unknown", Is::OneOf(&["true", "false"])),
            LIMIT,
            AFTER,
        ],
    ),
    json("/api/v1/reviews/{run}", "one run", &[]),
    json(
        "/api/v1/reviews/{run}/results",
        "what a run found of each parcel",
        &[("grade", Is::OneOf(&["A", "B", "C", "D", "T"])), LIST, AFTER, LIMIT],
    ),
    json("/api/v1/reviews/{run}/results/{parcel}", "why a parcel has its grade", &[]),
    json(
        "/api/v1/reviews/{run}/diff",
        "what lies between an earlier run and this one",
        &[("with", Is::Whole(1, i64::MAX))],
    ),
    json("/api/v1/reviews/{run}/objections", "what is said against a run", &PAGE),
    json("/api/v1/reviews/{run}/left-out", "whom a run left out, and why", &[("reason", Is::Text), AFTER, LIMIT]),
    Route {
        path: "/api/v1/reviews/{run}/clusters",
        about: "the candidates of a run that lie together",
        kind: "application/geo+json",
        parameters: &[LIST, ("within_m", Is::Number), ("min_area_m2", Is::Number), AFTER, LIMIT],
    },
    Route {
        path: "/api/v1/reviews/{run}/sheets/{parcel}",
        about: "the check-up sheet of a result",
        kind: "text/html; charset=utf-8",
        parameters: &[],
    },
    json("/api/v1/parks", "the parks and where they stand", &PAGE),
    json("/api/v1/parks/{code}", "one park", &[]),
    json("/api/v1/parks/evaluations", "the yearly evaluations of parks", &PAGE),
    json("/api/v1/parks/evaluations/{evaluation}", "one of them", &[]),
    json("/api/v1/parks/evaluations/{evaluation}/results/{park}", "why a park has its score", &[]),
    json("/api/v1/approvals", "the special approvals on record", &[LIMIT, AFTER]),
    json("/tiles/{file}", "TileJSON of a layer, such as parcels.json", &[]),
    Route {
        path: "/tiles/{layer}/{z}/{x}/{file}",
        about: "a vector tile, such as 1670.mvt",
        kind: "application/vnd.mapbox-vector-tile",
        parameters: &[],
    },
    Route { path: "/", about: "the page", kind: "text/html; charset=utf-8", parameters: &[] },
];

/// Every route that takes a question, with its fields; those with a star must be there.
const ASKED: &[(&str, &str, &[&str])] = &[
    (
        "/api/v1/parcels/search",
        "what lies in an area",
        &[
            "area",
            "bbox",
            "circle",
            "within",
            "relation",
            "filter",
            "sort",
            "fields",
            "limit",
            "after",
            "valid_at",
            "known_at",
            "min_revision",
        ],
    ),
    ("/api/v1/plot-ratio/verdict", "whether a plot ratio may rise", &["parcel*", "to*", "on"]),
    ("/api/v1/standing", "where land stands in the plan", &["area", "at", "parcel", "valid_at", "known_at"]),
    (
        "/api/v1/entry-check",
        "whether a new project may enter",
        &["parcel*", "industry*", "tax_wan_yuan_per_mu", "output_wan_yuan_per_mu", "investment_wan_yuan_per_mu", "on"],
    ),
    (
        "/api/v1/reviews/simulate",
        "what other rules would find on the facts of a kept run",
        &["run", "set", "scheme", "decisions", "district"],
    ),
    (
        "/api/v1/verdict",
        "what the two locks say to a deed",
        &["deed*", "parcel", "area", "use", "from_use", "land_use_scheme", "on"],
    ),
];

/// The description for programs.
pub async fn document(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let all = collection::all(&mut collections::hold(&app).await?).await.map_err(|error| Problem::of_store(&error))?;
    let mut paths = own_paths();
    paths.append(&mut ogc::paths(&all));
    let document = json!({
        "openapi": "3.0.3",
        "info": {"title": "landcycle", "version": env!("CARGO_PKG_VERSION"),
            "description": "the life cycle of industrial land; docs/api.md says what the answers mean",
            "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": ogc::components(),
    });
    Ok(of_text(JSON, document.to_string(), None, &headers))
}

/// The description for people.
pub async fn page(headers: HeaderMap) -> Response {
    let heads = ["地址 · address", "内容 · answers", "参数 · parameters"].map(str::to_owned);
    let read = READ.iter().map(|route| {
        let names: Vec<&str> = route.parameters.iter().map(|(name, _)| *name).collect();
        (format!("GET {}", route.path), route.about, names.join(", "))
    });
    let asked = ASKED.iter().map(|(path, about, fields)| (format!("POST {path}"), *about, fields.join(", ")));
    let rows = read.chain(asked).map(|(path, about, names)| {
        vec![format!("<code>{}</code>", html::escape(&path)), html::escape(about), html::escape(&names)]
    });
    let links = [("/openapi.json", "OpenAPI 3.0"), ("/ogc/api?f=html", "OGC API - Features")];
    let links: String = links.iter().map(|(href, words)| html::list_item(href, words, "")).collect();
    let body = format!("<ul>{links}</ul>{}", html::table(&heads, rows));
    of_text(super::ogc::HTML, html::page("接口 · the interface", &[], &body), None, &headers)
}

fn own_paths() -> Map<String, Value> {
    let mut paths = Map::new();
    for route in READ {
        let mut parameters: Vec<Value> = in_braces(route.path)
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        parameters.extend(
            route
                .parameters
                .iter()
                .map(|(name, is)| json!({"name": name, "in": "query", "required": false, "schema": schema(*is)})),
        );
        let mut get = json!({
            "summary": route.about,
            "operationId": operation("get", route.path),
            "parameters": parameters,
            "responses": responses(route.kind),
        });
        if route.parameters.iter().any(|(name, _)| *name == "f") {
            get["responses"]["200"]["content"]["application/geo+json"] = json!({"schema": {"type": "object"}});
        }
        paths.insert(route.path.to_owned(), json!({ "get": get }));
    }
    for (path, about, fields) in ASKED {
        let properties: Map<String, Value> =
            fields.iter().map(|field| (field.trim_end_matches('*').to_owned(), json!({}))).collect();
        let required: Vec<&str> = fields.iter().filter_map(|field| field.strip_suffix('*')).collect();
        let mut question = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            question["required"] = json!(required);
        }
        let mut responses = responses(JSON);
        responses["200"]["content"]["application/geo+json"] = json!({"schema": {"type": "object"}});
        for status in ["413", "415"] {
            responses[status] = json!({"$ref": "#/components/responses/Problem"});
        }
        let post = json!({
            "summary": about,
            "operationId": operation("ask", path),
            "requestBody": {"required": true, "content": {JSON: {"schema": question}}},
            "responses": responses,
        });
        paths.insert((*path).to_owned(), json!({ "post": post }));
    }
    paths
}

fn in_braces(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn operation(verb: &str, path: &str) -> String {
    let path: String = path.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect();
    format!("{verb}{path}")
}

fn responses(kind: &str) -> Value {
    let schema =
        if kind == JSON || kind.ends_with("+json") { json!({"type": "object"}) } else { json!({"type": "string"}) };
    let mut all = json!({
        "200": {"description": "what was asked for", "content": {kind.split(';').next().unwrap_or(kind): {"schema": schema}}},
        "204": {"description": "nothing is there to show"},
        "304": {"description": "the caller has it already"},
    });
    for status in ["400", "404", "422", "500", "503"] {
        all[status] = json!({"$ref": "#/components/responses/Problem"});
    }
    all
}

fn schema(is: Is) -> Value {
    match is {
        Is::Text => json!({"type": "string"}),
        Is::Day => json!({"type": "string", "format": "date"}),
        Is::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Is::Number => json!({"type": "number", "minimum": 0}),
        Is::Degrees(most) => json!({"type": "number", "minimum": -i64::from(most), "maximum": most}),
        Is::OneOf(words) => json!({"type": "string", "enum": words}),
    }
}
