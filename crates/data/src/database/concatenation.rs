//! Data modules of several databases, one after the other within each data set.

use super::configuration::{Configuration, Content};
use super::definition::{Database, TargetCode};
use super::{indian, montgomery, shenzhen, tbx11k};

/// A concatenation: its name, its members, and the prefix of the last one's splits.
struct Concatenation {
    name: &'static str,
    members: &'static [&'static Database],
    /// For TBX11K, the version whose splits are meant and the name of its default split.
    version: Option<(&'static str, &'static str)>,
}

static CONCATENATIONS: [Concatenation; 4] = [
    Concatenation {
        name: "montgomery-shenzhen",
        members: &[&montgomery::MONTGOMERY, &shenzhen::SHENZHEN],
        version: None,
    },
    Concatenation {
        name: "montgomery-shenzhen-indian",
        members: &[
            &montgomery::MONTGOMERY,
            &shenzhen::SHENZHEN,
            &indian::INDIAN,
        ],
        version: None,
    },
    Concatenation {
        name: "montgomery-shenzhen-indian-tbx11k-v1",
        members: &FOUR,
        version: Some(("v1", "v1-healthy-vs-atb")),
    },
    Concatenation {
        name: "montgomery-shenzhen-indian-tbx11k-v2",
        members: &FOUR,
        version: Some(("v2", "v2-others-vs-atb")),
    },
];

static FOUR: [&Database; 4] = [
    &montgomery::MONTGOMERY,
    &shenzhen::SHENZHEN,
    &indian::INDIAN,
    &tbx11k::TBX11K,
];

/// The default split and the ten folds of every concatenation.
pub(super) fn configurations() -> impl Iterator<Item = Configuration> {
    CONCATENATIONS.iter().flat_map(|concatenation| {
        std::iter::once(None)
            .chain((0..10).map(Some))
            .map(|fold| concatenation.configuration(fold))
    })
}

impl Concatenation {
    fn configuration(&self, fold: Option<u8>) -> Configuration {
        let members: Vec<_> = self
            .members
            .iter()
            .map(|database| {
                let versioned = self.version.filter(|_| **database == tbx11k::TBX11K);
                let split = match (versioned, fold) {
                    (None, None) => "default".to_owned(),
                    (None, Some(fold)) => format!("fold-{fold}"),
                    (Some((_, default)), None) => default.to_owned(),
                    (Some((version, _)), Some(fold)) => format!("{version}-fold-{fold}"),
                };
                (*database, split)
            })
            .collect();
        let slugs: Vec<_> = self.members.iter().map(|database| database.slug).collect();
        let mut splits: Vec<&str> = members.iter().map(|(_, split)| split.as_str()).collect();
        splits.dedup();
        let part = fold.map_or_else(
            || "default split".to_owned(),
            |fold| format!("fold {fold} of 10 (cross-validation)"),
        );
        let version = self
            .version
            .map(|(version, _)| format!(" ({version})"))
            .unwrap_or_default();
        Configuration {
            name: fold.map_or_else(
                || self.name.to_owned(),
                |fold| format!("{}-f{fold}", self.name),
            ),
            database: slugs.join("_"),
            split: splits.join("+"),
            description: format!(
                "{}{version}, tuberculosis (0: none, 1: active), {part}",
                slugs.join(" + ")
            ),
            content: Content::Embedded {
                members,
                target: TargetCode::AsStored,
            },
        }
    }
}
