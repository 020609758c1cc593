//! Pages as a PDF file with vector lines, an embedded font and text that can be selected.
//!
//! Pages go to the file as they come, so that a document of any length needs the memory of one
//! page. Nothing in it depends on time or place: equal pages give equal bytes.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Chunk, Content, Filter, Finish, Name, Rect, Ref, Str, TextStr};
use subsetter::GlyphRemapper;

use super::{Colour, Item, Page, Stroke, Text, font};
use crate::Error;
use mednet_base::file::{FileError, Output};

/// Pictures of up to this many pixels (colour bars) are stored without loss.
const LOSSLESS_PIXELS: u64 = 4096;

/// Quality of the larger ones: JPEG differences stay below what an eye sees.
const JPEG_QUALITY: u8 = 92;

/// Names of the objects that every file has; the others follow.
const CATALOG: i32 = 1;
const PAGES: i32 = 2;
const FONT: i32 = 3;
const CID_FONT: i32 = 4;
const DESCRIPTOR: i32 = 5;
const FONT_FILE: i32 = 6;
const TO_UNICODE: i32 = 7;
const INFO: i32 = 8;
const FIRST_FREE: i32 = 9;

/// A PDF file in the making.
pub struct PdfFile<W: Write> {
    output: W,
    written: u64,
    offsets: BTreeMap<i32, u64>,
    next: i32,
    pages: Vec<Ref>,
    title: String,
    glyphs: GlyphRemapper,
    characters: BTreeMap<u16, char>,
    opacities: BTreeMap<u16, Ref>,
}

impl<W: Write> PdfFile<W> {
    /// Starts a file; `title` is what viewers show for it.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn new(output: W, title: &str) -> io::Result<Self> {
        let mut file = Self {
            output,
            written: 0,
            offsets: BTreeMap::new(),
            next: FIRST_FREE,
            pages: Vec::new(),
            title: title.to_owned(),
            glyphs: GlyphRemapper::new(),
            characters: BTreeMap::new(),
            opacities: BTreeMap::new(),
        };
        file.write(b"%PDF-1.7\n%\x80\x80\x80\x80\n")?;
        Ok(file)
    }

    /// Adds a page.
    ///
    /// # Errors
    /// Where the output cannot be written, or a picture cannot be encoded.
    pub fn add_page(&mut self, page: &Page) -> io::Result<()> {
        let mut content = Content::new();
        let mut pictures = Vec::new();
        let mut opacities = Vec::new();
        // Points from the bottom left to points from the top left.
        content.transform([1.0, 0.0, 0.0, -1.0, 0.0, page.height as f32]);
        content.set_line_join(pdf_writer::types::LineJoinStyle::RoundJoin);
        for item in page.items.iter().filter(|item| is_finite(item)) {
            match item {
                Item::Path {
                    points,
                    closed,
                    fill,
                    stroke,
                } => {
                    self.start(&mut content, &mut opacities, *fill, stroke.as_ref())?;
                    for (index, &(x, y)) in points.iter().enumerate() {
                        if index == 0 {
                            content.move_to(x as f32, y as f32);
                        } else {
                            content.line_to(x as f32, y as f32);
                        }
                    }
                    if *closed && !points.is_empty() {
                        content.close_path();
                    }
                    end(&mut content, *fill, stroke.as_ref());
                }
                Item::Circle {
                    centre,
                    radius,
                    fill,
                    stroke,
                } => {
                    self.start(&mut content, &mut opacities, *fill, stroke.as_ref())?;
                    circle(&mut content, *centre, *radius);
                    end(&mut content, *fill, stroke.as_ref());
                }
                Item::Text(text) => {
                    self.start(&mut content, &mut opacities, Some(text.colour), None)?;
                    self.text(&mut content, text);
                    content.restore_state();
                }
                Item::Picture { frame, pixels } => {
                    let id = self.picture(pixels)?;
                    let name = format!("P{}", pictures.len());
                    let [left, top, width, height] = frame.map(|value| value as f32);
                    content.save_state();
                    content.transform([width, 0.0, 0.0, -height, left, top + height]);
                    content.x_object(Name(name.as_bytes()));
                    content.restore_state();
                    pictures.push((name, id));
                }
            }
        }
        let stream = compressed(&content.finish())?;
        let content_id = self.allocate();
        let mut chunk = Chunk::new();
        chunk
            .stream(content_id, &stream)
            .filter(Filter::FlateDecode);
        self.add(content_id, &chunk)?;

        let page_id = self.allocate();
        let mut chunk = Chunk::new();
        let mut writer = chunk.page(page_id);
        writer
            .parent(Ref::new(PAGES))
            .media_box(Rect::new(0.0, 0.0, page.width as f32, page.height as f32))
            .contents(content_id);
        let mut resources = writer.resources();
        resources.fonts().pair(Name(b"F"), Ref::new(FONT));
        if !pictures.is_empty() {
            let mut objects = resources.x_objects();
            for (name, id) in &pictures {
                objects.pair(Name(name.as_bytes()), *id);
            }
        }
        if !opacities.is_empty() {
            let mut states = resources.ext_g_states();
            opacities.sort_unstable();
            opacities.dedup();
            for opacity in opacities {
                if let Some(id) = self.opacities.get(&opacity) {
                    states.pair(Name(format!("A{opacity}").as_bytes()), *id);
                }
            }
        }
        resources.finish();
        writer.finish();
        self.add(page_id, &chunk)?;
        self.pages.push(page_id);
        Ok(())
    }

    /// Writes the font and the table of contents; a file without a page gets an empty one.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        if self.pages.is_empty() {
            self.add_page(&Page::new(460.8, 345.6))?;
        }
        self.write_font()?;

        let mut chunk = Chunk::new();
        let count = i32::try_from(self.pages.len()).unwrap_or(i32::MAX);
        chunk
            .pages(Ref::new(PAGES))
            .kids(self.pages.iter().copied())
            .count(count);
        self.add(Ref::new(PAGES), &chunk)?;
        let mut chunk = Chunk::new();
        chunk
            .indirect(Ref::new(CATALOG))
            .start::<pdf_writer::writers::Catalog>()
            .pages(Ref::new(PAGES));
        self.add(Ref::new(CATALOG), &chunk)?;
        let mut chunk = Chunk::new();
        let title = self.title.clone();
        let mut info = chunk
            .indirect(Ref::new(INFO))
            .start::<pdf_writer::writers::DocumentInfo>();
        info.title(TextStr(&title)).producer(TextStr("mednet"));
        info.finish();
        self.add(Ref::new(INFO), &chunk)?;

        let start = self.written;
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.next);
        for id in 1..self.next {
            match self.offsets.get(&id) {
                Some(offset) => table.push_str(&format!("{offset:010} 00000 n \n")),
                None => table.push_str("0000000000 65535 f \n"),
            }
        }
        table.push_str(&format!(
            "trailer\n<< /Size {} /Root {CATALOG} 0 R /Info {INFO} 0 R >>\nstartxref\n{start}\n%%EOF\n",
            self.next
        ));
        self.write(table.as_bytes())?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn allocate(&mut self) -> Ref {
        let id = Ref::new(self.next);
        self.next += 1;
        id
    }

    /// Writes the only object of a chunk.
    fn add(&mut self, id: Ref, chunk: &Chunk) -> io::Result<()> {
        self.offsets.insert(id.get(), self.written);
        self.write(chunk.as_bytes())
    }

    /// Sets colours, opacity and line style until `restore_state`.
    fn start(
        &mut self,
        content: &mut Content,
        used: &mut Vec<u16>,
        fill: Option<Colour>,
        stroke: Option<&Stroke>,
    ) -> io::Result<()> {
        content.save_state();
        if let Some(colour) = fill {
            let [red, green, blue] = colour.rgb.map(|byte| f32::from(byte) / 255.0);
            content.set_fill_rgb(red, green, blue);
        }
        if let Some(stroke) = stroke {
            let [red, green, blue] = stroke.colour.rgb.map(|byte| f32::from(byte) / 255.0);
            content.set_stroke_rgb(red, green, blue);
            content.set_line_width(stroke.width as f32);
            if !stroke.dashes.is_empty() {
                content.set_dash_pattern(stroke.dashes.iter().map(|&length| length as f32), 0.0);
            }
        }
        let inside = fill.map_or(100, |colour| percent(colour.alpha));
        let outline = stroke.map_or(100, |stroke| percent(stroke.colour.alpha));
        if (inside, outline) != (100, 100) {
            let key = inside * 101 + outline;
            if !self.opacities.contains_key(&key) {
                let id = self.allocate();
                let mut chunk = Chunk::new();
                chunk
                    .ext_graphics(id)
                    .non_stroking_alpha(f32::from(inside) / 100.0)
                    .stroking_alpha(f32::from(outline) / 100.0);
                self.add(id, &chunk)?;
                self.opacities.insert(key, id);
            }
            used.push(key);
            content.set_parameters(Name(format!("A{key}").as_bytes()));
        }
        Ok(())
    }

    fn text(&mut self, content: &mut Content, text: &Text) {
        let (x, y) = font::start(text);
        let (x, y) = (x as f32, y as f32);
        let mut codes = Vec::new();
        for glyph in font::glyphs(&text.text) {
            let id = self.glyphs.remap(glyph.id);
            if id != 0 {
                self.characters.entry(id).or_insert(glyph.character);
            }
            codes.extend(id.to_be_bytes());
        }
        content.begin_text();
        content.set_font(Name(b"F"), text.size as f32);
        // The page is turned upside down, so that the letters have to be turned back.
        content.set_text_matrix(if text.upwards {
            [0.0, -1.0, -1.0, 0.0, x, y]
        } else {
            [1.0, 0.0, 0.0, -1.0, x, y]
        });
        content.show(Str(&codes));
        content.end_text();
    }

    fn picture(&mut self, pixels: &RgbImage) -> io::Result<Ref> {
        let (width, height) = pixels.dimensions();
        let id = self.allocate();
        let mut chunk = Chunk::new();
        let lossless = u64::from(width) * u64::from(height) <= LOSSLESS_PIXELS;
        let (bytes, filter) = if lossless {
            (compressed(pixels.as_raw())?, Filter::FlateDecode)
        } else {
            let mut bytes = Cursor::new(Vec::new());
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
                .encode_image(pixels)
                .map_err(io::Error::other)?;
            (bytes.into_inner(), Filter::DctDecode)
        };
        let size = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let mut image = chunk.image_xobject(id, &bytes);
        image.filter(filter);
        image
            .width(size(width))
            .height(size(height))
            .bits_per_component(8);
        image.color_space().device_rgb();
        image.finish();
        self.add(id, &chunk)?;
        Ok(id)
    }

    fn write_font(&mut self) -> io::Result<()> {
        let face = font::face();
        let em = f32::from(face.units_per_em());
        let thousandths = |units: i16| f32::from(units) * 1000.0 / em;
        let widths: Vec<f32> = self
            .glyphs
            .remapped_gids()
            .map(|old| {
                let advance = face
                    .glyph_hor_advance(ttf_parser::GlyphId(old))
                    .unwrap_or(0);
                f32::from(advance) * 1000.0 / em
            })
            .collect();
        // Six capitals before the name say that only the glyphs in use are there.
        let name = format!("MEDNET+{}", font::NAME);
        let name = Name(name.as_bytes());
        let system = SystemInfo {
            registry: Str(b"Adobe"),
            ordering: Str(b"Identity"),
            supplement: 0,
        };

        let mut chunk = Chunk::new();
        chunk
            .type0_font(Ref::new(FONT))
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(Ref::new(CID_FONT))
            .to_unicode(Ref::new(TO_UNICODE));
        self.add(Ref::new(FONT), &chunk)?;

        let mut chunk = Chunk::new();
        let mut cid = chunk.cid_font(Ref::new(CID_FONT));
        cid.subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(system)
            .font_descriptor(Ref::new(DESCRIPTOR))
            .default_width(0.0)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        cid.widths().consecutive(0, widths);
        cid.finish();
        self.add(Ref::new(CID_FONT), &chunk)?;

        let mut chunk = Chunk::new();
        let bounds = face.global_bounding_box();
        chunk
            .font_descriptor(Ref::new(DESCRIPTOR))
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(
                thousandths(bounds.x_min),
                thousandths(bounds.y_min),
                thousandths(bounds.x_max),
                thousandths(bounds.y_max),
            ))
            .italic_angle(0.0)
            .ascent(thousandths(face.ascender()))
            .descent(thousandths(face.descender()))
            .cap_height(thousandths(face.capital_height().unwrap_or(1493)))
            .stem_v(90.0)
            .font_file2(Ref::new(FONT_FILE));
        self.add(Ref::new(DESCRIPTOR), &chunk)?;

        let subset = subsetter::subset(font::FILE, 0, &self.glyphs)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let bytes = compressed(&subset)?;
        let mut chunk = Chunk::new();
        let length = i32::try_from(subset.len()).unwrap_or(i32::MAX);
        let mut stream = chunk.stream(Ref::new(FONT_FILE), &bytes);
        stream
            .filter(Filter::FlateDecode)
            .pair(Name(b"Length1"), length);
        stream.finish();
        self.add(Ref::new(FONT_FILE), &chunk)?;

        let mut map = UnicodeCmap::new(Name(b"MednetToUnicode"), system);
        for (id, character) in &self.characters {
            map.pair(*id, *character);
        }
        let map = map.finish();
        let mut chunk = Chunk::new();
        chunk.cmap(Ref::new(TO_UNICODE), &map);
        self.add(Ref::new(TO_UNICODE), &chunk)
    }
}

/// Whether all places are numbers that a PDF file can hold.
fn is_finite(item: &Item) -> bool {
    let finite = |values: &[f64]| values.iter().all(|value| (*value as f32).is_finite());
    match item {
        Item::Path { points, .. } => points.iter().all(|(x, y)| finite(&[*x, *y])),
        Item::Circle { centre, radius, .. } => finite(&[centre.0, centre.1, *radius]),
        Item::Text(text) => finite(&[text.x, text.y, text.size]),
        Item::Picture { frame, .. } => finite(frame),
    }
}

fn percent(alpha: f32) -> u16 {
    (alpha.clamp(0.0, 1.0) * 100.0).round() as u16
}

fn end(content: &mut Content, fill: Option<Colour>, stroke: Option<&Stroke>) {
    match (fill.is_some(), stroke.is_some()) {
        (true, true) => content.fill_nonzero_and_stroke(),
        (true, false) => content.fill_nonzero(),
        (false, true) => content.stroke(),
        (false, false) => content.end_path(),
    };
    content.restore_state();
}

/// Four cubic curves; their largest distance from the circle is 0.03 % of the radius.
fn circle(content: &mut Content, centre: (f64, f64), radius: f64) {
    let (x, y, r) = (centre.0 as f32, centre.1 as f32, radius as f32);
    let k = 0.552_284_7 * r;
    content.move_to(x + r, y);
    content.cubic_to(x + r, y + k, x + k, y + r, x, y + r);
    content.cubic_to(x - k, y + r, x - r, y + k, x - r, y);
    content.cubic_to(x - r, y - k, x - k, y - r, x, y - r);
    content.cubic_to(x + k, y - r, x + r, y - k, x + r, y);
    content.close_path();
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Writes pages as one PDF file; without a page, an empty one is written.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_pdf<'a>(
    path: &Path,
    title: &str,
    pages: impl IntoIterator<Item = &'a Page>,
) -> Result<(), Error> {
    let write = |error| FileError::new("write", path, error);
    let mut file = PdfFile::new(Output::create(path)?, title).map_err(write)?;
    for page in pages {
        file.add_page(page).map_err(write)?;
    }
    Ok(file.finish().map_err(write)?.finish()?)
}
