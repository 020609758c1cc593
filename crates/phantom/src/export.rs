//! Phantoms as a data set on disk: PNG files and a split file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::{Phantom, SIDE_LENGTH};

/// Why a data set of phantoms could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A folder or file could not be written.
    #[error("could not write `{}`: {source}; check that the folder may be written to and has room", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A picture could not be made into a PNG file.
    #[error("could not encode phantom `{name}` as PNG: {source}")]
    Encode {
        /// The phantom's name.
        name: String,
        /// What the encoder said.
        source: ImageError,
    },
}

/// Writes phantoms `0..count` of the data set `seed` below `folder`.
///
/// There will be `imgs/healthy/h0001.png`, `imgs/lesion/l0001.png` and so on (8-bit gray) and
/// `split.json`, whose one dataset `test` lists them in drawing order: `[path, 0]`, or
/// `[path, 1, [[1, x, y, width, height], ...]]` with a box for every lesion. Returns the path of the
/// split file, which is written last.
///
/// # Errors
///
/// If a folder or file cannot be written.
pub fn export(folder: &Path, seed: u64, count: usize) -> Result<PathBuf, ExportError> {
    for class in ["imgs/healthy", "imgs/lesion"] {
        let path = folder.join(class);
        fs::create_dir_all(&path).map_err(|source| ExportError::Write { path, source })?;
    }
    let entries: Vec<Value> = (0..count)
        .into_par_iter()
        .map(|index| {
            let phantom = Phantom::draw(seed, index);
            write(&folder.join(&phantom.name), &encode(&phantom)?)?;
            Ok(entry(&phantom))
        })
        .collect::<Result<_, _>>()?;
    let lines: Vec<String> = entries.iter().map(|entry| format!("    {entry}")).collect();
    let split = format!("{{\n  \"test\": [\n{}\n  ]\n}}\n", lines.join(",\n"));
    let path = folder.join("split.json");
    write(&path, split.as_bytes())?;
    Ok(path)
}

/// What the split file says about a phantom.
fn entry(phantom: &Phantom) -> Value {
    if phantom.label == 0 {
        return json!([phantom.name, 0]);
    }
    let boxes: Vec<Value> = phantom
        .boxes
        .iter()
        .map(|[x, y, width, height]| json!([1, x, y, width, height]))
        .collect();
    json!([phantom.name, 1, boxes])
}

/// The phantom as an 8-bit gray PNG file.
fn encode(phantom: &Phantom) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    let side = SIDE_LENGTH as u32;
    PngEncoder::new(&mut bytes)
        .write_image(&phantom.pixels, side, side, ExtendedColorType::L8)
        .map_err(|source| ExportError::Encode {
            name: phantom.name.clone(),
            source,
        })?;
    Ok(bytes)
}

/// Writes a file under a temporary name beside it, then renames it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    let temporary = path.with_extension("partial");
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| ExportError::Write {
            path: path.to_path_buf(),
            source,
        })
}
