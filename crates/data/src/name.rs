//! Names of samples: relative paths that never lead out of a folder.
//!
//! A split that was written on Windows has `\` between folders. On other systems that may be a
//! letter of a file's name, so that an input is looked for both ways, as it is written first; what is
//! written for a sample does not depend on what there is, and takes `\` for `/` everywhere.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use crate::error::Error;

/// The name with `/` between its folders, also where it was written on Windows.
#[must_use]
pub fn with_slashes(name: &str) -> Cow<'_, str> {
    match name.contains('\\') {
        true => Cow::Owned(name.replace('\\', "/")),
        false => Cow::Borrowed(name),
    }
}

/// A sample name as a path below a folder: relative, without `.` and `..`, with `\` taken for `/`.
///
/// # Errors
///
/// [`Error::UnsafeName`] for a name that is empty, absolute (`/a`, `\\server\a`, `C:\a`), contains
/// `..` or a zero byte, or ends in a slash: such a name could be read or written outside of the
/// folders the user named.
pub fn relative_path(name: &str) -> Result<PathBuf, Error> {
    checked(name, &with_slashes(name))
}

/// A sample name as a path below the data directory, with `\` as this system understands it.
///
/// # Errors
///
/// As [`relative_path`].
pub(crate) fn written_path(name: &str) -> Result<PathBuf, Error> {
    relative_path(name)?;
    checked(name, name)
}

fn checked(name: &str, path: &str) -> Result<PathBuf, Error> {
    let unsafe_name = |reason| Error::UnsafeName {
        name: name.to_owned(),
        reason,
    };
    if path.contains('\0') {
        return Err(unsafe_name("contains a zero byte"));
    }
    if path.ends_with('/') {
        return Err(unsafe_name("names a folder"));
    }
    // A drive of Windows, on whatever system.
    if matches!(path.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic()) {
        return Err(unsafe_name("is an absolute path"));
    }
    let mut relative = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => relative.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err(unsafe_name("contains `..`")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(unsafe_name("is an absolute path"));
            }
        }
    }
    if relative.as_os_str().is_empty() {
        return Err(unsafe_name("is empty"));
    }
    Ok(relative)
}

/// Where the result for a sample goes below an output folder: the sample's name with its last
/// suffix replaced by `extension` (given without a dot).
///
/// # Errors
///
/// As [`relative_path`].
pub fn output_path(name: &str, extension: &str) -> Result<PathBuf, Error> {
    Ok(relative_path(name)?.with_extension(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_last_suffix_only() {
        let output = |name| output_path(name, "npy").unwrap();
        assert_eq!(
            output("imgs/tb/tb0001.png"),
            Path::new("imgs/tb/tb0001.npy")
        );
        assert_eq!(output("a/b.c.jpeg"), Path::new("a/b.c.npy"));
        assert_eq!(output("a.b/plain"), Path::new("a.b/plain.npy"));
        assert_eq!(output("a/.hidden"), Path::new("a/.hidden.npy"));
        assert_eq!(output("./a//b.png"), Path::new("a/b.npy"));
        assert_eq!(
            output("Lungen Röntgen/ü 1.png"),
            Path::new("Lungen Röntgen/ü 1.npy")
        );
        // Written on Windows.
        assert_eq!(output("imgs\\tb\\a.png"), Path::new("imgs/tb/a.npy"));
        assert_eq!(output("imgs/tb\\a.b.png"), Path::new("imgs/tb/a.b.npy"));
        assert_eq!(output(".\\a.png"), Path::new("a.npy"));
    }

    #[test]
    fn refuses_names_that_lead_elsewhere() {
        for name in [
            "",
            ".",
            "/etc/passwd",
            "../a.png",
            "a/../../b.png",
            "a/..",
            "a/",
            "a\0.png",
            "..\\a.png",
            "a\\..\\..\\b.png",
            "a/..\\..\\b.png",
            "a\\..",
            "a\\",
            "\\a.png",
            "\\\\server\\share\\a.png",
            "C:\\a.png",
            "c:/a.png",
        ] {
            for error in [
                output_path(name, "npy").unwrap_err(),
                written_path(name).unwrap_err(),
            ] {
                assert!(
                    matches!(error, Error::UnsafeName { .. }),
                    "{name:?}: {error}"
                );
            }
        }
        // Two dots inside of a name are nothing special, nor is a colon elsewhere.
        assert!(output_path("a/c:/b.png", "npy").is_ok());
        assert!(output_path("a..b/c...png", "npy").is_ok());
    }
}
