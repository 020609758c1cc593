//! Where the pages of a sheet go.

use std::path::{Path, PathBuf};

use super::MontageOptions;
use crate::Error;
use crate::drawing::pdf::PdfFile;
use crate::drawing::{Page, raster};
use mednet_base::file::{self, FileError, Output};

enum Kind {
    Pdf(Box<PdfFile<Output>>),
    Png {
        resolution: f64,
        /// The first page waits until it is known whether it needs a number.
        first: Option<Vec<u8>>,
        written: Vec<PathBuf>,
    },
}

/// One PDF file, or one PNG file a page.
pub(super) struct PageFiles {
    path: PathBuf,
    kind: Kind,
    count: usize,
}

impl PageFiles {
    pub(super) fn create(path: &Path, options: &MontageOptions) -> Result<Self, Error> {
        let ending = path
            .extension()
            .map(|ending| ending.to_string_lossy().to_lowercase());
        let kind = match ending.as_deref() {
            Some("pdf") => {
                let file = PdfFile::new(Output::create(path)?, &options.title);
                Kind::Pdf(Box::new(
                    file.map_err(|error| FileError::new("write", path, error))?,
                ))
            }
            Some("png") => Kind::Png {
                resolution: options.resolution,
                first: None,
                written: Vec::new(),
            },
            _ => {
                return Err(Error::UnknownEnding {
                    path: path.to_owned(),
                });
            }
        };
        Ok(Self {
            path: path.to_owned(),
            kind,
            count: 0,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn add(&mut self, page: &Page) -> Result<(), Error> {
        self.count += 1;
        match &mut self.kind {
            Kind::Pdf(pdf) => {
                pdf.add_page(page)
                    .map_err(|error| FileError::new("write", &self.path, error))?;
            }
            Kind::Png {
                resolution,
                first,
                written,
            } => {
                let bytes = raster::png(&raster::render(page, *resolution)?)?;
                if self.count == 1 {
                    *first = Some(bytes);
                } else {
                    if let Some(earlier) = first.take() {
                        let path = file::numbered(&self.path, 1);
                        file::write(&path, &earlier)?;
                        written.push(path);
                    }
                    let path = file::numbered(&self.path, self.count);
                    file::write(&path, &bytes)?;
                    written.push(path);
                }
            }
        }
        Ok(())
    }

    /// Completes the files and names them.
    pub(super) fn finish(self) -> Result<Vec<PathBuf>, Error> {
        match self.kind {
            Kind::Pdf(pdf) => {
                let output = pdf
                    .finish()
                    .map_err(|error| FileError::new("write", &self.path, error))?;
                output.finish()?;
                Ok(vec![self.path])
            }
            Kind::Png {
                first, mut written, ..
            } => {
                if let Some(bytes) = first {
                    file::write(&self.path, &bytes)?;
                    written.push(self.path);
                }
                Ok(written)
            }
        }
    }
}
