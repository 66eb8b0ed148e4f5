//! Programs of others that read the service over a real connection: GDAL's driver for OGC API - Features.

use super::{app, town};
use crate::support::parcel_code;
use landcycle::http;
use std::process::Command;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[tokio::test]
async fn gdal_lists_the_collections_pages_through_one_and_has_the_server_filter() {
    let town = town().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(http::serve(listener, app(&town), async {
        let _ = stopped.await;
    }));
    let place = format!("OAPIF:http://{address}/ogc");
    let ogrinfo = async |arguments: &[&str]| -> String {
        let mut command = Command::new("ogrinfo");
        command.arg("-ro").args(["-oo", "PAGE_SIZE=2"]).arg(&place).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said} {}", String::from_utf8_lossy(&output.stderr));
        said
    };
    let listed = ogrinfo(&[]).await;
    for name in ["parcels", "zones", "parks", "districts", "buildings", "contracts", "exit-candidates"] {
        assert!(listed.contains(name), "{name}: {listed}");
    }
    let count = |said: &str| said.lines().filter(|line| line.starts_with("OGRFeature(")).count();
    let all = ogrinfo(&["parcels"]).await;
    assert_eq!(count(&all), 3, "{all}");
    let some = ogrinfo(&["parcels", "-where", &format!("parcel_code = '{}'", parcel_code(2))]).await;
    assert_eq!(count(&some), 1, "{some}");
    let some = ogrinfo(&["parcels", "-where", "area_m2 > 1e9"]).await;
    assert_eq!(count(&some), 0, "{some}");
    let some = ogrinfo(&["parcels", "-spat", "121.5008", "31.0998", "121.5015", "31.101"]).await;
    assert_eq!(count(&some), 1, "{some}");
    let _ = stop.send(());
    served.await.unwrap().unwrap();
}
