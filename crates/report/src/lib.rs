//! What people look at: overlays of saliency maps, sheets of them, tables and plots of their
//! scores.
//!
//! Nothing here prints or parses arguments. The same input gives the same bytes: no time stamp,
//! no random number and no thread takes part in a picture.

pub mod colormap;
pub mod drawing;
mod error;
pub mod montage;
pub mod overlay;
pub mod plot;
pub mod score_table;
pub mod table;

pub use error::Error;
pub use image::RgbImage;
