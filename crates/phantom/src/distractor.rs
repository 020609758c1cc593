//! Things that are no lesions and occur with and without them: nipple shadows, old calcified spots,
//! electrodes, and the letter that marks the side.

use crate::anatomy::Anatomy;
use crate::canvas::{Canvas, Knot, Profile};
use crate::random::Stream;

/// Shadows of nipples, calcified spots and electrodes.
pub(crate) fn draw(canvas: &mut Canvas, anatomy: &Anatomy, random: &mut Stream) {
    if random.chance(0.4) {
        let (offset, y) = (
            random.range(0.50, 0.66) * anatomy.half_width,
            anatomy.dome[0] - 34.0,
        );
        let radius = random.range(6.0, 8.5);
        for sign in [-1.0f32, 1.0] {
            let row = y + random.around(14.0);
            let x = anatomy.column(sign * offset + random.around(6.0), row);
            canvas.add_ellipse((x, row), (radius, 0.9 * radius), 0.055, Profile::Solid);
        }
    }
    if random.chance(0.3) {
        for _ in 0..1 + random.below(2) {
            let y = random.range(anatomy.apex + 40.0, anatomy.dome[0]);
            let x = anatomy.column(random.range(-0.8, 0.8) * anatomy.half_width, y);
            let radius = random.range(1.8, 3.2);
            canvas.add_ellipse((x, y), (radius, radius), 0.22, Profile::Solid);
        }
    }
    if random.chance(0.12) {
        let y = random.range(anatomy.apex + 70.0, anatomy.dome[0] + 20.0);
        let sign = if random.chance(0.5) { 1.0 } else { -1.0 };
        let x = anatomy.column(sign * random.range(0.45, 0.85) * anatomy.half_width, y);
        canvas.add_ellipse((x, y), (7.5, 7.5), 0.30, Profile::Cortical);
        let (mut wire_x, mut wire_y, mut heading) = (x, y, sign * random.range(0.1, 0.5));
        let wire: Vec<Knot> = (0..40)
            .map(|_| {
                let knot = Knot {
                    x: wire_x,
                    y: wire_y,
                    radius: 1.4,
                    weight: 1.0,
                };
                heading += random.around(0.10);
                wire_x += 9.0 * libm::sinf(heading);
                wire_y += 9.0 * libm::cosf(heading);
                knot
            })
            .collect();
        canvas.add_line(&wire, 0.12, Profile::Solid);
    }
}

/// Strokes of the letters `L` and `R` in a box 2 wide and 3 high.
const LETTER_L: &[&[(f32, f32)]] = &[&[(0.0, 0.0), (0.0, 3.0), (1.8, 3.0)]];
const LETTER_R: &[&[(f32, f32)]] = &[
    &[
        (0.0, 3.0),
        (0.0, 0.0),
        (1.2, 0.0),
        (1.8, 0.4),
        (1.8, 1.2),
        (1.2, 1.6),
        (0.0, 1.6),
    ],
    &[(1.0, 1.6), (1.9, 3.0)],
];

/// The lead letter beside the shoulder: `L` on the patient's left or `R` on the right; opaque.
pub(crate) fn side_marker(random: &mut Stream) -> Canvas {
    let mut canvas = Canvas::new();
    let left = random.chance(0.5);
    let size = random.range(6.0, 8.5);
    let (low, high) = if left { (452.0, 484.0) } else { (14.0, 44.0) };
    let (x, y) = (random.range(low, high), random.range(10.0, 46.0));
    let slant = random.around(0.25);
    for stroke in if left { LETTER_L } else { LETTER_R } {
        let knots: Vec<Knot> = stroke
            .iter()
            .map(|&(u, v)| Knot {
                x: x + size * (u - slant * v),
                y: y + size * (v + slant * u),
                radius: 0.33 * size,
                weight: 1.0,
            })
            .collect();
        canvas.add_line(&knots, 1.0, Profile::Flat);
    }
    for value in &mut canvas.values {
        *value = value.min(1.0);
    }
    canvas
}
