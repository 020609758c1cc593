//! The invariants of ARCHITECTURE.md that the source itself can break.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The crates, each with those that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("simd", &[]),
    ("data", &["base"]),
    ("network", &["base", "simd"]),
    ("saliency", &["base", "simd", "data", "network"]),
    ("study", &["base", "data", "network", "saliency"]),
    ("report", &["base", "data"]),
    ("phantom", &[]),
    (
        "cli",
        &[
            "base", "data", "network", "saliency", "study", "report", "phantom",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn crates() -> Vec<String> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap();
    let mut names: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The source of a crate without its unit tests, by file.
fn source(name: &str) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut pending = vec![root().join("crates").join(name).join("src")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && path.file_stem().is_some_and(|stem| stem != "tests")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let tests = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
                files.insert(path, text[..tests].to_owned());
            }
        }
    }
    files
}

#[test]
fn arrows_between_crates_point_down() {
    let known: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    for name in crates() {
        assert!(
            known.contains(&name.as_str()),
            "the crate `{name}` has no place in the house"
        );
    }
    for (name, may_use) in ARROWS
        .iter()
        .filter(|(name, _)| crates().contains(&(*name).to_owned()))
    {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies
            .split("[dev-dependencies]")
            .next()
            .unwrap_or_default();
        for other in &known {
            let uses = dependencies.contains(&format!("mednet-{other}.workspace"));
            assert!(!uses || may_use.contains(other), "{name} uses {other}");
        }
    }
}

#[test]
fn nothing_below_the_front_end_prints_exits_or_reads_the_command_line() {
    let words = [
        "println!",
        "print!(",
        "eprint",
        "process::exit",
        "env::args",
        "std::io::stdout",
        "clap::",
    ];
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "cli") {
        if !crates().contains(&(*name).to_owned()) {
            continue;
        }
        for (path, text) in source(name) {
            for word in words {
                assert!(!text.contains(word), "`{word}` in {}", path.display());
            }
        }
    }
}

#[test]
fn maps_and_scores_are_computed_without_files() {
    for name in ["saliency", "simd"] {
        if !crates().contains(&name.to_owned()) {
            continue;
        }
        for (path, text) in source(name) {
            for word in ["std::fs", "File::", "fs::"] {
                assert!(!text.contains(word), "`{word}` in {}", path.display());
            }
        }
    }
}

#[test]
fn no_thread_pool_is_for_the_whole_process() {
    for (name, _) in ARROWS {
        if !crates().contains(&(*name).to_owned()) {
            continue;
        }
        for (path, text) in source(name) {
            assert!(!text.contains("build_global"), "{}", path.display());
        }
    }
}
