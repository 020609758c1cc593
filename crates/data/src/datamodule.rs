//! Data modules: named splits of the public databases, or a split file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mednet_base::suggest;

use crate::database::{self, Configuration, Content, Database, TargetCode};
use crate::error::{Error, named, shown};
use crate::record::{DataSet, SampleRecord};
use crate::sample::Target;
use crate::{name, split};

/// A database in one of its partitions.
#[derive(Debug, Clone, PartialEq)]
pub struct DataModule {
    /// What the user typed: a name, or the path of a split file.
    pub name: String,
    /// The database, or several joined by `_`.
    pub database: String,
    /// The split.
    pub split: String,
    /// What it is, in one line.
    pub description: String,
    /// The data sets, in the order of the split.
    pub datasets: Vec<DataSet>,
    /// The folder of the split file, against which its samples are resolved where no other data
    /// directory is given; `None` for a data module by name.
    pub folder: Option<PathBuf>,
}

/// Two different pictures whose results would be one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputClash {
    /// Data set and name of the sample that comes first.
    pub first: (String, String),
    /// Data set and name of the other.
    pub second: (String, String),
    /// The file below the output folder, without its suffix.
    pub output: PathBuf,
}

impl std::fmt::Display for OutputClash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` of data set `{}` and `{}` of data set `{}` would both be written to `{}.*`",
            named(&self.first.1),
            named(&self.first.0),
            named(&self.second.1),
            named(&self.second.0),
            shown(&self.output)
        )
    }
}

impl DataModule {
    /// All named data modules, in order, without decoding any split.
    #[must_use]
    pub fn configurations() -> &'static [Configuration] {
        database::configurations()
    }

    /// The names of all data modules, in order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::configurations()
            .iter()
            .map(|configuration| configuration.name.as_str())
    }

    /// The data module of this name, with its split decoded.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownDataModule`] with a proposal; [`Error::NoSplit`] for names of the original
    /// whose split is not part of this program.
    pub fn named(name: &str) -> Result<Self, Error> {
        let configuration = Self::configurations()
            .iter()
            .find(|configuration| configuration.name == name)
            .ok_or_else(|| Error::UnknownDataModule {
                name: name.to_owned(),
                hint: suggest::hint(name, Self::names()),
            })?;
        let (members, target) = match &configuration.content {
            Content::Embedded { members, target } => (members, *target),
            Content::Missing { reason } => {
                return Err(Error::NoSplit {
                    name: name.to_owned(),
                    reason,
                });
            }
        };
        let mut datasets: Vec<DataSet> = Vec::new();
        for (database, split) in members {
            for part in split::read_embedded(database, split)? {
                match datasets
                    .iter_mut()
                    .find(|dataset| dataset.name == part.name)
                {
                    Some(dataset) => dataset.samples.extend(part.samples),
                    None => datasets.push(part),
                }
            }
        }
        if let TargetCode::OneHot(classes) = target {
            for sample in datasets.iter_mut().flat_map(|dataset| &mut dataset.samples) {
                one_hot(&mut sample.target, classes);
            }
        }
        Ok(Self {
            name: name.to_owned(),
            database: configuration.database.clone(),
            split: configuration.split.clone(),
            description: configuration.description.clone(),
            datasets,
            folder: None,
        })
    }

    /// The data module in a split file (`.json`, `.json.gz`, `.json.bz2`; told apart by content).
    ///
    /// `loader` is the slug of the database whose raw rule and data directory apply; `None`: the
    /// pictures as they are stored, relative to the folder of the file.
    ///
    /// # Errors
    ///
    /// As the file is unreadable, no split, or `loader` unknown.
    pub fn from_file(path: &Path, loader: Option<&str>) -> Result<Self, Error> {
        let database = loader.map_or(Ok(&database::PLAIN), Database::named)?;
        let datasets = split::read_file(path, database)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        Ok(Self {
            name: path.display().to_string(),
            database: database.slug.to_owned(),
            split: split::split_name(path),
            description: format!("split file `{}`", shown(path)),
            datasets,
            folder: Some(folder.unwrap_or(Path::new(".")).to_owned()),
        })
    }

    /// What a user's argument means: an existing file is a split file, everything else a name.
    ///
    /// # Errors
    ///
    /// As [`DataModule::from_file`] and [`DataModule::named`]; a path to a `.json` that is not
    /// there is [`Error::Unreadable`].
    pub fn resolve(argument: &str, loader: Option<&str>) -> Result<Self, Error> {
        let path = Path::new(argument);
        let lower = argument.to_lowercase();
        let like_a_file = [".json", ".json.gz", ".json.bz2"]
            .iter()
            .any(|suffix| lower.ends_with(suffix));
        if like_a_file || path.is_file() {
            return Self::from_file(path, loader);
        }
        Self::named(argument)
    }

    /// Number of samples in all data sets.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        self.datasets
            .iter()
            .map(|dataset| dataset.samples.len())
            .sum()
    }

    /// Pairs of different pictures whose results would overwrite each other, such as `a.png` and
    /// `a.jpg`. One picture in several data sets is no clash: its result is the same.
    ///
    /// # Errors
    ///
    /// [`Error::UnsafeName`] for a name that leads out of the output folder.
    pub fn output_clashes(&self) -> Result<Vec<OutputClash>, Error> {
        let mut seen: HashMap<PathBuf, (&DataSet, &SampleRecord, PathBuf)> = HashMap::new();
        let mut clashes = Vec::new();
        for dataset in &self.datasets {
            for sample in &dataset.samples {
                let input = name::relative_path(&sample.name)?;
                let output = input.with_extension("");
                let Some((first_set, first, first_input)) = seen.get(&output) else {
                    seen.insert(output, (dataset, sample, input));
                    continue;
                };
                if *first_input != input || first.database != sample.database {
                    clashes.push(OutputClash {
                        first: (first_set.name.clone(), first.name.clone()),
                        second: (dataset.name.clone(), sample.name.clone()),
                        output,
                    });
                }
            }
        }
        Ok(clashes)
    }
}

/// Class `k` of `classes` becomes a list with a 1 at `k`; lists stay.
fn one_hot(target: &mut Target, classes: usize) {
    if let Target::Single(class) = target {
        let mut flags = vec![0; classes];
        if let Some(flag) = usize::try_from(*class)
            .ok()
            .and_then(|class| flags.get_mut(class))
        {
            *flag = 1;
        }
        *target = Target::Multiple(flags);
    }
}
