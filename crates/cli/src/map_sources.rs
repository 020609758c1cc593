//! From the names of methods and a folder to where the maps to be scored come from.

use std::path::Path;

use mednet_base::suggest;
use mednet_saliency::method::{find, find_control};
use mednet_saliency::{CONTROLS, METHODS, Method};
use mednet_study::{MapFolder, MapSource, ScoredMaps};

use crate::exit::Refusal;
use crate::resolve::{DEFAULT_METHOD, unknown_method};

/// What a name means.
enum Named {
    All,
    Method(&'static dyn Method),
    Control(ScoredMaps),
}

fn named(name: &str) -> Result<Named, Refusal> {
    if name.eq_ignore_ascii_case("all") {
        return Ok(Named::All);
    }
    if let Some(control) = find_control(name) {
        return Ok(Named::Control(ScoredMaps::Control(control)));
    }
    if let Some(method) = find(name) {
        return Ok(Named::Method(method));
    }
    let controls = CONTROLS.iter().map(|control| control.name());
    let hint = suggest::hint(&name.to_lowercase(), controls.clone());
    Err(if hint.is_empty() {
        let controls = controls.collect::<Vec<_>>().join(", ");
        let message = unknown_method(name).message;
        Refusal::new(format!("{message}; controls are {controls}"))
    } else {
        Refusal::new(format!("unknown method `{name}`{hint}"))
    })
}

/// Each source once, in the order in which they were named.
fn push<T>(sources: &mut Vec<T>, source: T, name: impl Fn(&T) -> Option<&str>) {
    if !sources.iter().any(|known| name(known) == name(&source)) {
        sources.push(source);
    }
}

/// Maps that are computed.
pub(crate) fn computed(names: &[String]) -> Result<Vec<MapSource>, Refusal> {
    let default = [DEFAULT_METHOD.to_owned()];
    let names = if names.is_empty() { &default } else { names };
    let mut sources = Vec::new();
    let mut add = |source| push(&mut sources, source, MapSource::name);
    for name in names {
        match named(name)? {
            Named::All => METHODS
                .iter()
                .for_each(|method| add(MapSource::Method(*method))),
            Named::Method(method) => add(MapSource::Method(method)),
            Named::Control(control) => add(MapSource::Scored(control)),
        }
    }
    Ok(sources)
}

/// Maps that are read from a folder; without names, all that it holds. Controls are computed all
/// the same.
pub(crate) fn in_folder(names: &[String], folder: &Path) -> Result<Vec<ScoredMaps>, Refusal> {
    let names = names
        .iter()
        .map(|name| named(name))
        .collect::<Result<Vec<_>, _>>()?;
    let needs_folder = |name: &Named| !matches!(name, Named::Control(_));
    if (names.is_empty() || names.iter().any(needs_folder)) && !folder.is_dir() {
        return Err(Refusal::new(format!(
            "there is no folder `{}`: --input-folder DIR names the folder of the maps",
            folder.display()
        )));
    }
    let found = match names.is_empty() || names.iter().any(needs_folder) {
        true => MapFolder::find(folder).map_err(Refusal::new)?,
        false => Vec::new(),
    };
    if names.is_empty() {
        return Ok(found.into_iter().map(ScoredMaps::Folder).collect());
    }
    let methods = names.iter().filter(|name| needs_folder(name)).count();
    let mut sources = Vec::new();
    let mut add = |source| push(&mut sources, source, ScoredMaps::name);
    for name in names {
        match name {
            Named::Control(control) => add(control),
            Named::All => found
                .iter()
                .for_each(|maps| add(ScoredMaps::Folder(maps.clone()))),
            Named::Method(method) => {
                add(ScoredMaps::Folder(of_method(
                    method, &found, folder, methods,
                )?));
            }
        }
    }
    Ok(sources)
}

/// The maps of a method among those that a folder holds.
fn of_method(
    method: &dyn Method,
    found: &[MapFolder],
    folder: &Path,
    methods: usize,
) -> Result<MapFolder, Refusal> {
    let name = method.names()[0];
    let shown = folder.display();
    match found {
        // The folder of a run of one method has no folders of methods.
        [whole] if whole.path == folder => match &whole.method {
            Some(other) if other != name => Err(Refusal::new(format!(
                "`{shown}` holds maps of {other}, not of {name}"
            ))),
            None if methods > 1 => Err(Refusal::new(format!(
                "`{shown}` holds no folder `{name}`, as a run of several methods makes it"
            ))),
            _ => Ok(MapFolder {
                method: Some(name.to_owned()),
                ..whole.clone()
            }),
        },
        _ => {
            let known = found
                .iter()
                .find(|maps| maps.method.as_deref() == Some(name));
            known.cloned().ok_or_else(|| {
                Refusal::new(format!(
                    "`{shown}` holds no folder `{name}`, as a run of several methods makes it"
                ))
            })
        }
    }
}

/// What a source is called in messages.
pub(crate) fn label(name: Option<&str>) -> &str {
    match name {
        None | Some("") => "the maps",
        Some(name) => name,
    }
}
