//! `GET /ogc/collections…`: which collections there are, and what each offers.

use super::asked::Asked;
use super::{GEOJSON, JSON, QUERYABLES, SCHEMA, SCHEMA_OF, html, link};
use crate::domain::collection::{Collection, STORED_URI, SYSTEMS};
use crate::flow::collection;
use crate::http::App;
use crate::http::problem::Problem;
use crate::store::collection::Held;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The register as it is now.
pub async fn hold(app: &App) -> Result<Held, Problem> {
    Held::hold(&app.pool).await.map_err(|error| Problem::of_store(&error))
}

/// The collection that a path names, or a refusal.
pub async fn named(
    held: &mut Held,
    path: Result<Path<String>, PathRejection>,
) -> Result<Cow<'static, Collection>, Problem> {
    let Path(id) = path.map_err(|error| Problem::not_found(error.to_string()))?;
    known(held, &id).await
}

/// The collection of that name, or a refusal.
pub async fn known(held: &mut Held, id: &str) -> Result<Cow<'static, Collection>, Problem> {
    let found = collection::named(held, id).await.map_err(|error| Problem::of_store(&error))?;
    found.ok_or_else(|| Problem::not_found(format!("there is no collection {id:?}; /ogc/collections names them")))
}

/// Every collection.
pub async fn list(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = Asked::of(&uri, &headers)?;
    asked.knows_no_more("f")?;
    let all = collection::all(&mut hold(&app).await?).await.map_err(|error| Problem::of_store(&error))?;
    let described: Vec<Value> = all.iter().map(|one| described(&app, &asked, one, Vec::new())).collect();
    let systems: Vec<&str> = SYSTEMS.iter().map(|system| system.uri).collect();
    let body = json!({"links": asked.own_links(JSON), "crs": systems, "collections": described});
    Ok(asked.answer(JSON, body.to_string(), || {
        let list: String = all
            .iter()
            .map(|one| {
                let words = format!("{} · {}", one.title.zh, one.title.en);
                let about = format!("{} · {}", one.description.zh, one.description.en);
                html::list_item(&format!("/ogc/collections/{}?f=html", one.id), &words, &about)
            })
            .collect();
        html::page("数据集合 · collections", &[], &format!("<ul>{list}</ul>"))
    }))
}

/// One collection.
pub async fn show(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::of(&uri, &headers)?;
    asked.knows_no_more("f")?;
    let one = named(&mut hold(&app).await?, path).await?;
    let body = described(&app, &asked, &one, asked.own_links(JSON)).to_string();
    Ok(asked.answer(JSON, body, || page(&one)))
}

fn described(app: &App, asked: &Asked<'_>, one: &Collection, mut links: Vec<Value>) -> Value {
    let at = |rest: &str| asked.at(&format!("/ogc/collections/{}{rest}", one.id));
    let whole = links.is_empty();
    links.extend([
        link(at("/items?f=json"), "items", GEOJSON, "要素 · features"),
        link(at("/items?f=html"), "items", "text/html", "要素 · features"),
        link(at("/queryables"), QUERYABLES, SCHEMA, "可查询属性 · what filters may name"),
        link(at("/schema"), SCHEMA_OF, SCHEMA, "结构 · schema of a feature"),
    ]);
    if whole {
        links.push(link(at(""), "self", JSON, "本集合 · this collection"));
    }
    let systems: Vec<&str> = SYSTEMS.iter().map(|system| system.uri).collect();
    let mut body = json!({
        "id": one.id,
        "title": format!("{} · {}", one.title.zh, one.title.en),
        "description": format!("{} · {}", one.description.zh, one.description.en),
        "links": links,
        "itemType": "feature",
        "crs": systems,
        "storageCrs": STORED_URI,
    });
    let of_city = || app.atlas.current().bounds().map(|bounds| bounds.to_array());
    if let Some(extent) = if one.is_layer() { one.extent } else { of_city() } {
        body["extent"]["spatial"] = json!({"bbox": [extent], "crs": SYSTEMS[0].uri});
    }
    if one.time.is_some() {
        // Law has no first day that the register could name, and no last one.
        body["extent"]["temporal"] = json!({"interval": [[null, null]]});
    }
    body
}

fn page(one: &Collection) -> String {
    let at = |rest: &str| format!("/ogc/collections/{}{rest}", one.id);
    let links = [
        (at("/items?f=html"), "要素 · features"),
        (at("/queryables?f=html"), "可查询属性 · what filters may name"),
        (at("/schema?f=html"), "结构 · schema"),
    ];
    let links: String = links.iter().map(|(href, words)| html::list_item(href, words, "")).collect();
    let body =
        format!("<p>{} · {}</p><ul>{links}</ul>", html::escape(&one.description.zh), html::escape(&one.description.en));
    let title = format!("{} · {}", one.title.zh, one.title.en);
    html::page(&title, &[("/ogc/collections?f=html", "数据集合 · collections")], &body)
}
