//! Writing files whole or not at all.

use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::Error;

/// Writes `bytes` to `path`; a reader sees the old content or the new, never a part.
///
/// Missing folders are made.
///
/// # Errors
/// Where a folder or file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut output = Output::create(path)?;
    output
        .write_all(bytes)
        .map_err(|source| failed("write", path, source))?;
    output.finish()
}

/// Writes `bytes` to `path`, after copying a file of that name to the same name with `~` added.
///
/// # Errors
/// Where a folder or file cannot be written.
pub fn write_with_backup(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    back_up(path)?;
    write(path, bytes)
}

/// Copies `path`, if it is a file, to the same name with `~` added.
///
/// # Errors
/// Where the copy cannot be written.
pub fn back_up(path: &Path) -> Result<(), Error> {
    if path.is_file() {
        let backup = backup_path(path);
        std::fs::copy(path, &backup).map_err(|source| failed("back up to", &backup, source))?;
    }
    Ok(())
}

/// The name of the copy kept of `path`: `NAME~`.
#[must_use]
pub fn backup_path(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push("~");
    PathBuf::from(name)
}

/// `FILE.png` numbered from 1: `FILE-001.png`.
#[must_use]
pub fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number:03}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// A file that takes its name when it is finished, and leaves nothing behind when it is dropped.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl Output {
    /// Starts a file in the folder of `path`, which is made if it is missing.
    ///
    /// # Errors
    /// Where the folder or the temporary file cannot be made.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(|source| failed("create", folder, source))?;
        let mut builder = Builder::new();
        builder.prefix(".").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The umask applies, as it does to any new file.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder)
            .map_err(|source| failed("create", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            writer: BufWriter::new(file),
        })
    }

    /// Gives the file its name, in place of any older one.
    ///
    /// # Errors
    /// Where the last bytes or the name cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        let Self { path, writer } = self;
        let file = writer
            .into_inner()
            .map_err(|error| failed("write", &path, error.into_error()))?;
        file.persist(&path)
            .map_err(|error| failed("replace", &path, error.error))?;
        Ok(())
    }

    /// The name it will have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

pub(crate) fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_file_is_kept_with_a_tilde() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder").join("scores é.json");
        write_with_backup(&path, b"one").unwrap();
        assert!(!backup_path(&path).exists());
        write_with_backup(&path, b"two").unwrap();
        write_with_backup(&path, b"three").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"three");
        assert_eq!(std::fs::read(backup_path(&path)).unwrap(), b"two");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            2
        );
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.pdf");
        let mut output = Output::create(&path).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("a"), folder.path().join("b"));
        write(&ours, b"").unwrap();
        std::fs::write(&plain, b"").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn numbers_go_before_the_ending() {
        let path = numbered(Path::new("out/my sheet.v2.png"), 7);
        assert_eq!(path, Path::new("out/my sheet.v2-007.png"));
    }
}
