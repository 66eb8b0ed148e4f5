//! The built binary, run as a stranger would run it: no variable and no home of the developer's reaches it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use landcycle::cluster;

/// The binary with a clean environment and a home that holds nothing. Give it a `DATABASE_URL` or a `LANDCYCLE_HOME` of
/// the test's own.
pub fn landcycle() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landcycle"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("LANDCYCLE_HOME", "/nonexistent/set-a-home-in-the-test");
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(std::process::Stdio::null());
    command
}

/// A home for one test: its cluster is stopped and its files are removed at the end, whatever became of the test.
pub struct Home {
    directory: Option<tempfile::TempDir>,
    inside: PathBuf,
}

impl Home {
    /// An empty home under the system's temporary directory, made as `mktemp -d` makes it: closed to all others.
    pub fn empty() -> Self {
        Self::inside("home")
    }

    /// An empty home at `path` below a temporary directory.
    pub fn inside(path: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join(path);
        Self { directory: Some(directory), inside }
    }

    pub fn path(&self) -> &Path {
        &self.inside
    }

    /// The temporary directory that the home lies in.
    pub fn above(&self) -> &Path {
        self.directory.as_ref().unwrap().path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(error) = cluster::stop(&self.inside) {
            eprintln!("the cluster in {} could not be stopped: {error}", self.inside.display());
        }
        let socket = cluster::Place::of(&self.inside).map(|place| place.socket_directory());
        if let Ok(socket) = socket
            && !socket.starts_with(&self.inside)
        {
            let _ = std::fs::remove_dir_all(socket);
        }
        let link = self.inside.join("cluster");
        if let Ok(elsewhere) = std::fs::read_link(&link) {
            let _ = std::fs::remove_dir_all(elsewhere);
        }
        drop(self.directory.take());
    }
}
