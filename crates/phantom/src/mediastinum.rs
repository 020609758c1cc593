//! What lies between the lungs and what leaves for them: heart, great vessels, windpipe and the
//! branching vessels of the lungs.

use crate::anatomy::Anatomy;
use crate::canvas::{Canvas, Knot, Profile, round, smooth};
use crate::random::Stream;

/// An ellipse of the heart's shadow: centre, half axes, cosine and sine of its tilt.
struct Chamber {
    centre: (f32, f32),
    radii: (f32, f32),
    tilt: (f32, f32),
}

/// Thickness of heart and great vessels: 0 outside, about 1 in the middle.
pub(crate) fn shadow(anatomy: &Anatomy, random: &mut Stream) -> Canvas {
    let floor = anatomy.dome[1];
    let size = anatomy.heart;
    let arch = anatomy.apex + 88.0 + random.around(10.0);
    let chamber = |offset: f32, y: f32, radii: (f32, f32), degrees: f32| {
        let angle = degrees * std::f32::consts::PI / 180.0;
        Chamber {
            centre: (anatomy.column(offset, y), y),
            radii,
            tilt: (libm::cosf(angle), libm::sinf(angle)),
        }
    };
    let knob = 17.0 + random.around(4.0);
    let chambers = [
        // Left ventricle, right atrium, then from the aortic arch down the left border.
        chamber(
            38.0 * size,
            floor - 50.0,
            (108.0 * size, 66.0 * size),
            44.0 + random.around(7.0),
        ),
        chamber(-2.0, floor - 62.0, (52.0 * size, 84.0 * size), -6.0),
        chamber(20.0, arch, (knob + 2.0, knob + 4.0), 0.0),
        chamber(22.0, arch + 44.0, (27.0, 36.0), -14.0),
        chamber(-17.0, arch - 4.0, (15.0, 84.0), 0.0),
        chamber(10.0, arch + 84.0, (46.0, 84.0), -10.0),
        chamber(2.0, arch - 34.0, (25.0, 96.0), 0.0),
    ];
    Canvas::filled(|x, y| {
        let mut sum = 0.0;
        for chamber in &chambers {
            let (dx, dy) = (x - chamber.centre.0, y - chamber.centre.1);
            let u = (dx * chamber.tilt.0 + dy * chamber.tilt.1) / chamber.radii.0;
            let v = (dy * chamber.tilt.0 - dx * chamber.tilt.1) / chamber.radii.1;
            let square = u * u + v * v;
            if square < 1.0 {
                let thickness = round(1.0 - square.sqrt());
                sum += thickness * thickness * thickness * thickness;
            }
        }
        sum.sqrt().sqrt()
    })
}

/// Windpipe and main bronchi, to be taken away from the attenuation: 1 in their middle.
pub(crate) fn airways(anatomy: &Anatomy, random: &mut Stream) -> Canvas {
    let mut canvas = Canvas::new();
    let fork = anatomy.apex + 112.0 + random.around(8.0);
    let shift = 3.0 + random.around(4.0);
    let knot = |offset: f32, y: f32, radius: f32, weight: f32| Knot {
        x: anatomy.column(offset, y),
        y,
        radius,
        weight,
    };
    let windpipe = [
        knot(0.0, -10.0, 10.0, 1.0),
        knot(-0.5 * shift, 0.5 * fork, 9.5, 1.0),
        knot(-shift, fork, 9.0, 0.8),
    ];
    canvas.add_line(&windpipe, 1.0, Profile::Soft);
    for (sign, length) in [(-1.0, 30.0), (1.0, 40.0)] {
        let bronchus = [
            knot(-shift, fork, 7.0, 0.6),
            knot(-shift + sign * length, fork + 26.0, 6.0, 0.5),
        ];
        canvas.add_line(&bronchus, 0.7, Profile::Soft);
    }
    canvas
}

/// The vessels of both lungs, from the hila outwards, to be shown where there is air.
pub(crate) fn vessels(anatomy: &Anatomy, random: &mut Stream) -> Canvas {
    let mut canvas = Canvas::new();
    let strength = 0.080 + random.around(0.022);
    for (side, sign) in [-1.0f32, 1.0].into_iter().enumerate() {
        let middle = anatomy.apex + (0.47 - 0.03 * sign) * (anatomy.dome[side] - anatomy.apex);
        let hilum = (44.0 + 3.0 * sign, middle + random.around(6.0));
        for _ in 0..5 {
            let y = hilum.1 + random.around(26.0);
            let x = anatomy.column(sign * (hilum.0 + random.around(9.0)), y);
            let radii = (random.range(8.0, 15.0), random.range(9.0, 19.0));
            canvas.add_ellipse((x, y), radii, 0.8 * strength, Profile::Soft);
        }
        let branches = 12;
        for branch in 0..branches {
            // From steeply up through outwards to steeply down.
            let spread = (branch as f32 + random.range(0.1, 0.9)) / branches as f32;
            let angle = -1.35 + 2.75 * spread;
            let y = hilum.1 + 34.0 * (spread - 0.5);
            let start = (anatomy.column(sign * hilum.0, y), y);
            let size = (random.range(30.0, 52.0), random.range(2.9, 4.6));
            grow(&mut canvas, random, (start, sign), angle, size, strength, 4);
        }
        // Vessels seen end on: round, dense and small.
        for _ in 0..2 + random.below(3) {
            let y = hilum.1 + random.around(46.0);
            let x = anatomy.column(sign * (hilum.0 + random.range(0.0, 30.0)), y);
            let radius = random.range(2.8, 4.4);
            canvas.add_ellipse((x, y), (radius, radius), 1.3 * strength, Profile::Solid);
        }
    }
    canvas
}

/// A vessel that winds outwards, thins out and forks.
fn grow(
    canvas: &mut Canvas,
    random: &mut Stream,
    (start, sign): ((f32, f32), f32),
    angle: f32,
    (length, radius): (f32, f32),
    strength: f32,
    forks: u32,
) {
    let mut knots = Vec::with_capacity(7);
    let (mut x, mut y) = start;
    let mut heading = angle;
    for step in 0..=6 {
        let t = step as f32 / 6.0;
        knots.push(Knot {
            x,
            y,
            radius: radius * (1.0 - 0.3 * t),
            weight: 1.0 - 0.2 * t,
        });
        heading += random.around(0.22);
        x += sign * libm::cosf(heading) * length / 6.0;
        y += libm::sinf(heading) * length / 6.0;
    }
    canvas.lighten_line(&knots, strength, Profile::Solid);
    if forks > 0 {
        for turn in [-1.0f32, 1.0] {
            if forks < 3 && random.chance(0.18) {
                continue;
            }
            let next = heading + turn * random.range(0.15, 0.55);
            let scale = (
                length * random.range(0.72, 1.0),
                (radius * random.range(0.58, 0.74)).max(1.0),
            );
            grow(
                canvas,
                random,
                ((x, y), sign),
                next,
                scale,
                strength * 0.80,
                forks - 1,
            );
        }
    }
}

/// Belly below the diaphragm: the air bubble of the stomach and shadows of the bowel, to be taken
/// away from the attenuation.
pub(crate) fn belly_gas(anatomy: &Anatomy, random: &mut Stream) -> Canvas {
    let mut canvas = Canvas::new();
    if random.chance(0.75) {
        let y = anatomy.dome[1] + random.range(36.0, 52.0);
        let x = anatomy.column(random.range(62.0, 104.0), y);
        let radii = (random.range(20.0, 36.0), random.range(11.0, 19.0));
        let flat = random.range(0.1, 0.6);
        canvas.add((x, y), radii, 1.0, |dx, dy| {
            // A bubble over a level of fluid.
            let (u, v) = (dx / radii.0, dy / radii.1);
            round(1.0 - (u * u + v * v).sqrt()) * smooth((flat - v) * 4.0)
        });
    }
    for _ in 0..random.below(4) {
        let y = random.range(anatomy.dome[1] + 70.0, 520.0);
        let x = anatomy.column(random.range(-120.0, 140.0), y);
        let radii = (random.range(10.0, 24.0), random.range(7.0, 13.0));
        canvas.add_ellipse((x, y), radii, random.range(0.25, 0.6), Profile::Soft);
    }
    canvas
}
