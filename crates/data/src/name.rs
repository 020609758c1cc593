//! Names of samples: relative paths that never lead out of a folder.

use std::path::{Component, Path, PathBuf};

use crate::error::Error;

/// A sample name as a path below the data directory: relative, without `.` and `..`.
///
/// # Errors
///
/// [`Error::UnsafeName`] for a name that is empty, absolute, contains `..` or a zero byte, or ends
/// in a slash: such a name could be read or written outside of the folders the user named.
pub fn relative_path(name: &str) -> Result<PathBuf, Error> {
    let unsafe_name = |reason| Error::UnsafeName {
        name: name.to_owned(),
        reason,
    };
    if name.contains('\0') {
        return Err(unsafe_name("contains a zero byte"));
    }
    if name.ends_with('/') {
        return Err(unsafe_name("names a folder"));
    }
    let mut path = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err(unsafe_name("contains `..`")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(unsafe_name("is an absolute path"));
            }
        }
    }
    if path.as_os_str().is_empty() {
        return Err(unsafe_name("is empty"));
    }
    Ok(path)
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
        ] {
            let error = output_path(name, "npy").unwrap_err();
            assert!(
                matches!(error, Error::UnsafeName { .. }),
                "{name:?}: {error}"
            );
        }
        // Two dots inside of a name are nothing special.
        assert!(output_path("a..b/c...png", "npy").is_ok());
    }
}
