//! One sample: its radiograph, its maps, its overlays, its row of the montage.

use std::path::Path;

use mednet_base::error::chain;
use mednet_base::file;
use mednet_base::panic::guard;
use mednet_data::{Loaded, Sample, SampleLoader, Target};
use mednet_report::montage::{MontageOptions, MontageRow, PreparedRow};
use mednet_report::overlay::{ImageView, MapView, OverlayOptions, Style, draw_box, overlay, plain};
use mednet_report::{RgbImage, drawing::raster};
use mednet_study::Diagnostic;
use mednet_study::event::{FailureKind, Fault};
use mednet_study::maps::StoredMaps;

use super::plan::Job;

/// Reasons that are told for one sample at most.
const MOST_REASONS: usize = 3;

/// What is drawn for every sample.
pub(super) struct Drawing<'a> {
    pub(super) loader: &'a SampleLoader,
    /// The maps of each method with the folder of their overlays.
    pub(super) maps: Vec<(&'a StoredMaps, std::path::PathBuf)>,
    /// Without boxes.
    pub(super) options: OverlayOptions<'static>,
    /// Whether overlays have boxes.
    pub(super) boxes: bool,
    /// The sheet, if there is one, and whether it has boxes.
    pub(super) montage: Option<(MontageOptions, bool)>,
}

/// What came of a sample.
pub(super) struct Drawn {
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Overlays that were written.
    pub(super) written: usize,
    /// Indices of the methods whose map is zero everywhere.
    pub(super) dead: Vec<usize>,
    /// What went wrong, with one or all methods.
    pub(super) failure: Option<Fault>,
    /// Overlays could not be written: what the operating system said.
    pub(super) lost: Option<String>,
    /// Its row of the sheet, if there is one and the radiograph could be read.
    pub(super) row: Option<PreparedRow>,
}

impl Drawing<'_> {
    /// Shows one sample. Whatever goes wrong with one method does not keep the others from being
    /// shown.
    pub(super) fn sample(&self, job: &Job<'_>) -> Drawn {
        let mut drawn = Drawn {
            diagnostics: Vec::new(),
            written: 0,
            dead: Vec::new(),
            failure: None,
            lost: None,
            row: None,
        };
        let mut failures = Vec::new();
        let kind = match guard(|| self.loader.load(job.record)) {
            Err(said) => {
                failures.push(Fault::panicked("reading it", &said).reason);
                FailureKind::Fault
            }
            Ok(Err(error)) => {
                let kind = mednet_study::run::kind_of(&error);
                failures.push(chain(&error));
                kind
            }
            Ok(Ok(Loaded {
                sample, notices, ..
            })) => {
                drawn.diagnostics = notices.into_iter().map(Diagnostic::from).collect();
                let draw = guard(|| self.draw(job, &sample, &mut drawn, &mut failures));
                match draw {
                    Ok(Ok(())) => {}
                    Ok(Err(reason)) => failures.push(reason),
                    Err(said) => failures.push(Fault::panicked("drawing it", &said).reason),
                }
                FailureKind::Map
            }
        };
        drawn.failure = (!failures.is_empty()).then(|| Fault::new(kind, joined(&failures)));
        drawn
    }

    fn draw(
        &self,
        job: &Job<'_>,
        sample: &Sample,
        drawn: &mut Drawn,
        failures: &mut Vec<String>,
    ) -> Result<(), String> {
        let image = ImageView {
            channels: sample.image.channels,
            height: sample.image.height,
            width: sample.image.width,
            pixels: &sample.image.pixels,
        };
        let boxes = sample.boxes.as_deref().unwrap_or_default();
        let mut cells = Vec::new();
        for (index, (stored, folder)) in self.maps.iter().enumerate() {
            match self.overlay(job, image, stored) {
                Err(reason) => {
                    failures.push(reason);
                    cells.push(None);
                }
                Ok(Shown {
                    mut picture,
                    cell,
                    dead,
                }) => {
                    if dead {
                        drawn.dead.push(index);
                    }
                    if self.boxes {
                        boxes
                            .iter()
                            .for_each(|shape| draw_box(&mut picture, *shape));
                    }
                    match write(&folder.join(&job.picture), &picture) {
                        Ok(()) => drawn.written += 1,
                        Err(reason) => {
                            drawn.lost.get_or_insert(reason);
                        }
                    }
                    cells.push(cell);
                }
            }
        }
        if let Some((montage, with_boxes)) = &self.montage {
            let score = |(stored, _): &(&StoredMaps, _)| stored.score(&job.sample_map());
            let caption = |index| {
                let dead = drawn.dead.contains(&index);
                dead.then(|| "zero everywhere".to_owned())
            };
            let row = MontageRow {
                captions: (0..cells.len()).map(caption).collect(),
                name: sample.name.clone(),
                label: Some(label(&sample.target)),
                score: self.maps.iter().find_map(score),
                image: plain(image).map_err(|error| error.to_string())?,
                maps: cells,
                boxes: if *with_boxes {
                    boxes.to_vec()
                } else {
                    Vec::new()
                },
            };
            let row = montage.prepare(row).map_err(|error| error.to_string())?;
            drawn.row = Some(row);
        }
        Ok(())
    }

    /// The overlay without boxes, and the picture for the sheet, if there is one.
    fn overlay(
        &self,
        job: &Job<'_>,
        image: ImageView<'_>,
        stored: &StoredMaps,
    ) -> Result<Shown, String> {
        let map = stored
            .read(&job.sample_map())
            .map_err(|error| chain(&error))?;
        let dead = map.is_dead();
        let map = MapView {
            height: map.height,
            width: map.width,
            values: &map.values,
        };
        let draw = |options: &OverlayOptions<'_>| {
            overlay(image, map, options).map_err(|error| {
                let path = stored.folder.join(&job.map);
                format!("`{}`: {error}", path.display())
            })
        };
        let picture = draw(&self.options)?;
        let cell = match &self.montage {
            None => None,
            Some((montage, _)) if self.options.style == Style::Contour => {
                // The sheet shows it smaller: a line of two pixels would vanish.
                let contour_width = montage.contour_width(image.width, image.height);
                Some(draw(&OverlayOptions {
                    contour_width,
                    ..self.options
                })?)
            }
            Some(_) => Some(picture.clone()),
        };
        Ok(Shown {
            picture,
            cell,
            dead,
        })
    }
}

/// A map over its radiograph.
struct Shown {
    picture: RgbImage,
    /// The same for the sheet, if there is one.
    cell: Option<RgbImage>,
    /// Nothing is to be seen of it: the map is zero everywhere.
    dead: bool,
}

fn write(path: &Path, picture: &RgbImage) -> Result<(), String> {
    let bytes = raster::png(picture).map_err(|error| error.to_string())?;
    file::write(path, &bytes).map_err(|error| chain(&error))
}

/// The class, or those of several classes that are set.
fn label(target: &Target) -> String {
    match target {
        Target::Single(class) => class.to_string(),
        Target::Multiple(flags) => {
            let set = flags.iter().enumerate().filter(|(_, flag)| **flag == 1);
            let set: Vec<String> = set.map(|(class, _)| class.to_string()).collect();
            match set.is_empty() {
                true => "none".to_owned(),
                false => set.join(", "),
            }
        }
    }
}

fn joined(reasons: &[String]) -> String {
    let shown = reasons[..reasons.len().min(MOST_REASONS)].join("; ");
    match reasons.len().saturating_sub(MOST_REASONS) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
