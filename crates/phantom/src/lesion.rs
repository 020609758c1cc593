//! The lesions of a positive phantom: round or irregular opacities in the lung fields, each with
//! the tight box of what can be seen of it.

use crate::anatomy::Anatomy;
use crate::canvas::{Canvas, Knot, Profile, SIDE_LENGTH, smooth};
use crate::random::Stream;

/// What a lesion looks like.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A round opacity with a fairly sharp edge.
    Nodule,
    /// A ring: a cavity within an opacity.
    Cavity,
    /// A small dense opacity with fine strands around it.
    Spiculated,
    /// An opacity without a clear edge, of uneven density.
    Infiltrate,
}

const KINDS: [Kind; 4] = [
    Kind::Nodule,
    Kind::Cavity,
    Kind::Spiculated,
    Kind::Infiltrate,
];

/// Share of a lesion's greatest density from which on it counts as visible.
const VISIBLE: f32 = 0.22;

/// Plants one to three lesions into `canvas` where there is air and no heart.
///
/// `air` and `heart` are the thicknesses of both at every pixel. Returns each lesion's box: column
/// and row of the top left corner, width and height.
pub(crate) fn plant(
    canvas: &mut Canvas,
    anatomy: &Anatomy,
    (air, heart): (&Canvas, &Canvas),
    random: &mut Stream,
) -> Vec<[i64; 4]> {
    let count = [1, 1, 1, 2, 2, 3][random.below(6) as usize];
    let mut placed: Vec<(f32, f32, f32)> = Vec::new();
    let mut lesions = Vec::new();
    while lesions.len() < count {
        let kind = KINDS[random.below(4) as usize];
        let radius = match kind {
            Kind::Nodule => random.range(15.0, 25.0),
            Kind::Cavity => random.range(20.0, 31.0),
            Kind::Spiculated => random.range(14.0, 20.0),
            Kind::Infiltrate => random.range(25.0, 36.0),
        };
        let Some((x, y)) = find_place(anatomy, (air, heart), radius, &placed, random) else {
            if lesions.is_empty() {
                continue;
            }
            break;
        };
        placed.push((x, y, radius));
        let mut single = Canvas::new();
        draw(&mut single, kind, (x, y), radius, random);
        let bounds = visible_bounds(&single);
        for (pixel, value) in canvas.values.iter_mut().zip(&single.values) {
            *pixel += value;
        }
        lesions.push(bounds);
    }
    lesions
}

/// A place in a lung where a lesion of this radius fits, away from those already placed.
fn find_place(
    anatomy: &Anatomy,
    (air, heart): (&Canvas, &Canvas),
    radius: f32,
    placed: &[(f32, f32, f32)],
    random: &mut Stream,
) -> Option<(f32, f32)> {
    for _ in 0..200 {
        let y = random.range(anatomy.apex + 20.0, anatomy.dome[1]);
        let x = anatomy.column(random.range(-1.0, 1.0) * anatomy.half_width, y);
        let fits = (0..16).all(|step| {
            let angle = step as f32 * std::f32::consts::PI / 8.0;
            let (cosine, sine) = (libm::cosf(angle), libm::sinf(angle));
            let (px, py) = (x + 1.02 * radius * cosine, y + 1.02 * radius * sine);
            air.at(px, py) > 0.30 && heart.at(px, py) < 0.25
        });
        let apart = placed.iter().all(|&(ox, oy, other)| {
            let (dx, dy) = (x - ox, y - oy);
            let least = radius + other + 24.0;
            dx * dx + dy * dy > least * least
        });
        if fits && apart && air.at(x, y) > 0.5 {
            return Some((x, y));
        }
    }
    None
}

/// Draws one lesion.
fn draw(canvas: &mut Canvas, kind: Kind, centre: (f32, f32), radius: f32, random: &mut Stream) {
    // The outline is a circle with four random waves on it.
    let waves: Vec<(f32, f32)> = (2..6)
        .map(|order| {
            let size = random.range(0.02, 0.12) * 2.0 / order as f32;
            (size, random.range(0.0, 2.0 * std::f32::consts::PI))
        })
        .collect();
    let outline = |dx: f32, dy: f32| {
        let distance = (dx * dx + dy * dy).sqrt();
        if distance < 1e-3 {
            return 0.0;
        }
        let angle = libm::atan2f(dy, dx);
        let mut factor = 1.0;
        for (index, (size, phase)) in waves.iter().enumerate() {
            factor += size * libm::cosf((index + 2) as f32 * angle + phase);
        }
        distance / (radius * factor)
    };
    let reach = (1.5 * radius, 1.5 * radius);
    match kind {
        Kind::Nodule => {
            let amplitude = random.range(0.13, 0.22);
            let edge = random.range(2.2, 4.0);
            canvas.add(centre, reach, amplitude, |dx, dy| {
                let u = outline(dx, dy);
                smooth((1.0 - u) * edge) * (1.0 - 0.35 * u * u)
            });
        }
        Kind::Cavity => {
            let amplitude = random.range(0.15, 0.24);
            let hole = random.range(0.36, 0.56);
            canvas.add(centre, reach, amplitude, |dx, dy| {
                let u = outline(dx, dy);
                smooth((1.0 - u) * 3.0) * (1.0 - 0.72 * smooth((hole + 0.15 - u) * 3.2))
            });
        }
        Kind::Spiculated => {
            let amplitude = random.range(0.15, 0.24);
            canvas.add(centre, reach, amplitude, |dx, dy| {
                let u = outline(dx, dy);
                smooth((1.0 - u) * 2.6) * (1.0 - 0.3 * u * u)
            });
            let strands = 9 + random.below(7);
            for strand in 0..strands {
                let turn = (strand as f32 + random.range(-0.3, 0.3)) / strands as f32;
                let angle = 2.0 * std::f32::consts::PI * turn;
                let length = radius * random.range(1.15, 1.85);
                let knot = |distance: f32, thickness: f32, weight: f32| Knot {
                    x: centre.0 + distance * libm::cosf(angle),
                    y: centre.1 + distance * libm::sinf(angle),
                    radius: thickness,
                    weight,
                };
                let line = [knot(0.4 * radius, 2.8, 1.0), knot(length, 1.0, 0.25)];
                canvas.lighten_line(&line, 0.62 * amplitude, Profile::Solid);
            }
        }
        Kind::Infiltrate => {
            let amplitude = random.range(0.13, 0.21);
            let coarse = Canvas::clouds(random, 16);
            let fine = Canvas::clouds(random, 8);
            canvas.add(centre, reach, amplitude, |dx, dy| {
                let u = outline(dx, dy);
                let (x, y) = (centre.0 + dx, centre.1 + dy);
                let patchy = 0.85 + 0.35 * coarse.at(x, y) + 0.22 * fine.at(x, y);
                smooth((1.06 - u) * 1.7) * patchy
            });
        }
    }
}

/// The tight box around all pixels that can be seen.
fn visible_bounds(canvas: &Canvas) -> [i64; 4] {
    let least = VISIBLE * canvas.values.iter().copied().fold(0.0, f32::max);
    let (mut left, mut top, mut right, mut bottom) = (SIDE_LENGTH, SIDE_LENGTH, 0, 0);
    for (row, line) in canvas.values.chunks_exact(SIDE_LENGTH).enumerate() {
        for (column, value) in line.iter().enumerate() {
            if *value > least {
                left = left.min(column);
                right = right.max(column + 1);
                top = top.min(row);
                bottom = bottom.max(row + 1);
            }
        }
    }
    [
        left as i64,
        top as i64,
        right as i64 - left as i64,
        bottom as i64 - top as i64,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mediastinum;
    use crate::random::Purpose;

    #[test]
    fn bounds_of_a_disc_are_tight() {
        let mut canvas = Canvas::new();
        canvas.add_ellipse((100.0, 50.0), (20.0, 10.0), 0.2, Profile::Flat);
        let [x, y, width, height] = visible_bounds(&canvas);
        // A flat disc falls from full to nothing over its last third: visible to about 9/10.
        assert!(
            (81..=83).contains(&x) && (118..=120).contains(&(x + width)),
            "{x} + {width}"
        );
        assert!(
            (41..=42).contains(&y) && (59..=60).contains(&(y + height)),
            "{y} + {height}"
        );
    }

    #[test]
    fn lesions_lie_in_the_lungs_and_apart() {
        let mut kinds_of_count = [0; 4];
        for index in 0..60 {
            let mut random = Stream::new(5, index, Purpose::Anatomy);
            let anatomy = Anatomy::new(&mut random);
            let air = Canvas::filled(|x, y| anatomy.air_at(x, y));
            let heart = mediastinum::shadow(&anatomy, &mut random);
            let mut canvas = Canvas::new();
            let mut random = Stream::new(5, index, Purpose::Lesions);
            let boxes = plant(&mut canvas, &anatomy, (&air, &heart), &mut random);
            kinds_of_count[boxes.len()] += 1;
            for (number, &[x, y, width, height]) in boxes.iter().enumerate() {
                assert!(x >= 0 && y >= 0 && x + width <= 512 && y + height <= 512);
                assert!((16..=110).contains(&width) && (16..=110).contains(&height));
                let middle = ((x + width / 2) as f32, (y + height / 2) as f32);
                assert!(
                    air.at(middle.0, middle.1) > 0.3,
                    "lesion {number} of {index}"
                );
                let pixels = (y..y + height).flat_map(|v| (x..x + width).map(move |u| (u, v)));
                let in_lung = pixels
                    .filter(|&(u, v)| air.at(u as f32, v as f32) > 0.0)
                    .count();
                let share = in_lung as f32 / (width * height) as f32;
                assert!(
                    share > 0.8,
                    "lesion {number} of {index}: {share} of its box in the lungs"
                );
            }
        }
        assert_eq!(kinds_of_count[0], 0);
        assert!(
            kinds_of_count[1..].iter().all(|&count| count > 0),
            "{kinds_of_count:?}"
        );
    }
}
