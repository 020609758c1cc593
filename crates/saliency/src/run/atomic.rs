//! Files that are whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file under a temporary name in the same folder and gives it its name when it is whole.
/// Missing parent folders are made.
///
/// # Errors
/// As the operating system says; the temporary file is gone then.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_parts(path, &[contents])
}

/// As [`write()`], the parts one after the other.
pub(super) fn write_parts(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        fs::create_dir_all(parent)?;
    }
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::other("not a file name"))?;
    let mut temporary_name = std::ffi::OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{}.partial", std::process::id()));
    let temporary = path.with_file_name(temporary_name);
    let written = File::create(&temporary)
        .and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What went wrong first is the error to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}
