//! Bones: ribs, clavicles, shoulder blades, upper arms and the spine.

use crate::anatomy::Anatomy;
use crate::canvas::{Canvas, Knot, Profile, smooth};
use crate::random::Stream;

const PI: f32 = std::f32::consts::PI;
const SIDES: [f32; 2] = [-1.0, 1.0];

/// Draws the bones of a patient into `canvas`.
pub(crate) fn draw(canvas: &mut Canvas, anatomy: &Anatomy, random: &mut Stream) {
    let density = 1.0 + random.around(0.22);
    spine(canvas, anatomy, density, random);
    for (side, sign) in SIDES.into_iter().enumerate() {
        ribs(canvas, anatomy, (side, sign), density, random);
        clavicle(canvas, anatomy, sign, density, random);
        shoulder(canvas, anatomy, sign, density, random);
    }
}

/// Ten ribs, each a tilted hoop: it leaves the spine, dives at the chest wall and comes back in
/// front, lower and fainter, ending where its cartilage begins.
fn ribs(
    canvas: &mut Canvas,
    anatomy: &Anatomy,
    (side, sign): (usize, f32),
    density: f32,
    random: &mut Stream,
) {
    let spacing = (anatomy.dome[side] - anatomy.apex) / 8.4;
    for number in 0..10 {
        let count = number as f32;
        let start = anatomy.apex - 4.0 + spacing * count * (1.0 + 0.006 * count);
        let start = start + random.around(3.0);
        let drop = 62.0 + 13.0 * count + random.around(8.0);
        let lateral = anatomy.depth(side, start + 0.5 * drop);
        let reach = anatomy.chest_wall(lateral.max(0.05)) + 4.0;
        let slope = 6.0 + 1.6 * count;
        let radius = 5.6 + 0.18 * count.min(5.0) + random.around(0.6);
        let end = PI * (0.80 - 0.008 * count);
        let knots: Vec<Knot> = (0..=44)
            .map(|step| {
                let angle = 0.06 + (end - 0.06) * step as f32 / 44.0;
                let (sine, cosine) = (libm::sinf(angle), libm::cosf(angle));
                let front = smooth((angle - 0.45 * PI) / (0.2 * PI));
                let y = start + 0.5 * drop * (1.0 - cosine) - slope * sine * (1.0 - front)
                    + 0.35 * slope * libm::sinf(2.0 * angle);
                let fade = 1.0 - smooth((angle - (end - 0.5)) / 0.5);
                Knot {
                    x: anatomy.column(sign * (14.0 + (reach - 14.0) * sine), y),
                    y,
                    radius: radius * (1.0 + 0.22 * front),
                    weight: (1.0 - 0.50 * front) * fade,
                }
            })
            .collect();
        canvas.add_line(&knots, 0.105 * density, Profile::Cortical);
    }
}

/// The collar bone: an S from the breast bone to the shoulder.
fn clavicle(canvas: &mut Canvas, anatomy: &Anatomy, sign: f32, density: f32, random: &mut Stream) {
    let inner = (21.0, anatomy.apex + 50.0 + random.around(7.0));
    let outer = (
        anatomy.half_width - 4.0,
        anatomy.shoulder - 26.0 + random.around(7.0),
    );
    let bend = -7.0 + random.around(4.0);
    let knots: Vec<Knot> = (0..=24)
        .map(|step| {
            let t = step as f32 / 24.0;
            let offset = inner.0 + t * (outer.0 - inner.0);
            let y = inner.1
                + t * (outer.1 - inner.1)
                + bend * libm::sinf(2.0 * PI * t) * (1.0 - 0.4 * t);
            let radius = 8.4 - 3.2 * libm::sinf(PI * t) + 0.6 * t;
            Knot {
                x: anatomy.column(sign * offset, y),
                y,
                radius,
                weight: 1.0 - 0.2 * smooth(t * 4.0 - 3.0),
            }
        })
        .collect();
    canvas.add_line(&knots, 0.20 * density, Profile::Cortical);
}

/// Shoulder blade and upper arm.
fn shoulder(canvas: &mut Canvas, anatomy: &Anatomy, sign: f32, density: f32, random: &mut Stream) {
    let line = |points: &[(f32, f32, f32)]| -> Vec<Knot> {
        points
            .iter()
            .map(|&(offset, y, radius)| Knot {
                x: anatomy.column(sign * offset, y),
                y,
                radius,
                weight: 1.0,
            })
            .collect()
    };
    let top = anatomy.shoulder;
    let wall = anatomy.half_width;
    let turn = random.around(14.0);
    // Outer and inner border of the blade, its spine, then the socket.
    let tip = (wall - 24.0 + turn, top + 118.0);
    let blade = [
        (wall - 2.0, top + 10.0, 5.0),
        (wall - 4.0, top + 50.0, 4.0),
        (tip.0 + 8.0, tip.1 - 22.0, 4.0),
        (tip.0, tip.1, 4.5),
        (tip.0 - 16.0, tip.1 - 34.0, 3.0),
        (wall - 52.0 + turn, top + 30.0, 3.0),
        (wall - 50.0 + turn, top - 6.0, 3.0),
    ];
    canvas.add_line(&curve(&line(&blade)), 0.085 * density, Profile::Soft);
    let ridge = [
        (wall - 52.0 + turn, top + 14.0, 4.0),
        (wall - 20.0, top - 12.0, 6.0),
        (wall + 12.0, top - 20.0, 7.5),
    ];
    canvas.add_line(&curve(&line(&ridge)), 0.11 * density, Profile::Cortical);
    let plate = (
        anatomy.column(sign * (wall - 24.0 + 0.5 * turn), top + 40.0),
        top + 40.0,
    );
    canvas.add_ellipse(plate, (34.0, 66.0), 0.05 * density, Profile::Soft);

    let head = (wall + 20.0, top + 10.0);
    let joint = (anatomy.column(sign * head.0, head.1), head.1);
    canvas.add_ellipse(joint, (25.0, 25.0), 0.16 * density, Profile::Cortical);
    let shaft = line(&[
        (head.0 + 5.0, head.1 + 12.0, 16.0),
        (head.0 + 11.0 + 0.12 * anatomy.elbow, head.1 + 52.0, 11.5),
        (head.0 + 11.0 + 2.2 * anatomy.elbow, head.1 + 510.0, 12.0),
    ]);
    canvas.add_line(&curve(&shaft), 0.16 * density, Profile::Cortical);
}

/// The same line with rounded corners: Chaikin's corner cutting, three times.
fn curve(knots: &[Knot]) -> Vec<Knot> {
    let blend = |a: Knot, b: Knot, t: f32| Knot {
        x: a.x + t * (b.x - a.x),
        y: a.y + t * (b.y - a.y),
        radius: a.radius + t * (b.radius - a.radius),
        weight: a.weight + t * (b.weight - a.weight),
    };
    let mut line = knots.to_vec();
    for _ in 0..3 {
        let mut next = vec![line[0]];
        for pair in line.windows(2) {
            next.push(blend(pair[0], pair[1], 0.25));
            next.push(blend(pair[0], pair[1], 0.75));
        }
        next.push(line[line.len() - 1]);
        line = next;
    }
    line
}

/// Vertebrae from the neck to the belly, with pedicles and spinous processes.
fn spine(canvas: &mut Canvas, anatomy: &Anatomy, density: f32, random: &mut Stream) {
    let column = |t: f32, y: f32| Knot {
        x: anatomy.column(0.0, y),
        y,
        radius: 19.0 + 7.0 * t,
        weight: 1.0,
    };
    let whole: Vec<Knot> = (0..=8)
        .map(|step| step as f32 / 8.0)
        .map(|t| column(t, -20.0 + 560.0 * t))
        .collect();
    canvas.add_line(&whole, 0.13 * density, Profile::Solid);
    let mut y = -12.0 + random.range(0.0, 14.0);
    while y < 530.0 {
        let t = y / 512.0;
        let height = 19.0 + 13.0 * t;
        let (half, x) = (17.0 + 6.5 * t, anatomy.column(0.0, y));
        let body = |dx: f32, dy: f32| {
            // The body of a vertebra: a rounded square, denser at its end plates.
            let (u, v) = ((dx / half).abs(), (dy / (0.46 * height)).abs());
            let inside = smooth((1.0 - u) * 6.0) * smooth((1.0 - v) * 5.0);
            inside * (0.6 + 0.4 * v * v)
        };
        canvas.add((x, y), (half, 0.5 * height), 0.11 * density, body);
        for sign in SIDES {
            canvas.add_ellipse(
                (x + sign * 0.62 * half, y - 2.0),
                (4.0, 5.2),
                0.05 * density,
                Profile::Solid,
            );
        }
        canvas.add_ellipse(
            (x + random.around(1.5), y + 0.3 * height),
            (3.4, 6.5),
            0.06 * density,
            Profile::Solid,
        );
        y += height;
    }
}
