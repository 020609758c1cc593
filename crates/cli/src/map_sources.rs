//! From the names of methods and a folder to where the maps to be scored come from.

use std::path::Path;

use mednet_saliency::method::{find, find_control};
use mednet_saliency::run::{MapFolder, MapSource};
use mednet_saliency::{METHODS, Method};

use crate::exit::Refusal;
use crate::resolve::{DEFAULT_METHOD, unknown_method};
use mednet_base::suggest;

/// What a name means.
enum Named {
    All,
    Method(&'static dyn Method),
    Other(MapSource),
}

fn named(name: &str) -> Result<Named, Refusal> {
    if name.eq_ignore_ascii_case("all") {
        return Ok(Named::All);
    }
    if let Some(control) = find_control(name) {
        return Ok(Named::Other(MapSource::Control(control)));
    }
    match find(name) {
        Some(method) => Ok(Named::Method(method)),
        None => {
            let controls = mednet_saliency::CONTROLS
                .iter()
                .map(|control| control.name());
            let hint = suggest::hint(&name.to_lowercase(), controls.clone());
            if hint.is_empty() {
                let controls = controls.collect::<Vec<_>>().join(", ");
                let message = unknown_method(name).message;
                Err(Refusal::new(format!("{message}; controls are {controls}")))
            } else {
                Err(Refusal::new(format!("unknown method `{name}`{hint}")))
            }
        }
    }
}

/// Each source once, in the order in which they were named.
fn push(sources: &mut Vec<MapSource>, source: MapSource) {
    if !sources.iter().any(|known| known.name() == source.name()) {
        sources.push(source);
    }
}

/// Maps that are computed.
pub(crate) fn computed(names: &[String]) -> Result<Vec<MapSource>, Refusal> {
    let default = [DEFAULT_METHOD.to_owned()];
    let names = if names.is_empty() { &default } else { names };
    let mut sources = Vec::new();
    for name in names {
        match named(name)? {
            Named::All => {
                for method in METHODS {
                    push(&mut sources, MapSource::Method(*method));
                }
            }
            Named::Method(method) => push(&mut sources, MapSource::Method(method)),
            Named::Other(source) => push(&mut sources, source),
        }
    }
    Ok(sources)
}

/// Maps that are read from a folder; without names, all that it holds. Controls are computed all
/// the same.
pub(crate) fn in_folder(names: &[String], folder: &Path) -> Result<Vec<MapSource>, Refusal> {
    let names = names
        .iter()
        .map(|name| named(name))
        .collect::<Result<Vec<_>, _>>()?;
    let needs_folder = |name: &Named| !matches!(name, Named::Other(_));
    if (names.is_empty() || names.iter().any(needs_folder)) && !folder.is_dir() {
        return Err(Refusal::new(format!(
            "there is no folder `{}`: --input-folder DIR names the folder of the maps",
            folder.display()
        )));
    }
    if names.is_empty() {
        let mut folders = MapFolder::find(folder);
        if let [only] = &mut folders[..] {
            only.method = only.method.take().or_else(|| method_of_run(folder));
        }
        return Ok(folders.into_iter().map(MapSource::Folder).collect());
    }
    let methods = names.iter().filter(|name| needs_folder(name)).count();
    let mut sources = Vec::new();
    for name in names {
        match name {
            Named::Other(source) => push(&mut sources, source),
            Named::All => {
                for found in MapFolder::find(folder) {
                    push(&mut sources, MapSource::Folder(found));
                }
            }
            Named::Method(method) => {
                let name = method.names()[0];
                let found = match MapFolder::of_method(folder, name) {
                    Some(found) => found,
                    // The folder of a run of one method has no folders of methods.
                    None if methods == 1 && MapFolder::find(folder)[0].method.is_none() => {
                        MapFolder {
                            method: Some(name.to_owned()),
                            path: folder.to_owned(),
                        }
                    }
                    None => {
                        return Err(Refusal::new(format!(
                            "`{}` holds no folder `{name}`, as a run of several methods makes it",
                            folder.display()
                        )));
                    }
                };
                push(&mut sources, MapSource::Folder(found));
            }
        }
    }
    Ok(sources)
}

/// Largest file of notes that is read.
const LARGEST_NOTES: u64 = 1 << 24;

/// What a run of `generate` noted about its output folder, if this is one.
fn notes(folder: &Path) -> Option<serde_json::Value> {
    let path = folder.join("generation.meta.json");
    let size = std::fs::metadata(&path).ok()?.len();
    if size > LARGEST_NOTES {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// The only method of the run that made this folder.
fn method_of_run(folder: &Path) -> Option<String> {
    let notes = notes(folder)?;
    let name = notes.get("saliency-map-algorithm")?.as_str()?;
    find(name).map(|method| method.names()[0].to_owned())
}

/// The SHA-256 of the weights that the maps in this folder were made with, if that is known.
pub(crate) fn weights_of_run(folder: &Path) -> Option<String> {
    let notes = notes(folder)?;
    Some(notes.get("weight-sha256")?.as_str()?.to_owned())
}

/// What a source is called in messages.
pub(crate) fn label(source: &MapSource) -> &str {
    source.name().unwrap_or("the maps")
}
