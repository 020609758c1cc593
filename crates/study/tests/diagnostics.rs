//! The page of the documentation is the catalogue of the program.

use std::path::Path;

use mednet_study::diagnostic::document;

/// `MEDNET_WRITE_DOCS=1 cargo test -p mednet-study --test diagnostics` writes the page anew.
#[test]
fn the_page_is_generated() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics.md");
    if std::env::var_os("MEDNET_WRITE_DOCS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == document(),
        "docs/diagnostics.md is not what the catalogue says: run this test with MEDNET_WRITE_DOCS=1"
    );
}
