//! The modules of this crate import downwards only, so that each can be read without those above.

use std::path::{Path, PathBuf};

/// From the lowest to the highest. A folder is one module here; inside of `database`, the list in
/// `mod.rs` stands above the files it lists.
const ORDER: [&str; 17] = [
    "size",
    "annotation",
    "sample",
    "mode",
    "error",
    "name",
    "file_facts",
    "folder_listings",
    "read",
    "transform",
    "database",
    "record",
    "split",
    "datamodule",
    "directory",
    "load",
    "missing",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}

/// The modules a source imports: `A` of `crate::A::...`, and each name of `crate::{A, B::...}`.
fn imported(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(','),
            None => rest[..rest.find([';', ' ', '(', ')']).unwrap_or(rest.len())].split(','),
        };
        found.extend(names.map(|name| name.trim().split("::").next().unwrap().to_owned()));
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn no_module_imports_upwards() {
    assert_eq!(
        imported("use crate::{a, b::c};\ncrate::d::E"),
        ["a", "b", "d"]
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let module = relative.iter().next().unwrap().to_string_lossy();
        let module = module.trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let place = |name: &str| {
            let place = ORDER.iter().position(|known| *known == name);
            place.unwrap_or_else(|| panic!("{}: `{name}` is not in ORDER", relative.display()))
        };
        for name in imported(&std::fs::read_to_string(&path).unwrap()) {
            checked += 1;
            assert!(
                place(&name) <= place(module),
                "{}: `{module}` imports `{name}`, which stands above it",
                relative.display()
            );
        }
    }
    assert!(checked > 50, "{checked}");
}
