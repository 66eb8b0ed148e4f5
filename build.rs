//! Makes sure that the folder of the built page is there, so that the service builds before the page was ever built.

use std::path::Path;

fn main() {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("web/dist");
    if let Err(error) = std::fs::create_dir_all(&folder) {
        println!("cargo:warning=the folder {} could not be made: {error}", folder.display());
    }
    // The names of the page's files change with their content; each build embeds what is there now.
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
}
