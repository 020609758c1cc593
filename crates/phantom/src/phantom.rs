//! One phantom: drawing it from its seed and index.

use crate::anatomy::Anatomy;
use crate::canvas::Canvas;
use crate::random::{Purpose, Stream};
use crate::{distractor, film, lesion, mediastinum, skeleton};

/// A drawn chest with, if it is a positive one, its lesions.
///
/// It looks like a frontal chest radiograph and is none: no picture of a patient went into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phantom {
    /// [`SIDE_LENGTH`](crate::SIDE_LENGTH)² gray values, row by row, dense tissue bright.
    pub pixels: Vec<u8>,
    /// 1 with lesions, 0 without.
    pub label: u8,
    /// A tight box `[x, y, width, height]` in pixels around what can be seen of each lesion.
    pub boxes: Vec<[i64; 4]>,
    /// Path within a data set, for instance `imgs/lesion/l0001.png`.
    pub name: String,
}

impl Phantom {
    /// Draws phantom `index` of the data set `seed`: even ones are healthy, odd ones have lesions.
    ///
    /// The result depends on nothing else: every machine and every thread draws the same bytes.
    #[must_use]
    pub fn draw(seed: u64, index: usize) -> Self {
        Self::with_label(seed, index, u8::from(index % 2 == 1))
    }

    /// Phantom `index` with lesions (1) or without (0), all else being equal.
    fn with_label(seed: u64, index: usize, label: u8) -> Self {
        let stream = |purpose| Stream::new(seed, index, purpose);
        let mut random = stream(Purpose::Anatomy);
        let anatomy = Anatomy::new(&mut random);
        let air = Canvas::filled(|x, y| anatomy.air_at(x, y));
        let heart = mediastinum::shadow(&anatomy, &mut random);
        let airways = mediastinum::airways(&anatomy, &mut random);
        let gas = mediastinum::belly_gas(&anatomy, &mut random);
        let mut dense = Canvas::new();
        skeleton::draw(&mut dense, &anatomy, &mut random);
        let haze = Canvas::clouds(&mut random, 64);
        let tissue = Canvas::clouds(&mut random, 16);

        let mut random = stream(Purpose::Vessels);
        let vessels = mediastinum::vessels(&anatomy, &mut random);
        let coarse = Canvas::clouds(&mut random, 12);
        let fine = Canvas::clouds(&mut random, 5);

        let mut random = stream(Purpose::Distractors);
        distractor::draw(&mut dense, &anatomy, &mut random);
        let marker = distractor::side_marker(&mut random);

        let boxes = if label == 1 {
            let mut random = stream(Purpose::Lesions);
            lesion::plant(&mut dense, &anatomy, (&air, &heart), &mut random)
        } else {
            Vec::new()
        };

        let attenuation = Canvas::filled(|x, y| {
            let place = y as usize * crate::SIDE_LENGTH + x as usize;
            let body = anatomy.tissue_at(x, y);
            let solid = heart.values[place];
            let air = anatomy.air * air.values[place] * (1.0 - 0.80 * solid.min(1.0));
            let texture = 0.010 * coarse.values[place] + 0.010 * fine.values[place];
            body * (1.0 - 0.62 * air + 0.03 * haze.values[place] + 0.015 * tissue.values[place])
                + air * (vessels.values[place] + texture)
                + 0.16 * solid
                + dense.values[place] * body.min(1.0)
                - 0.20 * airways.values[place]
                - 0.22 * gas.values[place]
        });
        let pixels = film::develop(attenuation, &marker, &mut stream(Purpose::Film));
        Self {
            pixels,
            label,
            boxes,
            name: name(index),
        }
    }
}

/// The path of phantom `index` within its data set; numbers count from 1 in either class.
fn name(index: usize) -> String {
    let number = index / 2 + 1;
    match index % 2 {
        0 => format!("imgs/healthy/h{number:04}.png"),
        _ => format!("imgs/lesion/l{number:04}.png"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SIDE_LENGTH;

    /// Taking the lesions out changes the picture in the boxes and little elsewhere.
    #[test]
    fn boxes_hold_what_can_be_seen_of_the_lesions() {
        for index in 0..24 {
            let with = Phantom::with_label(11, index, 1);
            let without = Phantom::with_label(11, index, 0);
            let difference = |x: usize, y: usize| {
                let place = y * SIDE_LENGTH + x;
                (i32::from(with.pixels[place]) - i32::from(without.pixels[place])).abs()
            };
            let inside = |x: usize, y: usize| {
                with.boxes.iter().any(|&[left, top, width, height]| {
                    (left..left + width).contains(&(x as i64))
                        && (top..top + height).contains(&(y as i64))
                })
            };
            let (mut missed, mut most) = (0, 0);
            for y in 0..SIDE_LENGTH {
                for x in 0..SIDE_LENGTH {
                    if !inside(x, y) {
                        most = most.max(difference(x, y));
                        missed += usize::from(difference(x, y) > 12);
                    }
                }
            }
            // The faint fringe of an opacity and the tips of its strands.
            assert!(
                most <= 25 && missed <= 100,
                "phantom {index}: {missed} pixels up to {most}"
            );
            for &[left, top, width, height] in &with.boxes {
                let peak = (top..top + height)
                    .flat_map(|y| (left..left + width).map(move |x| (x as usize, y as usize)))
                    .map(|(x, y)| difference(x, y))
                    .max();
                assert!(
                    peak >= Some(15),
                    "phantom {index}: an invisible lesion, {peak:?}"
                );
            }
        }
    }
}
