//! OGC API - Features: the landing page, what it conforms to, its description, collections, items and schemas, each as
//! JSON and as a plain page for people. It knows addresses, parameters and wire shapes; what fits a question is found out
//! by [`crate::flow::collection`].

mod asked;
pub mod collections;
pub mod html;
pub mod items;
pub mod openapi;
pub mod schema;

use self::asked::Asked;
use super::problem::Problem;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const GEOJSON: &str = "application/geo+json";
pub const HTML: &str = "text/html; charset=utf-8";
const SCHEMA: &str = "application/schema+json";
const OPENAPI: &str = "application/vnd.oai.openapi+json;version=3.0";

const QUERYABLES: &str = "http://www.opengis.net/def/rel/ogc/1.0/queryables";
const SCHEMA_OF: &str = "http://www.opengis.net/def/rel/ogc/1.0/schema";
const TITLE: &str = "landcycle 产业用地全生命周期 · the life cycle of industrial land";
const DESCRIPTION: &str = "登记册的地块、规划分区与评价清单，按 OGC API - Features 提供 · the register's land, plans and lists as OGC API - Features";

/// What it conforms to; only what tests show.
const CONFORMS_TO: [&str; 26] = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/schemas",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/core-roles-features",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/returnables-and-receivables",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/accent-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
    "http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/temporal-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/array-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/property-property",
    "http://www.opengis.net/spec/cql2/1.0/conf/arithmetic",
];

fn link(href: String, rel: &str, kind: &str, title: &str) -> Value {
    json!({"href": href, "rel": rel, "type": kind, "title": title})
}

/// The landing page.
pub async fn landing(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = Asked::of(&uri, &headers)?;
    asked.knows_no_more("f")?;
    let at = |path: &str| asked.at(path);
    let mut links = asked.own_links(JSON);
    links.extend([
        link(at("/ogc/api"), "service-desc", OPENAPI, "OpenAPI"),
        link(at("/ogc/api?f=html"), "service-doc", "text/html", "接口说明 · the interface in words"),
        link(at("/ogc/conformance"), "conformance", JSON, "符合性 · what it conforms to"),
        link(at("/ogc/collections"), "data", JSON, "数据集合 · the collections"),
    ]);
    let body = json!({"title": TITLE, "description": DESCRIPTION, "links": links});
    Ok(asked.answer(JSON, body.to_string(), || {
        let list = [
            ("/ogc/collections?f=html", "数据集合", "the collections"),
            ("/ogc/conformance?f=html", "符合性", "what it conforms to"),
            ("/ogc/api?f=html", "接口说明", "the interface in words"),
            ("/ogc/api", "OpenAPI", "for programs"),
        ];
        let list: String =
            list.iter().map(|(href, zh, en)| html::list_item(href, &format!("{zh} · {en}"), "")).collect();
        html::page("OGC API - Features", &[], &format!("<p>{}</p><ul>{list}</ul>", html::escape(DESCRIPTION)))
    }))
}

/// What it conforms to.
pub async fn conformance(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = Asked::of(&uri, &headers)?;
    asked.knows_no_more("f")?;
    let body = json!({"conformsTo": CONFORMS_TO, "links": asked.own_links(JSON)});
    Ok(asked.answer(JSON, body.to_string(), || {
        let list: String = CONFORMS_TO.iter().map(|class| format!("<li><code>{class}</code></li>")).collect();
        html::page("符合性 · what it conforms to", &[], &format!("<ul>{list}</ul>"))
    }))
}
