//! Everything that the values of a map or score depend on.

use std::fmt;

use mednet_base::hex;
use mednet_data::Mode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::Storage;

/// Raised by hand whenever golden values move: results of different revisions are never mixed.
pub const NUMERICS: u32 = 1;

/// What stands for some settings: the beginning of their SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingsKey([u8; 8]);

impl SettingsKey {
    /// The key of anything that is serialised the same way each time.
    #[must_use]
    pub fn of(settings: &impl Serialize) -> Self {
        // Nothing that is hashed here has maps with other keys than text.
        let text = serde_json::to_vec(settings).unwrap_or_default();
        let hash = Sha256::digest(text);
        let mut key = [0; 8];
        key.copy_from_slice(&hash[..8]);
        Self(key)
    }

    /// Reads the 16 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text).map(Self)
    }
}

impl fmt::Display for SettingsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for SettingsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SettingsKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SettingsKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a key has 16 hexadecimal digits"))
    }
}

/// The network that is explained, and how images reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkSettings {
    /// Name of the architecture.
    pub model: String,
    /// SHA-256 of the file of its weights.
    pub weights: String,
    /// Mean and standard deviation of the channels, or `none`.
    pub normalizer: String,
    /// What is done to a picture before.
    pub preprocessing: String,
    /// Kind of the device that computes, such as `cpu`.
    pub device: String,
}

/// Everything that a map's values depend on besides the image, in the order in which it is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MapSettings {
    /// Revision of the numerics.
    pub numerics: u32,
    /// The network.
    #[serde(flatten)]
    pub network: NetworkSettings,
    /// Name of the method.
    pub method: String,
    /// The explained layer, where the method depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Which class is explained: `highest`, or `class` where each class has a folder; nothing for
    /// a network with one output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The seed, where the method depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Whose numbers: `default` or `mednet`.
    pub mode: String,
    /// At which resolution maps are stored.
    pub store: Storage,
}

impl MapSettings {
    /// What stands for these settings.
    #[must_use]
    pub fn key(&self) -> SettingsKey {
        SettingsKey::of(self)
    }

    /// What differs from other settings: `name was theirs and is now ours`.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        differences(self, other)
    }
}

/// What differs between two settings of one kind.
pub(crate) fn differences<S: Serialize>(ours: &S, theirs: &S) -> Vec<String> {
    let fields = |settings: &S| match serde_json::to_value(settings) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let shown = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => "not set".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let (ours, theirs) = (fields(ours), fields(theirs));
    let mut names: Vec<&String> = ours.keys().collect();
    names.extend(theirs.keys().filter(|name| !ours.contains_key(*name)));
    let differing = names
        .into_iter()
        .filter(|name| ours.get(*name) != theirs.get(*name));
    differing
        .map(|name| {
            let [was, is] = [&theirs, &ours].map(|fields| shown(fields.get(name)));
            format!("{name} was `{was}` and is now `{is}`")
        })
        .collect()
}

/// A mode's name in provenance.
#[must_use]
pub fn mode_name(mode: Mode) -> String {
    mode.to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings(method: &str) -> MapSettings {
        MapSettings {
            numerics: NUMERICS,
            network: NetworkSettings {
                model: "pasa".to_owned(),
                weights: "ab".repeat(32),
                normalizer: "none".to_owned(),
                preprocessing: "grayscale".to_owned(),
                device: "cpu".to_owned(),
            },
            method: method.to_owned(),
            layer: Some("fc14".to_owned()),
            target: None,
            seed: None,
            mode: "default".to_owned(),
            store: Storage::Image,
        }
    }

    #[test]
    fn every_field_has_a_say() {
        let ours = settings("gradcam");
        let mut theirs = ours.clone();
        theirs.layer = Some("fc13".to_owned());
        theirs.seed = Some(7);
        theirs.network.device = "cuda".to_owned();
        assert_ne!(ours.key(), theirs.key());
        assert_eq!(
            ours.differences(&theirs),
            [
                "device was `cuda` and is now `cpu`",
                "layer was `fc13` and is now `fc14`",
                "seed was `7` and is now `not set`",
            ]
        );
        assert_eq!(
            SettingsKey::parse(&ours.key().to_string()),
            Some(ours.key())
        );
    }
}
