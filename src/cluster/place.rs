//! Where a home's cluster lies: data, log, socket, and who may pass on the way there. Knows directories and their
//! owners; refuses to know what runs in them.

use std::{
    env, fs, io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{Gid, Uid};
use sha2::{Digest as _, Sha256};

use super::{Account, ClusterError};

/// The port in the socket's name. Nothing listens on a network, so every cluster can use the same one.
pub const PORT: u16 = 5432;

/// `sockaddr_un` has 108 bytes, one of them the closing zero.
const SOCKET_PATH_LIMIT: usize = 107;

/// Where clusters go whose home the server's user can't reach.
const ELSEWHERE: &str = "/var/lib/landcycle";

/// The directories of one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The home, with every link resolved.
    pub home: PathBuf,
    /// The directory that holds data, log and socket.
    pub cluster: PathBuf,
}

impl Place {
    /// The place of an existing home.
    pub fn of(home: &Path) -> Result<Self, ClusterError> {
        let home = home.canonicalize().map_err(ClusterError::io("find", home))?;
        let cluster = home.join("cluster");
        // A link leads elsewhere when the server's user could not reach the home.
        let cluster = if cluster.is_symlink() {
            cluster.canonicalize().map_err(ClusterError::io("follow the link", &cluster))?
        } else {
            cluster
        };
        Ok(Self { home, cluster })
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.cluster.join("data")
    }

    /// A data directory in the making; renamed once it is whole.
    pub fn unfinished_data(&self) -> PathBuf {
        self.cluster.join("data.new")
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.cluster.join("log")
    }

    /// The name the server's processes carry, so that they can be told from those of any other cluster.
    pub fn cluster_name(&self) -> String {
        format!("landcycle-{}", self.digest())
    }

    /// The directory of the socket: in the cluster when the path is short enough for the kernel and plain enough for
    /// clients, otherwise in the directory for such things.
    pub fn socket_directory(&self) -> PathBuf {
        let inside = self.cluster.join("socket");
        let path = inside.join(format!(".s.PGSQL.{PORT}"));
        // libpq takes a comma in a host for the end of the first of several hosts.
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() <= SOCKET_PATH_LIMIT && !bytes.contains(&b',') {
            return inside;
        }
        let caller = rustix::process::geteuid();
        let name = format!("landcycle-{}-{}", caller.as_raw(), self.digest());
        // The runtime directory of root is closed to the user that root hands the server to.
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| !caller.is_root() && dir.is_dir());
        let chosen = runtime.unwrap_or_else(|| "/tmp".into()).join(&name);
        if chosen.as_os_str().as_bytes().len() + 15 > SOCKET_PATH_LIMIT { Path::new("/tmp").join(name) } else { chosen }
    }

    /// Makes sure of a socket directory that belongs to `account` and to nobody else.
    pub fn open_socket_directory(&self, account: &Account) -> Result<PathBuf, ClusterError> {
        let path = self.socket_directory();
        let refuse = |reason| Err(ClusterError::SocketDirectory { path: path.clone(), reason });
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => own(&path, account)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ClusterError::io("create", &path)(error)),
        }
        // In /tmp anyone could have been here first, so neither a link nor another's directory will do.
        let found = fs::symlink_metadata(&path).map_err(ClusterError::io("look at", &path))?;
        if !found.is_dir() {
            return refuse("it is not a directory");
        }
        if found.uid() != account.uid {
            return refuse("it belongs to another user");
        }
        if found.mode() & 0o022 != 0 {
            return refuse("others may write to it");
        }
        Ok(path)
    }

    /// Makes the cluster's directory and sees to it that `account` can work there.
    ///
    /// Root's own homes are often closed to others (a directory of `mktemp -d`): then the server's group is let through,
    /// and nobody else. Where a directory above the home is in the way, which is not ours to open, the cluster goes to
    /// `/var/lib/landcycle` and the home keeps a link.
    pub fn reachable_by(self, account: &Account) -> Result<Self, ClusterError> {
        if !self.cluster.exists() {
            if account.other && !self.open_home(account)? {
                return self.elsewhere(account);
            }
            fs::DirBuilder::new()
                .mode(0o711)
                .create(&self.cluster)
                .map_err(ClusterError::io("create", &self.cluster))?;
        } else if account.other && !self.cluster.starts_with(ELSEWHERE) {
            self.open_home(account)?;
        }
        own(&self.cluster, account)?;
        if account.other && !account.may_enter(&self.cluster).map_err(ClusterError::io("enter", &self.cluster))? {
            let way: Vec<&Path> = self.cluster.ancestors().collect();
            let stops = |dir: &&&Path| !account.may_enter(dir).unwrap_or(false);
            let directory = way.iter().rev().find(stops).copied().unwrap_or(&self.cluster).to_owned();
            return Err(ClusterError::Unreachable { user: account.name.clone(), directory });
        }
        Ok(self)
    }

    /// Lets `account` pass through the home if the home alone is in its way; answers whether it can pass now.
    fn open_home(&self, account: &Account) -> Result<bool, ClusterError> {
        let enter = || account.may_enter(&self.home).map_err(ClusterError::io("enter", &self.home));
        if enter()? {
            return Ok(true);
        }
        let found = fs::metadata(&self.home).map_err(ClusterError::io("look at", &self.home))?;
        let above = self.home.parent().unwrap_or(&self.home);
        if !account.may_enter(above).map_err(ClusterError::io("enter", above))? {
            return Ok(false);
        }
        rustix::fs::chown(&self.home, None, Some(Gid::from_raw(account.gid)))
            .map_err(|error| ClusterError::io("let the server's group through", &self.home)(error.into()))?;
        let mode = fs::Permissions::from_mode(found.mode() & 0o7707 | 0o010);
        fs::set_permissions(&self.home, mode).map_err(ClusterError::io("change the mode of", &self.home))?;
        enter()
    }

    fn elsewhere(self, account: &Account) -> Result<Self, ClusterError> {
        let root = Path::new(ELSEWHERE);
        if !root.exists() {
            fs::create_dir_all(root).map_err(ClusterError::io("create", root))?;
            // Whatever root's umask says, the server's user has to pass.
            fs::set_permissions(root, fs::Permissions::from_mode(0o755))
                .map_err(ClusterError::io("change the mode of", root))?;
        }
        // A new name each time: a home that was deleted and made again must not wake up with its old data.
        let chosen = tempfile::Builder::new().prefix(&format!("{}-", self.digest())).tempdir_in(root);
        let cluster = chosen.map_err(ClusterError::io("create a directory in", root))?.keep();
        fs::set_permissions(&cluster, fs::Permissions::from_mode(0o711))
            .map_err(ClusterError::io("change the mode of", &cluster))?;
        own(&cluster, account)?;
        super::write_whole(&cluster.join("home"), &format!("{}\n", self.home.display()))?;
        let link = self.home.join("cluster");
        symlink(&cluster, &link).map_err(ClusterError::io("make the link", &link))?;
        tracing::info!(
            home = %self.home.display(), cluster = %cluster.display(),
            "user {} can't reach the home, so its database is kept elsewhere", account.name
        );
        Ok(Self { home: self.home, cluster })
    }

    fn digest(&self) -> String {
        hex::encode(&Sha256::digest(self.home.as_os_str().as_bytes())[..6])
    }
}

/// Gives `path` to the account, when that is another user than the caller.
pub fn own(path: &Path, account: &Account) -> Result<(), ClusterError> {
    if account.other {
        rustix::fs::chown(path, Some(Uid::from_raw(account.uid)), Some(Gid::from_raw(account.gid)))
            .map_err(|error| ClusterError::io("hand over", path)(error.into()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_too_long_for_a_socket_gets_a_short_directory_of_its_own() {
        let long = PathBuf::from(format!("/srv/{}", "long/".repeat(40)));
        let place = Place { cluster: long.join("cluster"), home: long };
        let other = Place { home: place.home.join("other"), cluster: place.home.join("other/cluster") };
        let socket = place.socket_directory().join(format!(".s.PGSQL.{PORT}"));
        assert!(socket.as_os_str().len() <= SOCKET_PATH_LIMIT, "{socket:?}");
        assert_ne!(place.socket_directory(), other.socket_directory());
    }

    #[test]
    fn a_short_home_keeps_its_socket() {
        let place = Place { home: "/srv/land".into(), cluster: "/srv/land/cluster".into() };
        assert_eq!(place.socket_directory(), Path::new("/srv/land/cluster/socket"));
    }
}
