//! The private cluster's promises, each tried on a real one.

use landcycle::cluster::{self, Status};

use crate::support::Home;

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
