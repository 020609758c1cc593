//! Weights of trained networks: opening checkpoint files and fitting them to a network.
//!
//! ```no_run
//! use mednet_network::checkpoint::{Checkpoint, resolve_weight};
//!
//! let file = resolve_weight("path/to/training-folder".as_ref())?;
//! let checkpoint = Checkpoint::open(&file)?;
//! let outputs = checkpoint.output_count("dense.bias");
//! # Ok::<(), mednet_network::checkpoint::CheckpointError>(())
//! ```
//!
//! Read by content, whatever the file is called: Lightning `.ckpt`, `torch.save` of a state dict or
//! of a whole network (zip archive, or the flat format from before torch 1.6), `.safetensors`.
//! Nothing in a file is ever executed; see the limits in this module's source for what a file may
//! ask of memory.

mod architecture;
mod archive;
mod aside;
mod error;
mod gather;
mod limits;
mod normalizer;
mod pickle;
mod safetensors;
mod scalar;
mod sniff;
mod state_dict;
mod torch;
mod weight_path;
mod weights;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use mednet_base::file::open_regular;
use sha2::{Digest, Sha256};

pub use self::error::{CheckpointError, Misshapen};
pub use self::normalizer::Normalizer;
pub use self::state_dict::Matched;
pub use self::weight_path::resolve_weight;

use self::error::{Fault, unreadable};
use crate::tensor::Tensor;

/// How many bytes at the start of a file tell its format.
const START_BYTES: u64 = 512;

/// The weights of a trained network, as a file holds them.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The file they were read from.
    pub path: PathBuf,
    /// SHA-256 of the whole file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// What the file is, for people, such as `Lightning checkpoint (zip)`.
    pub format: String,
    /// The weights by their name in the file; 16-bit and 64-bit floats are converted to `f32`.
    pub tensors: BTreeMap<String, Tensor>,
    /// Entries of the state dict that are no floating-point tensors (such as
    /// `num_batches_tracked`), with what they are.
    pub skipped: BTreeMap<String, String>,
    /// The normalization that the network expects, if the file says.
    pub normalizer: Option<Normalizer>,
    /// Zero-based epoch after which the checkpoint was written, if the file says.
    pub epoch: Option<i64>,
    /// Functions and classes that Python would call when it opens the file and that do more than
    /// describe data, such as `sqlite3.connect`, and those named in it that can run programs; sorted
    /// and fit for a message. Nothing of it was executed here.
    pub would_execute: Vec<String>,
    /// Entries of the file that hold weights of the same network and were not read, such as
    /// `state_dict_ema`; their keys, the outer ones first, joined by `/` and fit for a message.
    pub left_aside: Vec<String>,
}

/// What a file of any format holds.
#[derive(Debug)]
struct Contents {
    tensors: BTreeMap<String, Tensor>,
    skipped: BTreeMap<String, String>,
    normalizer: Option<Normalizer>,
    epoch: Option<i64>,
    would_execute: Vec<String>,
    left_aside: Vec<String>,
    format: String,
}

impl Checkpoint {
    /// Opens a checkpoint file.
    ///
    /// # Errors
    ///
    /// If there is no such file, it is a pipe, socket, device or folder (which are never opened: they
    /// could be waited for for ever), it is none of the formats above, is damaged, goes beyond a limit,
    /// asks for code to be run, or holds no state dict or a normalizer that cannot be used.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let file = open_regular(path).map_err(|error| unreadable(path, error))?;
        Self::read(file, path)
    }

    /// Reads a checkpoint from anything that can be read twice; `path` is what it is called in
    /// messages.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::open`].
    pub fn read<R: Read + Seek>(mut reader: R, path: &Path) -> Result<Self, CheckpointError> {
        // A file that is no checkpoint is refused before its length takes any time.
        let length = length(&mut reader).map_err(|fault| fault.at(path))?;
        let mut contents = read_contents(&mut reader, length).map_err(|fault| fault.at(path))?;
        let sha256 = hash(&mut reader, length).map_err(|fault| fault.at(path))?;
        if contents.normalizer.is_none() {
            contents.normalizer =
                take_normalizer(&mut contents.tensors).map_err(|fault| fault.at(path))?;
        }
        let Contents {
            tensors,
            skipped,
            normalizer,
            epoch,
            would_execute,
            left_aside,
            format,
        } = contents;
        Ok(Self {
            path: path.to_owned(),
            sha256,
            format,
            tensors,
            skipped,
            normalizer,
            epoch,
            would_execute,
            left_aside,
        })
    }
}

fn length<R: Seek>(reader: &mut R) -> Result<u64, Fault> {
    Ok(reader.seek(SeekFrom::End(0))?)
}

/// SHA-256 of everything that can be read, which must be `length` bytes.
fn hash<R: Read + Seek>(reader: &mut R, length: u64) -> Result<String, Fault> {
    reader.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut left = length;
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) if left == 0 => break,
            Ok(0) => return Err(Fault::damaged("it became shorter while it was read")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        hasher.update(&buffer[..count]);
        left = left
            .checked_sub(count as u64)
            .ok_or_else(|| Fault::damaged("it became longer while it was read"))?;
    }
    Ok(mednet_base::hex::encode(&hasher.finalize()))
}

fn read_contents<R: Read + Seek>(reader: &mut R, length: u64) -> Result<Contents, Fault> {
    if length == 0 {
        return Err(Fault::not_a_checkpoint(
            "an empty file",
            "copy or download it again",
        ));
    }
    let start = archive::read_at(reader, 0, length.min(START_BYTES), length)?;
    if start.starts_with(b"PK\x03\x04") {
        return torch::read_archive(reader, length);
    }
    if safetensors::is_safetensors(&start, length) {
        return safetensors::read(reader, length);
    }
    let foreign = sniff::foreign(&start);
    match torch::read_legacy(reader, length) {
        Ok(Some(contents)) => Ok(contents),
        // Pickles start in many ways; say so if one would run code, whatever it looks like.
        Err(fault @ Fault::RunsCode(_)) => Err(fault),
        Err(fault) if start.first() == Some(&0x80) => Err(fault),
        Ok(None) | Err(_) => Err(foreign),
    }
}

/// Takes the normalizer out of a state dict that holds it as `normalizer.mean`, `normalizer.std`.
fn take_normalizer(tensors: &mut BTreeMap<String, Tensor>) -> Result<Option<Normalizer>, Fault> {
    match (
        tensors.remove("normalizer.mean"),
        tensors.remove("normalizer.std"),
    ) {
        (Some(mean), Some(std)) => Normalizer::new(mean.into_data(), std.into_data()).map(Some),
        (None, None) => Ok(None),
        (mean, _) => {
            let (there, lacking) = if mean.is_some() {
                ("mean", "std")
            } else {
                ("std", "mean")
            };
            Err(Fault::BadNormalizer(format!(
                "it has `normalizer.{there}` but no `normalizer.{lacking}`"
            )))
        }
    }
}
