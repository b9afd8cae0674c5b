//! Links the unwinder of GCC into the program, rather than have it loaded.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") && has_static_unwinder() {
        // Loading it is an eighth of what one `ipset-cli add` takes, and nothing else needs the
        // library.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// GCC comes with both, but nobody has to keep both.
fn has_static_unwinder() -> bool {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".into());
    let asked = Command::new(linker)
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    // The name alone is the answer where there is none.
    asked.is_ok_and(|answer| {
        let path = String::from_utf8_lossy(&answer.stdout);
        answer.status.success() && Path::new(path.trim()).is_absolute()
    })
}
