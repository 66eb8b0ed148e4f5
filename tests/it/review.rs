//! `landcycle review` from outside: the same rules on the same facts give the same bytes, the lists are what others rely
//! on, and what can't be judged is refused.

mod calendar;
mod corrected;
mod diff;
mod explain;
mod killed;
mod last_round;
mod left_out;
mod life;
mod objection;
mod queue;
mod replay;
mod sheet;
mod simulate;
mod units;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use calamine::Reader as _;
use gdal::vector::LayerAccess as _;
use serde_json::{Value, json};

use crate::support::{Ended, Town, parcel, parcel_code};

const COLUMNS: &str = "rank,parcel_code,district,park,tier,land_use,area_m2,area_mu,plot_ratio_built,plot_ratio_allowed,\
    grade,score,weakest_indicators,outcome,channel,legal_ground,evidence_required,responsible_unit,term_end,run_id,scheme,\
    as_of,receipt";
const LISTS: [&str; 3] = ["exit-candidates", "renewal-candidates", "review-results"];
const FORMATS: [&str; 4] = ["csv", "xlsx", "geojson", "gpkg"];

/// A register with the small demo city in it.
async fn city() -> Town {
    let town = Town::empty().await;
    let made = town.run(&["demo", "generate", "--out", "city", "--parcels", "600"]);
    assert_eq!(made.status, Some(0), "{}", made.said);
    let loaded = town.run(&["demo", "load", "city"]);
    assert_eq!(loaded.status, Some(0), "{}", loaded.said);
    town
}

/// Runs the review of 30 June 2026 into a folder.
fn review(town: &Town, out: &str, workers: &str) -> Value {
    let ended = town.run(&["review", "run", "--as-of", "2026-06-30", "--workers", workers, "--out", out]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

/// Runs the binary as another officer.
pub fn by(town: &Town, officer: &str, arguments: &[&str]) -> Ended {
    let mut command = town.command();
    command.env("LANDCYCLE_TEST_OFFICER", officer).arg("--json").args(arguments);
    Ended::of(&command.output().unwrap())
}

/// The same, of what must be done; answers the document.
pub fn done(town: &Town, officer: &str, arguments: &[&str]) -> Value {
    let ended = by(town, officer, arguments);
    assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.said);
    ended.answer
}

/// The same, of what must be refused with these words, and must store nothing.
pub async fn refused(town: &Town, officer: &str, arguments: &[&str], words: &[&str]) {
    let before = town.contents().await;
    let ended = by(town, officer, arguments);
    assert_eq!(ended.status, Some(1), "{arguments:?}: {}", ended.said);
    for word in words {
        assert!(ended.said.contains(word), "{arguments:?}: {word}: {}", ended.said);
    }
    assert_eq!(town.contents().await, before, "{arguments:?} stored something");
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())).collect()
}

async fn receipts(town: &Town) -> Vec<(String, String, String)> {
    let sql = "select parcel, receipt_hash, receipt from review_result order by run_id, parcel";
    sqlx::query_as(sql).fetch_all(&town.database.pool).await.unwrap()
}

#[tokio::test]
async fn one_worker_and_eight_give_the_same_bytes_and_a_second_run_changes_nothing() {
    let (one, other) = (city().await, city().await);
    let (first, second) = (review(&one, "out", "1"), review(&other, "out", "8"));
    assert_eq!((&first["repeated"], &second["repeated"]), (&json!(false), &json!(false)));
    let lists = files(&one.folder().join("out"));
    let names: BTreeSet<String> =
        LISTS.iter().flat_map(|list| FORMATS.iter().map(move |format| format!("{list}.{format}"))).collect();
    assert_eq!(lists.keys().cloned().collect::<BTreeSet<_>>(), names);
    let same = |folder: PathBuf| {
        let others = files(&folder);
        assert!(others.keys().eq(lists.keys()));
        let different: Vec<&String> =
            lists.iter().filter(|(name, bytes)| others[*name] != **bytes).map(|(name, _)| name).collect();
        assert!(different.is_empty(), "{different:?} differ in {}", folder.display());
    };
    same(other.folder().join("out"));
    let kept = receipts(&one).await;
    assert!(kept.len() > 300 && kept == receipts(&other).await);
    for (_, hash, receipt) in &kept {
        assert_eq!(hash, &landcycle::domain::review::receipt::hash(receipt.as_bytes()));
    }

    let before = one.contents().await;
    let again = review(&one, "again", "8");
    assert_eq!((&again["repeated"], &again["run"]), (&json!(true), &first["run"]));
    assert_eq!(one.contents().await, before, "no run, no revision, no audit entry");
    same(one.folder().join("again"));

    // Another day, another window and other facts are other runs.
    let sooner = one.run(&["review", "run", "--as-of", "2026-03-31", "--out", "sooner"]);
    let longer = one.run(&["review", "run", "--as-of", "2026-06-30", "--window", "5", "--out", "longer"]);
    let fixed = "update annual_return set tax_wan_yuan = tax_wan_yuan + 1 where id = (select min(id) from annual_return
        where year = 2025 and tax_wan_yuan is not null and upper_inf(recorded))";
    sqlx::query(fixed).execute(&one.database.pool).await.unwrap();
    let changed = review(&one, "changed", "2");
    let runs = [&first["run"], &sooner.answer["run"], &longer.answer["run"], &changed["run"]];
    assert_eq!(runs, [&json!(1), &json!(2), &json!(3), &json!(4)]);
    let listed = one.run(&["review", "list"]);
    assert_eq!(listed.answer.as_array().unwrap().len(), 4);
}

/// The rows of a CSV with quotes, by the names of its header.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let bytes = fs::read(path).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[3..]);
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| header.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()).collect()
}

/// How many rows the libraries alone find in each format, and that the columns are the promised ones.
fn rows_and_columns(folder: &Path, list: &str) -> [usize; 4] {
    let path = |format: &str| folder.join(format!("{list}.{format}"));
    let bytes = fs::read(path("csv")).unwrap();
    assert!(bytes.starts_with(b"\xEF\xBB\xBF"), "{list}.csv has no byte order mark");
    let header = bytes[3..].split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap();
    assert_eq!(std::str::from_utf8(header).unwrap(), COLUMNS);

    let mut book: calamine::Xlsx<_> = calamine::open_workbook(path("xlsx")).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let header: Vec<String> = sheet.rows().next().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(header.join(","), COLUMNS);

    let count = |format: &str| {
        let dataset = gdal::Dataset::open(path(format)).unwrap();
        let layer = dataset.layer(0).unwrap();
        let mut names: Vec<String> = layer.defn().fields().map(|field| field.name()).collect();
        names.retain(|name| name != "id" && name != "fid");
        assert_eq!(names.join(","), COLUMNS, "{list}.{format}");
        usize::try_from(layer.feature_count()).unwrap()
    };
    [table(&path("csv")).len(), sheet.rows().count() - 1, count("geojson"), count("gpkg")]
}

#[tokio::test]
async fn the_lists_are_what_others_rely_on() {
    let town = city().await;
    let reviewed = review(&town, "out", "2");
    let out = town.folder().join("out");
    for (list, told) in LISTS.iter().zip(reviewed["lists"].as_array().unwrap()) {
        let rows = usize::try_from(told["rows"].as_u64().unwrap()).unwrap();
        assert_eq!((told["list"].as_str(), rows_and_columns(&out, list)), (Some(*list), [rows; 4]));
        assert!(rows > 0, "{list} is empty");
    }
    let results = table(&out.join("review-results.csv"));
    assert_eq!(results.len(), usize::try_from(reviewed["parcels"].as_u64().unwrap()).unwrap());
    let codes: BTreeSet<&String> = results.iter().map(|row| &row["parcel_code"]).collect();
    assert_eq!(codes.len(), results.len(), "a parcel stands once");
    for row in &results {
        let judged = row["grade"] != "T";
        assert_eq!((row["score"].is_empty(), row["rank"].is_empty()), (!judged, !judged), "{row:?}");
        let texts = row.values().filter(|text| text.parse::<f64>().is_err());
        assert!(texts.clone().all(|text| !text.starts_with(['=', '+', '-', '@', '\t'])), "{row:?}");
    }
    let by_code: BTreeMap<&String, &BTreeMap<String, String>> =
        results.iter().map(|row| (&row["parcel_code"], row)).collect();
    let kept: BTreeMap<String, Value> = receipts(&town)
        .await
        .into_iter()
        .map(|(code, _, receipt)| (code, serde_json::from_str(&receipt).unwrap()))
        .collect();
    for row in table(&out.join("exit-candidates.csv")) {
        assert_eq!(by_code[&row["parcel_code"]], &row, "both lists say the same");
        assert!(!row["legal_ground"].is_empty() && !row["evidence_required"].is_empty(), "{row:?}");
        let fired = kept[&row["parcel_code"]]["decision"]["row"].as_str().unwrap();
        if row["grade"] != "D" {
            assert!(["idle-two-years", "start-over-a-year"].contains(&fired), "{fired} put {row:?} on the list");
        }
    }
    for row in table(&out.join("renewal-candidates.csv")) {
        assert_eq!(row["grade"], "C", "{row:?}");
    }
    explained_in_both_languages(&town, &kept);
    by_district(&town, &results);
}

/// The lists of each district hold what the city's hold of it, with the ranks of the city.
fn by_district(town: &Town, results: &[BTreeMap<String, String>]) {
    let args = ["review", "run", "--as-of", "2026-06-30", "--out", "parts", "--by-district"];
    let ended = town.run(&args);
    assert_eq!((ended.status, &ended.answer["repeated"]), (Some(0), &json!(true)), "{}", ended.said);
    let districts = ended.answer["districts"].as_object().unwrap();
    assert!(districts.len() > 1, "{districts:?}");
    let mut rows = 0;
    for (code, lists) in districts {
        let folder = town.folder().join("parts/districts").join(code);
        for (list, told) in LISTS.iter().zip(lists.as_array().unwrap()) {
            let told = usize::try_from(told["rows"].as_u64().unwrap()).unwrap();
            if told == 0 {
                // A GeoJSON without a feature has no columns.
                assert!(table(&folder.join(format!("{list}.csv"))).is_empty(), "{code}");
            } else {
                assert_eq!(rows_and_columns(&folder, list), [told; 4]);
            }
        }
        let own = table(&folder.join("review-results.csv"));
        assert!(own.iter().all(|row| results.contains(row)), "{code} has a row that the city has not");
        assert_eq!(own.iter().map(|row| &row["district"]).collect::<BTreeSet<_>>().len(), 1);
        rows += own.len();
    }
    assert_eq!(rows, results.len(), "no parcel is lost and none stands twice");
}

fn explained_in_both_languages(town: &Town, kept: &BTreeMap<String, Value>) {
    for (list, zh, en) in [("exit", "依据：", "Ground: "), ("renewal", "建议：", "Recommendation: ")] {
        let (code, receipt) = kept.iter().find(|(_, receipt)| receipt["decision"]["list"] == list).unwrap();
        let say = |language: &[&str]| {
            let output = town.command().args(["review", "explain", "1", code]).args(language).output().unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        };
        let (chinese, english) = (say(&["--lang", "zh"]), say(&["--lang", "en"]));
        let grade = receipt["grade"].as_str().unwrap();
        assert!(chinese.starts_with(&format!("等级 {grade}")) && chinese.contains(zh), "{chinese}");
        assert!(english.starts_with(&format!("Grade {grade}")) && english.contains(en), "{english}");
        assert_eq!(chinese.lines().count(), english.lines().count());
        let title = &receipt["decision"]["title"];
        assert!(chinese.contains(title[0].as_str().unwrap()) && english.contains(title[1].as_str().unwrap()));
    }
}

/// Enterprises on parcels with five years of figures, each file's rows in this order or in the other.
async fn small_register(turned: bool) -> Town {
    let town = Town::empty().await;
    let load = |kind: &str, header: &str, mut rows: Vec<String>| {
        if turned {
            rows.reverse();
        }
        town.takes(kind, &town.file(&format!("{kind}.csv"), format!("{header}\n{}\n", rows.join("\n"))));
    };
    let mut parcels: Vec<Value> = (0..60).map(parcel).collect();
    if turned {
        parcels.reverse();
    }
    town.takes("parcels", &town.geojson("parcels", &parcels));
    load("enterprises", "enterprise_code,name,industry", (0..70).map(|e| format!("E{e},厂{e},3911")).collect());
    // Ten enterprises use two parcels, ten parcels are used by two.
    let uses = (0..80u32).map(|use_| {
        let (parcel, enterprise) = (parcel_code(use_ % 60), use_ * 7 % 70);
        format!("{parcel},E{enterprise},tenant,{}.{},2015-0{}-01", 500 + use_ * 37, use_, 1 + use_ % 9)
    });
    load("occupancies", "parcel_code,enterprise_code,role,floor_area_m2,from_on", uses.collect());
    let figures = (0..70u32).flat_map(|e| {
        (2021..=2025u32).map(move |year| {
            let figure = |salt: u32| f64::from((e * 7919 + year * 104_729 + salt) % 9973) / 7.0;
            format!("E{e},{year},{},{},{},{}", figure(1), figure(2), figure(3) + 1.0, figure(4))
        })
    });
    load("returns", "enterprise_code,year,output_wan_yuan,tax_wan_yuan,staff,value_added_wan_yuan", figures.collect());
    town
}

#[tokio::test]
async fn the_order_of_rows_in_files_changes_no_receipt() {
    let (one, other) = (small_register(false).await, small_register(true).await);
    let (first, second) = (review(&one, "out", "2"), review(&other, "out", "2"));
    assert_eq!(first["by_grade"], second["by_grade"]);
    assert!(first["by_grade"]["A"]["parcels"].as_u64().unwrap() > 0, "{first}");
    assert!(receipts(&one).await == receipts(&other).await, "receipts differ");
}

#[tokio::test]
async fn a_review_that_cannot_be_made_is_refused_and_stores_nothing() {
    let town = Town::settled().await;
    let shipped = include_str!("../../data/schemes/default.toml");
    town.file("short.toml", shipped.replacen("weight = 30", "weight = 20", 1));
    town.file("broken.toml", "name = ");
    let run = |more: &[&'static str]| [&["review", "run", "--as-of", "2026-06-30", "--out", "out"], more].concat();
    let before = town.contents().await;
    let cases = [
        (run(&["--scheme", "nonesuch"]), 1, vec!["there is no scheme \"nonesuch\"", "default"]),
        (run(&["--scheme", "nowhere.toml"]), 1, vec!["nowhere.toml"]),
        (run(&["--scheme", "short.toml"]), 1, vec!["short.toml", "sum to 90", "expected 100"]),
        (run(&["--scheme", "broken.toml"]), 1, vec!["broken.toml", "line 1"]),
        (run(&["--window", "6"]), 2, vec!["--window", "3..=5"]),
        (run(&["--window", "2"]), 2, vec!["--window", "3..=5"]),
        (run(&["--workers", "0"]), 2, vec!["--workers"]),
        (run(&["--kind", "whim"]), 2, vec!["--kind", "round"]),
        (vec!["review", "run", "--out", "out"], 2, vec!["--as-of"]),
        (vec!["review", "run", "--as-of", "2026-02-30"], 2, vec!["--as-of"]),
        (
            vec!["review", "run", "--as-of", "2024-03-31", "--out", "out"],
            1,
            vec!["in force from 2024-04-01", "2024-03-31"],
        ),
        (vec!["review", "show", "7"], 1, vec!["no review run 7", "review list"]),
        (vec!["review", "explain", "7", "310115001001GB00001"], 1, vec!["run 7", "310115001001GB00001"]),
    ];
    for (arguments, status, words) in cases {
        let ended = town.run(&arguments);
        assert_eq!(ended.status, Some(status), "{arguments:?}: {}", ended.said);
        assert!(words.iter().all(|word| ended.said.contains(word)), "{arguments:?}: {}", ended.said);
        assert!(!town.folder().join("out").exists(), "{arguments:?} wrote lists");
        assert_eq!(town.contents().await, before, "{arguments:?} stored something");
    }
    review(&town, "out", "1");
    let stranger = town.run(&["review", "explain", "1", &parcel_code(99)]);
    assert_eq!(stranger.status, Some(1));
    assert!(stranger.said.contains("no result for parcel 310115001001GB00099"), "{}", stranger.said);
}

#[tokio::test]
async fn a_scheme_is_looked_at_before_it_is_used() {
    let town = Town::empty().await;
    let checked = town.run(&["review", "scheme", "check", "prefecture-45"]);
    assert_eq!(checked.status, Some(0), "{}", checked.said);
    let shipped = include_str!("../../data/schemes/prefecture-45.toml");
    town.file("wrong.toml", shipped.replacen("weight = 45", "weight = -5", 1).replacen("c = 95.0", "c = 9.0", 1));
    let refused = town.run(&["review", "scheme", "check", "wrong.toml"]);
    assert_eq!(refused.status, Some(1), "{}", refused.said);
    for words in ["wrong.toml: part \"above-scale\", indicator 1 (tax_int): weight -5", "sum to 50", "cutoffs"] {
        assert!(refused.said.contains(words), "{words}: {}", refused.said);
    }
}

#[tokio::test]
async fn an_empty_register_has_nothing_to_review() {
    let town = Town::empty().await;
    let ended = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.said.contains("import parcels first"), "{}", ended.said);
    assert_eq!(town.value::<i64>("select count(*) from revision where act ~ 'review'").await, 0);
    assert!(!town.folder().join("out").exists());
}
