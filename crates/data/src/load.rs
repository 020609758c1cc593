//! From a record of a split to a sample that is ready for a network.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::datamodule::DataModule;
use crate::directory::DataDirectories;
use crate::error::Error;
use crate::file_facts::FileFacts;
use crate::folder_listings::FolderListings;
use crate::mode::Mode;
use crate::name;
use crate::read::{self, Borders, DEFAULT_MAX_PIXELS, ImageFile, Notice};
use crate::record::SampleRecord;
use crate::sample::Sample;
use crate::size::ImageSize;
use crate::transform::{Transform, TransformPipeline};

/// A sample and what was done to its picture on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Picture and boxes after the transforms.
    pub sample: Sample,
    /// Rows and columns before the transforms, after the removal of black borders.
    pub raw_size: ImageSize,
    /// What the owner of the file should know.
    pub notices: Vec<Notice>,
    /// Length and digest of the image file, of the very bytes that were decoded.
    pub file: FileFacts,
}

/// Loads the samples of one data module. Cheap to share between threads.
#[derive(Debug, Clone)]
pub struct SampleLoader {
    directories: DataDirectories,
    /// Data directory by the slug of the database.
    roots: HashMap<&'static str, PathBuf>,
    transforms: TransformPipeline,
    mode: Mode,
    max_pixels: u64,
    listings: FolderListings,
}

impl SampleLoader {
    /// Find the data directories of all databases of the module. `transforms` are those of the
    /// network; an empty pipeline gives the pictures as stored.
    ///
    /// # Errors
    ///
    /// [`Error::NoDataDirectory`] or [`Error::DataDirectoryMissing`], which say how to set it.
    pub fn new(
        module: &DataModule,
        directories: &DataDirectories,
        transforms: TransformPipeline,
        mode: Mode,
    ) -> Result<Self, Error> {
        let mut roots = HashMap::new();
        for record in module.datasets.iter().flat_map(|dataset| &dataset.samples) {
            if !roots.contains_key(record.database.slug) {
                let root = directories.of_module(module, record.database)?;
                roots.insert(record.database.slug, root);
            }
        }
        Ok(Self {
            directories: directories.clone(),
            roots,
            transforms,
            mode,
            max_pixels: DEFAULT_MAX_PIXELS,
            listings: FolderListings::default(),
        })
    }

    /// The same, for pictures of at most so many pixels in place of [`DEFAULT_MAX_PIXELS`]: as
    /// they are stored, and after each of the transforms.
    #[must_use]
    pub fn with_max_pixels(self, max_pixels: u64) -> Self {
        Self { max_pixels, ..self }
    }

    /// The most pixels of a picture, as it is stored and after each of the transforms.
    #[must_use]
    pub fn max_pixels(&self) -> u64 {
        self.max_pixels
    }

    /// The transforms that are applied.
    #[must_use]
    pub fn transforms(&self) -> &TransformPipeline {
        &self.transforms
    }

    /// The file of a record: the one of its name, or else, where that is not there, the one with
    /// `\` in the name taken for `/`, or the one whose name is the same but for the Unicode
    /// normalisation form. Where none is there, where it should be.
    ///
    /// # Errors
    ///
    /// [`Error::UnsafeName`]; [`Error::NoDataDirectory`] for a record of another data module.
    pub fn path(&self, record: &SampleRecord) -> Result<PathBuf, Error> {
        let written = self.written_path(record)?;
        // What cannot be looked at is no other file.
        match written.try_exists() {
            Ok(false) => Ok(self.other_path(record)?.unwrap_or(written)),
            Ok(true) | Err(_) => Ok(written),
        }
    }

    /// Where the image of this very name should be.
    pub(crate) fn written_path(&self, record: &SampleRecord) -> Result<PathBuf, Error> {
        let folders = self.directories.folder_structure();
        let relative = (record.database.locate)(&record.name, folders)?;
        Ok(self.root(record)?.join(relative))
    }

    /// The data directory of a record.
    pub(crate) fn root(&self, record: &SampleRecord) -> Result<PathBuf, Error> {
        match self.roots.get(record.database.slug) {
            Some(root) => Ok(root.clone()),
            None => self.directories.of(record.database),
        }
    }

    /// An existing file that the name of the record means where there is none of that very name.
    pub(crate) fn other_path(&self, record: &SampleRecord) -> Result<Option<PathBuf>, Error> {
        let name = name::with_slashes(&record.name);
        if name == record.name && name.is_ascii() {
            return Ok(None);
        }
        let folders = self.directories.folder_structure();
        let relative = (record.database.locate)(&name, folders)?;
        Ok(self.listings.find(&self.root(record)?, &relative))
    }

    /// Does something with the file of a record. Other spellings of its name are looked for only
    /// where there is no file of that very name, so that nothing is looked at twice.
    fn with_file<T>(
        &self,
        record: &SampleRecord,
        work: impl Fn(&Path) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = work(&self.written_path(record)?);
        if let Err(Error::Unreadable { source, .. }) = &result
            && source.kind() == std::io::ErrorKind::NotFound
            && let Some(other) = self.other_path(record)?
        {
            return work(&other);
        }
        result
    }

    fn open(&self, record: &SampleRecord) -> Result<ImageFile, Error> {
        self.with_file(record, |path| ImageFile::open(path, self.max_pixels))
    }

    /// Decode the picture of a record and apply the transforms to it and its boxes.
    ///
    /// # Errors
    ///
    /// As [`ImageFile::open`], [`read::decode`] and [`SampleLoader::path`];
    /// [`Error::ImageTooLarge`] where a step of the transforms would make too many pixels, before
    /// any is decoded where the header tells it.
    pub fn load(&self, record: &SampleRecord) -> Result<Loaded, Error> {
        let file = self.open(record)?;
        let path = file.path().to_owned();
        if record.database.rule.borders == Borders::Keep {
            self.refuse_growth(&path, file.size())?;
        }
        let Loaded {
            sample,
            raw_size,
            notices,
            file,
        } = self.decode(file, record)?;
        self.refuse_growth(&path, raw_size)?;
        Ok(Loaded {
            sample: self.transforms.apply(sample),
            raw_size,
            notices,
            file,
        })
    }

    /// Decode the picture of a record, without the transforms.
    ///
    /// # Errors
    ///
    /// As [`SampleLoader::load`], but for what is said of transforms.
    pub fn load_raw(&self, record: &SampleRecord) -> Result<Loaded, Error> {
        self.decode(self.open(record)?, record)
    }

    fn decode(&self, file: ImageFile, record: &SampleRecord) -> Result<Loaded, Error> {
        let read = read::decode(
            file,
            record.database.rule,
            record.boxes.as_deref(),
            self.mode,
        )?;
        let raw_size = read.image.size();
        let sample = Sample {
            name: record.name.clone(),
            target: record.target.clone(),
            image: read.image,
            boxes: read.boxes,
        };
        Ok(Loaded {
            sample,
            raw_size,
            notices: read.notices,
            file: read.file,
        })
    }

    /// That no step of the transforms makes too many pixels of a picture of this size.
    fn refuse_growth(&self, path: &Path, stored: ImageSize) -> Result<(), Error> {
        let too_large = |(_, size): &(Transform, ImageSize)| size.pixels() > self.max_pixels;
        match self.transforms.sizes(stored).find(too_large) {
            None => Ok(()),
            Some((step, size)) => Err(Error::ImageTooLarge {
                path: path.to_owned(),
                stored,
                transformed: Some((step.in_words().to_owned(), size)),
                limit: self.max_pixels,
            }),
        }
    }

    /// Rows and columns of the picture that the transforms get. Only the header of the file is
    /// read, except where black borders are removed.
    ///
    /// # Errors
    ///
    /// As [`SampleLoader::load_raw`].
    pub fn raw_size(&self, record: &SampleRecord) -> Result<ImageSize, Error> {
        match record.database.rule.borders {
            Borders::Keep => self.with_file(record, |path| read::image_size(path, self.max_pixels)),
            Borders::Remove => Ok(self.load_raw(record)?.raw_size),
        }
    }

    /// Length and digest of the image file of a record, without decoding it.
    ///
    /// # Errors
    ///
    /// As [`read::file_facts`] and [`SampleLoader::path`].
    pub fn file_facts(&self, record: &SampleRecord) -> Result<FileFacts, Error> {
        self.with_file(record, read::file_facts)
    }

    /// Try to load samples, the first `limit` of each data set (`None`: all), in order.
    ///
    /// Lazy: a sample is loaded when the iterator gets to it, and forgotten thereafter.
    pub fn check<'a>(
        &'a self,
        module: &'a DataModule,
        limit: Option<usize>,
    ) -> impl Iterator<Item = Checked<'a>> {
        module.datasets.iter().flat_map(move |dataset| {
            dataset
                .samples
                .iter()
                .take(limit.unwrap_or(usize::MAX))
                .map(move |record| Checked {
                    dataset: &dataset.name,
                    record,
                    result: self.load(record).map(|loaded| loaded.notices),
                })
        })
    }
}

/// Whether a sample could be loaded.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The data set.
    pub dataset: &'a str,
    /// The sample.
    pub record: &'a SampleRecord,
    /// What its owner should know, or why it could not be loaded.
    pub result: Result<Vec<Notice>, Error>,
}
