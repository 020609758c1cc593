//! What a reader of the results should know: a code, a text, and what to do about it.
//!
//! A diagnostic is no failure: the result is there, but may not mean what it seems to mean. Each
//! has a code (`W004`) that stays the same whatever its words become, so that programs can count
//! and ignore it. Codes that begin with `W` are shown by default, those with `N` on request.

mod catalogue;
mod tally;

pub use catalogue::{CATALOGUE, CatalogueEntry, document, find};
pub use tally::{Count, Tally};

use std::fmt;

use mednet_base::text::{listed, plural};
use mednet_data::Notice;

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Notice,
    /// Changes what a reader should believe.
    Warning,
}

/// Something that a reader of the results should know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Diagnostic {
    /// Boxes that lie outside the picture.
    BoxesOutside {
        /// How many.
        boxes: usize,
        /// Of how many.
        of: usize,
    },
    /// Boxes that lie partly outside the picture.
    BoxesClipped {
        /// How many.
        boxes: usize,
        /// Of how many.
        of: usize,
    },
    /// Boxes of which the resize leaves no pixel.
    BoxesVanished {
        /// How many.
        boxes: usize,
        /// Of how many.
        of: usize,
    },
    /// A map with values below zero.
    NegativeMap {
        /// The smallest value.
        smallest: f32,
    },
    /// A map with values above one.
    MapAboveOne {
        /// The largest value.
        largest: f32,
    },
    /// Maps that are zero everywhere.
    EmptyMaps {
        /// For each method that has any, how many.
        methods: Vec<(String, usize)>,
        /// Maps of each method.
        of: usize,
    },
    /// All maps of a method are zero everywhere.
    AllMapsEmpty {
        /// The method.
        method: String,
        /// How many maps it has.
        maps: usize,
    },
    /// Maps in which much of the order of the pixels is chance.
    TiedMaps {
        /// The method.
        method: String,
        /// Maps with many ties.
        maps: usize,
        /// Of how many.
        of: usize,
    },
    /// A score that cannot move.
    SaturatedScore {
        /// The logit.
        logit: f32,
    },
    /// A picture of 16 bits whose values use fewer.
    NarrowDepth {
        /// What was found.
        found: Notice,
    },
    /// A picture that was turned, as its file says.
    Turned {
        /// What was found.
        found: Notice,
    },
    /// A picture that is not turned although its file says so.
    NotTurned {
        /// What was found.
        found: Notice,
    },
    /// A picture of which a part could not be decoded.
    DamagedPicture {
        /// What was found.
        found: Notice,
    },
    /// Maps that were made with other weights.
    OtherWeights {
        /// For each source of maps that has any, how many.
        sources: Vec<(String, usize)>,
    },
    /// Averaged weights beside the plain ones, which are used.
    WeightsLeftAside {
        /// Their names.
        names: Vec<String>,
    },
    /// Entries of a checkpoint that the network has no use for.
    UnusedWeights {
        /// Their names.
        names: Vec<String>,
        /// The network.
        model: String,
    },
    /// Nothing says how images are normalised.
    UnknownNormalization {
        /// The checkpoint.
        file: String,
    },
    /// Boxes that were moved by a guess.
    BoxesMovedByGuess,
    /// A sample of the label without boxes.
    NoBoxes,
    /// A checkpoint with calls that Python would have executed.
    CallsInCheckpoint {
        /// The checkpoint.
        file: String,
        /// The calls.
        calls: Vec<String>,
    },
    /// An output folder that is a link to another one.
    LinkedFolder {
        /// The link.
        link: String,
        /// Where it leads.
        target: String,
    },
    /// A configuration file that sets options.
    OptionFile {
        /// The file.
        file: String,
        /// The options.
        options: Vec<String>,
    },
    /// A limit on memory below what the run needs.
    LittleMemory {
        /// The limit, in megabytes.
        limit: u64,
        /// A rough estimate of the need, in megabytes.
        need: u64,
    },
    /// Samples that are not shown.
    OtherLabels {
        /// How many.
        samples: usize,
        /// The label that is shown.
        label: i64,
    },
    /// The original's ranking would erase whole images.
    ErasedByOriginal {
        /// The method.
        method: String,
        /// How many maps.
        maps: usize,
        /// Whether this run did it as the original does.
        done: bool,
    },
    /// Something that was done to a picture.
    Picture {
        /// What it was.
        found: Notice,
    },
}

impl Diagnostic {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BoxesOutside { .. } => "W001",
            Self::BoxesClipped { .. } => "W002",
            Self::BoxesVanished { .. } => "W003",
            Self::NegativeMap { .. } => "W004",
            Self::MapAboveOne { .. } => "W005",
            Self::EmptyMaps { .. } => "W006",
            Self::AllMapsEmpty { .. } => "W007",
            Self::TiedMaps { .. } => "W008",
            Self::SaturatedScore { .. } => "W009",
            Self::NarrowDepth { .. } => "W010",
            Self::Turned { .. } => "W011",
            Self::NotTurned { .. } => "W012",
            Self::OtherWeights { .. } => "W013",
            Self::WeightsLeftAside { .. } => "W014",
            Self::UnusedWeights { .. } => "W015",
            Self::UnknownNormalization { .. } => "W016",
            Self::BoxesMovedByGuess => "W017",
            Self::NoBoxes => "W018",
            Self::CallsInCheckpoint { .. } => "W019",
            Self::LinkedFolder { .. } => "W020",
            Self::OptionFile { .. } => "W021",
            Self::LittleMemory { .. } => "W022",
            Self::OtherLabels { .. } => "W023",
            Self::DamagedPicture { .. } => "W024",
            Self::ErasedByOriginal { .. } => "N101",
            Self::Picture { .. } => "N102",
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.code().starts_with('W') {
            true => Severity::Warning,
            false => Severity::Notice,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BoxesOutside { boxes, of } => {
                write!(
                    f,
                    "{boxes} of {} outside the picture",
                    plural(*of, "box lies", "boxes lie")
                )
            }
            Self::BoxesClipped { boxes, of } => write!(
                f,
                "{boxes} of {} partly outside the picture and cut off there",
                plural(*of, "box lies", "boxes lie")
            ),
            Self::BoxesVanished { boxes, of } => write!(
                f,
                "the resize leaves no pixel of {boxes} of {}",
                plural(*of, "box", "boxes")
            ),
            Self::NegativeMap { smallest } => write!(
                f,
                "the map is signed (its smallest value is {smallest}); scores here mean a map of \
                 [0, 1]: keep its positive part, or take its magnitude, before you score it"
            ),
            Self::MapAboveOne { largest } => write!(
                f,
                "the map reaches {largest}; scores here mean a map of [0, 1]: the average saliency \
                 focus grows with its scale"
            ),
            Self::EmptyMaps { methods, of } => {
                let methods = methods
                    .iter()
                    .map(|(name, count)| format!("{name} {count}"));
                let methods = methods.collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "empty maps (nothing speaks for the class): {methods} of {of}"
                )
            }
            Self::AllMapsEmpty { method, maps } => {
                let maps = match maps {
                    1 => "the only map".to_owned(),
                    _ => format!("all {maps} maps"),
                };
                write!(f, "{method}: {maps} empty (nothing speaks for the class)")
            }
            Self::TiedMaps { method, maps, of } => write!(
                f,
                "{method}: in {maps} of {} the order of more than a tenth of the pixels is chance, \
                 since their values are equal",
                plural(*of, "map", "maps")
            ),
            Self::SaturatedScore { logit } => write!(
                f,
                "the logit is {logit:.1}: its sigmoid cannot move, so the scores say nothing; use \
                 --score softmax if classes exclude each other"
            ),
            Self::NarrowDepth { found }
            | Self::Turned { found }
            | Self::NotTurned { found }
            | Self::DamagedPicture { found }
            | Self::Picture { found } => found.fmt(f),
            Self::OtherWeights { sources } => {
                let sources = sources
                    .iter()
                    .map(|(name, count)| format!("{name} {count}"));
                let sources = sources.collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "maps of other weights ({sources}): their scores say how well they explain \
                     another network"
                )
            }
            Self::WeightsLeftAside { names } => write!(
                f,
                "averaged weights are left aside: {}; the plain ones are used",
                listed(names, 5)
            ),
            Self::UnusedWeights { names, model } => write!(
                f,
                "{} that {model} has no use for: {}",
                plural(names.len(), "entry", "entries"),
                listed(names, 5)
            ),
            Self::UnknownNormalization { file } => write!(
                f,
                "`{file}` does not say how images are normalized: they are taken as they are; give \
                 --normalize imagenet, MEAN,STD, or none to silence this"
            ),
            Self::BoxesMovedByGuess => f.write_str(
                "no model is given: the boxes were padded to a square and resized to the map's \
                 size, as most models' images are; name the model to have it exact",
            ),
            Self::NoBoxes => f.write_str("it has no boxes and is not scored"),
            Self::CallsInCheckpoint { file, calls } => write!(
                f,
                "`{file}` holds calls that Python would execute ({}): nothing was executed here; \
                 do not open it with torch.load",
                listed(calls, 3)
            ),
            Self::LinkedFolder { link, target } => {
                write!(f, "`{link}` is a link: files go to `{target}`")
            }
            Self::OptionFile { file, options } => {
                write!(f, "using `{file}`: {}", options.join(", "))
            }
            Self::LittleMemory { limit, need } => write!(
                f,
                "memory is limited to {limit} MB, and this run needs about {need} MB: it may end \
                 without a word; raise the limit (`ulimit -v unlimited`) or use fewer threads \
                 (--parallel 1)"
            ),
            Self::OtherLabels { samples, label } => write!(
                f,
                "{} not of label {label} and not shown (--target-label)",
                plural(*samples, "sample is", "samples are")
            ),
            Self::ErasedByOriginal { method, maps, done } => {
                let maps = plural(*maps, "map has", "maps have");
                let original = match done {
                    true => "the image is wholly erased, as the original does it",
                    false => {
                        "the original would erase the whole image; here, the order of equal \
                         pixels is drawn"
                    }
                };
                write!(
                    f,
                    "{method}: {maps} so many equal values at some percentile that {original}"
                )
            }
        }
    }
}

impl From<Notice> for Diagnostic {
    fn from(found: Notice) -> Self {
        match found {
            Notice::TwelveBitsInSixteen { .. } => Self::NarrowDepth { found },
            Notice::Turned { .. } => Self::Turned { found },
            Notice::OrientationIgnored { .. } => Self::NotTurned { found },
            Notice::JpegDamaged { .. } => Self::DamagedPicture { found },
            _ => Self::Picture { found },
        }
    }
}
