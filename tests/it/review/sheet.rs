//! The check-up sheet: what stands on it, that it is one page of A4 when a browser prints it, and that it takes no orders.

use super::{city, review};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// How many pages a browser prints; nothing where the machine has none.
fn pages(page: &Path) -> Option<usize> {
    let pdf = page.with_extension("pdf");
    let profile = tempfile::tempdir().unwrap();
    let ended = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(format!("file://{}", page.display()))
        .output();
    let Ok(ended) = ended else {
        eprintln!("no chromium here: nothing was printed");
        return None;
    };
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let bytes = std::fs::read(&pdf).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    Some(
        text.matches("/Type /Page\n").count()
            + text.matches("/Type /Page/").count()
            + text.matches("/Type /Page ").count(),
    )
}

#[tokio::test]
async fn a_sheet_is_one_printed_page_in_both_languages_and_takes_no_orders() {
    let town = city().await;
    review(&town, "out", "2");
    let evil = "update enterprise set name = '<script>alert(1)</script>&' || name where upper_inf(recorded)";
    sqlx::query(evil).execute(&town.database.pool).await.unwrap();
    // Of each grade and list the one with the longest receipt: if those fit on a page, the others do.
    let sql = "select distinct on (grade, list) parcel, grade, receipt, receipt_hash from review_result
        order by grade, list, length(receipt) desc, parcel";
    let longest: Vec<(String, String, String, String)> =
        sqlx::query_as(sql).fetch_all(&town.database.pool).await.unwrap();
    assert!(longest.len() >= 6, "{} kinds", longest.len());
    for (code, grade, receipt, hash) in &longest {
        let name = format!("{code}.html");
        let ended = town.run(&["review", "sheet", "1", code, "--out", &name]);
        assert_eq!((ended.status, &ended.answer["file"]), (Some(0), &json!(name)), "{}", ended.said);
        let path = town.folder().join(&name);
        let page = std::fs::read_to_string(&path).unwrap();
        let receipt: Value = serde_json::from_str(receipt).unwrap();
        let title = [0, 1].map(|one| receipt["decision"]["title"][one].as_str().unwrap().replace('"', "&quot;"));
        let grade_shown = format!("<b>{grade}</b>");
        for part in [
            "体检表",
            "check-up sheet",
            code,
            hash,
            grade_shown.as_str(),
            "run 1",
            "draft",
            &title[0],
            &title[1],
            "<svg",
            "如何提升等级",
            "@page { size: A4",
        ] {
            assert!(page.contains(part), "no {part:?} on the sheet of {code}");
        }
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("url(http"), "{code}");
        // Whatever is opened is closed.
        for tag in
            ["section", "table", "tr", "td", "div", "p", "dl", "dt", "dd", "svg", "i", "header", "footer", "body"]
        {
            let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag} of {code}");
        }
        if let Some(pages) = pages(&path) {
            assert_eq!(pages, 1, "the sheet of {code}, grade {grade}");
        }
    }
    let unknown = town.run(&["review", "sheet", "9", &longest[0].0]);
    assert!(unknown.status == Some(1) && unknown.said.contains("run 9 has no result"), "{}", unknown.said);
}
