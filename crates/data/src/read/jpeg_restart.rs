//! Restart markers of a baseline JPEG: places behind which decoding can begin anew (ITU-T T.81, E.2.4).
//!
//! A stretch between two markers codes a fixed number of blocks and depends on no other. A damaged
//! one is replaced by blocks without content, and the others keep their places.

/// Markers, the second byte of each.
const FRAME_BASELINE: u8 = 0xc0;
const FRAME_EXTENDED: u8 = 0xc1;
const HUFFMAN_TABLES: u8 = 0xc4;
const FIRST_RESTART: u8 = 0xd0;
const LAST_RESTART: u8 = 0xd7;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const RESTART_INTERVAL: u8 = 0xdd;
const FIRST_APPLICATION: u8 = 0xe0;
const ADOBE: u8 = 0xee;
const LAST_APPLICATION: u8 = 0xef;
const COMMENT: u8 = 0xfe;

/// Most stretches that are looked at one by one.
const MOST_STRETCHES: usize = 1 << 16;

/// A Huffman code: its bits and their number.
type Code = (u16, u8);

/// What the header of a baseline JPEG with restart markers says.
pub(super) struct Restarts {
    /// The header without notes, up to the coded pixels.
    header: Vec<u8>,
    /// Where `header` holds the height, with the width behind it.
    size_at: usize,
    /// Where the coded pixels begin in the file.
    coded_at: usize,
    /// Units of blocks between two markers.
    interval: usize,
    /// Units of blocks in a row, and in the picture.
    units_in_row: usize,
    units: usize,
    /// Rows and columns of pixels in a unit, and bytes of a decoded pixel.
    unit_height: usize,
    unit_width: usize,
    channels: usize,
    /// For each block of a unit, the codes of "no difference" and "no more values".
    empty_block: Vec<[Code; 2]>,
}

impl Restarts {
    /// `None` where the file has no restart markers, or is of another kind: progressive, or with
    /// its colours one after the other.
    pub(super) fn of(file: &[u8]) -> Option<Self> {
        let mut header = vec![0xff, 0xd8];
        let mut frame: Option<(usize, &[u8])> = None;
        let mut interval = 0;
        // The code of the symbol 0 in each table, by kind (of differences, of values) and number.
        let mut empty = [[None::<Code>; 4]; 2];
        let mut position = 2;
        loop {
            if *file.get(position)? != 0xff {
                return None;
            }
            let marker = *file.get(position + 1)?;
            if marker == 0xff {
                position += 1;
                continue;
            }
            let length = usize::from(u16::from_be_bytes([
                *file.get(position + 2)?,
                *file.get(position + 3)?,
            ]));
            let segment = file.get(position..position + 2 + length)?;
            let content = segment.get(4..)?;
            match marker {
                FRAME_BASELINE | FRAME_EXTENDED => frame = Some((header.len() + 5, content)),
                0xc2..=0xcf if marker != HUFFMAN_TABLES => return None,
                HUFFMAN_TABLES => note_empty_codes(content, &mut empty)?,
                RESTART_INTERVAL => {
                    interval = usize::from(u16::from_be_bytes(content.get(..2)?.try_into().ok()?));
                }
                _ => {}
            }
            let is_note = (FIRST_APPLICATION..=LAST_APPLICATION).contains(&marker)
                && marker != ADOBE
                || marker == COMMENT;
            if !is_note {
                header.extend_from_slice(segment);
            }
            position += 2 + length;
            if marker == START_OF_SCAN {
                let (size_at, frame) = frame?;
                return Self::of_scan(header, size_at, frame, content, interval, &empty, position);
            }
        }
    }

    fn of_scan(
        header: Vec<u8>,
        size_at: usize,
        frame: &[u8],
        scan: &[u8],
        interval: usize,
        empty: &[[Option<Code>; 4]; 2],
        coded_at: usize,
    ) -> Option<Self> {
        let [
            8,
            height_high,
            height_low,
            width_high,
            width_low,
            count,
            components @ ..,
        ] = frame
        else {
            return None;
        };
        let height = usize::from(u16::from_be_bytes([*height_high, *height_low]));
        let width = usize::from(u16::from_be_bytes([*width_high, *width_low]));
        let count = usize::from(*count);
        if interval == 0 || height == 0 || width == 0 || scan.first() != Some(&(count as u8)) {
            return None;
        }
        let mut empty_block = Vec::new();
        let (mut across, mut down) = (1, 1);
        for index in 0..count {
            let sampling = *components.get(3 * index + 1)?;
            // With one component, a unit is one block, whatever its sampling says.
            let (horizontal, vertical) = match count {
                1 => (1, 1),
                _ => (usize::from(sampling >> 4), usize::from(sampling & 15)),
            };
            let tables = *scan.get(2 + 2 * index)?;
            let difference = empty[0].get(usize::from(tables >> 4)).copied()??;
            let values = empty[1].get(usize::from(tables & 15)).copied()??;
            if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) {
                return None;
            }
            empty_block.extend(std::iter::repeat_n(
                [difference, values],
                horizontal * vertical,
            ));
            (across, down) = (across.max(horizontal), down.max(vertical));
        }
        let units_in_row = width.div_ceil(8 * across);
        let units = units_in_row * height.div_ceil(8 * down);
        (units.div_ceil(interval) <= MOST_STRETCHES).then_some(Self {
            header,
            size_at,
            coded_at,
            interval,
            units_in_row,
            units,
            unit_height: 8 * down,
            unit_width: 8 * across,
            channels: if count == 1 { 1 } else { 3 },
            empty_block,
        })
    }

    /// The file with an empty stretch in the place of every one that is missing or that `decodes`
    /// refuses; how many these are, and of how many.
    ///
    /// `decodes` gets a stretch as a file of its own and the bytes of its pixels.
    pub(super) fn repaired(
        &self,
        file: &[u8],
        mut decodes: impl FnMut(&[u8], usize) -> bool,
    ) -> (Vec<u8>, usize, usize) {
        let stretches = self.stretches(file.get(self.coded_at..).unwrap_or_default());
        let mut whole = self.header.clone();
        let mut lost = 0;
        for (index, stretch) in stretches.iter().enumerate() {
            if index > 0 {
                whole.extend([0xff, FIRST_RESTART + ((index - 1) % 8) as u8]);
            }
            let units = self.interval.min(self.units - index * self.interval);
            let good = stretch.filter(|stretch| {
                self.alone(stretch, units)
                    .is_some_and(|(file, length)| decodes(&file, length))
            });
            match good {
                Some(stretch) => whole.extend_from_slice(stretch),
                None => {
                    lost += 1;
                    self.write_empty(units, &mut whole);
                }
            }
        }
        whole.extend([0xff, END_OF_IMAGE]);
        (whole, lost, stretches.len())
    }

    /// Whether all markers are there, in their order.
    pub(super) fn complete(&self, file: &[u8]) -> bool {
        let coded = file.get(self.coded_at..).unwrap_or_default();
        self.stretches(coded).iter().all(Option::is_some)
    }

    /// The coded bytes of each stretch; `None` where the markers say that it is missing.
    fn stretches<'a>(&self, coded: &'a [u8]) -> Vec<Option<&'a [u8]>> {
        let mut stretches = vec![None; self.units.div_ceil(self.interval)];
        let (mut index, mut start, mut position) = (0, 0, 0);
        let mut whole = true;
        while let Some([0xff, marker]) = next_marker(coded, &mut position) {
            let end = position - 2;
            match marker {
                // Markers are numbered in turn: some may be missing, by which the numbers jump.
                FIRST_RESTART..=LAST_RESTART => {
                    let skipped = (usize::from(marker - FIRST_RESTART) + 8 - index % 8) % 8;
                    if skipped > 3 {
                        // A number of the past: by accident.
                        whole = false;
                        continue;
                    }
                    if let (Some(place), true) = (stretches.get_mut(index), whole) {
                        *place = Some(&coded[start..end]);
                    }
                    (index, start, whole) = (index + 1 + skipped, position, true);
                }
                END_OF_IMAGE => {
                    if let (Some(place), true) = (stretches.get_mut(index), whole) {
                        *place = Some(&coded[start..end]);
                    }
                    break;
                }
                _ => whole = false,
            }
        }
        stretches
    }

    /// A stretch as a file of its own, and the bytes of its pixels.
    fn alone(&self, stretch: &[u8], units: usize) -> Option<(Vec<u8>, usize)> {
        let limit = usize::from(u16::MAX);
        let (height, width) = match units * self.unit_width <= limit {
            true => (self.unit_height, units * self.unit_width),
            false if units.is_multiple_of(self.units_in_row) => (
                units / self.units_in_row * self.unit_height,
                self.units_in_row * self.unit_width,
            ),
            false => return None,
        };
        let (high, wide) = (u16::try_from(height).ok()?, u16::try_from(width).ok()?);
        let mut file = self.header.clone();
        file[self.size_at..self.size_at + 2].copy_from_slice(&high.to_be_bytes());
        file[self.size_at + 2..self.size_at + 4].copy_from_slice(&wide.to_be_bytes());
        file.extend_from_slice(stretch);
        file.extend([0xff, END_OF_IMAGE]);
        Some((file, height * width * self.channels))
    }

    /// Units of blocks in which nothing differs from nothing: gray.
    fn write_empty(&self, units: usize, whole: &mut Vec<u8>) {
        let (mut bits, mut count) = (0_u32, 0_u32);
        let mut push = |byte: u8| {
            whole.push(byte);
            if byte == 0xff {
                whole.push(0);
            }
        };
        for _ in 0..units {
            for (code, length) in self.empty_block.iter().flatten() {
                bits = bits << length | u32::from(*code);
                count += u32::from(*length);
                while count >= 8 {
                    count -= 8;
                    push((bits >> count) as u8);
                    bits &= (1 << count) - 1;
                }
            }
        }
        if count > 0 {
            // Filled up with ones.
            push((bits << (8 - count)) as u8 | (0xff >> count));
        }
    }
}

/// The next marker at or behind `position`, which moves behind it. A zero byte behind `0xff` makes
/// it a coded value.
fn next_marker(coded: &[u8], position: &mut usize) -> Option<[u8; 2]> {
    loop {
        let rest = coded.get(*position..)?;
        let place = rest.iter().position(|byte| *byte == 0xff)?;
        let marker = *rest.get(place + 1)?;
        *position += place + if marker == 0xff { 1 } else { 2 };
        if !matches!(marker, 0 | 0xff) {
            return Some([0xff, marker]);
        }
    }
}

/// Notes the code of the symbol 0 of each table of a segment; `None` for a damaged one.
fn note_empty_codes(mut content: &[u8], empty: &mut [[Option<Code>; 4]; 2]) -> Option<()> {
    while let [kind, rest @ ..] = content {
        let counts = rest.get(..16)?;
        let symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let symbols = rest.get(16..16 + symbols)?;
        content = &rest[16 + symbols.len()..];
        let table = empty
            .get_mut(usize::from(kind >> 4))?
            .get_mut(usize::from(kind & 15))?;
        *table = None;
        // Codes of one length count up; one more bit doubles them (T.81, C.2).
        let mut code = 0_u32;
        let mut place = 0;
        for (length, count) in (1_u8..).zip(counts) {
            for _ in 0..*count {
                if symbols[place] == 0 {
                    *table = Some((u16::try_from(code).ok()?, length));
                }
                code += 1;
                place += 1;
            }
            code <<= 1;
        }
    }
    Some(())
}
