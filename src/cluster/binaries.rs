//! Finds the machine's own PostgreSQL server programs. Knows where distributions put them; refuses to run a server.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::ClusterError;

const EXTENSIONS: [&str; 2] = ["postgis", "btree_gist"];

/// One installed PostgreSQL server with PostGIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The directory of `initdb` and `postgres`.
    pub bin: PathBuf,
    /// Its major version.
    pub major: u32,
}

impl Binaries {
    /// The newest server that has PostGIS. A directory named in `LANDCYCLE_PG_BIN` is the only one looked at.
    pub fn newest() -> Result<Self, ClusterError> {
        let mut found = Self::installed();
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        match found.iter().find(|binaries| binaries.missing_extension().is_none()) {
            Some(complete) => Ok(complete.clone()),
            None => Err(match found.into_iter().next() {
                Some(Self { bin, major }) => {
                    let extension = Self { bin: bin.clone(), major }.missing_extension().unwrap_or("postgis");
                    ClusterError::NoExtension { bin, major, extension }
                }
                None => ClusterError::NoBinaries { looked: join(&candidates()) },
            }),
        }
    }

    /// The server of the version that wrote `data`: PostgreSQL does not read another version's files.
    pub fn that_wrote(data: &Path) -> Result<Self, ClusterError> {
        let path = data.join("PG_VERSION");
        let version = fs::read_to_string(&path).map_err(ClusterError::io("read", &path))?.trim().to_owned();
        let installed = Self::installed();
        if installed.is_empty() {
            return Err(ClusterError::NoBinaries { looked: join(&candidates()) });
        }
        installed
            .into_iter()
            .find(|binaries| binaries.major.to_string() == version)
            .ok_or_else(|| ClusterError::OtherVersion { data: data.to_owned(), found: version })
    }

    /// The path of one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn installed() -> Vec<Self> {
        let mut found: Vec<Self> = candidates().iter().filter_map(|bin| Self::at(bin)).collect();
        found.dedup();
        found
    }

    fn at(bin: &Path) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let said = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8_lossy(&said.stdout))?;
        Some(Self { bin: bin.to_owned(), major })
    }

    fn missing_extension(&self) -> Option<&'static str> {
        let asked = Command::new(self.bin.join("pg_config")).arg("--sharedir").output().ok();
        let share = asked
            .filter(|asked| asked.status.success())
            .map(|asked| PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim()))
            .unwrap_or_else(|| PathBuf::from(format!("/usr/share/postgresql/{}", self.major)));
        EXTENSIONS.into_iter().find(|name| !share.join("extension").join(format!("{name}.control")).is_file())
    }
}

fn candidates() -> Vec<PathBuf> {
    if let Some(named) = env::var_os("LANDCYCLE_PG_BIN").filter(|named| !named.is_empty()) {
        return vec![named.into()];
    }
    let mut places = Vec::new();
    if let Ok(said) = Command::new("pg_config").arg("--bindir").output()
        && said.status.success()
    {
        places.push(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    for root in ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt"] {
        let versions = fs::read_dir(root).into_iter().flatten().filter_map(Result::ok);
        places.extend(versions.map(|version| version.path().join("bin")));
    }
    if let Some(path) = env::var_os("PATH") {
        places.extend(env::split_paths(&path).filter(|place| place.join("initdb").is_file()));
    }
    places
}

fn join(places: &[PathBuf]) -> String {
    if places.is_empty() {
        return "LANDCYCLE_PG_BIN, `pg_config --bindir`, /usr/lib/postgresql/*/bin or PATH".into();
    }
    places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn major_version(said: &str) -> Option<u32> {
    let version = said.split_whitespace().nth(2)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says_of_itself() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version(""), None);
    }
}
