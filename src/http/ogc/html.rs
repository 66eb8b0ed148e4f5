//! Pages for people: plain, without a script and with nothing from elsewhere, every word of others escaped.

const STYLE: &str = "body{font:16px/1.5 system-ui,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;margin:2rem auto;\
max-width:72rem;padding:0 1rem;color:#14181c}nav{color:#56606a}a{color:#1d4f82}table{border-collapse:collapse;display:block;\
overflow-x:auto}th,td{border:1px solid #c8ced4;padding:.2rem .5rem;text-align:left;vertical-align:top}th{background:#eef1f4}\
code{overflow-wrap:anywhere}";

/// Words as the text of a page.
pub fn escape(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A link.
pub fn anchor(href: &str, words: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(href), escape(words))
}

/// A line of a list: a link and words about it.
pub fn list_item(href: &str, words: &str, about: &str) -> String {
    let dash = if about.is_empty() { "" } else { " — " };
    format!("<li>{}{dash}{}</li>", anchor(href, words), escape(about))
}

/// A page under others.
pub fn page(title: &str, above: &[(&str, &str)], body: &str) -> String {
    let first = anchor("/ogc?f=html", "OGC API - Features");
    let above: String = above.iter().map(|(href, words)| format!(" › {}", anchor(href, words))).collect();
    format!(
        "<!doctype html><html lang=\"zh-Hans\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title} · landcycle</title><style>{STYLE}</style></head><body>\
         <nav>{first}{above}</nav><h1>{title}</h1>{body}</body></html>\n",
        title = escape(title)
    )
}

/// A table.
pub fn table(heads: &[String], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = "<table><thead><tr>".to_owned();
    for head in heads {
        out.push_str(&format!("<th>{}</th>", escape(head)));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            // A cell may have a link in it; whoever makes it escapes it.
            out.push_str(&format!("<td>{cell}</td>"));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    out
}
