//! One page of a sheet.

use std::ops::Range;
use std::sync::Arc;

use image::{Rgb, RgbImage};

use super::{CELL, MontageOptions, PreparedRow};
use crate::drawing::{Anchor, Colour, Page, Stroke, font};
use crate::overlay::BOX_COLOUR;

const MARGIN: f64 = 18.0;
const GAP: f64 = 6.0;
/// Room for names, labels and scores left of the pictures.
const NAMES: f64 = 128.0;
/// Room for the colour bar right of them.
const BAR: f64 = 62.0;
const TITLE_SIZE: f64 = 16.0;
const TEXT_SIZE: f64 = 12.0;
const SMALL_SIZE: f64 = 11.0;

/// Draws the page that shows these rows with these methods.
pub(super) fn page(
    options: &MontageOptions,
    rows: &[PreparedRow],
    methods: Range<usize>,
    number: usize,
) -> Page {
    let columns = 1 + methods.len();
    let left = MARGIN + NAMES;
    let right = left + columns as f64 * (CELL + GAP) - GAP;
    let bar = !methods.is_empty() && !options.contour;
    let page_width = right + MARGIN + if bar { BAR } else { 0.0 };
    let title_lines = font::wrap(
        &options.title,
        TITLE_SIZE,
        page_width - 2.0 * MARGIN - 50.0,
        2,
    );
    let names = || {
        let methods = options.methods[methods.clone()].iter().map(String::as_str);
        std::iter::once("image").chain(methods)
    };
    let widest = names()
        .map(|name| font::width(name, TEXT_SIZE))
        .fold(CELL, f64::max);
    let heading_size = (TEXT_SIZE * CELL / widest).max(SMALL_SIZE);
    let headings: Vec<Vec<String>> = names()
        .map(|name| font::wrap(name, heading_size, CELL, 2))
        .collect();
    let heading_lines = headings.iter().map(Vec::len).max().unwrap_or(1);
    let headings_top = MARGIN + 1.25 * TITLE_SIZE * title_lines.len() as f64 + 4.0;
    let top = headings_top + 1.2 * TEXT_SIZE * heading_lines as f64 + 4.0;
    let heights = rows.iter().map(|row| row_height(row) + GAP).sum::<f64>();
    let bottom = top + (heights - GAP).max(row_height_of_text());
    let mut page = Page::new(page_width, bottom + MARGIN + 6.0);

    for (index, line) in title_lines.iter().enumerate() {
        let y = MARGIN + TITLE_SIZE * (0.85 + 1.25 * index as f64);
        page.text(line, (MARGIN, y), TITLE_SIZE, Anchor::Start);
    }
    let gray = Colour::gray(90);
    let place = (page_width - MARGIN, MARGIN + 0.85 * SMALL_SIZE);
    page.coloured_text(
        &format!("page {number}"),
        place,
        SMALL_SIZE,
        Anchor::End,
        gray,
    );
    for (column, lines) in headings.iter().enumerate() {
        let middle = left + column as f64 * (CELL + GAP) + CELL / 2.0;
        for (index, line) in lines.iter().rev().enumerate() {
            let y = top - 6.0 - 1.2 * TEXT_SIZE * index as f64;
            page.text(line, (middle, y), heading_size, Anchor::Middle);
        }
    }
    if rows.is_empty() {
        page.text(
            "no sample to show",
            (left, top + CELL / 2.0),
            TEXT_SIZE,
            Anchor::Start,
        );
    }
    let mut y = top;
    for row in rows {
        draw_description(&mut page, row, y);
        for column in 0..columns {
            let method = column.checked_sub(1).map(|method| methods.start + method);
            let picture = match method {
                None => Some(&row.image),
                Some(method) => row.maps[method].as_ref(),
            };
            let x = left + column as f64 * (CELL + GAP);
            draw_cell(&mut page, row, picture, (x, y));
            let caption = method.and_then(|method| row.captions.get(method)?.as_deref());
            if let (Some(caption), Some(_)) = (caption, picture) {
                draw_caption(&mut page, row, caption, (x, y));
            }
        }
        y += row_height(row) + GAP;
    }
    if bar {
        let height = (bottom - top).min(2.0 * CELL + GAP);
        draw_bar(&mut page, options, right + 12.0, top, height);
    } else if options.contour && !methods.is_empty() {
        let note = format!(
            "outline: {} % of the map's maximum",
            percent(options.threshold)
        );
        page.coloured_text(
            &note,
            (left, bottom + 15.0),
            SMALL_SIZE,
            Anchor::Start,
            gray,
        );
    }
    page
}

/// Room for four lines of a name, the label and the score.
fn row_height_of_text() -> f64 {
    6.0 * 1.25 * SMALL_SIZE + 8.0
}

fn row_height(row: &PreparedRow) -> f64 {
    let (columns, lines) = (f64::from(row.size.0), f64::from(row.size.1));
    (CELL * lines / columns.max(lines)).max(row_height_of_text())
}

fn percent(share: f32) -> String {
    let value = f64::from(share) * 100.0;
    if (value - value.round()).abs() < 0.05 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn draw_description(page: &mut Page, row: &PreparedRow, top: f64) {
    let mut y = top + SMALL_SIZE;
    let room = NAMES - 10.0;
    for line in font::wrap(&row.name, SMALL_SIZE, room, 4) {
        page.text(&line, (MARGIN, y), SMALL_SIZE, Anchor::Start);
        y += 1.25 * SMALL_SIZE;
    }
    y += 4.0;
    let label = row.label.as_ref().map(|label| format!("label: {label}"));
    let score = row.score.map(|score| format!("score: {score:.3}"));
    for text in label.into_iter().chain(score) {
        let text = font::elide(&text, SMALL_SIZE, room);
        page.coloured_text(
            &text,
            (MARGIN, y),
            SMALL_SIZE,
            Anchor::Start,
            Colour::gray(70),
        );
        y += 1.25 * SMALL_SIZE;
    }
}

/// A picture in its own proportions, in the middle of its column, with the boxes over it.
fn draw_cell(page: &mut Page, row: &PreparedRow, picture: Option<&Arc<RgbImage>>, at: (f64, f64)) {
    let (columns, lines) = (f64::from(row.size.0), f64::from(row.size.1));
    let scale = CELL / columns.max(lines);
    let (width, height) = (columns * scale, lines * scale);
    let (left, top) = (at.0 + (CELL - width) / 2.0, at.1);
    let Some(picture) = picture else {
        let edge = Stroke::solid(Colour::gray(200), 0.8);
        page.rectangle([left, top, width, height], Colour::gray(245), edge);
        let place = (at.0 + CELL / 2.0, at.1 + height / 2.0 + 4.0);
        page.coloured_text(
            "no map",
            place,
            SMALL_SIZE,
            Anchor::Middle,
            Colour::gray(110),
        );
        return;
    };
    page.picture([left, top, width, height], Arc::clone(picture));
    for shape in &row.boxes {
        let inside = |value: i64, most: f64| (value as f64).clamp(0.0, most) * scale;
        let [x1, x2] = [shape.x1.min(shape.x2), shape.x1.max(shape.x2)].map(|x| inside(x, columns));
        let [y1, y2] = [shape.y1.min(shape.y2), shape.y1.max(shape.y2)].map(|y| inside(y, lines));
        // Half the line's width inwards, as the line of an overlay grows inwards.
        let frame = [
            left + x1 + 0.6,
            top + y1 + 0.6,
            x2 - x1 - 1.2,
            y2 - y1 - 1.2,
        ];
        if frame[2] > 0.0 && frame[3] > 0.0 {
            let stroke = Stroke::solid(Colour::opaque(BOX_COLOUR), 1.2);
            page.rectangle(frame, None, stroke);
        }
    }
}

/// White on a dark band along the lower edge of a picture.
fn draw_caption(page: &mut Page, row: &PreparedRow, caption: &str, at: (f64, f64)) {
    let (columns, lines) = (f64::from(row.size.0), f64::from(row.size.1));
    let scale = CELL / columns.max(lines);
    let (width, height) = (columns * scale, lines * scale);
    let band = (1.5 * SMALL_SIZE).min(height);
    let left = at.0 + (CELL - width) / 2.0;
    let bottom = at.1 + height;
    let dark = Colour::BLACK.with_alpha(0.65);
    page.rectangle([left, bottom - band, width, band], dark, None);
    let text = font::elide(caption, SMALL_SIZE, width - 4.0);
    let place = (at.0 + CELL / 2.0, bottom - 0.45 * SMALL_SIZE);
    page.coloured_text(&text, place, SMALL_SIZE, Anchor::Middle, Colour::WHITE);
}

fn draw_bar(page: &mut Page, options: &MontageOptions, left: f64, top: f64, height: f64) {
    let entries = 256_u32;
    let mut colours = RgbImage::new(1, entries);
    for (index, pixel) in colours.pixels_mut().enumerate() {
        *pixel = Rgb(options.colormap.entry((255 - index.min(255)) as u8));
    }
    let width = 12.0;
    let frame = [left, top, width, height];
    page.picture(frame, Arc::new(colours));
    if options.threshold > 0.0 {
        let hidden = height * f64::from(options.threshold.min(1.0));
        // What the threshold takes away is never shown.
        let below = [left, top + height - hidden, width, hidden];
        page.rectangle(below, Colour::WHITE.with_alpha(0.75), None);
    }
    page.rectangle(frame, None, Stroke::solid(Colour::BLACK, 0.8));
    for (value, text) in [
        (0.0, "0"),
        (0.25, "0.25"),
        (0.5, "0.5"),
        (0.75, "0.75"),
        (1.0, "1"),
    ] {
        let y = top + height * (1.0 - value);
        page.line(
            &[(left + width, y), (left + width + 4.0, y)],
            Stroke::solid(Colour::BLACK, 0.8),
        );
        let baseline = (y + 0.36 * SMALL_SIZE).clamp(top + 0.72 * SMALL_SIZE, top + height);
        page.text(
            text,
            (left + width + 7.0, baseline),
            SMALL_SIZE,
            Anchor::Start,
        );
    }
    let middle = top + height / 2.0;
    let baseline = left + width + 46.0;
    page.upward_text("saliency", (baseline, middle), SMALL_SIZE, Anchor::Middle);
}
