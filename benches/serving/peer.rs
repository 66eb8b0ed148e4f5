//! Servers that are started, asked by wrk, and ended.

use serde_json::{Value, json};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to answer at first.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the peers are installed.
pub struct Peers(PathBuf);

impl Peers {
    /// Installs what is not there yet.
    pub fn install(into: &Path) -> Self {
        std::fs::create_dir_all(into).unwrap();
        let into = into.canonicalize().unwrap();
        let status = Command::new("benches/serving/install-peers").arg(&into).status().unwrap();
        assert!(status.success(), "install-peers ended with {status}");
        Self(into)
    }

    /// tipg over the table of the peers, with a worker for each of two cores.
    pub async fn tipg(&self, url: &str) -> Served {
        let port = free_port();
        let mut command = Command::new(self.0.join("tipg/bin/uvicorn"));
        command.args(["tipg.main:app", "--workers", "2", "--log-level", "warning", "--port", &port.to_string()]);
        command.env("DATABASE_URL", url).env("TIPG_DB_SCHEMAS", r#"["peers"]"#);
        Served::start(command, port, "/collections/peers.parcel").await
    }

    /// martin over the same table, keeping so many mebibytes of tiles.
    pub async fn martin(&self, url: &str, scratch: &Path, cache_mib: u32) -> Served {
        let port = free_port();
        let config = scratch.join(format!("martin-{cache_mib}.yaml"));
        let said = format!(
            "listen_addresses: '127.0.0.1:{port}'\ncache_size_mb: {cache_mib}\npostgres:\n  connection_string: '{url}'\n  \
             pool_size: 8\n  tables:\n    parcel:\n      schema: peers\n      table: parcel\n      srid: 4326\n      \
             geometry_column: geom\n      id_column: id\n      geometry_type: MULTIPOLYGON\n      properties:\n        code: text\n        \
             district: text\n        tier: text\n        land_use: text\n        grade: text\n        outcome: text\n        area_m2: float8\n"
        );
        std::fs::write(&config, said).unwrap();
        let mut command = Command::new(self.0.join("bin/martin"));
        command.arg("--config").arg(config).env("RUST_LOG", "warn");
        Served::start(command, port, "/health").await
    }
}

/// A server that runs until it is dropped.
pub struct Served {
    child: Child,
    port: u16,
    /// From its start to its first answer.
    pub ready: Duration,
}

impl Served {
    /// The built program over a register.
    pub async fn landcycle(home: &Path, url: &str, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_landcycle"));
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
        command.env("DATABASE_URL", url).env("LANDCYCLE_HOME", home).env("LANDCYCLE_LOG", "warn");
        command.envs(settings.iter().copied()).current_dir(home);
        Self::start(command, port, "/readyz").await
    }

    /// This program, as the bare handler.
    pub async fn bare(url: &str) -> Self {
        let port = free_port();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["bare", url, &port.to_string()]);
        Self::start(command, port, "/items?west=0&south=0&east=0.1&north=0.1").await
    }

    async fn start(mut command: Command, port: u16, asked: &str) -> Self {
        let begun = Instant::now();
        let child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut served = Self { child, port, ready: Duration::ZERO };
        while !matches!(served.exchange("GET", asked, ""), Ok((200, _))) {
            assert!(served.child.try_wait().unwrap().is_none(), "{command:?} ended");
            assert!(begun.elapsed() < PATIENCE, "{command:?} does not answer");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        served.ready = begun.elapsed();
        served
    }

    /// One answer, read as JSON. The request is written as in [`Served::ask`].
    pub async fn answer(&self, request: &str) -> Value {
        let mut parts = request.splitn(3, ' ');
        let [method, path, body] = [0; 3].map(|_| parts.next().unwrap_or(""));
        let (status, body) = self.exchange(method, path, body).unwrap();
        assert_eq!(status, 200, "{request}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Ok((status, answer.split_off((end + 4).min(answer.len()))))
    }

    /// Has wrk ask for these (`METHOD PATH [BODY]`) from eight connections.
    pub fn ask(&self, scratch: &Path, requests: &[String]) -> Figures {
        let list = scratch.join("requests");
        std::fs::write(&list, requests.join("\n") + "\n").unwrap();
        let seconds = std::env::var("SECONDS").unwrap_or_else(|_| "10".to_owned());
        let output = Command::new("wrk")
            .args(["-t2", "-c8", &format!("-d{seconds}s"), "--timeout", "20s", "-s", "benches/serving/requests.lua"])
            .arg(format!("http://127.0.0.1:{}", self.port))
            .env("REQUESTS", &list)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix("FIGURES "));
        let line = line.unwrap_or_else(|| panic!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr)));
        let numbers: Vec<f64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let figures = Figures {
            requests: numbers[0],
            seconds: numbers[1] / 1e6,
            median_ms: numbers[2] / 1e3,
            p99_ms: numbers[3] / 1e3,
            most_ms: numbers[4] / 1e3,
            failed: numbers[5],
            bytes: numbers[6],
        };
        assert!(figures.failed == 0.0, "{figures}");
        figures
    }

    /// The most memory that it held, in MiB.
    pub fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // uvicorn ends its workers when it is asked to end, and leaves them when it is killed.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if asked.is_err() {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

/// What wrk measured.
pub struct Figures {
    requests: f64,
    seconds: f64,
    median_ms: f64,
    /// 99 of 100 answers came within this, in milliseconds.
    pub p99_ms: f64,
    most_ms: f64,
    failed: f64,
    bytes: f64,
}

impl Figures {
    /// Answers a second.
    pub fn per_second(&self) -> f64 {
        self.requests / self.seconds
    }

    pub fn to_json(&self) -> Value {
        json!({
            "requests": self.requests,
            "seconds": self.seconds,
            "per_second": self.per_second(),
            "median_ms": self.median_ms,
            "p99_ms": self.p99_ms,
            "most_ms": self.most_ms,
            "failed": self.failed,
            "bytes": self.bytes,
        })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobytes = self.bytes / self.requests / 1e3;
        write!(
            out,
            "{:.0}/s, median {:.1} ms, p99 {:.1} ms, most {:.1} ms, {kilobytes:.1} kB each, {} failed",
            self.per_second(),
            self.median_ms,
            self.p99_ms,
            self.most_ms,
            self.failed
        )
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
