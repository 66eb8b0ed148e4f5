//! Who runs the server: the caller, or the `postgres` user when the caller is root, because PostgreSQL refuses root.
//! Knows names and numbers of users; refuses to know directories.

use std::{
    fs, io,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
};

use super::{ClusterError, Place};

/// A user of the machine that runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
    /// Whether the caller has to become this user first.
    pub other: bool,
}

impl Account {
    /// Who runs the cluster at `place`: its owner if it exists, so that a home made without root stays usable after one
    /// command run with sudo; otherwise the caller, or `postgres` for root.
    pub fn for_cluster(place: &Place) -> Result<Self, ClusterError> {
        let caller = rustix::process::geteuid().as_raw();
        let path = place.cluster.clone();
        let owner = fs::metadata(&path).ok().map(|found| found.uid());
        match (caller, owner) {
            (0, None | Some(0)) => Self::named("postgres", true)?.ok_or(ClusterError::NoServerUser),
            (0, Some(owner)) => Self::named(&owner.to_string(), true)?.ok_or(ClusterError::NamelessUser { uid: owner }),
            (caller, Some(owner)) if owner != caller => Err(ClusterError::Foreign { path, owner, caller }),
            (caller, _) => Self::named(&caller.to_string(), false)?.ok_or(ClusterError::NamelessUser { uid: caller }),
        }
    }

    /// Looks a user up by name or number, wherever the machine keeps its users.
    fn named(name: &str, other: bool) -> Result<Option<Self>, ClusterError> {
        let found = Command::new("getent")
            .args(["passwd", name])
            .output()
            .map_err(ClusterError::io("run", Path::new("getent")))?;
        let line = String::from_utf8_lossy(&found.stdout);
        Ok(Self::from_passwd(line.trim(), other))
    }

    fn from_passwd(line: &str, other: bool) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Self { name, uid, gid, other })
    }

    /// A command that runs as this user, in its own process group so that a Ctrl-C meant for landcycle passes it by, and
    /// with none of the caller's PG* variables.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command.process_group(0).stdin(Stdio::null());
        if self.other {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Whether this user may enter `directory`, asked of the kernel rather than worked out from mode bits.
    pub fn may_enter(&self, directory: &Path) -> io::Result<bool> {
        match self.command(Path::new("/bin/true")).current_dir(directory).status() {
            Ok(status) => Ok(status.success()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_user_database_becomes_an_account() {
        let account = Account::from_passwd("postgres:x:102:104:PostgreSQL administrator,,,:/var/lib:/bin/bash", true);
        assert_eq!(account, Some(Account { name: "postgres".into(), uid: 102, gid: 104, other: true }));
        assert_eq!(Account::from_passwd("", true), None);
    }
}
