//! What the owner of an image file should know.

/// Something that was done to a picture and that its owner may not expect.
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
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AlphaDropped => "the alpha channel is ignored",
            Self::PaletteConverted => "the palette is converted to colours",
            Self::ReducedToEightBits => "16 bits a channel are reduced to 8, as the original does",
            Self::SixteenBitGrayScaled => {
                "16-bit gray where 8 bits are expected: scaled by its own depth \
                 (the original clips it to white)"
            }
        })
    }
}
