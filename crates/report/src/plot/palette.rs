//! Colours, markers and dashes that tell methods apart, also in gray and by colour-blind readers.

use crate::drawing::{Colour, Page, Stroke};

/// Okabe and Ito 2008 (jfly.uni-koeln.de/color), without black and without yellow, which is too
/// pale for lines on white.
const COLOURS: [[u8; 3]; 6] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
];

/// Grays and markers of the controls.
const GRAYS: [u8; 3] = [70, 115, 155];
const CONTROL_MARKERS: [Marker; 3] = [Marker::Cross, Marker::Plus, Marker::Star];

/// Lengths of dashes and gaps; the first is solid.
const DASHES: [&[f64]; 4] = [&[], &[5.0, 2.0], &[1.5, 1.5], &[6.0, 1.5, 1.5, 1.5]];

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle that stands on its base.
    Triangle,
    /// A square that stands on its corner.
    Diamond,
    /// A triangle that stands on its tip.
    Wedge,
    /// An x.
    Cross,
    /// A plus sign.
    Plus,
    /// Three lines through one point.
    Star,
}

const MARKERS: [Marker; 5] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Wedge,
];

/// How a method looks in every plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MethodStyle {
    /// Its colour.
    pub colour: Colour,
    /// The shape of its points.
    pub marker: Marker,
    /// Dashes and gaps of its lines.
    pub dashes: &'static [f64],
}

/// A style for each method, in order; `true` marks a control, which is drawn in gray.
///
/// Six colours and five markers repeat at different paces, so that 30 methods differ.
#[must_use]
pub fn method_styles(controls: &[bool]) -> Vec<MethodStyle> {
    let (mut methods, mut grays) = (0, 0);
    controls
        .iter()
        .map(|is_control| {
            if *is_control {
                let index = grays;
                grays += 1;
                MethodStyle {
                    colour: Colour::gray(GRAYS[index % GRAYS.len()]),
                    marker: CONTROL_MARKERS[index % CONTROL_MARKERS.len()],
                    dashes: DASHES[(index + 1) % DASHES.len()],
                }
            } else {
                let index = methods;
                methods += 1;
                MethodStyle {
                    colour: Colour::opaque(COLOURS[index % COLOURS.len()]),
                    marker: MARKERS[index % MARKERS.len()],
                    dashes: DASHES[index / COLOURS.len() % DASHES.len()],
                }
            }
        })
        .collect()
}

impl MethodStyle {
    /// A line in this style.
    #[must_use]
    pub fn line(&self, width: f64) -> Stroke {
        Stroke::dashed(self.colour, width, self.dashes)
    }

    /// Draws a point; `edge` is the colour of its outline.
    pub fn point(
        &self,
        page: &mut Page,
        (x, y): (f64, f64),
        radius: f64,
        opacity: f32,
        edge: Option<Stroke>,
    ) {
        let fill = self.colour.with_alpha(opacity);
        let r = radius;
        match self.marker {
            Marker::Circle => page.circle((x, y), r, fill, edge),
            Marker::Square => {
                let side = 0.88 * r;
                page.rectangle([x - side, y - side, 2.0 * side, 2.0 * side], fill, edge);
            }
            Marker::Diamond => {
                let d = 1.25 * r;
                page.polygon(
                    &[(x, y - d), (x + d, y), (x, y + d), (x - d, y)],
                    fill,
                    edge,
                );
            }
            Marker::Triangle => {
                page.polygon(
                    &[
                        (x, y - 1.25 * r),
                        (x + 1.15 * r, y + 0.8 * r),
                        (x - 1.15 * r, y + 0.8 * r),
                    ],
                    fill,
                    edge,
                );
            }
            Marker::Wedge => {
                page.polygon(
                    &[
                        (x, y + 1.25 * r),
                        (x + 1.15 * r, y - 0.8 * r),
                        (x - 1.15 * r, y - 0.8 * r),
                    ],
                    fill,
                    edge,
                );
            }
            Marker::Cross => strokes(page, (x, y), r, &[45.0, 135.0], fill, edge),
            Marker::Plus => strokes(page, (x, y), 1.2 * r, &[0.0, 90.0], fill, edge),
            Marker::Star => strokes(page, (x, y), 1.2 * r, &[30.0, 90.0, 150.0], fill, edge),
        }
    }
}

/// Lines through a point; with an edge they are thick and lie on wider ones in its colour.
fn strokes(
    page: &mut Page,
    (x, y): (f64, f64),
    radius: f64,
    angles: &[f64],
    colour: Colour,
    edge: Option<Stroke>,
) {
    let width = if edge.is_some() { 2.4 } else { 1.0 };
    let outline = edge.map(|edge| (1.0, Stroke::solid(edge.colour, width + 2.0 * edge.width)));
    let layers = outline
        .into_iter()
        .chain([(0.0, Stroke::solid(colour, width))]);
    for (longer, stroke) in layers {
        for angle in angles {
            let (sine, cosine) = angle.to_radians().sin_cos();
            let (dx, dy) = (
                cosine * (1.2 * radius + longer),
                sine * (1.2 * radius + longer),
            );
            page.line(&[(x - dx, y - dy), (x + dx, y + dy)], stroke.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_methods_differ_and_controls_are_gray() {
        let mut controls = vec![false; 30];
        controls.extend([true, true, true]);
        let styles = method_styles(&controls);
        for (index, style) in styles.iter().enumerate() {
            assert!(!styles[..index].contains(style), "{index}");
            let [red, green, blue] = style.colour.rgb;
            assert_eq!(red == green && green == blue, controls[index], "{index}");
        }
    }
}
