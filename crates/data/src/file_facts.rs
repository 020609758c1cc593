//! What tells one state of a file from another.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// Length and digest of a file, so that a result can say of which bytes it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileFacts {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl FileFacts {
    /// The facts of a file that is in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
        }
    }

    /// The facts of everything that is left to read; no more than a small part is held at a time.
    ///
    /// # Errors
    ///
    /// As the source says.
    pub fn read(mut source: impl Read) -> io::Result<Self> {
        let mut digest = Sha256::new();
        let bytes = io::copy(&mut source, &mut digest)?;
        Ok(Self {
            bytes,
            sha256: digest.finalize().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_published_digest() {
        // The test vector of FIPS 180-2 for `abc`.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let facts = FileFacts::of(b"abc");
        assert_eq!(facts.bytes, 3);
        assert_eq!(mednet_base::hex::encode(&facts.sha256), expected);
        assert_eq!(FileFacts::read(&b"abc"[..]).unwrap(), facts);
        assert_ne!(FileFacts::of(b"abd").sha256, facts.sha256);
    }
}
