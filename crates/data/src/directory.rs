//! Where the user keeps the pictures of each database.
//!
//! In order of precedence: given explicitly (`--datadir`), the environment (`MEDNET_DATADIR_TBX11K`
//! and so on), the table `[datadir]` of the configuration file `mednet.toml`:
//!
//! ```toml
//! [datadir]
//! tbx11k = "/databases/tbx11k"
//! cxr8 = "/databases/nih"
//!
//! [cxr8]
//! idiap_folder_structure = true
//! ```

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mednet_base::file::open_regular;

use crate::database::{Database, FolderStructure};
use crate::datamodule::DataModule;
use crate::error::{Error, shown};

/// Largest configuration file that is read, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;
/// Beginning of the environment variables.
const VARIABLE: &str = "MEDNET_DATADIR_";

/// Where the user keeps the pictures of each database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataDirectories {
    /// Folder by key, with who set it.
    folders: BTreeMap<String, (PathBuf, String)>,
    /// For every database, before everything else.
    explicit: Option<PathBuf>,
    /// The configuration file, whether it exists or not; for messages.
    configuration: PathBuf,
    /// Whether NIH ChestX-ray14 lies in folders by the first five characters of the file name
    /// (`cxr8.idiap_folder_structure`).
    pub idiap_folder_structure: bool,
}

impl DataDirectories {
    /// What the user's own configuration file and environment say.
    ///
    /// # Errors
    ///
    /// If the configuration file exists and cannot be read, or is not as it should be.
    pub fn of_user() -> Result<Self, Error> {
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let file = configuration_file(&environment);
        Self::from_parts(&file, &environment)
    }

    /// What this configuration file (which need not exist) and these environment variables say.
    ///
    /// # Errors
    ///
    /// If the file exists and cannot be read, or is not as it should be.
    pub fn from_parts(file: &Path, environment: &[(String, String)]) -> Result<Self, Error> {
        let mut directories = Self {
            configuration: file.to_owned(),
            ..Self::default()
        };
        let home = variable(environment, "HOME").map(PathBuf::from);
        if let Some(text) = read_text(file)? {
            directories.add_file(&text, home.as_deref())?;
        }
        for database in Database::all() {
            for key in database.directory_keys {
                let name = variable_of(key);
                if let Some(value) = variable(environment, &name) {
                    let origin = format!("the environment variable {name}");
                    directories
                        .folders
                        .insert((*key).to_owned(), (value.into(), origin));
                }
            }
        }
        Ok(directories)
    }

    /// The same, with one folder for every database, before all other settings (`--datadir`).
    #[must_use]
    pub fn with_explicit(self, folder: impl Into<PathBuf>) -> Self {
        Self {
            explicit: Some(folder.into()),
            ..self
        }
    }

    /// The configuration file that was looked for.
    #[must_use]
    pub fn configuration_file(&self) -> &Path {
        &self.configuration
    }

    /// How the folders below them differ from the published ones.
    pub(crate) fn folder_structure(&self) -> FolderStructure {
        FolderStructure {
            nih_by_five_characters: self.idiap_folder_structure,
        }
    }

    /// The folder of a database and who set it, whether it exists or not; `None`: nobody did.
    #[must_use]
    pub fn setting(&self, database: &Database) -> Option<(&Path, &str)> {
        if let Some(folder) = &self.explicit {
            return Some((folder, "--datadir"));
        }
        let (folder, origin) = database
            .directory_keys
            .iter()
            .find_map(|key| self.folders.get(*key))?;
        Some((folder, origin))
    }

    /// The folder of a database.
    ///
    /// # Errors
    ///
    /// [`Error::NoDataDirectory`], which says how to set it; [`Error::DataDirectoryMissing`].
    pub fn of(&self, database: &Database) -> Result<PathBuf, Error> {
        let Some((folder, origin)) = self.setting(database) else {
            let key = database
                .directory_keys
                .first()
                .copied()
                .unwrap_or(database.slug);
            return Err(Error::NoDataDirectory {
                database: database.slug.to_owned(),
                key,
                variable: variable_of(key),
                config: self.configuration.clone(),
            });
        };
        self.existing(database, folder, origin)
    }

    /// The folder of a database for the samples of a data module: as [`DataDirectories::of`], but
    /// the samples of a split file lie beside it where no folder is given explicitly.
    ///
    /// # Errors
    ///
    /// As [`DataDirectories::of`].
    pub fn of_module(&self, module: &DataModule, database: &Database) -> Result<PathBuf, Error> {
        match &module.folder {
            // The settings say where the database is, not the user's own selection of it.
            Some(folder) if self.explicit.is_none() => Ok(folder.clone()),
            _ => self.of(database),
        }
    }

    fn existing(&self, database: &Database, folder: &Path, origin: &str) -> Result<PathBuf, Error> {
        if folder.is_dir() {
            return Ok(folder.to_owned());
        }
        Err(Error::DataDirectoryMissing {
            database: database.slug.to_owned(),
            path: folder.to_owned(),
            origin: origin.to_owned(),
        })
    }

    fn add_file(&mut self, text: &str, home: Option<&Path>) -> Result<(), Error> {
        let wrong = |reason: String| Error::Configuration {
            path: self.configuration.clone(),
            reason,
        };
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        let keys = || {
            Database::all()
                .iter()
                .flat_map(|database| database.directory_keys)
        };
        let folders = match table.get("datadir") {
            None => None,
            Some(toml::Value::Table(folders)) => Some(folders),
            Some(_) => return Err(wrong("`datadir` must be a table, [datadir]".to_owned())),
        };
        let mut found = BTreeMap::new();
        // Keys of databases this program does not know belong to others who read the file.
        for key in keys() {
            match folders.and_then(|folders| folders.get(*key)) {
                None => {}
                Some(toml::Value::String(folder)) => {
                    let origin = format!("`{key}` in `{}`", shown(&self.configuration));
                    found.insert((*key).to_owned(), (expand_home(folder, home), origin));
                }
                Some(_) => {
                    return Err(wrong(format!(
                        "`datadir.{key}` must be the path of a folder"
                    )));
                }
            }
        }
        let mut idiap = false;
        for key in ["nih_cxr14", "cxr8"] {
            let section = table.get(key).and_then(toml::Value::as_table);
            match section.and_then(|section| section.get("idiap_folder_structure")) {
                None => {}
                Some(toml::Value::Boolean(value)) => idiap = *value,
                Some(_) => {
                    let reason = format!("`{key}.idiap_folder_structure` must be true or false");
                    return Err(wrong(reason));
                }
            }
        }
        self.folders = found;
        self.idiap_folder_structure = idiap;
        Ok(())
    }
}

/// `$XDG_CONFIG_HOME/mednet.toml`, or `~/.config/mednet.toml`.
fn configuration_file(environment: &[(String, String)]) -> PathBuf {
    let folder = variable(environment, "XDG_CONFIG_HOME")
        .map(PathBuf::from)
        // The XDG base directory specification: relative paths are to be ignored.
        .filter(|folder| folder.is_absolute())
        .or_else(|| variable(environment, "HOME").map(|home| Path::new(home).join(".config")))
        .unwrap_or_default();
    folder.join("mednet.toml")
}

/// Environment variables that are empty count as not set.
fn variable<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    environment
        .iter()
        .find_map(|(key, value)| (key == name).then_some(value.as_str()))
        .filter(|value| !value.is_empty())
}

fn variable_of(key: &str) -> String {
    format!("{VARIABLE}{}", key.to_uppercase())
}

fn expand_home(folder: &str, home: Option<&Path>) -> PathBuf {
    match (folder.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(folder),
    }
}

/// The text of a file, `None` if there is none.
fn read_text(path: &Path) -> Result<Option<String>, Error> {
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = match open_regular(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(unreadable)?,
    };
    let mut text = String::new();
    file.take(SIZE_LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > SIZE_LIMIT {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            limit: SIZE_LIMIT,
        });
    }
    Ok(Some(text))
}
