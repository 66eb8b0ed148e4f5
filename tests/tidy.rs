//! Holds the house in order: which room may use which, what only one room may name, and how files are named and opened.
//! Every check is also fed a sample that breaks it, so that none can sleep.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A source file, by its path below the root.
struct File {
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The room a file of `src` belongs to: `src/store/parcel.rs` and `src/store.rs` are of `store`.
    fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        Some(inside.split('/').next()?.trim_end_matches(".rs"))
    }

    /// The lines of code with their numbers: neither comments, nor the tests at the end of a file, which may reach for
    /// whatever shows the truth.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        let lines = self.text[..tests].lines().enumerate().map(|(i, line)| (i + 1, line));
        lines.map(|(i, line)| (i, line.split("//").next().unwrap_or(line))).filter(|(_, line)| !line.trim().is_empty())
    }
}

/// Which rooms each room may use, besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("atlas", &["domain"]),
    ("exchange", &["domain"]),
    ("demo", &["domain", "exchange"]),
    ("flow", &["domain", "store", "atlas", "exchange", "clock"]),
    ("http", &["domain", "store", "atlas", "flow", "clock", "config"]),
    ("cli", &["domain", "store", "atlas", "flow", "demo", "http", "clock", "config", "cluster"]),
    ("main", &["cli"]),
    ("lib", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("cluster", &[]),
];

/// What only some rooms may name, and which.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "flow", "cluster"]),
    ("axum", &["http"]),
    ("tower_http", &["http"]),
    ("gdal", &["exchange"]),
    ("calamine", &["exchange"]),
    ("rust_xlsxwriter", &["exchange", "demo"]),
    ("encoding_rs", &["exchange", "demo"]),
    ("rstar", &["atlas", "demo"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("rand", &["demo"]),
    ("rand_chacha", &["demo"]),
];

const FILE_CEILING: usize = 500;

fn rooms_use_only_what_they_may(file: &File) -> Vec<String> {
    let Some(room) = file.room() else { return Vec::new() };
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: the room {room} is in no list; give it its directions in tests/tidy.rs", file.path)];
    };
    let mut wrong = Vec::new();
    for (line, used) in rooms_used(file) {
        let known = MAY_USE.iter().any(|(name, _)| *name == used);
        if known && used != room && !allowed.contains(&used.as_str()) {
            wrong.push(format!("{}:{line}: {room} may not use {used}", file.path));
        }
    }
    wrong
}

/// Rooms named after `crate::` or, in the binary, after `landcycle::`; also within a group that is spread over lines.
fn rooms_used(file: &File) -> Vec<(usize, String)> {
    let start = if file.path == "src/main.rs" { "landcycle::" } else { "crate::" };
    let mut code = String::new();
    let mut line_of = Vec::new();
    for (number, line) in file.code() {
        line_of.extend(std::iter::repeat_n(number, line.len() + 1));
        code.push_str(line);
        code.push('\n');
    }
    let mut used = Vec::new();
    for (at, _) in code.match_indices(start) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + start.len()..];
        let mut add = |name: &str| used.push((line_of[at], name.to_owned()));
        match rest.strip_prefix('{') {
            None => add(first_word(rest)),
            Some(group) => {
                let mut depth = 0_i32;
                let mut begins = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        c if begins && !c.is_whitespace() => {
                            add(first_word(&group[i..]));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    used
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

fn only_its_rooms_name_a_crate(file: &File) -> Vec<String> {
    let Some(room) = file.room() else { return Vec::new() };
    let mut wrong = Vec::new();
    for (number, line) in file.code() {
        for (name, rooms) in MAY_NAME {
            let named = line
                .match_indices(&format!("{name}::"))
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '"')));
            if (named || line.contains(&format!("use {name};"))) && !rooms.contains(&room) {
                wrong.push(format!("{}:{number}: {name} belongs to {}, not to {room}", file.path, rooms.join(", ")));
            }
        }
    }
    wrong
}

fn only_the_command_line_prints(file: &File) -> Vec<String> {
    const PRINTING: [&str; 6] = ["println!", "print!", "eprintln!", "eprint!", "stdout()", "dbg!"];
    if file.room().is_none() || file.room() == Some("cli") {
        return Vec::new();
    }
    let prints = |line: &str| PRINTING.iter().any(|word| line.contains(word));
    let wrong = file.code().filter(|(_, line)| prints(line));
    wrong.map(|(number, _)| format!("{}:{number}: only cli prints", file.path)).collect()
}

fn the_domain_never_waits(file: &File) -> Vec<String> {
    const OUTSIDE: [&str; 8] =
        ["async fn", ".await", "std::fs", "std::net", "std::env", "std::process", "std::time", "tokio::"];
    if file.room() != Some("domain") {
        return Vec::new();
    }
    let reaches = |line: &str| OUTSIDE.iter().any(|word| line.contains(word));
    let wrong = file.code().filter(|(_, line)| reaches(line));
    wrong.map(|(number, _)| format!("{}:{number}: the domain knows no machine", file.path)).collect()
}

fn no_statement_names_a_schema(file: &File) -> Vec<String> {
    if !(file.path.starts_with("src/") || file.path.starts_with("migrations/")) {
        return Vec::new();
    }
    let names = |line: &str| {
        line.match_indices("city_").any(|(at, _)| {
            let rest = line[at + 5..].trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = line.len() - at - 5 - rest.len();
            // Quoted, as it stands in a migration or in a string of Rust.
            let quoted = if file.path.ends_with(".sql") { "\"." } else { "\\\"." };
            digits > 0 && (rest.starts_with('.') || rest.starts_with(quoted))
        })
    };
    let wrong = file.text.lines().enumerate().filter(|(_, line)| names(line));
    wrong.map(|(i, _)| format!("{}:{}: SQL never names a schema", file.path, i + 1)).collect()
}

fn a_file_says_first_what_it_holds(file: &File) -> Vec<String> {
    let rust = file.path.ends_with(".rs");
    if rust && !file.text.starts_with("//! ") {
        return vec![format!("{}: begin with a sentence (//!) on what it holds and refuses to know", file.path)];
    }
    Vec::new()
}

fn a_file_stays_below_the_ceiling(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let generated = file.path.starts_with("web/src/api/generated");
    if lines > FILE_CEILING && !generated {
        return vec![format!("{}: {lines} lines, and the ceiling is {FILE_CEILING}", file.path)];
    }
    Vec::new()
}

fn names_say_something(file: &File) -> Vec<String> {
    const EMPTY: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "misc", "shared"];
    let mut parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    match parts.find(|part| EMPTY.contains(part)) {
        Some(part) => vec![format!("{}: {part} says nothing about what is inside", file.path)],
        None => Vec::new(),
    }
}

fn a_test_is_named_by_a_sentence(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    for (i, line) in file.text.lines().enumerate().filter(|_| file.path.ends_with(".rs")) {
        let line = line.trim_start();
        if line.starts_with("fn test_") || line.starts_with("async fn test_") {
            wrong.push(format!("{}:{}: name a test by the sentence it proves", file.path, i + 1));
        }
    }
    wrong
}

fn a_migration_is_named_by_time_verb_and_object(file: &File) -> Vec<String> {
    const VERBS: [&str; 12] = [
        "create",
        "add",
        "alter",
        "drop",
        "rename",
        "index",
        "fill",
        "enable",
        "constrain",
        "split",
        "move",
        "replace",
    ];
    let Some(name) = file.path.strip_prefix("migrations/") else { return Vec::new() };
    let fits = |name: &str| {
        let (time, rest) = name.strip_suffix(".sql")?.split_once('_')?;
        let (verb, object) = rest.split_once('_')?;
        let plain = object.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let at = chrono::NaiveDateTime::parse_from_str(time, "%Y%m%d%H%M%S").is_ok() && time.len() == 14;
        (at && VERBS.contains(&verb) && plain && !object.is_empty()).then_some(())
    };
    if fits(name).is_none() {
        return vec![format!(
            "{}: expected YYYYMMDDHHMMSS_verb_object.sql, the verb one of {}",
            file.path,
            VERBS.join(", ")
        )];
    }
    Vec::new()
}

type Check = fn(&File) -> Vec<String>;

/// Every check, with a file that breaks it and one that does not.
fn checks() -> Vec<(Check, File, File)> {
    let long = "//! Long.\n".repeat(FILE_CEILING + 1);
    vec![
        (
            rooms_use_only_what_they_may,
            File::new("src/store/parcel.rs", "use crate::{\n    domain::id,\n    atlas::{Snapshot, tile},\n};"),
            File::new("src/store/parcel.rs", "use crate::{domain::{atlas, id}, store::geometry};\n// crate::atlas\n"),
        ),
        (
            rooms_use_only_what_they_may,
            File::new("src/domain/mod.rs", "fn f() -> crate::store::Parcel { x }"),
            File::new(
                "src/flow/import.rs",
                "fn f() -> crate::store::Parcel { x }\n#[cfg(test)]\nmod tests { use crate::cli; }",
            ),
        ),
        (
            rooms_use_only_what_they_may,
            File::new("src/cellar/mod.rs", "fn f() {}"),
            File::new("src/main.rs", "fn main() { landcycle::cli::main() }"),
        ),
        (
            rooms_use_only_what_they_may,
            File::new("src/main.rs", "fn main() { landcycle::http::serve() }"),
            File::new("src/http/mod.rs", "use crate::flow;"),
        ),
        (
            only_its_rooms_name_a_crate,
            File::new("src/http/api/parcel.rs", "async fn f(pool: &sqlx::PgPool) {}"),
            File::new("src/store/parcel.rs", "async fn f(pool: &sqlx::PgPool) {}"),
        ),
        (
            only_its_rooms_name_a_crate,
            File::new("src/flow/import.rs", "use gdal::Dataset;"),
            File::new("src/flow/import.rs", "use crate::exchange::gdal::read; // gdal::Dataset"),
        ),
        (
            only_the_command_line_prints,
            File::new("src/flow/import.rs", "    println!(\"done\");"),
            File::new("src/cli/import.rs", "    println!(\"done\");"),
        ),
        (
            the_domain_never_waits,
            File::new("src/domain/review/mod.rs", "pub async fn grade() {}"),
            File::new("src/flow/review.rs", "pub async fn grade() {}"),
        ),
        (
            no_statement_names_a_schema,
            File::new("src/store/parcel.rs", "select * from city_310000.parcel"),
            File::new("src/config.rs", "schema = \"city_310000\".into()"),
        ),
        (
            no_statement_names_a_schema,
            File::new("migrations/20261123090000_create_parcel.sql", "create table \"city_310000\".parcel ();"),
            File::new("migrations/20261123090000_create_parcel.sql", "create table parcel ();"),
        ),
        (
            a_file_says_first_what_it_holds,
            File::new("src/store/parcel.rs", "use sqlx::PgPool;"),
            File::new("src/store/parcel.rs", "//! Parcels as they are stored; no rule."),
        ),
        (a_file_stays_below_the_ceiling, File::new("src/a.rs", &long), File::new("src/a.rs", "//! Short.")),
        (
            names_say_something,
            File::new("src/store/utils.rs", "//! x"),
            File::new("src/store/utility_pole.rs", "//! x"),
        ),
        (
            a_test_is_named_by_a_sentence,
            File::new("src/store/parcel.rs", "    fn test_parcel() {}"),
            File::new("src/store/parcel.rs", "    fn a_parcel_has_a_code() {}"),
        ),
        (
            a_migration_is_named_by_time_verb_and_object,
            File::new("migrations/0001_parcels.sql", ""),
            File::new("migrations/20261123090000_create_parcel.sql", ""),
        ),
    ]
}

#[test]
fn the_house_is_in_order() {
    let files = files();
    let found = |path: &str| files.iter().any(|file| file.path == path);
    assert!(found("src/lib.rs") && found("src/cli/mod.rs") && found("tests/tidy.rs"), "the walk has lost its way");
    // This file is full of samples of what must not be.
    let others = files.iter().filter(|file| file.path != "tests/tidy.rs");
    let mut wrong: Vec<String> =
        others.flat_map(|file| checks().into_iter().flat_map(|(check, ..)| check(file))).collect();
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_check_bites_what_is_wrong_and_only_that() {
    for (check, bad, good) in checks() {
        assert!(!check(&bad).is_empty(), "nothing was found in {}:\n{}", bad.path, bad.text);
        assert_eq!(check(&good), Vec::<String>::new());
    }
}

#[test]
fn this_file_keeps_to_its_own_ceiling() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tidy.rs");
    assert!(fs::read_to_string(path).unwrap().lines().count() <= FILE_CEILING);
}

fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches", "migrations", "web/src", "web/tests"] {
        walk(&root.join(folder), &mut found);
    }
    let read = |path: PathBuf| {
        let below = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        File { path: below, text: fs::read_to_string(&path).unwrap() }
    };
    found.into_iter().map(read).collect()
}

/// Every file of code below a folder; data beside it (rule tables, snapshots, pictures) is none of this test's business.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    const CODE: [&str; 8] = ["rs", "sql", "ts", "tsx", "js", "mjs", "css", "html"];
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "node_modules" && name != "dist" {
            walk(&path, found);
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|extension| CODE.contains(&extension)) {
            found.push(path);
        }
    }
}
