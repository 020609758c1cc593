//! Pictures that are too large are refused by name, before memory is asked for them.

use std::path::{Path, PathBuf};

use mednet_data::read::{DEFAULT_MAX_PIXELS, image_size};
use mednet_data::{
    DataDirectories, DataModule, Error, ImageSize, Mode, SampleLoader, SampleRecord, Transform,
    TransformPipeline,
};

fn loader(
    folder: &Path,
    name: &str,
    database: Option<&str>,
    pipeline: TransformPipeline,
) -> (SampleLoader, SampleRecord) {
    let split = folder.join("split.json");
    std::fs::write(&split, format!("{{\"test\": [[\"{name}\", 1]]}}")).unwrap();
    let module = DataModule::from_file(&split, database).unwrap();
    let directories = DataDirectories::default();
    let loader = SampleLoader::new(&module, &directories, pipeline, Mode::Default).unwrap();
    (loader, module.datasets[0].samples[0].clone())
}

fn save(folder: &Path, name: &str, width: u32, height: u32) -> PathBuf {
    let path = folder.join(name);
    image::GrayImage::from_pixel(width, height, image::Luma([9]))
        .save(&path)
        .unwrap();
    path
}

/// A PNG of a few bytes whose header promises this size.
fn promise(folder: &Path, width: u32, height: u32) -> PathBuf {
    let path = save(folder, "promise.png", 1, 1);
    let mut file = std::fs::read(&path).unwrap();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&file[12..29]);
    file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    std::fs::write(&path, file).unwrap();
    path
}

#[test]
fn long_thin_pictures_are_refused_before_they_are_padded() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "thin.png", 60_000, 1);
    assert!(std::fs::metadata(&path).unwrap().len() < 1000);
    for pipeline in [
        TransformPipeline::gray_square(512),
        TransformPipeline::rgb_square(512),
    ] {
        let (loader, record) = loader(folder.path(), "thin.png", None, pipeline);
        let error = loader.load(&record).unwrap_err();
        let Error::ImageTooLarge {
            stored,
            transformed: Some((step, size)),
            limit: DEFAULT_MAX_PIXELS,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(*stored, ImageSize::new(1, 60_000));
        assert_eq!(step, "padding to a square");
        assert_eq!(*size, ImageSize::new(60_000, 60_000));
        assert_eq!(
            error.to_string(),
            format!(
                "`{}` is too large: 1 x 60000 (height x width), and 60000 x 60000 (height x width) \
                 after padding to a square, which are 3600000000 pixels; at most 100000000 are \
                 read, unless --max-pixels allows more",
                path.display()
            )
        );
        // Without the padding it is a small picture.
        assert_eq!(loader.load_raw(&record).unwrap().raw_size, *stored);
    }
}

#[test]
fn headers_that_promise_too_much_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (width, height) in [
        (1, 200_000_000),
        (200_000_000, 1),
        (0x7fff_ffff, 0x7fff_ffff),
    ] {
        let path = promise(folder.path(), width, height);
        let (loader, record) = loader(
            folder.path(),
            "promise.png",
            None,
            TransformPipeline::default(),
        );
        for error in [
            loader.load(&record).unwrap_err(),
            loader.load_raw(&record).unwrap_err(),
            loader.raw_size(&record).unwrap_err(),
            image_size(&path, DEFAULT_MAX_PIXELS).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(
                matches!(
                    error,
                    Error::ImageTooLarge {
                        transformed: None,
                        ..
                    }
                ),
                "{text}"
            );
            assert!(
                text.contains("promise.png") && text.contains("--max-pixels"),
                "{text}"
            );
        }
        // Allowed, it is damaged, and found to be without the memory it promises.
        let error = loader
            .with_max_pixels(1 << 28)
            .load_raw(&record)
            .unwrap_err();
        assert!(!error.to_string().contains("panic"), "{error}");
    }
}

#[test]
fn the_limit_is_a_setting() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "a.png", 4, 16);
    let pad = TransformPipeline::new(vec![Transform::SquareCenterPad]);
    let (loader, record) = loader(folder.path(), "a.png", None, pad);
    assert_eq!(loader.max_pixels(), DEFAULT_MAX_PIXELS);
    let of = |limit| {
        let loader = loader.clone().with_max_pixels(limit);
        (
            loader.raw_size(&record).is_ok(),
            loader.load_raw(&record).is_ok(),
            loader.load(&record).is_ok(),
        )
    };
    assert_eq!(of(63), (false, false, false));
    assert_eq!(of(64), (true, true, false));
    assert_eq!(of(255), (true, true, false));
    assert_eq!(of(256), (true, true, true));
}

#[test]
fn what_black_borders_leave_may_grow_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut picture = image::GrayImage::new(16, 16);
    for x in 0..16 {
        picture.put_pixel(x, 7, image::Luma([200]));
    }
    picture.save(folder.path().join("line.png")).unwrap();
    let resize = TransformPipeline::new(vec![Transform::Resize { size: 10 }]);
    let (loader, record) = loader(folder.path(), "line.png", Some("shenzhen"), resize);
    let loader = loader.with_max_pixels(1599);
    let error = loader.load(&record).unwrap_err().to_string();
    assert!(
        error.contains("1 x 16 (height x width), and 10 x 160 (height x width) after resizing"),
        "{error}"
    );
    assert!(loader.with_max_pixels(1600).load(&record).is_ok());
}

#[test]
fn files_longer_than_any_such_picture_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "long.png", 1, 1);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(100 << 20).unwrap(); // zeros that the disk does not hold
    let (loader, record) = loader(
        folder.path(),
        "long.png",
        None,
        TransformPipeline::default(),
    );
    let error = loader.with_max_pixels(4 << 20).load(&record).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, Error::ImageFileTooLarge { .. }) && text.contains("long.png"),
        "{text}"
    );
    assert!(
        text.contains("4194304 pixels") && text.contains("--max-pixels"),
        "{text}"
    );
}
