//! The measures of one imaginary patient and the shapes that follow from them: body outline, lung
//! fields and diaphragm.
//!
//! Positions are pixels, `x` to the right and `y` down. A radiograph is looked at as if facing the
//! patient: the patient's right lung is on the left of the image. `offset` is the signed distance
//! from the patient's midline.

use crate::canvas::{round, smooth};
use crate::random::Stream;

/// The measures of a patient.
#[derive(Debug, Clone)]
pub(crate) struct Anatomy {
    /// Column of the midline at the image's middle row.
    pub(crate) midline: f32,
    /// Columns the midline moves per row: the patient leans.
    pub(crate) lean: f32,
    /// Row of the tips of the lungs.
    pub(crate) apex: f32,
    /// Row of the top of the diaphragm, right and left.
    pub(crate) dome: [f32; 2],
    /// Offset of the chest wall at its widest.
    pub(crate) half_width: f32,
    /// Thickness of the soft tissue beside the ribs.
    pub(crate) flank: f32,
    /// Size of the heart relative to the ordinary.
    pub(crate) heart: f32,
    /// How much air is in the lungs, relative to the ordinary.
    pub(crate) air: f32,
    /// Row of the shoulder joints.
    pub(crate) shoulder: f32,
    /// Columns the elbows are farther out than the shoulders.
    pub(crate) elbow: f32,
}

impl Anatomy {
    /// A patient.
    pub(crate) fn new(random: &mut Stream) -> Self {
        let apex = 74.0 + random.around(16.0);
        let dome_right = 386.0 + random.around(34.0);
        Self {
            midline: 256.0 + random.around(12.0),
            lean: random.around(0.035),
            apex,
            dome: [dome_right, dome_right + 11.0 + random.around(9.0)],
            half_width: 193.0 + random.around(17.0),
            flank: 34.0 + random.around(16.0),
            heart: 1.0 + random.around(0.13),
            air: 1.0 + random.around(0.08),
            shoulder: apex + 44.0 + random.around(12.0),
            elbow: 40.0 + random.around(40.0),
        }
    }

    /// Signed distance of a pixel from the midline; negative on the patient's right.
    pub(crate) fn offset(&self, x: f32, y: f32) -> f32 {
        x - self.midline - self.lean * (y - 256.0)
    }

    /// The column at an offset from the midline.
    pub(crate) fn column(&self, offset: f32, y: f32) -> f32 {
        offset + self.midline + self.lean * (y - 256.0)
    }

    /// Height in the lung: 0 at the tip, 1 at the top of the diaphragm.
    pub(crate) fn depth(&self, side: usize, y: f32) -> f32 {
        (y - self.apex) / (self.dome[side] - self.apex)
    }

    /// Offset of the inside of the chest wall at a height in the lung (see [`Self::depth`]).
    pub(crate) fn chest_wall(&self, depth: f32) -> f32 {
        let slow = round(depth / 0.98);
        // Below its widest place the chest goes in again a little.
        let waist = 0.05 * smooth((depth - 0.85) / 0.5);
        self.half_width * (0.37 + 0.15 * round(depth / 0.13) + 0.48 * slow - waist)
    }

    /// Row of the diaphragm at an unsigned offset.
    fn diaphragm(&self, side: usize, offset: f32) -> f32 {
        let t = offset / self.half_width - 0.40;
        let fall = if t > 0.0 {
            130.0 * t * t + 110.0 * t * t * t
        } else {
            120.0 * t * t
        };
        self.dome[side] + fall
    }

    /// Air along the ray through a pixel: 0 outside the lungs, 1 in their thickest parts.
    pub(crate) fn air_at(&self, x: f32, y: f32) -> f32 {
        let offset = self.offset(x, y);
        let side = usize::from(offset > 0.0);
        let offset = offset.abs();
        let depth = self.depth(side, y);
        if depth <= 0.0 || depth > 1.6 {
            return 0.0;
        }
        let tip = 0.37 * self.half_width;
        let inner = tip - (tip - 24.0) * round(depth / 0.17);
        let from_wall = round((self.chest_wall(depth) - offset) / 62.0);
        let from_spine = round((offset - inner) / 26.0);
        let from_floor = round((self.diaphragm(side, offset) - y) / 22.0);
        from_wall * from_spine * from_floor * (0.66 + 0.34 * round(depth / 0.55))
    }

    /// Thickness of the body without its lungs along the ray through a pixel; about 1 in the chest.
    pub(crate) fn tissue_at(&self, x: f32, y: f32) -> f32 {
        let offset = self.offset(x, y).abs();
        let top = self.apex - 46.0 + 0.42 * offset - 16.0 * round(offset / 60.0);
        let u = offset / (self.half_width + self.flank);
        let fourth = u * u * u * u;
        let torso = (1.0 - fourth).max(0.0).sqrt()
            * round((y - top) / 90.0)
            * (0.86 + 0.16 * smooth((y - self.dome[0] + 60.0) / 150.0));
        let neck = 0.66 * round(1.0 - (offset / 62.0)) * smooth(1.6 - (y - top) / 120.0);
        let joint = (self.half_width + 14.0, self.shoulder + 22.0);
        let girdle = capsule((offset, y), (46.0, self.apex + 12.0), joint, 60.0);
        let elbow = (joint.0 + 2.2 * self.elbow, self.shoulder + 520.0);
        let arm = capsule((offset, y), joint, elbow, 50.0);
        let power = |value: f32| value * value * value * value;
        (power(torso) + power(neck) + power(0.62 * girdle) + power(0.60 * arm))
            .sqrt()
            .sqrt()
    }
}

/// Thickness of a round limb from `from` to `to`: 1 on its axis, 0 from its radius on.
fn capsule(point: (f32, f32), from: (f32, f32), to: (f32, f32), radius: f32) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    let t = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    let (ex, ey) = (px - t * dx, py - t * dy);
    round(1.0 - (ex * ex + ey * ey).sqrt() / radius)
}
