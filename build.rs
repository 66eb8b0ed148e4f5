//! Tells cargo that the binary embeds every file of `migrations/`, also one that is new.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
