//! The private cluster's promises, each tried on a real one.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use landcycle::cluster::{self, Binaries, Running, Status};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};

use crate::support::{Home, landcycle};

async fn connect(running: &Running) -> PgConnection {
    PgConnection::connect(&running.url).await.unwrap()
}

async fn count(running: &Running, table: &'static str) -> i64 {
    let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(query).fetch_one(&mut connect(running).await).await.unwrap()
}

async fn execute(running: &Running, statement: &'static str) {
    sqlx::query(statement).execute(&mut connect(running).await).await.unwrap();
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    // The kernel takes a moment; a command line that is empty belongs to a process that has ended.
    while fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty()) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_cluster_is_made_started_found_again_and_stopped() {
    let home = Home::empty();
    assert_eq!(cluster::status(home.path()).unwrap(), Status::Absent);

    let first = cluster::ensure(home.path()).unwrap();
    assert!(first.made_here && first.started_here);
    let again = cluster::ensure(home.path()).unwrap();
    assert!(!again.made_here && !again.started_here);
    assert_eq!((again.pid, &again.url), (first.pid, &first.url));
    assert_eq!(cluster::status(home.path()).unwrap(), Status::Running { pid: first.pid, url: first.url });

    assert!(cluster::stop(home.path()).unwrap());
    assert!(!cluster::stop(home.path()).unwrap());
    assert_eq!(cluster::status(home.path()).unwrap(), Status::Stopped);
}

#[tokio::test]
async fn what_was_committed_survives_a_server_killed_while_it_writes() {
    let home = Home::empty();
    let first = cluster::ensure(home.path()).unwrap();
    execute(&first, "create table kept (n bigint)").await;
    let mut connection = connect(&first).await;
    let writer = tokio::spawn(async move {
        let mut committed = 0_i64;
        while sqlx::query("insert into kept values ($1)").bind(committed).execute(&mut connection).await.is_ok() {
            committed += 1;
        }
        committed
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let children = children_of(first.pid);
    kill(first.pid);
    // A backend that is between two statements may go on for a moment; kill it too, in the middle of what it does.
    for child in children {
        let _ = kill_process(Pid::from_raw(child).unwrap(), Signal::KILL);
    }
    let committed = writer.await.unwrap();

    let second = cluster::ensure(home.path()).unwrap();
    assert!(second.started_here && !second.made_here && second.pid != first.pid);
    let found = count(&second, "kept").await;
    assert!(committed > 0 && (found == committed || found == committed + 1), "{committed} acknowledged, {found} found");
}

#[tokio::test]
async fn a_backend_that_outlives_its_killed_server_does_not_keep_the_next_from_starting() {
    let home = Home::empty();
    let first = cluster::ensure(home.path()).unwrap();
    let mut connection = connect(&first).await;
    let busy = "select count(*) from generate_series(1, 1000000000) a, generate_series(1, 1000) b";
    let computing = tokio::spawn(async move { sqlx::query(busy).execute(&mut connection).await.is_err() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    kill(first.pid);
    let second = cluster::ensure(home.path()).unwrap();
    assert!(second.started_here);
    assert!(computing.await.unwrap());
    execute(&second, "create table works (n int)").await;
}

#[test]
fn a_lock_file_whose_process_number_now_belongs_to_someone_else_is_no_obstacle() {
    let home = Home::empty();
    let first = cluster::ensure(home.path()).unwrap();
    let data = home.path().join("cluster/data");
    let lock = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    cluster::stop(home.path()).unwrap();
    let stranger = lock.replacen(&first.pid.to_string(), &std::process::id().to_string(), 1);
    fs::write(data.join("postmaster.pid"), &stranger).unwrap();
    let socket_lock = home.path().join("cluster/socket/.s.PGSQL.5432.lock");
    fs::write(&socket_lock, &stranger).unwrap();

    assert_eq!(cluster::status(home.path()).unwrap(), Status::Stopped);
    assert!(cluster::ensure(home.path()).unwrap().started_here);
}

#[tokio::test]
async fn a_cluster_whose_making_was_killed_is_made_again() {
    let home = Home::empty();
    let mut making = landcycle().args(["db", "start"]).env("LANDCYCLE_HOME", home.path()).spawn().unwrap();
    let unfinished = home.path().join("cluster/data.new");
    let begun = Instant::now();
    while !unfinished.join("pg_wal").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "initdb never began");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    making.kill().unwrap();
    making.wait().unwrap();
    assert_eq!(cluster::status(home.path()).unwrap(), Status::Absent);

    let running = cluster::ensure(home.path()).unwrap();
    assert!(running.made_here && !unfinished.exists());
    execute(&running, "create table works (shape geometry(point, 4490))").await;
}

#[tokio::test]
async fn two_homes_never_meet() {
    let (here, there) = (Home::empty(), Home::empty());
    let (one, two) = (cluster::ensure(here.path()).unwrap(), cluster::ensure(there.path()).unwrap());
    assert!(one.pid != two.pid && one.url != two.url);
    execute(&one, "create table mine (n int)").await;
    let seen: Option<String> =
        sqlx::query_scalar("select to_regclass('mine')::text").fetch_one(&mut connect(&two).await).await.unwrap();
    assert_eq!(seen, None);
    cluster::stop(here.path()).unwrap();
    assert_eq!(cluster::ensure(there.path()).unwrap().pid, two.pid);
}

#[test]
fn of_several_who_start_one_home_at_once_one_starts_it_and_all_use_it() {
    let home = Home::empty();
    fs::create_dir_all(home.path()).unwrap();
    let start = |_| {
        let mut command = landcycle();
        command.args(["db", "start", "--json"]).env("LANDCYCLE_HOME", home.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = (0..4).map(start).collect();
    let mut servers = Vec::new();
    for one in started {
        let ended = one.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
        servers.push(answer["pid"].as_u64().unwrap());
    }
    servers.dedup();
    assert_eq!(servers.len(), 1);
}

#[test]
fn a_home_too_deep_for_a_socket_path_works_all_the_same() {
    let home = Home::inside(&"a-rather-long-name/".repeat(8));
    let running = cluster::ensure(home.path()).unwrap();
    assert_eq!(psql(&running.url, "select 1"), "1");
    cluster::stop(home.path()).unwrap();
    let socket = cluster::Place::of(home.path()).unwrap().socket_directory();
    assert!(!socket.starts_with(home.path()));
    fs::remove_dir_all(socket).unwrap();
}

#[test]
fn a_home_with_spaces_quotes_and_chinese_in_its_path_works_all_the_same() {
    let home = Home::inside("it's \"上海\", 100% & $HOME/家");
    assert_eq!(psql(&cluster::ensure(home.path()).unwrap().url, "select 1"), "1");
}

#[test]
fn psql_reads_the_address_too_and_finds_the_role_the_time_zone_and_safe_settings() {
    let home = Home::empty();
    let running = cluster::ensure(home.path()).unwrap();
    let settings = "select current_user, current_database(), current_setting('timezone'), current_setting('fsync'), \
        current_setting('synchronous_commit'), current_setting('listen_addresses')";
    assert_eq!(psql(&running.url, settings), "landcycle|landcycle|UTC|on|on|");
    assert_eq!(psql(&running.url, "select count(*) from pg_extension where extname in ('postgis', 'btree_gist')"), "2");
    psql(&running.url, "create database another");
    let another = running.url.replace(":///landcycle?", ":///another?");
    assert_eq!(psql(&another, "select st_srid('srid=4490;point(121 31)'::geometry)"), "4490");
}

#[test]
fn the_server_stands_apart_from_the_command_that_started_it() {
    let home = Home::empty();
    let ended = landcycle().args(["db", "start"]).env("LANDCYCLE_HOME", home.path()).output().unwrap();
    assert!(ended.status.success());
    let Status::Running { pid, .. } = cluster::status(home.path()).unwrap() else {
        panic!("it ended with its command")
    };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let group = stat.rsplit(')').next().unwrap().split_whitespace().nth(2).unwrap();
    assert_eq!(group, pid.to_string(), "a Ctrl-C in the terminal would reach it");
}

#[test]
fn only_its_own_users_reach_the_database_and_no_password_is_anywhere() {
    let home = Home::empty();
    let running = cluster::ensure(home.path()).unwrap();
    let cluster = home.path().join("cluster");
    assert_eq!(fs::metadata(cluster.join("socket")).unwrap().mode() & 0o077, 0);
    let rules = fs::read_to_string(cluster.join("data/pg_hba.conf")).unwrap();
    let rules: Vec<&str> = rules.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rules, ["local all all peer map=landcycle"]);
    let stored = "select count(*) from pg_roles where rolpassword is not null and rolpassword <> '********'";
    assert_eq!(psql(&running.url, stored), "0");
    assert!(
        !String::from_utf8(fs::read(format!("/proc/{}/cmdline", running.pid)).unwrap()).unwrap().contains("assword")
    );
    assert_eq!(fs::read_to_string(running.log).unwrap().matches("assword").count(), 0);
}

#[test]
fn an_ordinary_user_gets_a_cluster_and_root_may_use_it_too() {
    if !is_root() {
        // Then every other test here is this test.
        return;
    }
    let home = Home::empty();
    let nobody = 65534;
    fs::set_permissions(home.above(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(home.path()).unwrap();
    std::os::unix::fs::chown(home.path(), Some(nobody), Some(nobody)).unwrap();
    let program = home.above().join("landcycle");
    fs::copy(env!("CARGO_BIN_EXE_landcycle"), &program).unwrap();

    let mut start = Command::new(&program);
    start.env_clear().env("PATH", "/usr/bin:/bin").env("LANDCYCLE_HOME", home.path()).args(["db", "start", "--json"]);
    let ended = start.uid(nobody).gid(nobody).current_dir("/").output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(fs::metadata(home.path().join("cluster/data")).unwrap().uid(), nobody);

    let running = cluster::ensure(home.path()).unwrap();
    assert!(!running.started_here);
    assert_eq!(psql(&running.url, "select current_user"), "landcycle");
    // Started by root, it still is the ordinary user's.
    cluster::stop(home.path()).unwrap();
    let running = cluster::ensure(home.path()).unwrap();
    assert_eq!(fs::metadata(format!("/proc/{}", running.pid)).unwrap().uid(), nobody);
}

#[test]
fn a_cluster_of_another_user_is_refused_by_name() {
    if !is_root() {
        return;
    }
    let home = Home::empty();
    fs::set_permissions(home.above(), fs::Permissions::from_mode(0o755)).unwrap();
    cluster::ensure(home.path()).unwrap();
    let program = home.above().join("landcycle");
    fs::copy(env!("CARGO_BIN_EXE_landcycle"), &program).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut start = Command::new(&program);
    start.env_clear().env("PATH", "/usr/bin:/bin").env("LANDCYCLE_HOME", home.path()).args(["db", "start"]);
    let ended = start.uid(65534).gid(65534).current_dir("/").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("belongs to user id") && said.contains("65534"), "{said}");
}

#[test]
fn a_home_of_roots_that_the_server_can_not_reach_keeps_its_database_elsewhere() {
    if !is_root() {
        return;
    }
    let home = Home::inside("closed/home");
    let closed = home.path().parent().unwrap().to_owned();
    fs::create_dir_all(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let running = cluster::ensure(home.path()).unwrap();
    assert_eq!(psql(&running.url, "select 1"), "1");
    assert_eq!(fs::metadata(&closed).unwrap().mode() & 0o777, 0o700, "a directory above the home is not ours to open");
    assert!(fs::read_link(home.path().join("cluster")).unwrap().starts_with("/var/lib/landcycle"));
    cluster::stop(home.path()).unwrap();
    assert!(!cluster::ensure(home.path()).unwrap().made_here);
}

#[test]
fn a_home_that_can_not_be_written_to_is_the_machines_fault_and_says_where() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ended = landcycle().args(["db", "start", "--home"]).arg(file.path().join("home")).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains(file.path().to_str().unwrap()), "{said}");
}

#[test]
fn a_machine_without_postgres_says_what_to_install() {
    let home = Home::empty();
    let mut start = landcycle();
    start.args(["db", "start"]).env("LANDCYCLE_HOME", home.path()).env("LANDCYCLE_PG_BIN", "/nonexistent/bin");
    let ended = start.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("/nonexistent/bin") && said.contains("apt-get install postgresql"), "{said}");
}

fn psql(url: &str, query: &str) -> String {
    let program = Binaries::newest().unwrap().program("psql");
    // The caller's own PG* variables must not lead astray.
    let ended =
        Command::new(program).env("PGPORT", "1").env("PGHOST", "/nonexistent").args([url, "-XAtqc", query]).output();
    let ended = ended.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

fn children_of(pid: u32) -> Vec<i32> {
    let is_child = |path: &Path| {
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
        (parent == pid.to_string()).then_some(())
    };
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
    processes
        .filter(|path| is_child(path).is_some())
        .filter_map(|path| path.file_name()?.to_str()?.parse().ok())
        .collect()
}
