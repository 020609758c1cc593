//! The output folder of maps: what is there, how it was made, and how more is added by any number
//! of processes at once.
//!
//! ```text
//! OUTPUT/manifest.jsonl          all finished maps; only ever replaced as a whole
//! OUTPUT/journal/...jsonl        what processes have finished since, one file each
//! OUTPUT/[METHOD/][CLASS/]NAME.npy
//! ```
//!
//! What is known is the manifest and all journals together. A run without `--shard` folds its
//! journal into the manifest at its end; the parts of a sharded run are folded by
//! [`crate::collect`].

pub mod index;
pub mod journal;
pub mod layout;
pub mod line;
pub mod process;
pub(crate) mod writer;

pub use index::{Contradiction, Index, MapEntry, SampleFacts};
pub use journal::{FoundJournal, JOURNALS, Journal, JournalState, LinesError};
pub use layout::{Layout, Storage};
pub use line::{EndLine, Header};
pub use process::Process;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mednet_base::file::{FileError, Output};
use thiserror::Error;

/// Name of the manifest in an output folder.
pub const MANIFEST: &str = "manifest.jsonl";
/// How often reading begins anew because another process folded journals meanwhile.
const MOST_ATTEMPTS: usize = 16;

/// What is known about an output folder cannot be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A manifest or journal cannot be used.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Two processes made one map, and the maps differ.
    #[error("{}", contradicts(folder, contradictions))]
    Contradictory {
        /// The output folder.
        folder: PathBuf,
        /// The maps.
        contradictions: Vec<Contradiction>,
    },
    /// More is known than fits.
    #[error("cannot bring together what is known about `{folder}`: {reason}")]
    TooMuch {
        /// The output folder.
        folder: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

fn contradicts(folder: &Path, contradictions: &[Contradiction]) -> String {
    let Some(first) = contradictions.first() else {
        return String::new();
    };
    let how = match first.same_settings {
        true => "not reproducible: two processes with the same settings made it, and it differs",
        false => "two processes made it with different settings",
    };
    format!(
        "contradictory: {} in `{}`; the first is `{}`: {how}; make these maps again with \
         --overwrite",
        mednet_base::text::plural(contradictions.len(), "map", "maps"),
        folder.display(),
        first.file,
    )
}

/// What is known about an output folder.
#[derive(Debug)]
pub struct MapStore {
    folder: PathBuf,
    /// All maps that are known.
    pub index: Index,
    /// The journals that were found.
    pub journals: Vec<FoundJournal>,
    /// Whether there is a manifest.
    pub has_manifest: bool,
    /// Whether there is one of an older program, which was disregarded.
    pub is_old: bool,
    /// Maps that two journals tell of differently.
    pub contradictions: Vec<Contradiction>,
    /// When the latest of the files was written that this knowledge is from.
    pub known_since: SystemTime,
}

impl MapStore {
    /// Reads what is known about a folder, which need not be there. Nothing is changed.
    ///
    /// # Errors
    /// Where a manifest or journal cannot be read or is damaged.
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        for attempt in 1.. {
            match Self::read_once(folder) {
                // Another process has folded a journal after it was listed: its lines are in the
                // manifest by now.
                Err(StoreError::Lines(error)) if error.is_missing() && attempt < MOST_ATTEMPTS => {}
                other => return other,
            }
        }
        unreachable!("the last attempt returns")
    }

    /// As [`MapStore::read`], and as if there were nothing where an older program wrote it.
    ///
    /// # Errors
    /// As [`MapStore::read`].
    pub fn read_or_disregard_old(folder: &Path) -> Result<Self, StoreError> {
        match Self::read(folder) {
            Err(StoreError::Lines(LinesError::Old { .. })) => Ok(Self {
                is_old: true,
                ..Self::nothing(folder)
            }),
            other => other,
        }
    }

    fn nothing(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            index: Index::default(),
            journals: Vec::new(),
            has_manifest: false,
            is_old: false,
            contradictions: Vec::new(),
            known_since: SystemTime::UNIX_EPOCH,
        }
    }

    fn read_once(folder: &Path) -> Result<Self, StoreError> {
        let mut store = Self::nothing(folder);
        // Journals first: one that is folded meanwhile is in the manifest by the time that is read.
        let mut parts = Vec::new();
        for path in journal::list(folder)? {
            let mut index = Index::default();
            let found = journal::read(&path, |header, line| {
                index.layout = header.layout;
                match header.command.as_str() {
                    "generate" => index.take(line),
                    _ => Ok(()),
                }
            })?;
            if let Some(found) = found
                && found.header.command == "generate"
            {
                store.known_since = store.known_since.max(found.grown);
                index.layout = found.header.layout;
                parts.push((found, index));
            }
        }
        let manifest = folder.join(MANIFEST);
        match std::fs::metadata(&manifest) {
            Ok(about) => {
                store.index.reserve(about.len());
                journal::read_lines(&manifest, |line| store.index.take(line))?;
                store.has_manifest = true;
                let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                store.known_since = store.known_since.max(written);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::new("read", &manifest, error).into()),
        }
        store.index.sort();
        parts.sort_by(|(a, _), (b, _)| a.header.began.cmp(&b.header.began));
        for (found, index) in parts {
            let told = store.index.merge(index, found.header.overwrite);
            let told = told.map_err(|reason| StoreError::TooMuch {
                folder: folder.to_owned(),
                reason,
            })?;
            store.contradictions.extend(told);
            store.journals.push(found);
        }
        journal::settle(&mut store.journals);
        Ok(store)
    }

    /// The output folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether anything is known: an earlier run left a manifest or a journal.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.has_manifest || !self.journals.is_empty()
    }

    /// Where maps lie, as an earlier run decided.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        self.index.layout
    }

    /// Removes what runs that were ended from outside have left unfinished.
    pub fn remove_unfinished(&self) {
        let journals = self.journals.iter();
        let runs: Vec<&str> = journals.filter_map(FoundJournal::dead_run).collect();
        journal::remove_unfinished(&self.folder, &runs, usize::MAX);
    }

    /// Writes all that is known into the manifest and removes the journals, unless another process
    /// may still write to one of them: then its run, which ends later, does it.
    ///
    /// `own` is the journal of this run, which has ended. Whether it was done.
    ///
    /// # Errors
    /// Where something cannot be read or written, or is contradictory: the manifest then holds
    /// what the files themselves say.
    pub fn fold(folder: &Path, own: &Path) -> Result<bool, StoreError> {
        let store = Self::read(folder)?;
        let others = store.journals.iter().filter(|found| found.path != own);
        if others
            .clone()
            .any(|found| found.state == JournalState::Alive)
        {
            return Ok(false);
        }
        // The parts of a sharded run are brought together by `collect`.
        store.write_manifest(|found| found.header.shard.is_some())?;
        Ok(true)
    }

    /// Writes all that is known into the manifest, then removes the journals that were read, but
    /// those that `keep` says.
    ///
    /// # Errors
    /// As [`MapStore::fold`].
    pub fn write_manifest(
        mut self,
        keep: impl Fn(&FoundJournal) -> bool,
    ) -> Result<(), StoreError> {
        let contradictions = std::mem::take(&mut self.contradictions);
        if !contradictions.is_empty() {
            self.believe_files(&contradictions);
        }
        let read: Vec<PathBuf> = self
            .journals
            .iter()
            .map(|found| found.path.clone())
            .collect();
        let layout = self.layout().unwrap_or(Layout::OneMethod);
        let path = self.folder.join(MANIFEST);
        let mut output = Output::create(&path)?;
        let written = self.index.write(layout, &mut output);
        written.map_err(|source| FileError::new("write", &path, source))?;
        // A run that has begun meanwhile folds these journals with its own.
        let listed = journal::list(&self.folder)?;
        let is_known = |path: &PathBuf| read.contains(path) || journal::is_of_scores(path);
        if contradictions.is_empty() && !listed.iter().all(is_known) {
            return Ok(());
        }
        output.finish()?;
        self.remove_unfinished();
        let over = self.journals.iter().filter(|found| !keep(found));
        let over: Vec<PathBuf> = over.map(|found| found.path.clone()).collect();
        journal::remove(&self.folder, &over)?;
        match contradictions.is_empty() {
            true => Ok(()),
            false => Err(StoreError::Contradictory {
                folder: self.folder,
                contradictions,
            }),
        }
    }

    /// Forgets the maps of which two processes told different things, unless the file is the one
    /// that is remembered.
    fn believe_files(&mut self, contradictions: &[Contradiction]) {
        let folder = self.folder.clone();
        self.index.forget(|index, entry| {
            let file = index.file(entry);
            contradictions.iter().any(|told| told.file == file)
                && hash_of(&folder.join(&file)).is_none_or(|found| found != entry.sha256)
        });
    }
}

/// SHA-256 of a file; nothing where it cannot be read.
#[must_use]
pub fn hash_of(path: &Path) -> Option<[u8; 32]> {
    use sha2::Digest;
    let mut file = mednet_base::file::open_regular(path).ok()?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut buffer) {
            Ok(0) => return Some(hasher.finalize().into()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
