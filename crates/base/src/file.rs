//! Reading files that are files, and writing files whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::{Builder, NamedTempFile, TempPath};

/// Names of files that are not whole yet begin so; the digits of [`run_id`] follow.
pub const TEMPORARY: &str = ".mednet-";

/// What went wrong with a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct FileError {
    /// `read`, `create`, `write`, `back up` or `replace`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

impl FileError {
    /// An error of one action on one file.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// A number of 64 random bits, in 16 hexadecimal digits, that names this process and no other on
/// any machine: process identifiers repeat between machines and containers.
#[must_use]
pub fn run_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        // The keys of the standard library's hash maps are drawn from the operating system.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        if let Ok(time) = std::time::UNIX_EPOCH.elapsed() {
            hasher.write_u128(time.as_nanos());
        }
        format!("{:016x}", hasher.finish())
    })
}

/// Opens a regular file. A pipe, socket, device or folder is refused without being opened: reading
/// it could wait for ever.
///
/// # Errors
/// Where there is no such file, it is none, or it cannot be opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other(format!(
            "it is {}, not a file",
            kind_of(&metadata)
        )));
    }
    File::open(path)
}

#[cfg(unix)]
fn kind_of(metadata: &std::fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn kind_of(metadata: &std::fs::Metadata) -> &'static str {
    match metadata.is_dir() {
        true => "a folder",
        false => "a device",
    }
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`], and for a larger file.
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    let too_large = || io::Error::other(format!("it has more than {limit} bytes"));
    if length > limit {
        return Err(too_large());
    }
    // One more, so that the end is found without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

/// Writes `bytes` to `path`; a reader sees the old content or the new, never a part.
///
/// Missing folders are made.
///
/// # Errors
/// Where a folder or file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut output = Output::create(path)?;
    output
        .write_all(bytes)
        .map_err(|source| FileError::new("write", path, source))?;
    output.finish()
}

/// Writes `bytes` to `path`, after copying a file of that name to the same name with `~` added. A
/// file that holds these very bytes stays, and so does the older one.
///
/// # Errors
/// Where a folder or file cannot be written.
pub fn write_with_backup(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    back_up(path)?;
    write(path, bytes)
}

/// Copies `path`, if it is a file, to the same name with `~` added.
///
/// # Errors
/// Where the copy cannot be written.
pub fn back_up(path: &Path) -> Result<(), FileError> {
    if path.is_file() {
        let backup = backup_path(path);
        std::fs::copy(path, &backup)
            .map_err(|source| FileError::new("back up to", &backup, source))?;
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

/// Gives a temporary file of `length` bytes its name.
///
/// A server of network files may say that a renaming failed although it was done, where the answer
/// to the first request was lost: if the temporary name is gone and the file of the new name is as
/// long as it should be, it was.
///
/// # Errors
/// As the operating system says; the temporary file is gone then.
pub fn rename(file: TempPath, length: u64, path: &Path) -> io::Result<()> {
    let temporary = file.to_path_buf();
    match file.persist(path) {
        Ok(()) => Ok(()),
        Err(failure) => {
            let arrived = std::fs::metadata(path).is_ok_and(|found| found.len() == length);
            let gone = !temporary.exists();
            match gone && arrived {
                true => Ok(()),
                false => Err(failure.error),
            }
        }
    }
}

/// A temporary file in an existing folder, to be given a name by [`rename`].
///
/// # Errors
/// As the operating system says.
pub fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    let prefix = format!("{TEMPORARY}{}-", run_id());
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask applies, as it does to any new file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
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
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder)
            .map_err(|source| FileError::new("create", folder, source))?;
        let file = temporary_in(folder).map_err(|source| FileError::new("create", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            writer: BufWriter::new(file),
        })
    }

    /// Gives the file its name, in place of any older one.
    ///
    /// # Errors
    /// Where the last bytes or the name cannot be written.
    pub fn finish(self) -> Result<(), FileError> {
        let Self { path, writer } = self;
        let file = writer
            .into_inner()
            .map_err(|error| FileError::new("write", &path, error.into_error()))?;
        let synced = file.as_file().sync_data();
        synced.map_err(|source| FileError::new("write", &path, source))?;
        let length = file.as_file().metadata().map_or(0, |about| about.len());
        rename(file.into_temp_path(), length, &path)
            .map_err(|source| FileError::new("replace", &path, source))
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
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("image.png");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let said = |path: &Path| open_regular(path).unwrap_err().to_string();
        assert_eq!(said(&pipe), "it is a named pipe, not a file");
        assert_eq!(said(folder.path()), "it is a folder, not a file");
        assert_eq!(said(Path::new("/dev/zero")), "it is a device, not a file");
        let file = folder.path().join("five");
        std::fs::write(&file, b"12345").unwrap();
        assert_eq!(read_limited(&file, 5).unwrap(), b"12345");
        assert!(read_limited(&file, 4).is_err());
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
