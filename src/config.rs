//! One typed configuration, put together from flags, variables and `landcycle.toml`, in that order of strength. Knows
//! names and forms of settings; refuses to know what they are used for.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The name of the file looked for in the working directory.
pub const FILE: &str = "landcycle.toml";

/// Every setting, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// A PostGIS of the operator's own; without one the private cluster of `home` is used.
    pub database_url: Option<Secret>,
    /// Where the private cluster, the demo's files and its accounts lie.
    pub home: PathBuf,
    /// The schema that holds the city.
    pub schema: Schema,
    /// The folder of a bureau's own rules, which go before those that come with the program.
    pub rules: Option<PathBuf>,
    /// What is logged, in the words of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// What the process that reads files may take of memory, in MiB of its address space.
    pub reader_memory_mib: u64,
    /// How much computing it may do for one import, in seconds.
    pub reader_cpu_s: u64,
    /// How long it may go without a sign of life, in seconds.
    pub reader_timeout_s: u64,
    /// How many MiB of the tiles that it made the map keeps.
    pub tile_cache_mib: u64,
}

/// Something that must not be seen in a log: printing it shows nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps what must not be seen.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A schema's name that needs no quoting anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema(String);

impl Schema {
    /// Takes a name of lowercase letters, digits and `_` that begins with a letter or `_`, 63 bytes at most, and is not
    /// one that PostgreSQL or PostGIS keep for themselves.
    pub fn parse(text: &str) -> Result<Self, String> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let goes_on = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let reserved = text.starts_with("pg_") || matches!(text, "public" | "information_schema");
        if begins && goes_on && text.len() <= 63 && !reserved {
            return Ok(Self(text.to_owned()));
        }
        Err("expected lowercase letters, digits and _, such as city_310000; not public, nor a name that begins with pg_"
            .into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Settings as one source gives them; whatever it leaves open the next weaker source decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// See [`Config::database_url`].
    pub database_url: Option<Secret>,
    /// See [`Config::home`].
    pub home: Option<PathBuf>,
    /// See [`Config::schema`].
    pub schema: Option<String>,
    /// See [`Config::rules`].
    pub rules: Option<PathBuf>,
    /// See [`Config::log`].
    pub log: Option<String>,
    /// See [`Config::listen`].
    pub listen: Option<String>,
    /// See [`Config::reader_memory_mib`].
    pub reader_memory_mib: Option<String>,
    /// See [`Config::reader_cpu_s`].
    pub reader_cpu_s: Option<String>,
    /// See [`Config::reader_timeout_s`].
    pub reader_timeout_s: Option<String>,
    /// See [`Config::tile_cache_mib`].
    pub tile_cache_mib: Option<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there and can't be read.
    #[error("could not read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what it should be. The message is written here, because the parser's own quotes the line, which
    /// may hold a password.
    #[error(
        "{path}{at}: {reason}\nits keys are database_url, home, schema, rules, log, listen, reader_memory_mib, reader_cpu_s, reader_timeout_s, each with a text"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `:line`, if known.
        at: String,
        /// What is wrong.
        reason: String,
    },
    /// A setting that can't be used.
    #[error("{name} is `{value}`: {reason}")]
    Unusable {
        /// The setting's key.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is expected.
        reason: String,
    },
}

impl Settings {
    /// The settings in the file at `path`; none if there is no file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
        };
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            ConfigError::Malformed {
                path: path.to_owned(),
                at: line.map_or_else(String::new, |line| format!(":{line}")),
                reason: error.message().to_owned(),
            }
        })
    }

    /// The settings in variables, as `variable` reads them. An empty variable is no setting.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            database_url: given("DATABASE_URL").map(Secret::new),
            home: given("LANDCYCLE_HOME").map(PathBuf::from),
            schema: given("LANDCYCLE_SCHEMA"),
            rules: given("LANDCYCLE_RULES").map(PathBuf::from),
            log: given("LANDCYCLE_LOG"),
            listen: given("LISTEN"),
            reader_memory_mib: given("LANDCYCLE_READER_MEMORY_MIB"),
            reader_cpu_s: given("LANDCYCLE_READER_CPU_S"),
            reader_timeout_s: given("LANDCYCLE_READER_TIMEOUT_S"),
            tile_cache_mib: given("LANDCYCLE_TILE_CACHE_MIB"),
        }
    }

    /// These settings, and where they are silent the `weaker` ones.
    #[must_use]
    pub fn or(self, weaker: Self) -> Self {
        Self {
            database_url: self.database_url.or(weaker.database_url),
            home: self.home.or(weaker.home),
            schema: self.schema.or(weaker.schema),
            rules: self.rules.or(weaker.rules),
            log: self.log.or(weaker.log),
            listen: self.listen.or(weaker.listen),
            reader_memory_mib: self.reader_memory_mib.or(weaker.reader_memory_mib),
            reader_cpu_s: self.reader_cpu_s.or(weaker.reader_cpu_s),
            reader_timeout_s: self.reader_timeout_s.or(weaker.reader_timeout_s),
            tile_cache_mib: self.tile_cache_mib.or(weaker.tile_cache_mib),
        }
    }

    /// Decides what is still open and checks what was given.
    pub fn decide(self) -> Result<Config, ConfigError> {
        let schema = self.schema.unwrap_or_else(|| "city_310000".into());
        let listen = self.listen.unwrap_or_else(|| "127.0.0.1:8080".into());
        if let Some(url) = &self.database_url
            && !["postgres://", "postgresql://"].iter().any(|scheme| url.reveal().starts_with(scheme))
        {
            return Err(ConfigError::Unusable {
                name: "database_url",
                value: "…".into(),
                reason: "expected an address that begins with postgresql://".into(),
            });
        }
        Ok(Config {
            database_url: self.database_url,
            home: self.home.unwrap_or_else(|| ".landcycle".into()),
            schema: Schema::parse(&schema).map_err(|reason| ConfigError::Unusable {
                name: "schema",
                value: schema,
                reason,
            })?,
            rules: self.rules,
            log: self.log.unwrap_or_else(|| "landcycle=info,warn".into()),
            listen: listen.parse().map_err(|_| ConfigError::Unusable {
                name: "listen",
                value: listen,
                reason: "expected a numeric address and a port, such as 127.0.0.1:8080; names such as localhost are not looked up".into(),
            })?,
            // Below this the libraries that read files do not even start.
            reader_memory_mib: whole("reader_memory_mib", self.reader_memory_mib, 2048, 256)?,
            reader_cpu_s: whole("reader_cpu_s", self.reader_cpu_s, 1800, 1)?,
            reader_timeout_s: whole("reader_timeout_s", self.reader_timeout_s, 120, 1)?,
            tile_cache_mib: whole("tile_cache_mib", self.tile_cache_mib, 64, 0)?,
        })
    }
}

/// A whole number of at least so much.
fn whole(name: &'static str, given: Option<String>, default: u64, least: u64) -> Result<u64, ConfigError> {
    // A million of seconds or of MiB is as good as no limit, and can be reckoned with safely.
    let range = least..=1_000_000;
    let Some(value) = given else { return Ok(default) };
    let found = value.parse().ok().filter(|number| range.contains(number));
    found.ok_or_else(|| ConfigError::Unusable {
        name,
        value,
        reason: format!("expected a whole number from {least} to {}", range.end()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(home: &str) -> Settings {
        Settings { home: Some(home.into()), ..Settings::default() }
    }

    #[test]
    fn the_stronger_source_wins_and_the_weaker_fills_what_it_leaves_open() {
        let file = Settings { schema: Some("city_320200".into()), ..with("/from/file") };
        let variables = Settings::from_variables(|name| (name == "LANDCYCLE_HOME").then(|| "/from/variable".into()));
        let decided = variables.or(file).decide().unwrap();
        assert_eq!(decided.home, Path::new("/from/variable"));
        assert_eq!(decided.schema.as_str(), "city_320200");
        assert_eq!(decided.listen.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn an_empty_variable_is_no_setting() {
        assert_eq!(Settings::from_variables(|_| Some(String::new())), Settings::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file_and_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        fs::write(&path, "home = \"/srv/land\"\nhaus = \"/srv/land\"\n").unwrap();
        let message = Settings::from_file(&path).unwrap_err().to_string();
        assert!(message.contains("landcycle.toml:2: unknown field `haus`"), "{message}");
    }

    #[test]
    fn a_malformed_file_never_shows_its_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        fs::write(&path, "database_url = \"postgresql://me:swordfish@db\" oops\n").unwrap();
        let error = Settings::from_file(&path).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("swordfish"), "{error}");
    }

    #[test]
    fn a_database_address_is_never_printed() {
        let settings = Settings { database_url: Some(Secret::new("postgresql://me:swordfish@db")), ..with("/srv") };
        assert!(!format!("{settings:?} {:?}", settings.clone().decide().unwrap()).contains("swordfish"));
        let wrong = Settings { database_url: Some(Secret::new("mysql://me:swordfish@db")), ..with("/srv") };
        let error = wrong.decide().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("swordfish"), "{error}");
    }

    #[test]
    fn no_file_is_no_settings() {
        assert_eq!(Settings::from_file(Path::new("/nonexistent/landcycle.toml")).unwrap(), Settings::default());
    }

    proptest! {
        #[test]
        fn whatever_is_taken_as_a_schema_needs_no_quotes(text in "\\PC{0,70}") {
            if let Ok(schema) = Schema::parse(&text) {
                prop_assert!(schema.as_str().bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')));
                prop_assert!(!schema.as_str().as_bytes()[0].is_ascii_digit() && schema.as_str().len() <= 63);
            }
        }

        #[test]
        fn every_plain_name_is_a_schema(text in "city_[0-9]{6}") {
            prop_assert_eq!(Schema::parse(&text).map(|schema| schema.to_string()), Ok(text));
        }
    }
}
