//! Makes a new cluster: settings, who may connect, the role, the database and its extensions. Knows the first words a
//! server hears; refuses to know migrations.
//!
//! Everything is done in `data.new`, which becomes `data` by one rename, so a cluster is whole or not there.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Output, Stdio},
};

use super::{Account, Binaries, ClusterError, Lock, Place, ROLE, place::own, write_whole};

/// Settings for a laptop with real data on it: safe ones are left as they are (fsync, full_page_writes,
/// synchronous_commit), and bulk loads get room.
const SETTINGS: &str = "\
# landcycle: settings of the private cluster. They are yours to change; a restart reads them again.
# The socket, the port and the cluster's name are given on the server's command line and can't be changed here.
shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
# No replica reads the log, so that what fills a table made in the same transaction need not be written twice.
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 15min
max_connections = 60
synchronous_commit = on
jit = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_checkpoints = off
";

/// Makes the data directory of `place`. An unfinished one from an earlier attempt is thrown away.
pub fn make(place: &Place, account: &Account, binaries: &Binaries, lock: &Lock) -> Result<(), ClusterError> {
    let unfinished = place.unfinished_data();
    if unfinished.exists() {
        tracing::info!(path = %unfinished.display(), "throwing away a database that was never finished");
        fs::remove_dir_all(&unfinished).map_err(ClusterError::io("remove", &unfinished))?;
    }
    tracing::info!(path = %place.cluster.display(), postgres = binaries.major, "making the private database");

    let mut initdb = account.command(&binaries.program("initdb"));
    initdb.current_dir(&place.cluster).arg("-D").arg(&unfinished);
    initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--lc-messages=C", "--data-checksums"]);
    initdb.args(["--auth-local=peer", "--auth-host=reject", "--no-instructions"]);
    initdb.stdin(lock.shared_with_child().map_err(ClusterError::io("share the lock with", Path::new("initdb")))?);
    let made = initdb.output().map_err(ClusterError::io("run", &binaries.program("initdb")))?;
    succeed("initdb", &made)?;

    append(&unfinished.join("postgresql.conf"), SETTINGS)?;
    write_whole(
        &unfinished.join("pg_hba.conf"),
        "# the kernel says who is calling; there are no passwords\nlocal all all peer map=landcycle\n",
    )?;
    write_whole(&unfinished.join("pg_ident.conf"), &identities(account))?;
    first_words(place, account, binaries)?;

    let data = place.data();
    fs::rename(&unfinished, &data).map_err(ClusterError::io("put in place", &data))?;
    let directory = fs::File::open(&place.cluster).and_then(|directory| directory.sync_all());
    directory.map_err(ClusterError::io("write to disk", &place.cluster))
}

/// Which users of the machine may connect as which role: root, `postgres` and the server's own user may be both.
fn identities(account: &Account) -> String {
    let users: BTreeSet<&str> = ["root", "postgres", &account.name].into();
    let mut text = String::from("# map  user of the machine  role\n");
    for user in users {
        let user = user.replace('"', "\"\"");
        text.push_str(&format!("landcycle \"{user}\" {ROLE}\nlandcycle \"{user}\" postgres\n"));
    }
    text
}

/// Speaks to the server in single-user mode, so that nothing listens before the cluster is whole.
fn first_words(place: &Place, account: &Account, binaries: &Binaries) -> Result<(), ClusterError> {
    // In template1 every database made later is born with the extensions, without a superuser.
    let words = [
        "create extension postgis".to_owned(),
        "create extension btree_gist".to_owned(),
        format!("create role {ROLE} login createdb"),
        format!("create database {ROLE} owner {ROLE}"),
    ];
    let program = binaries.program("postgres");
    let mut server = account.command(&program);
    server.current_dir(&place.cluster).arg("--single").arg("-D").arg(place.unfinished_data());
    server.args(["-c", "log_min_messages=error", "template1"]);
    server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = server.spawn().map_err(ClusterError::io("run", &program))?;
    if let Some(mut input) = running.stdin.take() {
        // A server that ends early breaks the pipe; what it said on the way out is the better error.
        let _ = input.write_all(format!("{}\n", words.join("\n")).as_bytes());
    }
    let ended = running.wait_with_output().map_err(ClusterError::io("wait for", &program))?;
    // In this mode the server goes on after an error and ends well. (Its switch to end at once would also stop at the
    // errors that PostGIS's own script expects and catches.)
    let refused = String::from_utf8_lossy(&ended.stderr).contains("ERROR:");
    if refused { Err(failure("postgres --single", &ended)) } else { succeed("postgres --single", &ended) }
}

fn succeed(program: &'static str, ended: &Output) -> Result<(), ClusterError> {
    if ended.status.success() {
        return Ok(());
    }
    Err(failure(program, ended))
}

fn failure(program: &'static str, ended: &Output) -> ClusterError {
    let said = String::from_utf8_lossy(&ended.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let said = lines[lines.len().saturating_sub(6)..].join("\n");
    ClusterError::Program { program, status: ended.status, said }
}

fn append(path: &Path, text: &str) -> Result<(), ClusterError> {
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).open(path)?;
        file.write_all(b"\n")?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(ClusterError::io("write", path))
}

/// Opens the log for the server to write to; a long one is set aside first, and the one before it forgotten.
pub fn open_log(place: &Place, account: &Account) -> Result<fs::File, ClusterError> {
    const LONG: u64 = 16 * 1024 * 1024;
    let path = place.log();
    if fs::metadata(&path).is_ok_and(|log| log.len() > LONG) {
        fs::rename(&path, place.cluster.join("log.1")).map_err(ClusterError::io("set aside", &path))?;
    }
    let log = fs::OpenOptions::new().create(true).append(true).open(&path);
    let log = log.map_err(ClusterError::io("open", &path))?;
    own(&path, account)?;
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_who_may_connect_is_named_once_per_role() {
        let account = Account { name: "postgres".into(), uid: 102, gid: 104, other: true };
        let text = identities(&account);
        assert_eq!(text.matches("landcycle \"postgres\" landcycle\n").count(), 1);
        assert_eq!(text.matches("landcycle \"root\" landcycle\n").count(), 1);
    }
}
