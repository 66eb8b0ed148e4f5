//! The locks hold in plain SQL too, by a role that may write the register and nothing else, and with two sessions at once.

use super::{approve, compensation, state, works};
use crate::support::{Town, feature, square};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// A connection with all rights: the private cluster's superuser, or whoever the tests' server is used as.
pub(super) async fn superuser(town: &Town) -> PgConnection {
    let options: PgConnectOptions = town.database.url.parse().unwrap();
    let options = options.options([("search_path", "city_310000,public")]);
    match PgConnection::connect_with(&options.clone().username("postgres")).await {
        Ok(connection) => connection,
        Err(_) => PgConnection::connect_with(&options).await.unwrap(),
    }
}

/// A connection as a clerk: reads everything, writes parcels, zones, contracts and revisions.
pub(crate) async fn clerk(town: &Town) -> PgConnection {
    let mut connection = superuser(town).await;
    let grants = "
        do $$ begin create role landcycle_test_clerk nologin; exception when duplicate_object or unique_violation then null; end $$;
        grant usage on schema city_310000 to landcycle_test_clerk;
        grant select on all tables in schema city_310000 to landcycle_test_clerk;
        grant insert, update, delete, truncate on parcel, parcel_version, zone_version, contract, revision, revision_head,
            lockup_claim to landcycle_test_clerk;
        set role landcycle_test_clerk";
    connection.execute(sqlx::raw_sql(grants)).await.unwrap();
    connection
}

/// Runs statements in one transaction; answers the constraint that refused them, if one did.
pub(crate) async fn attempt(connection: &mut PgConnection, statements: &str) -> Result<(), String> {
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(format!("begin; {statements}; commit")))).await;
    match done {
        Ok(_) => Ok(()),
        Err(error) => {
            connection.execute("rollback").await.unwrap();
            let said = error.as_database_error().map(|said| {
                said.constraint().map_or_else(|| said.code().unwrap_or_default().into_owned(), str::to_owned)
            });
            Err(said.unwrap_or_else(|| error.to_string()))
        }
    }
}

const OF_PARCEL_1: &str =
    "where parcel_id = (select id from parcel where code like '%GB00001') and upper_inf(recorded)";

/// Closes what is believed of parcel 1 and says it anew with other values from a day on.
fn say_anew(use_code: &str, from: &str) -> String {
    format!(
        "with closed as (update parcel_version set recorded = tstzrange(lower(recorded), clock_timestamp()) {OF_PARCEL_1} returning *)
         insert into parcel_version (parcel_id, valid, recorded, district, land_use, land_use_scheme, area_m2, geom, revision)
         select parcel_id, daterange(null, '{from}'), tstzrange(upper(recorded), null), district, land_use, land_use_scheme, area_m2, geom, revision from closed
         union all
         select parcel_id, daterange('{from}', null), tstzrange(upper(recorded), null), district, '{use_code}', land_use_scheme, area_m2, geom, revision from closed"
    )
}

#[tokio::test]
async fn a_clerk_with_plain_sql_takes_no_locked_land_and_begins_no_project_outside() {
    let town = works().await;
    let mut clerk = clerk(&town).await;
    let of_base = "where code = 'Z1' and upper_inf(recorded)";
    let moved = "st_multi(st_translate(geom, 0.02, 0))";
    let contract = |signed_on: &str| {
        format!(
            "insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on, performance_terms, revision)
             select 'H1', code, daterange('{signed_on}', null), tstzrange(clock_timestamp(), null), 'grant', 'E1', '{signed_on}', '{signed_on}', '2060-01-01', true, 1
             from parcel where code like '%GB00008'"
        )
    };
    let refused = [
        format!("update parcel_version set land_use = 'R2' {OF_PARCEL_1}"),
        format!("update parcel_version set land_use_scheme = 'nobody''s' {OF_PARCEL_1}"),
        format!("update parcel_version set valid = daterange(null, '2024-01-01') {OF_PARCEL_1}"),
        format!("update parcel_version set geom = {moved} {OF_PARCEL_1}"),
        format!("update parcel_version set recorded = tstzrange(lower(recorded), clock_timestamp()) {OF_PARCEL_1}"),
        format!("delete from parcel_version {OF_PARCEL_1}"),
        say_anew("R2", "2024-03-01"),
        say_anew("W1", "2024-03-01"),
        format!("update zone_version set locked = false {of_base}"),
        format!("update zone_version set valid = daterange('2020-01-01', '2025-01-01') {of_base}"),
        format!("update zone_version set geom = {moved} {of_base}"),
        format!("update zone_version set recorded = tstzrange(lower(recorded), clock_timestamp()) {of_base}"),
        format!("delete from zone_version {of_base}"),
        // In two statements, with the checks put off or asked for at once.
        format!("set constraints all deferred; delete from parcel_version {OF_PARCEL_1}"),
        format!("set constraints all immediate; delete from parcel_version {OF_PARCEL_1}"),
        contract("2024-05-06"),
        format!("{}; update contract set signed_on = '2024-05-06' where number = 'H1'", contract("2016-05-06")),
        "truncate parcel_version".to_owned(),
        "truncate zone_version".to_owned(),
    ];
    let before = town.contents().await;
    for statements in &refused {
        assert_eq!(attempt(&mut clerk, statements).await, Err("lockup".to_owned()), "{statements}");
        assert_eq!(town.contents().await, before, "{statements}");
    }
    // What a transaction has to answer for is not struck, and the guards are not put to sleep.
    let strike = format!("delete from parcel_version {OF_PARCEL_1}; delete from lockup_claim");
    assert_eq!(attempt(&mut clerk, &strike).await, Err("lockup_claim_stays".to_owned()));
    let mut owner = PgConnection::connect(&town.database.url).await.unwrap();
    owner.execute("set search_path = city_310000, public").await.unwrap();
    assert_eq!(attempt(&mut owner, &strike).await, Err("lockup_claim_stays".to_owned()), "the program's own role");
    // Nor is it made up, to silence another one; and a parcel does not change its code for that of land in a zone.
    let made_up = format!(
        "insert into lockup_claim (what, thing, code, said, asks)
         select 'signed', 1, 'H1', jsonb_build_array(code, date '2024-05-06', 'E1')::text, false from parcel where code like '%GB00008'; {}",
        contract("2024-05-06")
    );
    assert_eq!(attempt(&mut clerk, &made_up).await, Err("lockup_claim_is_noted".to_owned()));
    assert_eq!(attempt(&mut owner, &made_up).await, Err("lockup_claim_is_noted".to_owned()), "the program's own role");
    let swapped = "update parcel set code = '310115001001GB00077' where code like '%GB00001'";
    assert_eq!(attempt(&mut clerk, swapped).await, Err("parcel_keeps_its_code".to_owned()));
    let temporary =
        format!("create temp table zone_version (like zone_version); delete from parcel_version {OF_PARCEL_1}");
    assert_eq!(attempt(&mut clerk, &temporary).await, Err("lockup".to_owned()));
    for statements in [
        format!("set local session_replication_role = replica; delete from parcel_version {OF_PARCEL_1}"),
        format!("alter table parcel_version disable trigger all; delete from parcel_version {OF_PARCEL_1}"),
        "update special_approval set used_in = null".to_owned(),
        "delete from lockup_rule".to_owned(),
    ] {
        assert_eq!(attempt(&mut clerk, &statements).await, Err("42501".to_owned()), "{statements}");
    }
    assert_eq!(town.contents().await, before);
}

#[tokio::test]
async fn a_row_that_was_never_believed_before_the_transaction_silences_no_claim() {
    let town = works().await;
    let mut clerk = clerk(&town).await;
    let contract = |recorded: &str| {
        format!(
            "insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on, performance_terms, revision)
             select 'H1', code, daterange('2024-05-06', null), {recorded}, 'grant', 'E1', '2024-05-06', '2024-05-06', '2060-01-01', true, 1
             from parcel where code like '%GB00008'"
        )
    };
    let (closed, open) = (
        contract("tstzrange(clock_timestamp() - interval '2 days', clock_timestamp() - interval '1 day')"),
        contract("tstzrange(clock_timestamp(), null)"),
    );
    let close =
        "update contract set recorded = tstzrange(lower(recorded), clock_timestamp()) where upper_inf(recorded)";
    assert_eq!(attempt(&mut clerk, &format!("{closed}; {open}")).await, Err("lockup".to_owned()));
    assert_eq!(attempt(&mut clerk, &format!("{open}; {close}; {open}")).await, Err("lockup".to_owned()));
    assert_eq!(attempt(&mut clerk, &closed).await, Ok(()), "what nobody believes begins nothing");
    assert_eq!(attempt(&mut clerk, &open).await, Err("lockup".to_owned()));
    // A shop outside all zones that becomes a works, with words on it that nobody believed before.
    let parcel = "(select id from parcel where code like '%GB00009')";
    let lot = |valid: &str, recorded: &str, land_use: &str| {
        format!(
            "insert into parcel_version (parcel_id, valid, recorded, district, land_use, land_use_scheme, area_m2, geom, revision)
             select {parcel}, {valid}, {recorded}, '310115', '{land_use}', 'GB50137-SH', st_area(g::geography), g, 1
             from (select st_multi(st_makeenvelope(121.509, 31.1, 121.51, 31.101, 4490)) as g) s"
        )
    };
    let now = "tstzrange(clock_timestamp(), null)";
    let past = "tstzrange(clock_timestamp() - interval '2 days', clock_timestamp() - interval '1 day')";
    let close = format!(
        "update parcel_version set recorded = tstzrange(lower(recorded), clock_timestamp()) where parcel_id = {parcel} and upper_inf(recorded)"
    );
    let becomes = format!(
        "{close}; {}; {}",
        lot("daterange(null, '2024-03-01')", now, "B1"),
        lot("daterange('2024-03-01', null)", now, "M1")
    );
    let always = "daterange(null, null)";
    town.takes("parcels", &town.geojson("shop", &[super::lot(9, "B1", &json!({}))]));
    for silencing in [lot(always, past, "M1"), format!("{close}; {}", lot(always, now, "M1"))] {
        assert_eq!(
            attempt(&mut clerk, &format!("{silencing}; {becomes}")).await,
            Err("lockup".to_owned()),
            "{silencing}"
        );
    }
}

#[tokio::test]
async fn a_clerk_may_do_what_the_locks_let_through() {
    let town = works().await;
    let mut clerk = clerk(&town).await;
    let allowed = [
        format!("update parcel_version set address = '新路1号' {OF_PARCEL_1}"),
        say_anew("M2", "2024-03-01"),
        // Two parcels change places: no land is lost.
        "update parcel_version v set geom = o.geom from parcel_version o
         where upper_inf(v.recorded) and upper_inf(o.recorded) and upper_inf(v.valid) and upper_inf(o.valid)
             and (v.parcel_id, o.parcel_id) in (select a.id, b.id from parcel a, parcel b
                 where (a.code like '%GB00002' and b.code like '%GB00003') or (a.code like '%GB00003' and b.code like '%GB00002'))"
            .to_owned(),
        "update parcel_version set land_use = 'R2' where parcel_id = (select id from parcel where code like '%GB00008')".to_owned(),
        "update zone_version set name = '新基地'".to_owned(),
    ];
    for statements in &allowed {
        assert_eq!(attempt(&mut clerk, statements).await, Ok(()), "{statements}");
    }
    assert_eq!(town.value::<i64>("select count(*) from lockup_claim").await, 0, "nothing is left to answer for");
}

#[tokio::test]
async fn of_two_sessions_at_once_one_uses_an_approval_and_the_other_is_refused() {
    let town = works().await;
    let both = town.geojson("both", &[feature(&json!({}), &square(121.5005, 31.0999, 121.5035, 31.1012))]);
    let land = compensation(&town, "compensation", 0.003);
    let id =
        approve(&town, &["change-of-use", "--area", both.to_str().unwrap(), "--use", "R2", "--compensation", &land]);
    let (mut one, mut other) = (clerk(&town).await, clerk(&town).await);
    let of = |number: u32| {
        format!(
            "update parcel_version set land_use = 'R2', valid = daterange('2024-02-01', null)
             where parcel_id = (select id from parcel where code like '%GB0000{number}')"
        )
    };
    // Parcels 1 and 2 are believed from 2024 on alone, so that each of the two is a change that the approval covers.
    let from = "update parcel_version set valid = daterange('2024-02-01', null)
        where parcel_id in (select id from parcel where code like '%GB00001' or code like '%GB00002')";
    let mut all_powerful = superuser(&town).await;
    all_powerful.execute("set session_replication_role = replica").await.unwrap();
    all_powerful.execute(from).await.unwrap();
    let (first, second) = (of(1), of(2));
    let (a, b) = tokio::join!(attempt(&mut one, &first), attempt(&mut other, &second));
    let mut ends = [a, b];
    ends.sort();
    assert_eq!(ends, [Ok(()), Err("lockup".to_owned())]);
    assert_eq!(state(&town, &id), "used");
}

#[tokio::test]
async fn a_writer_who_would_not_see_what_others_commit_is_refused() {
    let town = works().await;
    let mut clerk = clerk(&town).await;
    for level in ["repeatable read", "serializable"] {
        for statement in [
            say_anew("M2", "2026-01-01"),
            "update zone_version set locked = false".to_owned(),
            "delete from contract".to_owned(),
        ] {
            let statements = format!("set transaction isolation level {level}; {statement}");
            assert_eq!(attempt(&mut clerk, &statements).await, Err("read_committed_only".to_owned()), "{statements}");
        }
    }
    assert_eq!(attempt(&mut clerk, &say_anew("M2", "2026-01-01")).await, Ok(()));
}

#[tokio::test]
async fn no_guard_can_be_given_a_table_of_ones_own_to_look_at() {
    let town = works().await;
    let open: Option<String> = town
        .value(
            "select string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
             where p.pronamespace = current_schema::regnamespace and p.prorettype = 'trigger'::regtype
                 and not coalesce(array_to_string(p.proconfig, ' ') like '%search\\_path=%pg\\_temp%', false)",
        )
        .await;
    assert_eq!(open, None, "every guard names its search path, pg_temp last");
    // A second version of parcel 1 for the same days, with an empty table before the one that the guard looks at.
    let mut clerk = clerk(&town).await;
    let twice = "create temporary table parcel_version (like city_310000.parcel_version) on commit drop;
        insert into city_310000.parcel_version
            (parcel_id, valid, recorded, district, land_use, land_use_scheme, area_m2, geom, revision)
        select parcel_id, valid, recorded, district, land_use, land_use_scheme, area_m2, geom, revision
        from city_310000.parcel_version order by id limit 1";
    assert_eq!(attempt(&mut clerk, twice).await, Err("parcel_version_overlap".to_owned()));
}

#[tokio::test]
async fn a_lock_that_is_put_aside_within_a_transaction_is_answered_for_all_the_same() {
    let town = works().await;
    let mut clerk = clerk(&town).await;
    let of_base = "where code = 'Z1' and upper_inf(recorded)";
    let taken = [
        format!("update parcel_version set land_use = 'R2' {OF_PARCEL_1}"),
        format!("delete from parcel_version {OF_PARCEL_1}"),
        say_anew("R2", "2024-03-01"),
    ];
    let aside = [
        ("locked = false", "locked = true"),
        (
            "geom = st_multi(st_makeenvelope(121.503, 31.0995, 121.505, 31.1015, 4490))",
            "geom = st_multi(st_makeenvelope(121.5, 31.0995, 121.505, 31.1015, 4490))",
        ),
        ("valid = daterange('2020-01-01', '2020-01-02')", "valid = daterange('2020-01-01', null)"),
    ];
    for (away, back) in aside {
        let before = town.contents().await;
        for taking in &taken {
            let statements =
                format!("update zone_version set {away} {of_base}; {taking}; update zone_version set {back} {of_base}");
            assert_eq!(attempt(&mut clerk, &statements).await, Err("lockup".to_owned()), "{statements}");
            assert_eq!(town.contents().await, before);
        }
        let nothing = format!("update zone_version set {away} {of_base}; update zone_version set {back} {of_base}");
        assert_eq!(attempt(&mut clerk, &nothing).await, Ok(()), "{nothing}");
        assert_eq!(attempt(&mut clerk, "update zone_version set name = '基地'").await, Ok(()));
    }
}

#[tokio::test]
async fn a_zone_that_is_there_for_the_length_of_a_transaction_admits_no_project() {
    let town = works().await;
    let mut clerk = clerk(&town).await;
    let zone = "insert into zone_version (code, valid, recorded, name, tier, locked, geom, revision)
        select 'C9', daterange('2018-01-01', null), tstzrange(clock_timestamp(), null), 'C9', 'community', false,
            st_multi(st_expand(geom, 0.001)), 1
        from parcel_version where parcel_id = (select id from parcel where code like '%GB00008')";
    let contract = "insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on, performance_terms, revision)
        select 'H1', code, daterange('2024-05-06', null), tstzrange(clock_timestamp(), null), 'grant', 'E1', '2024-05-06', '2024-05-06', '2060-01-01', true, 1
        from parcel where code like '%GB00008'";
    let judged = "set constraints all immediate; set constraints all deferred";
    for gone in [
        "delete from zone_version where code = 'C9'",
        "update zone_version set recorded = tstzrange(lower(recorded), clock_timestamp()) where code = 'C9'",
        "update zone_version set valid = daterange('2018-01-01', '2019-01-01') where code = 'C9'",
    ] {
        let statements = format!("{zone}; {contract}; {judged}; {gone}");
        assert_eq!(attempt(&mut clerk, &statements).await, Err("lockup".to_owned()), "{statements}");
    }
    // Judged halfway is judged again: land that moved rightly does not go on to another use, nor a contract to another holder.
    let statements =
        format!("{}; {judged}; update parcel_version set land_use = 'R2' {OF_PARCEL_1}", say_anew("M2", "2024-03-01"));
    assert_eq!(attempt(&mut clerk, &statements).await, Err("lockup".to_owned()));
    assert_eq!(
        attempt(&mut clerk, &format!("{zone}; {contract}; {judged}")).await,
        Ok(()),
        "a zone that stays admits it"
    );
    let other = "update contract set holder = 'E2', signed_on = '2025-05-06' where number = 'H1'; delete from zone_version where code = 'C9'";
    assert_eq!(attempt(&mut clerk, other).await, Err("lockup".to_owned()), "{other}");
}

#[tokio::test]
async fn words_in_a_statement_that_name_a_guard_open_no_table_of_the_guards() {
    let town = works().await;
    let mut clerk = clerk(&town).await;
    let kept = "reset role; grant insert, update, delete on contract_known, lockup_let_go to landcycle_test_clerk; set role landcycle_test_clerk";
    clerk.execute(kept).await.unwrap();
    let mut owner = PgConnection::connect(&town.database.url).await.unwrap();
    owner.execute("set search_path = city_310000, public").await.unwrap();
    let taking = format!("delete from parcel_version {OF_PARCEL_1}");
    let said = |statement: &str, guard: &str| {
        format!("do $do$ begin execute E'{statement} /*\\nPL/pgSQL function {guard}() */'; end $do$")
    };
    let strike = format!("{taking}; {}", said("delete from lockup_claim", "lockup_judge"));
    assert_eq!(attempt(&mut clerk, &strike).await, Err("lockup_claim_stays".to_owned()));
    assert_eq!(attempt(&mut owner, &strike).await, Err("lockup_claim_stays".to_owned()), "the program's own role");
    let claim = "insert into lockup_claim (what, thing, code, asks) select \\'was\\', 1, \\'x\\', false";
    let noted = said(claim, "lockup_claims_of_parcels");
    assert_eq!(attempt(&mut clerk, &noted).await, Err("lockup_claim_is_noted".to_owned()));
    let known = "insert into contract_known (number, parcel, holder, signed_on, at, act)
        select \\'H0\\', code, \\'E1\\', date \\'2010-01-01\\', timestamptz \\'2010-01-01\\', \\'1\\' from parcel where code like \\'%GB00008\\'";
    let history = said(known, "lockup_claims_of_contracts");
    assert_eq!(attempt(&mut clerk, &history).await, Err("lockup_is_kept".to_owned()));
    // The judgement is no function for everybody: who asks for it halfway gets none.
    assert_eq!(attempt(&mut clerk, "select lockup_judge()").await, Err("42501".to_owned()));
}
