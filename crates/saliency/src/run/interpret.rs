//! How well the maps of a data set agree with its boxes.

use mednet_data::read::Borders;
use mednet_data::{
    BoundingBox, DataModule, ImageSize, SampleLoader, SampleRecord, Transform, TransformPipeline,
};
use rayon::prelude::*;

use super::map_folder::MapSource;
use super::outcome::{Observer, SampleFailure};
use super::scored::{ScoredDataSet, ScoredSample};
use super::selection::{SelectionError, select};
use crate::map::Map;
use crate::metric::{BoxMask, LOCALIZATION_METRICS, check};
use mednet_base::error::chain;

/// Samples between two looks at whether the run should end.
const AT_ONCE: usize = 64;

/// What to score. Images are not decoded, except where black borders have to be found.
pub struct Interpretation<'a> {
    /// Knows where images are and, by its transforms, how boxes move; no transforms where there is
    /// no model.
    pub loader: &'a SampleLoader,
    /// Where maps come from; those of a method that would have to be computed cannot be used.
    pub source: MapSource,
    /// Samples with this label are scored.
    pub target_label: i64,
    /// Leaves out all data sets but this.
    pub only_dataset: Option<String>,
    /// At most that many samples of each data set.
    pub limit: Option<usize>,
    /// Seed of the random control.
    pub seed: u64,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InterpretationSummary {
    /// The rows; scores in the order of [`LOCALIZATION_METRICS`].
    pub datasets: Vec<ScoredDataSet<Vec<f64>>>,
    /// Samples that could not be scored.
    pub failures: Vec<SampleFailure>,
    /// Maps that are zero everywhere: their scores are 0.
    pub dead_maps: usize,
    /// Samples of the label without boxes.
    pub without_boxes: usize,
    /// Samples whose boxes were padded and resized as the map's shape says, for want of a model.
    pub guessed: usize,
    /// Data sets that were left out.
    pub skipped_datasets: Vec<String>,
    /// The run was stopped before its end.
    pub interrupted: bool,
}

/// What came of one sample.
enum Outcome {
    OtherLabel,
    NoBoxes,
    Scored {
        scores: Vec<f64>,
        dead: bool,
        guessed: bool,
    },
}

impl Interpretation<'_> {
    /// Scores the samples of `module`.
    ///
    /// # Errors
    /// Where no data set takes part; what goes wrong with a sample is in the summary.
    pub fn run(
        &self,
        module: &DataModule,
        observer: &dyn Observer,
    ) -> Result<InterpretationSummary, SelectionError> {
        let (datasets, skipped_datasets) =
            select(module, self.only_dataset.as_deref(), self.limit)?;
        let mut summary = InterpretationSummary {
            skipped_datasets,
            ..InterpretationSummary::default()
        };
        for dataset in datasets {
            observer.dataset(dataset.name, dataset.records.len());
            let mut samples = Vec::with_capacity(dataset.records.len());
            for records in dataset.records.chunks(AT_ONCE) {
                let outcomes: Vec<_> = records
                    .par_iter()
                    .map(|record| self.score(record))
                    .collect();
                for (record, outcome) in records.iter().zip(outcomes) {
                    let scores = summary.count(dataset.name, &record.name, outcome, observer);
                    observer.sample(&record.name);
                    samples.push(ScoredSample {
                        name: record.name.clone(),
                        target: record.target.clone(),
                        scores,
                    });
                }
                summary.interrupted = observer.interrupted();
                if summary.interrupted {
                    break;
                }
            }
            summary.datasets.push(ScoredDataSet {
                name: dataset.name.to_owned(),
                samples,
            });
            if summary.interrupted {
                break;
            }
        }
        Ok(summary)
    }

    fn score(&self, record: &SampleRecord) -> Result<Outcome, String> {
        if !record.target.has_label(self.target_label) {
            return Ok(Outcome::OtherLabel);
        }
        let Some(boxes) = record.boxes.as_deref().filter(|boxes| !boxes.is_empty()) else {
            return Ok(Outcome::NoBoxes);
        };
        let (raw, boxes) = self
            .raw_boxes(record, boxes)
            .map_err(|error| chain(&error))?;
        let expected = self.loader.transforms().geometry(raw).output;
        let class = usize::try_from(self.target_label).ok();
        let map = match &self.source {
            MapSource::Control(control) => {
                control.map(expected.height, expected.width, self.seed, &record.name)
            }
            MapSource::Folder(folder) => folder.read_any(&record.name, class)?,
            MapSource::Method(method) => {
                return Err(format!("maps of {} are not in files", method.names()[0]));
            }
        };
        let (boxes, size, guessed) = self.move_boxes(&boxes, raw, &map);
        check(&map, size.height, size.width).map_err(|error| chain(&error))?;
        let mask = BoxMask::new(&boxes, size);
        let scores = LOCALIZATION_METRICS
            .iter()
            .map(|metric| metric.score(&map, &mask))
            .collect();
        Ok(Outcome::Scored {
            scores,
            dead: map.is_dead(),
            guessed,
        })
    }

    /// The size of the image before the transforms, and the boxes on it.
    fn raw_boxes(
        &self,
        record: &SampleRecord,
        boxes: &[BoundingBox],
    ) -> Result<(ImageSize, Vec<BoundingBox>), mednet_data::Error> {
        match record.database.rule.borders {
            Borders::Keep => Ok((self.loader.raw_size(record)?, boxes.to_vec())),
            // Where rows or columns go, the boxes move with the image.
            Borders::Remove => {
                let loaded = self.loader.load_raw(record)?;
                Ok((loaded.raw_size, loaded.sample.boxes.unwrap_or_default()))
            }
        }
    }

    /// The boxes on the map, the size that the map must have, and whether that was guessed.
    fn move_boxes(
        &self,
        boxes: &[BoundingBox],
        raw: ImageSize,
        map: &Map,
    ) -> (Vec<BoundingBox>, ImageSize, bool) {
        let transforms = self.loader.transforms();
        let found = ImageSize::new(map.height, map.width);
        if transforms.transforms().is_empty() && found != raw && map.height == map.width {
            let guess = TransformPipeline::new(vec![
                Transform::SquareCenterPad,
                Transform::Resize { size: map.height },
            ]);
            return (guess.apply_to_boxes(boxes, raw), found, true);
        }
        let size = transforms.geometry(raw).output;
        (transforms.apply_to_boxes(boxes, raw), size, false)
    }
}

impl InterpretationSummary {
    /// Counts what came of a sample; its scores, if it has any.
    fn count(
        &mut self,
        dataset: &str,
        sample: &str,
        outcome: Result<Outcome, String>,
        observer: &dyn Observer,
    ) -> Option<Vec<f64>> {
        match outcome {
            Ok(Outcome::OtherLabel) => None,
            Ok(Outcome::NoBoxes) => {
                observer.notice(sample, "it has no boxes and is not scored");
                self.without_boxes += 1;
                None
            }
            Ok(Outcome::Scored {
                scores,
                dead,
                guessed,
            }) => {
                self.dead_maps += usize::from(dead);
                self.guessed += usize::from(guessed);
                Some(scores)
            }
            Err(reason) => {
                let failure = SampleFailure {
                    dataset: dataset.to_owned(),
                    sample: sample.to_owned(),
                    reason,
                };
                observer.failure(&failure);
                self.failures.push(failure);
                None
            }
        }
    }
}
