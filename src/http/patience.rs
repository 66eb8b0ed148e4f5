//! How long a search goes on: until it is done, its time is over, or whoever asked has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a search may look for parcels; the rest of an answer takes a fraction of it.
pub const MOST_SEARCH: Duration = Duration::from_secs(10);

/// Held by an answer under way: once it is dropped, because the client left or it is done, nobody waits any more.
#[derive(Debug)]
pub struct Waiting(Arc<AtomicBool>);

/// Asked by the work that is done for it.
#[derive(Debug, Clone)]
pub struct Patience {
    gone: Arc<AtomicBool>,
    until: Instant,
}

/// Somebody waits from now on, for so long at most.
pub fn wait(most: Duration) -> (Waiting, Patience) {
    let gone = Arc::new(AtomicBool::new(false));
    (Waiting(Arc::clone(&gone)), Patience { gone, until: Instant::now() + most })
}

impl Patience {
    /// Whether to stop working.
    pub fn is_over(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.until
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_over_when_whoever_waits_has_gone_or_time_is_up() {
        let (waiting, patience) = wait(Duration::from_secs(3600));
        assert!(!patience.is_over());
        drop(waiting);
        assert!(patience.is_over());
        let (_waiting, patience) = wait(Duration::ZERO);
        assert!(patience.is_over());
    }
}
