//! Loading a picture takes little memory beside the picture itself.
#![allow(unsafe_code)] // an allocator cannot be written without

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use image::{DynamicImage, ImageFormat};
use mednet_data::{DataDirectories, DataModule, Mode, SampleLoader, Transform, TransformPipeline};

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

// SAFETY: everything is left to the system's allocator; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc_zeroed(layout) }
    }

    // Large blocks grow where they are: the system moves their pages, not their bytes.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What a function returns, and the most bytes it held at a time on this thread.
fn peak<T>(function: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = function();
    (result, (PEAK.get() - before).max(0).cast_unsigned())
}

const HEIGHT: usize = 700;
const WIDTH: usize = 900;

/// Bytes held at the peak of loading a picture, beside those of the largest picture of `f32` on
/// the way, in multiples of the decoded integers.
fn times(folder: &Path, name: &str, database: Option<&str>, pipeline: TransformPipeline) -> f64 {
    let split = folder.join("split.json");
    std::fs::write(&split, format!("{{\"test\": [[\"{name}\", 1]]}}")).unwrap();
    let module = DataModule::from_file(&split, database).unwrap();
    let directories = DataDirectories::default();
    let loader = SampleLoader::new(&module, &directories, pipeline, Mode::Default).unwrap();
    let record = &module.datasets[0].samples[0];
    let stored = image::open(folder.join(name)).unwrap();
    let decoded = stored.as_bytes().len();
    drop(stored);
    let (loaded, peak) = peak(|| loader.load(record).unwrap());
    let raw = HEIGHT * WIDTH * loaded.sample.image.channels * 4;
    let image = (loaded.sample.image.pixels.len() * 4).max(raw);
    (peak as f64 - image as f64) / decoded as f64
}

/// Noise, which no compression makes smaller.
fn noise(channels: usize) -> Vec<u16> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16
    };
    std::iter::repeat_with(next)
        .take(HEIGHT * WIDTH * channels)
        .collect()
}

fn picture(channels: usize, deep: bool) -> DynamicImage {
    let (width, height) = (WIDTH as u32, HEIGHT as u32);
    let values = noise(channels);
    let low = |values: Vec<u16>| values.into_iter().map(|value| value as u8).collect();
    match (channels, deep) {
        (1, false) => image::GrayImage::from_raw(width, height, low(values))
            .unwrap()
            .into(),
        (1, true) => {
            DynamicImage::ImageLuma16(image::ImageBuffer::from_raw(width, height, values).unwrap())
        }
        (4, false) => image::RgbaImage::from_raw(width, height, low(values))
            .unwrap()
            .into(),
        (3, false) => image::RgbImage::from_raw(width, height, low(values))
            .unwrap()
            .into(),
        _ => DynamicImage::ImageRgb16(image::ImageBuffer::from_raw(width, height, values).unwrap()),
    }
}

/// A split of 5 million boxes is 0.3 MB of gzip.
#[test]
fn a_split_takes_the_memory_of_what_is_kept() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json.gz");
    let write = |samples: usize, boxes: usize| {
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        write!(encoder, "{{\"a\": [[\"b.png\", 1]").unwrap();
        let more = ", [1, 0, 0, 10, 10]".repeat(1000);
        for _ in 0..samples {
            write!(encoder, ", [\"a.png\", 1, [[1, 0, 0, 10, 10]").unwrap();
            for _ in 0..boxes / 1000 {
                encoder.write_all(more.as_bytes()).unwrap();
            }
            write!(encoder, "]]").unwrap();
        }
        write!(encoder, "]}}").unwrap();
        encoder.finish().unwrap();
    };
    let mega = 1 << 20;
    // One sample with all of them is no sample.
    write(1, 5_000_000);
    let (module, held) = peak(|| DataModule::from_file(&path, None).unwrap());
    assert_eq!(module.datasets[0].samples.len(), 1);
    assert_eq!(module.datasets[0].rejected.len(), 1);
    assert!(held < 4 * mega, "{held}");
    // Many samples with too many together.
    write(300, 5000);
    let (error, held) = peak(|| DataModule::from_file(&path, None).unwrap_err());
    assert!(error.to_string().contains("1000000 boxes"), "{error}");
    assert!(held < 64 * mega, "{held}");
}

#[test]
fn at_most_four_times_the_decoded_picture_beside_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let formats = [
        (ImageFormat::Png, "a.png"),
        (ImageFormat::Tiff, "a.tif"),
        (ImageFormat::Bmp, "a.bmp"),
        (ImageFormat::Jpeg, "a.jpg"),
    ];
    let mut cases = 0;
    for (format, name) in formats {
        for (channels, deep) in [(1, false), (1, true), (3, false), (3, true), (4, false)] {
            let bytes_only = matches!(format, ImageFormat::Bmp | ImageFormat::Jpeg);
            if (deep && bytes_only) || (channels == 4 && format == ImageFormat::Jpeg) {
                continue;
            }
            let path = folder.path().join(name);
            picture(channels, deep)
                .save_with_format(&path, format)
                .unwrap();
            let stored = times(folder.path(), name, None, TransformPipeline::default());
            let pad = TransformPipeline::new(vec![Transform::SquareCenterPad]);
            let padded = times(folder.path(), name, None, pad);
            // Black borders are looked for, colour becomes gray.
            let empty = TransformPipeline::default();
            let removed = times(folder.path(), name, Some("shenzhen"), empty);
            for (way, times) in [("stored", stored), ("padded", padded), ("removed", removed)] {
                assert!(
                    times < 4.0,
                    "{name}, {channels} channels, deep {deep}, {way}: {times:.2} times"
                );
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 45);
}
