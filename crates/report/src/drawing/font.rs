//! The one font of all pictures: DejaVu Sans 2.37, which is part of the program.

use std::sync::OnceLock;

use ttf_parser::{Face, GlyphId};
use unicode_normalization::UnicodeNormalization;

use super::{Anchor, Text};

/// The font file. Its licence (`LICENSE-DejaVu.txt`) allows it to be embedded and passed on.
pub static FILE: &[u8] = include_bytes!("DejaVuSans.ttf");

/// Its PostScript name.
pub const NAME: &str = "DejaVuSans";

/// What is drawn for one character.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// The character.
    pub character: char,
    /// Its number in the font; 0 is the box drawn for a character that the font lacks.
    pub id: u16,
    /// Its width as a share of the font size.
    pub advance: f64,
}

/// The parsed font.
pub fn face() -> &'static Face<'static> {
    static FACE: OnceLock<Face<'static>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(FILE, 0).expect("the font is part of the program"))
}

/// The glyphs of a text. Accents that stand alone (as in macOS file names) are joined with their
/// letters first, and control characters become blanks.
#[must_use]
pub fn glyphs(text: &str) -> Vec<Glyph> {
    let face = face();
    let em = f64::from(face.units_per_em());
    text.nfc()
        .map(|character| {
            let shown = if character.is_control() {
                ' '
            } else {
                character
            };
            let id = face.glyph_index(shown).unwrap_or(GlyphId(0));
            let advance = f64::from(face.glyph_hor_advance(id).unwrap_or(0)) / em;
            Glyph {
                character: shown,
                id: id.0,
                advance,
            }
        })
        .collect()
}

/// Width of a text in points.
#[must_use]
pub fn width(text: &str, size: f64) -> f64 {
    glyphs(text).iter().map(|glyph| glyph.advance).sum::<f64>() * size
}

/// The text, or as much of its beginning and end as fits into `room` points with `…` between.
///
/// File names differ at their ends and folders at their beginnings, so the middle goes.
#[must_use]
pub fn elide(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.nfc().collect();
    for kept in (1..letters.len()).rev() {
        let head = kept / 2;
        let tail = kept - head;
        let mut shorter: String = letters[..head].iter().collect();
        shorter.push('…');
        shorter.extend(&letters[letters.len() - tail..]);
        if width(&shorter, size) <= room {
            return shorter;
        }
    }
    "…".to_owned()
}

/// The text on at most `lines` lines of `room` points, broken behind `/`, `_`, `-` or a blank, or
/// else behind `.`, where possible, its middle left out where it does not fit.
#[must_use]
pub fn wrap(text: &str, size: f64, room: f64, lines: usize) -> Vec<String> {
    // A little less than the room on all lines: lines are seldom filled to the end.
    for share in [1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5] {
        let shorter = elide(text, size, room * lines as f64 * share);
        let broken = break_lines(&shorter, size, room);
        if broken.len() <= lines {
            return broken;
        }
    }
    vec![elide(text, size, room)]
}

fn break_lines(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for letter in text.nfc() {
        let mut longer = line.clone();
        longer.push(letter);
        if !line.is_empty() && width(&longer, size) > room {
            let behind = |places: &[char]| {
                let mut letters = line.char_indices().rev();
                letters
                    .find(|(_, letter)| places.contains(letter))
                    .map(|(index, letter)| index + letter.len_utf8())
                    .filter(|&cut| 3 * cut > line.len() && cut < longer.len())
                    // A wide letter may not fit in the place of a narrow beginning.
                    .filter(|&cut| width(&longer[cut..], size) <= room)
            };
            // A name and its ending stay together where that is possible.
            let cut = behind(&['/', '\\', '_', '-', ' '])
                .or_else(|| behind(&['.']))
                .unwrap_or(line.len());
            let rest = longer.split_off(cut);
            lines.push(longer);
            line = rest;
        } else {
            line = longer;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Where a text begins: its anchor moved to the start of the baseline.
pub(super) fn start(text: &Text) -> (f64, f64) {
    let shift = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width(&text.text, text.size) / 2.0,
        Anchor::End => width(&text.text, text.size),
    };
    if text.upwards {
        (text.x, text.y + shift)
    } else {
        (text.x - shift, text.y)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn widths_are_the_fonts_own() {
        // DejaVu Sans has 2048 units an em; `m` is 1995 and `i` is 569 wide.
        assert!((width("mi", 2048.0) - (1995.0 + 569.0)).abs() < 1e-9);
        assert_eq!(glyphs("\u{e9}")[0].id, glyphs("e\u{301}")[0].id);
        assert_eq!(glyphs("e\u{301}").len(), 1);
    }

    #[test]
    fn the_middle_is_left_out() {
        let name = "images/patients/very long folder/study-000123/frontal.png";
        let short = elide(name, 10.0, 120.0);
        assert!(
            short.starts_with("images") && short.ends_with("ntal.png"),
            "{short}"
        );
        assert!(width(&short, 10.0) <= 120.0);
        assert_eq!(elide("a.png", 10.0, 120.0), "a.png");
    }

    #[test]
    fn a_wide_letter_does_not_take_the_place_of_a_narrow_beginning() {
        for line in wrap(
            "\u{800}-\u{fffd}?{\u{23a}\u{363}A%0\u{a1}0'\0\u{a1}",
            10.0,
            38.749_881,
            3,
        ) {
            assert!(width(&line, 10.0) <= 38.749_881, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn lines_never_exceed_the_room(text in ".{0,80}", room in 30.0..200.0_f64) {
            let lines = wrap(&text, 10.0, room, 3);
            prop_assert!(lines.len() <= 3);
            for line in lines {
                prop_assert!(width(&line, 10.0) <= room + 1e-9 || line.chars().count() == 1);
            }
        }
    }
}
