//! The page and its files, embedded in the program. Files named after their content are kept for ever by browsers; the
//! page itself is asked for each time.

use super::answer::{is_known, typed};
use super::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What the page's build wrote.
#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Dist;

/// What is shown where the page was not built into the program.
const UNBUILT: &str = "<!doctype html><html lang=\"zh-Hans\"><meta charset=\"utf-8\"><title>landcycle</title>\
<p>网页尚未构建。请在 <code>web/</code> 目录运行 <code>npm ci &amp;&amp; npm run build</code>，然后重新构建程序。\
<p>The page was not built. Run <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>, then build the program again.";

/// The page.
pub async fn page(headers: HeaderMap) -> Response {
    match Dist::get("index.html") {
        Some(file) => answer("index.html", file, &headers),
        None => (StatusCode::SERVICE_UNAVAILABLE, typed("text/html; charset=utf-8", UNBUILT)).into_response(),
    }
}

/// One of its files, or nothing.
pub async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let path = uri.path().trim_start_matches('/');
    let nothing = || Problem::not_found(format!("there is nothing at {}", uri.path()));
    if method != Method::GET && method != Method::HEAD {
        return Err(nothing());
    }
    let file = Dist::get(path).ok_or_else(nothing)?;
    Ok(answer(path, file, &headers))
}

fn answer(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..12]));
    let mut response = if is_known(&tag, asked) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        typed(content_type(path), file.data.into_owned())
    };
    // The build names what it puts there after its content.
    let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
