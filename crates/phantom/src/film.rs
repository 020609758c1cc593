//! From attenuation to gray values: exposure, film response, scatter and noise.

use crate::canvas::{Canvas, SIDE_LENGTH, smooth};
use crate::random::Stream;

/// Develops the attenuation along every ray into 8-bit gray values (dense = bright).
///
/// `marker` is opaque to X-rays where it is 1.
pub(crate) fn develop(mut attenuation: Canvas, marker: &Canvas, random: &mut Stream) -> Vec<u8> {
    let exposure = 1.0 + random.around(0.14);
    let contrast = 1.0 + random.around(0.12);
    let fog = random.range(0.005, 0.03);
    let ceiling = random.range(0.91, 0.99);
    let grain = random.range(0.006, 0.013);
    let tilt = (random.around(0.07), random.around(0.07));
    attenuation.blur();

    // Quantum noise is not quite uncorrelated: half of it went through the scanner's blur.
    let mut noise = Canvas::new();
    for value in &mut noise.values {
        *value = random.bell();
    }
    let mut spread = noise.clone();
    spread.blur();
    let unevenness = Canvas::clouds(random, 128);

    let centre = 0.5 * SIDE_LENGTH as f32;
    let mut pixels = Vec::with_capacity(SIDE_LENGTH * SIDE_LENGTH);
    for (place, &thickness) in attenuation.values.iter().enumerate() {
        let x = (place % SIDE_LENGTH) as f32 / centre - 1.0;
        let y = (place / SIDE_LENGTH) as f32 / centre - 1.0;
        let light = 1.0 + tilt.0 * x + tilt.1 * y + 0.03 * unevenness.values[place];
        let dense = (exposure * light * thickness - 0.10).max(0.0);
        // An S-shaped response: toe, nearly straight middle, shoulder.
        let driven = 1.78 * contrast * dense * smooth(0.30 + 1.5 * dense);
        let curve = driven / (1.0 + driven * driven).sqrt();
        let letter = marker.values[place];
        let gray = fog + (ceiling - fog) * curve;
        let gray = gray + letter * (0.97 - gray);
        // Fewer quanta behind dense tissue would mean more noise there, but the eye (and the film)
        // sees noise mostly in the middle grays.
        let loud = grain * (0.55 + 1.8 * gray * (1.0 - gray));
        let speckle = 0.75 * noise.values[place] + 1.3 * spread.values[place];
        let value = 255.0 * (gray + loud * speckle) + 0.5;
        pixels.push(value.clamp(0.0, 255.0) as u8);
    }
    pixels
}
