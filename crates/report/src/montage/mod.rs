//! A sheet to compare saliency maps on: one row a sample, one column a method.
//!
//! Rows are handed over one at a time and drawn as soon as a page is full, so that a sheet of
//! thousands of samples needs the memory of one page.

mod output;
mod sheet;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;
use image::imageops::{self, FilterType};
use mednet_data::BoundingBox;

use crate::Error;
use crate::colormap::Colormap;
use output::PageFiles;

/// Side of a picture in points.
const CELL: f64 = 120.0;

/// How a sheet looks.
#[derive(Debug, Clone)]
pub struct MontageOptions {
    /// Heading of every page.
    pub title: String,
    /// Names of the methods, in the order of the columns; it may be empty.
    pub methods: Vec<String>,
    /// What the maps are drawn in, for the colour bar.
    pub colormap: Colormap,
    /// Share of a map's maximum below which nothing is shown; marked at the colour bar.
    pub threshold: f32,
    /// Whether the maps are outlines, which need no colour bar.
    pub contour: bool,
    /// Most samples on a page; 5 unless told otherwise.
    pub rows_per_page: usize,
    /// Most methods on a page; where there are more, they are spread evenly over several pages,
    /// and each shows the image again. 6 unless told otherwise.
    pub methods_per_page: usize,
    /// Pixels an inch: of PNG pages, and of the pictures inside PDF pages.
    pub resolution: f64,
}

impl MontageOptions {
    /// The usual sheet of these methods.
    #[must_use]
    pub fn new(title: &str, methods: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            methods: methods.iter().map(|&method| method.to_owned()).collect(),
            colormap: Colormap::plasma(),
            threshold: 0.2,
            contour: false,
            rows_per_page: 5,
            methods_per_page: 6,
            resolution: 144.0,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let whole = |option, value: usize| match value {
            1..=20 => Ok(()),
            _ => Err(Error::Option {
                option,
                value: value.to_string(),
                expected: "1 to 20",
            }),
        };
        whole("rows per page", self.rows_per_page)?;
        whole("methods per page", self.methods_per_page)?;
        if (36.0..=600.0).contains(&self.resolution) {
            return Ok(());
        }
        let value = self.resolution.to_string();
        Err(Error::Option {
            option: "resolution",
            value,
            expected: "36 to 600 pixels an inch",
        })
    }

    /// Width of the outlines in a picture of this size that is going onto the sheet, for
    /// [`crate::overlay::OverlayOptions::contour_width`]: two pixels of the sheet.
    #[must_use]
    pub fn contour_width(&self, width: usize, height: usize) -> usize {
        (2 * width.max(height))
            .div_ceil(self.cell_pixels() as usize)
            .max(2)
    }

    fn check_maps(&self, name: &str, maps: usize) -> Result<(), Error> {
        if maps == self.methods.len() {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: format!("maps of `{name}` in the montage"),
            expected: self.methods.len(),
            found: maps,
        })
    }

    /// Brings the pictures of a row to the size they are shown in. This is most of the work of a
    /// sheet and can be done in several threads.
    ///
    /// # Errors
    /// Where the row has another number of maps than the sheet has methods, or a picture is empty.
    pub fn prepare(&self, row: MontageRow) -> Result<PreparedRow, Error> {
        self.check_maps(&row.name, row.maps.len())?;
        let size = row.image.dimensions();
        let most = self.cell_pixels();
        let pictures = std::iter::once(&row.image).chain(row.maps.iter().flatten());
        for picture in pictures {
            let (width, height) = picture.dimensions();
            if width == 0 || height == 0 {
                let (width, height) = (width as usize, height as usize);
                return Err(Error::Shape {
                    what: "image",
                    values: 0,
                    channels: 3,
                    height,
                    width,
                });
            }
        }
        Ok(PreparedRow {
            image: Arc::new(shrink(row.image, most)),
            maps: row
                .maps
                .into_iter()
                .map(|map| Some(Arc::new(shrink(map?, most))))
                .collect(),
            captions: row.captions,
            name: row.name,
            label: row.label,
            score: row.score,
            size,
            boxes: row.boxes,
        })
    }

    /// Pixels a picture needs at most, along its longer side.
    fn cell_pixels(&self) -> u32 {
        ((CELL * self.resolution / 72.0).ceil() as u32).max(1)
    }
}

/// One sample of a sheet.
#[derive(Debug, Clone)]
pub struct MontageRow {
    /// Its name.
    pub name: String,
    /// What the data set says about it.
    pub label: Option<String>,
    /// What the model says about it.
    pub score: Option<f64>,
    /// The radiograph.
    pub image: RgbImage,
    /// The radiograph with each method's map, without boxes; `None` where there is no map.
    pub maps: Vec<Option<RgbImage>>,
    /// What is written into each map's picture, such as that it is zero everywhere; it may be
    /// shorter than `maps`.
    pub captions: Vec<Option<String>>,
    /// Boxes in pixels of `image`; they are drawn over all pictures.
    pub boxes: Vec<BoundingBox>,
}

/// A row whose pictures have been brought to the size they are shown in; see
/// [`MontageOptions::prepare`].
#[derive(Debug, Clone)]
pub struct PreparedRow {
    name: String,
    label: Option<String>,
    score: Option<f64>,
    /// Columns and rows of the image the boxes belong to.
    size: (u32, u32),
    image: Arc<RgbImage>,
    maps: Vec<Option<Arc<RgbImage>>>,
    captions: Vec<Option<String>>,
    boxes: Vec<BoundingBox>,
}

/// A sheet in the making.
///
/// A name that ends in `.pdf` gives one file of as many pages as are needed. A name that ends in
/// `.png` gives that file if one page suffices, else `NAME-001.png`, `NAME-002.png` and so on.
pub struct Montage {
    options: MontageOptions,
    files: PageFiles,
    rows: Vec<PreparedRow>,
}

impl Montage {
    /// Starts a sheet.
    ///
    /// # Errors
    /// Where the name ends in neither `.png` nor `.pdf`, an option lies outside its range, or the
    /// file cannot be made.
    pub fn create(path: &Path, options: MontageOptions) -> Result<Self, Error> {
        options.check()?;
        let files = PageFiles::create(path, &options)?;
        Ok(Self {
            options,
            files,
            rows: Vec::new(),
        })
    }

    /// Adds a sample.
    ///
    /// # Errors
    /// Where it has another number of maps than the sheet has methods, a picture is empty, or a
    /// full page cannot be written.
    pub fn push(&mut self, row: MontageRow) -> Result<(), Error> {
        let row = self.options.prepare(row)?;
        self.push_prepared(row)
    }

    /// Adds a sample whose pictures have the size they are shown in.
    ///
    /// # Errors
    /// Where it has another number of maps than the sheet has methods, or a full page cannot be
    /// written.
    pub fn push_prepared(&mut self, row: PreparedRow) -> Result<(), Error> {
        self.options.check_maps(&row.name, row.maps.len())?;
        self.rows.push(row);
        if self.rows.len() >= self.options.rows_per_page {
            self.write_rows()?;
        }
        Ok(())
    }

    /// Writes what is left and names the files made; a sheet without a sample has one page that
    /// says so.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, Error> {
        if !self.rows.is_empty() || self.files.is_empty() {
            self.write_rows()?;
        }
        self.files.finish()
    }

    fn write_rows(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.rows);
        for methods in method_groups(self.options.methods.len(), self.options.methods_per_page) {
            let page = sheet::page(&self.options, &rows, methods, self.files.count() + 1);
            self.files.add(&page)?;
        }
        Ok(())
    }
}

/// Evenly filled groups of at most `most` methods; one empty group if there is no method.
fn method_groups(methods: usize, most: usize) -> Vec<std::ops::Range<usize>> {
    let groups = methods.div_ceil(most.max(1)).max(1);
    (0..groups)
        .map(|group| group * methods / groups..(group + 1) * methods / groups)
        .collect()
}

/// The picture, with at most `most` pixels along its longer side.
fn shrink(picture: RgbImage, most: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    if longer <= most {
        return picture;
    }
    let scaled = |side: u32| {
        let pixels = (f64::from(side) * f64::from(most) / f64::from(longer)).round();
        (pixels as u32).max(1)
    };
    imageops::resize(
        &picture,
        scaled(width),
        scaled(height),
        FilterType::Triangle,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_spread_evenly() {
        assert_eq!(method_groups(12, 6), [0..6, 6..12]);
        assert_eq!(method_groups(7, 6), [0..3, 3..7]);
        assert!(matches!(method_groups(0, 6)[..], [ref only] if only.is_empty()));
    }
}
