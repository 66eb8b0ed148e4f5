//! Entry of a new project: its tier, its park's leading industries, and the average of its peers in a published review.

use crate::plot_ratio::rise::post;
use crate::support::{Ended, Town, feature, parcel, parcel_code, square};
use axum::http::StatusCode;
use serde_json::{Value, json};

const AS_OF: &str = "2024-06-30";

/// Six works of industry 3973 on parcels 21 to 26 in a base, each with 10 mu by register and 100 to 600 万元 of tax a year, in
/// a park that leads with 39 and 35; parcel 27 lies in no zone, parcel 28 in a base and a park that leads with 27.
async fn town() -> Town {
    let town = Town::empty().await;
    let shape = |properties: Value, west: f64, east: f64| feature(&properties, &square(west, 31.09, east, 31.12));
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let zone = |code: &str, west, east| {
        shape(json!({"zone_code": code, "name": code, "tier": "base", "valid_from": "2018-01-01"}), west, east)
    };
    town.takes("zones", &town.geojson("zones", &[zone("Z1", 121.52, 121.52695), zone("Z2", 121.528, 121.529)]));
    let park = |code: &str, leads: &str, west, east| {
        shape(json!({"park_code": code, "name": code, "district": "310115", "leading_industries": leads}), west, east)
    };
    let parks = [park("P1", "C39、35", 121.52, 121.52695), park("P2", "27", 121.528, 121.529)];
    town.takes("parks", &town.geojson("parks", &parks));
    let land = |number: u32, park: Option<&str>| {
        let mut one = parcel(number);
        one["properties"]["park"] = json!(park);
        one["properties"]["registered_area_m2"] = json!(6666.6667);
        one
    };
    let mut parcels: Vec<Value> = (21..=26).map(|number| land(number, Some("P1"))).collect();
    parcels.extend([land(27, None), land(28, Some("P2"))]);
    town.takes("parcels", &town.geojson("parcels", &parcels));
    let works: Vec<u32> = (21..=26).collect();
    let lines = |line: &dyn Fn(u32) -> String| works.iter().map(|number| line(*number)).collect::<String>();
    let enterprises = lines(&|number| format!("E{number},厂,3973\n"));
    town.takes("enterprises", &town.file("e.csv", format!("enterprise_code,name,industry\n{enterprises}")));
    let uses = lines(&|number| format!("{},E{number},owner,1000,2015-01-01\n", parcel_code(number)));
    let header = "parcel_code,enterprise_code,role,floor_area_m2,from_on";
    town.takes("occupancies", &town.file("u.csv", format!("{header}\n{uses}")));
    let mut returns = String::new();
    for year in 2021..=2023 {
        for number in &works {
            let tax = f64::from(number - 20) * 100.0;
            returns.push_str(&format!("E{number},{year},{tax},{},{},10,100,100\n", tax * 10.0, tax * 5.0));
        }
    }
    let header =
        "enterprise_code,year,tax_wan_yuan,output_wan_yuan,fixed_assets_wan_yuan,staff,value_added_wan_yuan,energy_tce";
    town.takes("returns", &town.file("r.csv", format!("{header}\n{returns}")));
    town
}

/// Makes a run as one person.
fn review(town: &Town, person: &str) -> i64 {
    let output = town
        .command()
        .env("LANDCYCLE_TEST_OFFICER", person)
        .args(["--json", "review", "run", "--as-of", AS_OF])
        .output()
        .unwrap();
    let ended = Ended::of(&output);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer["run"].as_i64().unwrap()
}

fn publish(town: &Town, person: &str, run: i64) -> Ended {
    let mut command = town.command();
    command.env("LANDCYCLE_TEST_OFFICER", person).args(["--json", "review", "publish", &run.to_string()]);
    Ended::of(&command.output().unwrap())
}

/// Checks a project of an industry that promises so much tax, ten times the output and five times the assets.
fn check(town: &Town, number: u32, industry: &str, tax: f64) -> Value {
    let (code, tax, output, assets) = (parcel_code(number), tax, tax * 10.0, tax * 5.0);
    let ended = town.run(&[
        "entry",
        "check",
        "--parcel",
        &code,
        "--industry",
        industry,
        "--tax-per-mu",
        &tax.to_string(),
        "--output-per-mu",
        &output.to_string(),
        "--investment-per-mu",
        &assets.to_string(),
    ]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

fn verdicts(found: &Value) -> Vec<String> {
    let findings = found["findings"].as_array().unwrap().iter();
    findings.map(|one| format!("{} {}", one["rule"].as_str().unwrap(), one["verdict"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_project_is_held_against_the_mean_of_its_peers_once_a_second_person_has_published_the_review() {
    let town = town().await;
    let run = review(&town, "li");
    // A draft is no bottom line.
    let draft = check(&town, 26, "C3973", 99.0);
    assert_eq!(draft["verdict"], "cannot-be-judged");
    assert_eq!(draft["findings"][2]["why"], "no-published-review");
    assert_eq!(draft["facts"]["review"], Value::Null);
    assert_eq!(publish(&town, "li", run).status, Some(1), "who made it does not publish it");
    let published = publish(&town, "wang", run);
    assert_eq!(published.status, Some(0), "{}", published.said);
    // 100 to 600 万元 on 10 mu each: 10 to 60, on average 35 万元/亩 of tax.
    let at_the_mean = check(&town, 26, "C3973", 35.5);
    assert_eq!(at_the_mean["verdict"], "allowed", "{at_the_mean}");
    let tax = &at_the_mean["findings"][2];
    assert_eq!((&tax["peers"], tax["peer_mean_wan_yuan_per_mu"].as_f64().unwrap().round()), (&json!(6), 35.0));
    let review = &at_the_mean["facts"]["review"];
    assert_eq!(
        (&review["run"], &review["published_by"], &review["division"]),
        (&json!(run), &json!("cli:wang"), &json!("39"))
    );
    let below = check(&town, 26, "3973", 34.9);
    assert_eq!(below["verdict"], "forbidden");
    assert_eq!(
        verdicts(&below),
        [
            "tier allowed",
            "leading-industries allowed",
            "average-tax forbidden",
            "average-output forbidden",
            "average-investment forbidden"
        ]
    );
    // Nobody is a peer of another industry: not judged, and no pass.
    let other = check(&town, 26, "3515", 999.0);
    assert_eq!(
        (&other["verdict"], &other["findings"][2]["why"]),
        (&json!("cannot-be-judged"), &json!("too-few-peers"))
    );
    // Before the day that it judged, the review says nothing.
    let code = parcel_code(26);
    let early = town.run(&["entry", "check", "--parcel", &code, "--industry", "3973", "--on", "2024-06-29"]).answer;
    assert_eq!(early["findings"][2]["why"], "no-published-review");
    let body = json!({"parcel": code, "industry": "C3973", "tax_wan_yuan_per_mu": 35.5, "output_wan_yuan_per_mu": 355.0,
        "investment_wan_yuan_per_mu": 177.5, "on": at_the_mean["day"]});
    let (status, same) = post(&town.database.pool, "/api/v1/entry-check", &body).await;
    assert_eq!(
        (status, &same["verdict"], &same["findings"]),
        (StatusCode::OK, &json!("allowed"), &at_the_mean["findings"])
    );
}

#[tokio::test]
async fn fragmented_land_admits_no_project_and_another_industry_than_the_parks_takes_a_special_approval() {
    let town = town().await;
    let fragmented = check(&town, 27, "3973", 99.0);
    assert_eq!((&fragmented["verdict"], &fragmented["facts"]["park"]), (&json!("forbidden"), &Value::Null));
    assert_eq!(verdicts(&fragmented)[..2], ["tier forbidden", "leading-industries allowed"]);
    let run = review(&town, "li");
    assert_eq!(publish(&town, "wang", run).status, Some(0));
    let other = check(&town, 28, "3973", 99.0);
    assert_eq!(other["verdict"], "needs-special-approval", "{other}");
    assert_eq!(other["facts"]["park"]["leading_industries"], json!(["27"]));
}

#[tokio::test]
async fn the_tier_rule_of_entry_is_the_ruling_of_the_two_locks_on_that_day() {
    let town = town().await;
    let mut housing = parcel(29);
    housing["properties"]["land_use"] = json!("R2");
    town.takes("parcels", &town.geojson("housing", &[housing]));
    let pool = &town.database.pool;
    for (number, day, verdict, rule) in [
        (26, "2026-06-30", "allowed", "no-lock"),
        (27, "2026-06-30", "forbidden", "lock-2-new-project"),
        // The second lock was not law yet.
        (27, "2018-05-06", "allowed", "no-lock"),
        // No zone was law yet: nothing is refused, and nothing passes either.
        (27, "2017-12-31", "cannot-be-judged", "plan-unknown"),
        // A works on land of another use is a new industrial project all the same.
        (29, "2026-06-30", "forbidden", "lock-2-new-project"),
    ] {
        let code = parcel_code(number);
        let asked = json!({"parcel": code, "industry": "3973", "on": day});
        let (status, found) = post(pool, "/api/v1/entry-check", &asked).await;
        assert_eq!(status, StatusCode::OK, "{number} {day}: {found}");
        let tier = &found["findings"][0];
        assert_eq!((&tier["rule"], &tier["verdict"]), (&json!("tier"), &json!(verdict)), "{number} {day}");
        let asked = json!({"deed": "new-project", "parcel": code, "use": "M1", "on": day});
        let (status, ruling) = post(pool, "/api/v1/verdict", &asked).await;
        assert_eq!((status, &ruling["rule"]), (StatusCode::OK, &json!(rule)), "{number} {day}: {ruling}");
        for fact in ["rule", "version", "effective_from", "assumption", "title", "remedy", "finding"] {
            assert_eq!(tier["lock"][fact], ruling[fact], "{number} {day}: {fact}");
        }
        assert_eq!(tier["citation"], ruling["citation"], "{number} {day}");
        let is_unknown = rule == "plan-unknown";
        assert_eq!(tier["why"], if is_unknown { json!("no-plan-on-record") } else { Value::Null }, "{number} {day}");
        assert_eq!(found["facts"]["tier"].is_null(), is_unknown, "{number} {day}");
        assert_eq!(found["findings"][1]["lock"], Value::Null, "{number} {day}");
    }
    let (status, refused) =
        post(pool, "/api/v1/entry-check", &json!({"parcel": parcel_code(26), "industry": "3973", "on": "1949-09-30"}))
            .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
}

#[tokio::test]
async fn a_published_run_stays_published_once_and_the_database_says_so_too() {
    let town = town().await;
    let run = review(&town, "li");
    let state = |town: &Town| town.run(&["review", "list"]).answer[0]["state"].clone();
    assert_eq!(state(&town), "draft");
    for (person, run, said) in [("li", run, "second person"), ("wang", run + 7, "no review run")] {
        let ended = publish(&town, person, run);
        assert_eq!(ended.status, Some(1));
        assert!(ended.said.contains(said), "{}", ended.said);
    }
    assert_eq!(publish(&town, "wang", run).status, Some(0));
    assert_eq!(state(&town), "published");
    let again = publish(&town, "zhao", run);
    assert!(again.status == Some(1) && again.said.contains("already"), "{}", again.said);
    for (statement, constraint) in [
        ("delete from review_step", "review_step_append_only"),
        ("update review_step set actor = 'cli:zhao'", "review_step_append_only"),
        ("truncate review_step", "review_step_append_only"),
    ] {
        let error =
            sqlx::query(statement).execute(&town.database.pool).await.unwrap_err().into_database_error().unwrap();
        assert_eq!(error.constraint(), Some(constraint), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_park_leads_with_at_most_three_industries_of_gb_t_4754() {
    let town = town().await;
    let park = |leads: Value| {
        let properties = json!({"park_code": "P3", "name": "园", "district": "310115", "leading_industries": leads});
        town.geojson("park", &[feature(&properties, &square(121.6, 31.1, 121.61, 31.11))])
    };
    let leads = async |town: &Town| {
        let sql = "select array_to_string(leading_industries, ' ') from park where code = 'P3'";
        town.value::<String>(sql).await
    };
    for (text, code) in
        [("39,35,27,36", "too-many-leading-industries"), ("3", "bad-industry-code"), ("39;芯片", "bad-industry-code")]
    {
        let ended = town.import("parks", &[park(json!(text))], &[]);
        assert_eq!(ended.status, Some(1), "{text}");
        let finding = &ended.answer["findings"][0];
        let found =
            ended.answer.is_null() || finding["code"] == code && finding["facts"]["field"] == "leading_industries";
        assert!(found && ended.said.contains(code), "{text}: {}", ended.said);
    }
    town.takes("parks", &park(json!("C3973；35、39，35")));
    assert_eq!(leads(&town).await, "3973 35 39", "told twice, it counts once");
    town.takes("parks", &park(Value::Null));
    assert_eq!(leads(&town).await, "3973 35 39", "a file without them leaves them alone");
    town.takes("parks", &park(json!("无")));
    assert_eq!(leads(&town).await, "");
    let error = sqlx::query("update park set leading_industries = '{27,35,36,39}' where code = 'P3'")
        .execute(&town.database.pool)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("park_leading_industries"), "{error}");
}

#[tokio::test]
async fn what_is_no_project_is_refused() {
    let town = town().await;
    let (code, none) = (parcel_code(26), parcel_code(77));
    for (flags, said) in [
        (vec!["--parcel", &none, "--industry", "39"], "not law on"),
        (vec!["--parcel", &code, "--industry", "芯片"], "GB/T 4754"),
        (vec!["--parcel", &code, "--industry", "39", "--tax-per-mu", "NaN"], "at least 0"),
        (vec!["--parcel", &code, "--industry", "39", "--output-per-mu=-1"], "at least 0"),
    ] {
        let ended = town.run(&[&["entry", "check"], &flags[..]].concat());
        assert_eq!(ended.status, Some(1), "{flags:?}: {}", ended.said);
        assert!(ended.said.contains(said), "{flags:?}: {}", ended.said);
    }
    let pool = &town.database.pool;
    for (body, status) in [
        (json!({"parcel": none, "industry": "39"}), StatusCode::NOT_FOUND),
        (json!({"parcel": code, "industry": "x"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"parcel": code, "industry": "39", "tax_wan_yuan_per_mu": -1}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"parcel": code}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(post(pool, "/api/v1/entry-check", &body).await.0, status, "{body}");
    }
}

#[tokio::test]
async fn a_later_publication_changes_no_answer_about_an_earlier_day() {
    let town = town().await;
    let code = parcel_code(26);
    let on = |day: &str| {
        let flags = ["entry", "check", "--parcel", &code, "--industry", "3973", "--tax-per-mu", "35.5", "--on", day];
        let ended = town.run(&flags);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
        ended.answer
    };
    let asked = on("2025-03-01");
    assert_eq!(asked["findings"][2]["why"], "no-published-review");
    let first = review(&town, "li");
    assert_eq!(publish(&town, "wang", first).status, Some(0));
    // Published today, the review was no bottom line of a day before.
    assert_eq!(on("2025-03-01")["findings"], asked["findings"], "what was answered then is answered still");
    // Put back to the first of February, as if it had been published then; the last second of that day in Shanghai counts.
    let put_back = "alter table review_step disable trigger user;
        update review_step set recorded_at = '2025-02-01 23:59:59+08';
        alter table review_step enable trigger user";
    sqlx::raw_sql(put_back).execute(&town.database.pool).await.unwrap();
    assert_eq!(on("2025-01-31")["findings"][2]["why"], "no-published-review");
    let held = on("2025-02-01");
    assert_eq!((&held["facts"]["review"]["run"], &held["findings"][2]["verdict"]), (&json!(first), &json!("allowed")));
    // The same works gave more since: a review of a later day is published today, and decides from today on.
    let mut returns = "enterprise_code,year,tax_wan_yuan,output_wan_yuan,fixed_assets_wan_yuan,staff,value_added_wan_yuan,energy_tce\n".to_owned();
    for number in 21..=26 {
        returns.push_str(&format!("E{number},2024,9000,90000,45000,10,100,100\n"));
    }
    town.takes("returns", &town.file("later.csv", returns));
    let output = town
        .command()
        .env("LANDCYCLE_TEST_OFFICER", "li")
        .args(["--json", "review", "run", "--as-of", "2025-01-31"])
        .output()
        .unwrap();
    let second = Ended::of(&output).answer["run"].as_i64().unwrap();
    let compared = town.run(&["review", "diff", &first.to_string(), &second.to_string(), "--keep"]);
    assert_eq!(compared.status, Some(0), "{}", compared.said);
    assert_eq!(publish(&town, "wang", second).status, Some(0));
    assert_eq!(on("2025-02-01")["findings"], held["findings"], "an answer about that day stays what it was");
    assert_eq!(on("2025-02-01")["facts"]["review"], held["facts"]["review"]);
    let now = check(&town, 26, "3973", 35.5);
    assert_eq!((&now["facts"]["review"]["run"], &now["verdict"]), (&json!(second), &json!("forbidden")), "{now}");
}

#[tokio::test]
async fn each_rule_of_entry_says_where_it_was_read_and_what_of_it_is_an_assumption() {
    let town = town().await;
    for finding in check(&town, 26, "3973", 1.0)["findings"].as_array().unwrap() {
        assert!(finding["citation"].as_str().unwrap().len() > 20, "{finding}");
        assert!(finding["assumption"].is_boolean(), "{finding}");
    }
}
