//! What is known about the maps of a folder, in little memory: 1.2 million maps of 100,000 samples
//! take about 80 MB.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

use mednet_base::hex;
use mednet_data::name::output_path;

use super::layout::{Layout, Storage};
use super::line::{self, Line, ManifestLine, MapLine, SampleLine, SettingsLine, VERSION};
use crate::provenance::{MapSettings, SettingsKey};

/// The facts of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleFacts {
    /// Its place in the split, all data sets counted, from 0.
    pub number: u32,
    /// Its name.
    pub name: Box<str>,
    /// Its data set.
    pub dataset: Box<str>,
    /// The database by whose rule its image is read.
    pub rule: Box<str>,
    /// Bytes of its image file.
    pub bytes: u64,
    /// SHA-256 of its image file.
    pub sha256: [u8; 32],
    /// Rows and columns of the network's input.
    pub size: [u32; 2],
    /// The logits, one for each class.
    pub logits: Box<[f32]>,
}

impl SampleFacts {
    /// Whether both speak of the same picture, read the same way.
    fn is_same_picture(&self, other: &Self) -> bool {
        (self.sha256, &self.rule) == (other.sha256, &other.rule)
    }

    pub(crate) fn to_line(&self) -> String {
        line::text(&Line::Sample(SampleLine {
            number: self.number,
            name: Cow::Borrowed(&self.name),
            dataset: Cow::Borrowed(&self.dataset),
            rule: Cow::Borrowed(&self.rule),
            label: None,
            bytes: Some(self.bytes),
            sha256: Cow::Owned(hex::encode(&self.sha256)),
            size: Some(self.size),
            logits: self.logits.to_vec(),
        }))
    }

    fn from_line(line: SampleLine<'_>) -> Result<Self, String> {
        Ok(Self {
            number: line.number,
            name: line.name.into(),
            dataset: line.dataset.into(),
            rule: line.rule.into(),
            bytes: line.bytes.ok_or("the size of the image is missing")?,
            sha256: hex::decode(&line.sha256).ok_or("the SHA-256 of the image is damaged")?,
            size: line.size.ok_or("the size of the input is missing")?,
            logits: line.logits.into(),
        })
    }
}

/// A finished map. Its file is the folder of its place, then the name of its sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapEntry {
    /// Its sample, as a position in the index.
    pub sample: u32,
    place: u16,
    settings: u16,
    /// The class whose logit it explains.
    pub class: u16,
    /// Whether nothing in the image speaks for the class.
    pub empty: bool,
    /// Bytes of the file.
    pub bytes: u32,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Two entries that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The file that both speak of, below the output folder.
    pub file: String,
    /// Whether both say that it was made in the same way.
    pub same_settings: bool,
}

/// What is known about the maps of a folder.
#[derive(Debug, Default)]
pub struct Index {
    /// Where maps lie, if a manifest or journal said so.
    pub layout: Option<Layout>,
    settings: Vec<(SettingsKey, MapSettings)>,
    /// Folders of maps below the output folder, with `/` at the end unless empty.
    places: Vec<String>,
    samples: Vec<SampleFacts>,
    /// Sorted by sample and place once [`Index::sort`] was called.
    maps: Vec<MapEntry>,
    /// Positions of samples by name.
    by_name: Vec<u32>,
    /// What was read last, for the lines that follow.
    latest: Latest,
    is_sorted: bool,
}

/// The last sample that was read and what its maps' files end with.
#[derive(Debug, Default)]
struct Latest {
    sample: Option<u32>,
    path: String,
    keys: HashMap<String, u16>,
}

impl Index {
    /// Makes room for the maps of a manifest of so many bytes.
    pub(crate) fn reserve(&mut self, bytes: u64) {
        /// A line of a map takes more than this.
        const SHORTEST_LINE: u64 = 180;
        self.maps
            .reserve_exact(usize::try_from(bytes / SHORTEST_LINE).unwrap_or(0));
    }

    /// Takes in one line of a manifest or journal.
    pub(crate) fn take(&mut self, line: Line<'_>) -> Result<(), String> {
        match line {
            Line::Map(map) => self.take_map(&map),
            Line::Sample(sample) => {
                self.add_sample(SampleFacts::from_line(sample)?)?;
                Ok(())
            }
            Line::Settings(settings) => {
                if settings.of.key() != settings.key {
                    return Err("the settings do not fit their key".to_owned());
                }
                self.add_settings(&settings.of)?;
                Ok(())
            }
            Line::Manifest(manifest) => {
                self.layout = Some(manifest.layout);
                Ok(())
            }
            Line::Failure(_) | Line::End(_) | Line::Journal(_) => Ok(()),
            Line::Score(_) | Line::Records(_) => Err("a score has no place here".to_owned()),
        }
    }

    fn take_map(&mut self, map: &MapLine<'_>) -> Result<(), String> {
        let Some(sample) = self.latest.sample else {
            return Err("a map comes before its sample".to_owned());
        };
        let place = map
            .file
            .strip_suffix(self.latest.path.as_str())
            .ok_or_else(|| format!("the file `{}` does not fit its sample", map.file))?;
        let place = self.place(place)?;
        let settings = match self.latest.keys.get(map.settings.as_ref()) {
            Some(&settings) => settings,
            None => {
                let position = SettingsKey::parse(&map.settings)
                    .and_then(|key| self.settings.iter().position(|(known, _)| *known == key))
                    .ok_or("the settings of a map are missing")?;
                let position =
                    u16::try_from(position).map_err(|_| "there are too many settings")?;
                self.latest
                    .keys
                    .insert(map.settings.as_ref().to_owned(), position);
                position
            }
        };
        self.maps.push(MapEntry {
            sample,
            place,
            settings,
            class: map.class,
            empty: map.empty,
            bytes: u32::try_from(map.bytes).map_err(|_| "a map has too many bytes")?,
            sha256: hex::decode(&map.sha256).ok_or("the SHA-256 of a map is damaged")?,
        });
        self.is_sorted = false;
        Ok(())
    }

    fn place(&mut self, folder: &str) -> Result<u16, String> {
        // Maps of one sample follow each other, in the order of the folders.
        let found = self.places.iter().position(|known| known == folder);
        let position = found.unwrap_or_else(|| {
            self.places.push(folder.to_owned());
            self.places.len() - 1
        });
        u16::try_from(position).map_err(|_| "there are too many folders".to_owned())
    }

    /// Adds settings, once.
    pub(crate) fn add_settings(&mut self, settings: &MapSettings) -> Result<u16, String> {
        let key = settings.key();
        let found = self.settings.iter().position(|(known, _)| *known == key);
        let position = found.unwrap_or_else(|| {
            self.settings.push((key, settings.clone()));
            self.settings.len() - 1
        });
        u16::try_from(position).map_err(|_| "there are too many settings".to_owned())
    }

    /// Adds a sample, which the maps that follow belong to.
    fn add_sample(&mut self, facts: SampleFacts) -> Result<u32, String> {
        let path = output_path(&facts.name, "npy").map_err(|error| error.to_string())?;
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        let position =
            u32::try_from(self.samples.len()).map_err(|_| "there are too many samples")?;
        self.latest.path = parts.join("/");
        self.latest.sample = Some(position);
        self.samples.push(facts);
        self.is_sorted = false;
        Ok(position)
    }

    /// Adds all that another index knows. Where both know a map, `newer` says whether the other
    /// replaced it on purpose; else the two must agree.
    pub(crate) fn merge(&mut self, other: Self, newer: bool) -> Result<Vec<Contradiction>, String> {
        let mut other = other;
        other.sort();
        self.sort();
        if self.layout.is_none() || newer {
            self.layout = other.layout;
        }
        let mut settings = Vec::with_capacity(other.settings.len());
        for (_, of) in &other.settings {
            settings.push(self.add_settings(of)?);
        }
        let mut places = Vec::with_capacity(other.places.len());
        for place in &other.places {
            places.push(self.place(place)?);
        }
        let mut contradictions = Vec::new();
        let mut added = Vec::new();
        let mut replaced: Vec<usize> = Vec::new();
        for (position, facts) in other.samples.iter().enumerate() {
            let known = self.find_sample(&facts.name);
            let mut is_replaced = false;
            let sample = match known {
                None => {
                    self.samples.push(facts.clone());
                    u32::try_from(self.samples.len() - 1)
                        .map_err(|_| "there are too many samples")?
                }
                Some(sample) => {
                    let ours = &mut self.samples[sample as usize];
                    let same = ours.is_same_picture(facts);
                    let number = ours.number.min(facts.number);
                    if !same {
                        // Maps of the picture that was replaced are worth nothing.
                        is_replaced = true;
                        replaced.extend(self.range(sample));
                        self.samples[sample as usize] = facts.clone();
                    }
                    self.samples[sample as usize].number = number;
                    sample
                }
            };
            for entry in other.range(position as u32) {
                let theirs = MapEntry {
                    sample,
                    place: places[usize::from(other.maps[entry].place)],
                    settings: settings[usize::from(other.maps[entry].settings)],
                    ..other.maps[entry]
                };
                let ours = known.and_then(|_| self.find_map(sample, theirs.place));
                let Some(ours) = ours.filter(|_| !is_replaced) else {
                    added.push(theirs);
                    continue;
                };
                let known = self.maps[ours];
                if known == theirs {
                    continue;
                }
                let same_settings = known.settings == theirs.settings;
                if same_settings && known.sha256 == theirs.sha256 {
                    continue;
                }
                if !newer || same_settings {
                    contradictions.push(Contradiction {
                        file: self.file(&known),
                        same_settings,
                    });
                }
                self.maps[ours] = theirs;
            }
        }
        if !replaced.is_empty() {
            replaced.sort_unstable();
            let mut position = 0;
            self.maps.retain(|_| {
                position += 1;
                replaced.binary_search(&(position - 1)).is_err()
            });
        }
        self.maps.extend(added);
        self.is_sorted = false;
        self.sort();
        Ok(contradictions)
    }

    /// Brings everything into the order in which it is written and found. Of several entries for
    /// one file the last counts.
    pub(crate) fn sort(&mut self) {
        if self.is_sorted {
            return;
        }
        // Samples of one name are one; the last facts count.
        let mut order: Vec<u32> = (0..self.samples.len() as u32).collect();
        order.sort_by(|a, b| self.name_of(*a).cmp(self.name_of(*b)).then(a.cmp(b)));
        let mut owner: Vec<u32> = (0..self.samples.len() as u32).collect();
        let mut repeated = false;
        for pair in order.windows(2).rev() {
            if self.name_of(pair[0]) == self.name_of(pair[1]) {
                owner[pair[0] as usize] = owner[pair[1] as usize];
                repeated = true;
            }
        }
        if repeated {
            let samples = &self.samples;
            let kept: Vec<MapEntry> = self
                .maps
                .iter()
                .filter_map(|entry| {
                    let last = owner[entry.sample as usize];
                    let same =
                        samples[last as usize].is_same_picture(&samples[entry.sample as usize]);
                    same.then_some(MapEntry {
                        sample: last,
                        ..*entry
                    })
                })
                .collect();
            self.maps = kept;
            order.retain(|&position| owner[position as usize] == position);
        }
        self.by_name = order;
        let key = |entry: &MapEntry| (entry.sample, entry.place);
        if !self.maps.is_sorted_by_key(key) {
            // Stable: the last entry for a file stays the last.
            self.maps.sort_by_key(key);
        }
        let mut latest = 0;
        for position in 1..self.maps.len() {
            if key(&self.maps[position]) != key(&self.maps[latest]) {
                latest += 1;
            }
            self.maps[latest] = self.maps[position];
        }
        if !self.maps.is_empty() {
            self.maps.truncate(latest + 1);
        }
        self.is_sorted = true;
    }

    fn name_of(&self, sample: u32) -> &str {
        &self.samples[sample as usize].name
    }

    /// The position of a sample.
    #[must_use]
    pub fn find_sample(&self, name: &str) -> Option<u32> {
        let found = self
            .by_name
            .binary_search_by(|&position| self.name_of(position).cmp(name));
        found.ok().map(|index| self.by_name[index])
    }

    /// The facts of a sample.
    #[must_use]
    pub fn sample(&self, position: u32) -> &SampleFacts {
        &self.samples[position as usize]
    }

    fn range(&self, sample: u32) -> std::ops::Range<usize> {
        let first = self.maps.partition_point(|entry| entry.sample < sample);
        let count = self.maps[first..].partition_point(|entry| entry.sample == sample);
        first..first + count
    }

    fn find_map(&self, sample: u32, place: u16) -> Option<usize> {
        let range = self.range(sample);
        let first = range.start;
        let found = self.maps[range].binary_search_by_key(&place, |entry| entry.place);
        found.ok().map(|index| first + index)
    }

    /// The map of a sample in a folder below the output folder (with `/` at its end).
    #[must_use]
    pub fn map(&self, sample: &str, folder: &str) -> Option<&MapEntry> {
        let place = self.places.iter().position(|known| known == folder)?;
        let position = self.find_map(self.find_sample(sample)?, u16::try_from(place).ok()?)?;
        Some(&self.maps[position])
    }

    /// All maps, those of a sample together.
    #[must_use]
    pub fn maps(&self) -> &[MapEntry] {
        &self.maps
    }

    /// Whether it knows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    /// How a map was made.
    #[must_use]
    pub fn settings_of(&self, entry: &MapEntry) -> &MapSettings {
        &self.settings[usize::from(entry.settings)].1
    }

    /// What stands for how a map was made.
    #[must_use]
    pub fn key_of(&self, entry: &MapEntry) -> SettingsKey {
        self.settings[usize::from(entry.settings)].0
    }

    /// The folder of a map below the output folder, with `/` at its end unless it is empty.
    #[must_use]
    pub fn folder_of(&self, entry: &MapEntry) -> &str {
        &self.places[usize::from(entry.place)]
    }

    /// The file of a map below the output folder, with `/`.
    #[must_use]
    pub fn file(&self, entry: &MapEntry) -> String {
        let folder = self.folder_of(entry);
        file_of(folder, self.name_of(entry.sample)).unwrap_or_else(|| folder.to_owned())
    }

    /// Forgets the maps that `drop` says.
    pub(crate) fn forget(&mut self, drop: impl Fn(&Self, &MapEntry) -> bool) {
        let kept: Vec<bool> = self.maps.iter().map(|entry| !drop(self, entry)).collect();
        let mut position = 0;
        self.maps.retain(|_| {
            position += 1;
            kept[position - 1]
        });
    }

    /// Which settings the maps of each folder were made with.
    #[must_use]
    pub fn settings_by_folder(&self) -> Vec<(&str, &MapSettings)> {
        let mut pairs: Vec<(u16, u16)> = Vec::new();
        for entry in &self.maps {
            let pair = (entry.place, entry.settings);
            if pairs.last() != Some(&pair) && !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        let named = pairs.into_iter().map(|(place, settings)| {
            let settings = &self.settings[usize::from(settings)].1;
            (self.places[usize::from(place)].as_str(), settings)
        });
        named.collect()
    }

    /// Writes the manifest: samples in the order of the split, each with its maps in the order of
    /// their folders. The bytes depend on what is known alone, not on who did it in which order.
    pub(crate) fn write(&self, layout: Layout, mut output: impl Write) -> io::Result<()> {
        let mut write = |line: Line<'_>| output.write_all(line::text(&line).as_bytes());
        write(Line::Manifest(ManifestLine {
            version: VERSION,
            layout,
        }))?;
        let mut used = vec![false; self.settings.len()];
        self.maps
            .iter()
            .for_each(|entry| used[usize::from(entry.settings)] = true);
        let mut settings: Vec<&(SettingsKey, MapSettings)> = self
            .settings
            .iter()
            .zip(used)
            .filter_map(|(settings, used)| used.then_some(settings))
            .collect();
        settings.sort_by(|(a, ours), (b, theirs)| ours.method.cmp(&theirs.method).then(a.cmp(b)));
        for (key, of) in settings {
            write(Line::Settings(SettingsLine {
                key: *key,
                of: of.clone(),
            }))?;
        }
        let mut places: Vec<usize> = (0..self.places.len()).collect();
        places.sort_by_key(|&place| &self.places[place]);
        let mut rank = vec![0; places.len()];
        for (order, &place) in places.iter().enumerate() {
            rank[place] = order;
        }
        let mut order = self.by_name.clone();
        // Stable: samples of one number stay in the order of their names.
        order.sort_by_key(|&sample| self.samples[sample as usize].number);
        for sample in order {
            let mut maps = self.maps[self.range(sample)].to_vec();
            if maps.is_empty() {
                continue;
            }
            maps.sort_by_key(|entry| rank[usize::from(entry.place)]);
            output.write_all(self.samples[sample as usize].to_line().as_bytes())?;
            for entry in maps {
                output.write_all(self.map_line(&entry).as_bytes())?;
            }
        }
        output.flush()
    }

    fn map_line(&self, entry: &MapEntry) -> String {
        map_line(&self.file(entry), self.key_of(entry), entry)
    }
}

/// The line of a map.
fn map_line(file: &str, key: SettingsKey, entry: &MapEntry) -> String {
    FinishedMap {
        class: entry.class,
        empty: entry.empty,
        bytes: u64::from(entry.bytes),
        sha256: entry.sha256,
    }
    .to_line(file, key)
}

/// What is known about a map when it is whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishedMap {
    pub(crate) class: u16,
    pub(crate) empty: bool,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

impl FinishedMap {
    pub(crate) fn to_line(self, file: &str, key: SettingsKey) -> String {
        line::text(&Line::Map(MapLine {
            file: Cow::Borrowed(file),
            settings: Cow::Owned(key.to_string()),
            class: self.class,
            bytes: self.bytes,
            sha256: Cow::Owned(hex::encode(&self.sha256)),
            empty: self.empty,
        }))
    }
}

/// The file of a sample's map in a folder below the output folder, with `/` on every system.
#[must_use]
pub fn file_of(folder: &str, sample: &str) -> Option<String> {
    let path = output_path(sample, "npy").ok()?;
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    Some(format!("{folder}{}", parts.join("/")))
}

/// Whether maps of these settings have to be enlarged when they are read.
#[must_use]
pub fn is_at_layer(settings: &MapSettings) -> bool {
    settings.store == Storage::Layer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::tests::settings;

    fn facts(number: u32, name: &str, picture: u8) -> SampleFacts {
        SampleFacts {
            number,
            name: name.into(),
            dataset: "test".into(),
            rule: "plain".into(),
            bytes: 9,
            sha256: [picture; 32],
            size: [512, 512],
            logits: [0.25, -1.5].into(),
        }
    }

    fn entry(sha: u8) -> FinishedMap {
        FinishedMap {
            class: 0,
            empty: sha == 0,
            bytes: 128,
            sha256: [sha; 32],
        }
    }

    /// A sample with its maps: folder, method, content.
    type Sample<'a> = (SampleFacts, &'a [(&'a str, &'a str, u8)]);

    fn index(samples: &[Sample<'_>]) -> Index {
        let mut text = String::new();
        for (facts, maps) in samples {
            text.push_str(&facts.to_line());
            for (folder, method, sha) in *maps {
                let of = settings(method);
                let key = of.key();
                text = line::text(&Line::Settings(SettingsLine { key, of })) + &text;
                text.push_str(&entry(*sha).to_line(&file_of(folder, &facts.name).unwrap(), key));
            }
        }
        let mut index = Index::default();
        for line in text.lines() {
            index.take(serde_json::from_str(line).unwrap()).unwrap();
        }
        index.sort();
        index
    }

    fn written(index: &Index) -> String {
        let mut bytes = Vec::new();
        index.write(Layout::ByMethod, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_manifest_does_not_depend_on_who_did_what() {
        let a: &[_] = &[("x/", "x", 1), ("y/", "y", 2)];
        let b: &[_] = &[("x/", "x", 3), ("y/", "y", 4)];
        let whole = index(&[(facts(0, "b/ü.png", 7), a), (facts(1, "a.png", 8), b)]);
        let mut parts = index(&[(facts(1, "a.png", 8), &b[1..])]);
        for part in [
            index(&[(facts(0, "b/ü.png", 7), &a[1..])]),
            index(&[(facts(1, "a.png", 8), &b[..1])]),
            index(&[(facts(0, "b/ü.png", 7), a)]),
        ] {
            assert_eq!(parts.merge(part, false).unwrap(), []);
        }
        assert_eq!(written(&parts), written(&whole));
        let text = written(&whole);
        let names = ["b/ü.png", "x/b/ü.npy", "y/b/ü.npy", "a.png", "x/a.npy"];
        let places: Vec<_> = names.iter().map(|name| text.find(name).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        let found = whole.map("a.png", "y/").unwrap();
        assert_eq!(
            (found.sha256, whole.file(found)),
            ([4; 32], "y/a.npy".to_owned())
        );
        assert!(whole.map("a.png", "z/").is_none() && whole.map("c.png", "x/").is_none());
    }

    #[test]
    fn what_contradicts_is_told_and_a_replaced_picture_loses_its_maps() {
        let one = || index(&[(facts(0, "a.png", 7), &[("x/", "x", 1), ("y/", "y", 2)])]);
        let other =
            |picture, method, sha| index(&[(facts(0, "a.png", picture), &[("x/", method, sha)])]);
        let contradiction = |same_settings| Contradiction {
            file: "x/a.npy".to_owned(),
            same_settings,
        };
        let merged = |theirs, newer| {
            let mut ours = one();
            let told = ours.merge(theirs, newer).unwrap();
            (
                told,
                ours.maps().len(),
                ours.map("a.png", "x/").unwrap().sha256[0],
            )
        };
        assert_eq!(merged(other(7, "x", 1), false), (vec![], 2, 1));
        assert_eq!(
            merged(other(7, "x", 9), true),
            (vec![contradiction(true)], 2, 9)
        );
        assert_eq!(
            merged(other(7, "z", 9), false),
            (vec![contradiction(false)], 2, 9)
        );
        assert_eq!(merged(other(7, "z", 9), true), (vec![], 2, 9));
        // The picture is another one: what was known of it is gone.
        assert_eq!(merged(other(8, "x", 9), false), (vec![], 1, 9));
    }

    #[test]
    fn damaged_lines_are_told() {
        let mut index = Index::default();
        let mut take = |text: &str| index.take(serde_json::from_str(text).unwrap());
        let map = entry(1).to_line("a.npy", settings("x").key());
        assert!(take(&map).unwrap_err().contains("before its sample"));
        take(&facts(0, "b.png", 1).to_line()).unwrap();
        assert!(take(&map).unwrap_err().contains("does not fit"));
        let map = entry(1).to_line("b.npy", settings("x").key());
        assert!(take(&map).unwrap_err().contains("settings"));
    }
}
