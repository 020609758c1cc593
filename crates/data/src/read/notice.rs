//! What the owner of an image file should know.

use std::fmt;

/// Something that was done to a picture, or was found in it, that its owner may not expect.
///
/// The displayed text is about this picture; [`Notice::summary`] is the same for all pictures that
/// a count of notices takes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// There was a transparency channel.
    AlphaDropped,
    /// The pixels were indices into a palette.
    PaletteConverted,
    /// 16 bits a channel became 8, as the original does it with colour.
    ReducedToEightBits,
    /// The database's rule asks for 8-bit gray, the file holds 16: the full depth is used.
    SixteenBitGrayScaled,
    /// The values of a film of few bits, mostly 12, lie in a file of 16 bits and are not scaled:
    /// white is a dark gray.
    TwelveBitsInSixteen {
        /// The largest value of the picture, above 0 and below 16384.
        largest: u16,
    },
    /// The picture was turned or mirrored as the orientation tag of the TIFF says. Boxes and sizes
    /// are those of the turned picture.
    Turned {
        /// The tag, 2 to 8.
        orientation: u8,
    },
    /// The coded pixels of a JPEG are damaged; what could not be decoded is gray.
    JpegDamaged {
        /// The gray part of the picture in percent, rounded up; 0 where nothing is missing, though
        /// values may be wrong.
        missing_percent: u8,
    },
    /// The EXIF data of a JPEG or PNG ask for the picture to be turned or mirrored, which is not
    /// done.
    OrientationIgnored {
        /// The value in the EXIF data, 2 to 8.
        orientation: u8,
    },
}

impl Notice {
    /// The notice for the largest value of a 16-bit picture, where it gives reason for one.
    pub(super) fn of_largest(largest: u16) -> Option<Self> {
        (1..1 << 14)
            .contains(&largest)
            .then_some(Self::TwelveBitsInSixteen { largest })
    }

    /// What is said of several pictures together: the text without the numbers of one picture.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::AlphaDropped => "the alpha channel is ignored",
            Self::PaletteConverted => "the palette is converted to colours",
            Self::ReducedToEightBits => "16 bits a channel are reduced to 8, as the original does",
            Self::SixteenBitGrayScaled => {
                "16-bit gray where 8 bits are expected: scaled by its own depth \
                 (the original clips it to white)"
            }
            Self::TwelveBitsInSixteen { .. } => {
                "a film of fewer bits in a 16-bit file: the values are darker than those the \
                 network was trained with"
            }
            Self::Turned { .. } => "turned as the orientation tag of the TIFF says",
            Self::JpegDamaged { .. } => {
                "the JPEG's data are damaged: parts of the picture are gray or wrong"
            }
            Self::OrientationIgnored { .. } => {
                "the EXIF orientation is not followed: turn the picture itself if it lies wrong"
            }
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwelveBitsInSixteen { largest } => {
                let bits = film_bits(*largest);
                let article = if bits == 8 { "an" } else { "a" };
                write!(
                    f,
                    "the largest value is {largest}, as of {article} {bits}-bit film, in a 16-bit \
                     file: the values are darker than those the network was trained with"
                )
            }
            Self::Turned { orientation } => write!(
                f,
                "{} ({orientation}: {})",
                self.summary(),
                in_words(*orientation)
            ),
            Self::JpegDamaged {
                missing_percent: missing @ 1..,
            } => write!(
                f,
                "the JPEG's data are damaged: {missing} % of the picture are missing and gray"
            ),
            Self::OrientationIgnored { orientation } => write!(
                f,
                "the EXIF orientation ({orientation}: {}) is not followed: turn the picture \
                 itself if it lies wrong",
                in_words(*orientation)
            ),
            _ => f.write_str(self.summary()),
        }
    }
}

/// The depth of the detector that such a value is from: they have 8, 10, 12 or 14 bits.
fn film_bits(largest: u16) -> u32 {
    let bits = u16::BITS - largest.leading_zeros();
    bits.next_multiple_of(2).max(8)
}

/// How a picture with this orientation must be turned.
fn in_words(orientation: u8) -> &'static str {
    match orientation {
        2 => "mirrored left to right",
        3 => "turned by 180 degrees",
        4 => "mirrored top to bottom",
        5 => "mirrored at the diagonal from the top left",
        6 => "turned by 90 degrees clockwise",
        7 => "mirrored at the diagonal from the top right",
        8 => "turned by 90 degrees anticlockwise",
        _ => "as stored",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_a_film_is_guessed_from_its_largest_value() {
        let said = |largest| Notice::of_largest(largest).map(|notice| notice.to_string());
        for (largest, film) in [
            (1, "an 8-bit film"),
            (255, "an 8-bit film"),
            (256, "a 10-bit film"),
            (1023, "a 10-bit film"),
            (4095, "a 12-bit film"),
            (4096, "a 14-bit film"),
            (16_383, "a 14-bit film"),
        ] {
            let text = said(largest).unwrap();
            assert!(
                text.starts_with(&format!("the largest value is {largest}, as of {film},")),
                "{text}"
            );
        }
        // Black; the whole range.
        assert_eq!((said(0), said(16_384), said(u16::MAX)), (None, None, None));
    }

    #[test]
    fn a_summary_is_the_same_for_every_picture() {
        let dark = |largest| Notice::TwelveBitsInSixteen { largest };
        assert_eq!(dark(7).summary(), dark(4095).summary());
        let turned = Notice::Turned { orientation: 6 };
        assert_eq!(
            turned.to_string(),
            "turned as the orientation tag of the TIFF says (6: turned by 90 degrees clockwise)"
        );
    }
}
