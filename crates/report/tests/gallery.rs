//! Draws one of everything, on data that strain the layout. The pictures are checked for what a
//! program can check; set `MEDNET_GALLERY` to a folder to keep them and look at them, and
//! `MEDNET_RADIOGRAPHS` to a folder of images to see those in the montages.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use mednet_data::BoundingBox;
use mednet_report::drawing::pdf::write_pdf;
use mednet_report::drawing::raster::{png, render};
use mednet_report::drawing::{Item, Page, font};
use mednet_report::montage::{Montage, MontageOptions, MontageRow};
use mednet_report::overlay::{ImageView, MapView, OverlayOptions, Style, overlay};
use mednet_report::plot::{
    Band, BoxGroup, BoxPlot, HistogramPlot, RoadCurve, RoadMethod, RoadPlot, ScatterMethod,
    ScatterPlot, box_plot, histogram_page, road_pages, scatter_page,
};

/// A seeded generator (splitmix64, Steele et al. 2014, doi:10.1145/2714064.2660195).
struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

const METHODS: [&str; 12] = [
    "gradcam",
    "gradcam++",
    "hirescam",
    "gradcamelementwise",
    "layercam",
    "xgradcam",
    "eigencam",
    "eigengradcam",
    "randomcam",
    "scorecam",
    "ablationcam",
    "fullgrad",
];

fn methods(count: usize) -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> = METHODS
        .iter()
        .take(count)
        .map(|&name| (name.to_owned(), false))
        .collect();
    if count >= 12 {
        names.push((
            "gradcam, layer features.norm5, mean of three trainings (größe)".to_owned(),
            false,
        ));
    }
    for control in ["control-random", "control-center", "control-uniform"] {
        names.push((control.to_owned(), true));
    }
    names
}

struct Gallery {
    folder: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Gallery {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let kept = std::env::var_os("MEDNET_GALLERY").map(PathBuf::from);
        let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
        Self {
            folder,
            _temporary: temporary,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes pages as PDF and PNG, and checks that they are the same when written again.
    fn keep(&self, name: &str, pages: &[Page]) {
        assert!(!pages.is_empty(), "{name}");
        let path = self.path(&format!("{name}.pdf"));
        write_pdf(&path, name, pages).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        write_pdf(&path, name, pages).unwrap();
        assert!(
            bytes == std::fs::read(&path).unwrap(),
            "{name} differs from run to run"
        );
        for (index, page) in pages.iter().enumerate() {
            check_texts(name, page);
            let picture = png(&render(page, 110.0).unwrap()).unwrap();
            std::fs::write(self.path(&format!("{name}-{index}.png")), picture).unwrap();
        }
    }
}

/// Left, top, right and bottom of every text.
fn frames(page: &Page) -> Vec<(String, [f64; 4])> {
    page.items
        .iter()
        .filter_map(|item| match item {
            Item::Text(text) => {
                use mednet_report::drawing::Anchor::{End, Middle, Start};
                let width = font::width(&text.text, text.size);
                let before = match text.anchor {
                    Start => 0.0,
                    Middle => width / 2.0,
                    End => width,
                };
                let (above, below) = (0.73 * text.size, 0.1 * text.size);
                let frame = if text.upwards {
                    [
                        text.x - above,
                        text.y + before - width,
                        text.x + below,
                        text.y + before,
                    ]
                } else {
                    [
                        text.x - before,
                        text.y - above,
                        text.x - before + width,
                        text.y + below,
                    ]
                };
                Some((text.text.clone(), frame))
            }
            _ => None,
        })
        .collect()
}

/// Every text lies on the page, and no two overlap.
fn check_texts(name: &str, page: &Page) {
    let frames = frames(page);
    for (index, (text, a)) in frames.iter().enumerate() {
        let inside = a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= page.width && a[3] <= page.height;
        assert!(
            inside,
            "{name}: `{text}` at {a:?} leaves the page {} x {}",
            page.width, page.height
        );
        for (other, b) in &frames[..index] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{name}: `{text}` {a:?} lies over `{other}` {b:?}");
        }
    }
}

#[test]
fn histograms() {
    let gallery = Gallery::new();
    let mut noise = Noise(1);
    let mut pages = Vec::new();
    for (metric, dataset, method, scale, count) in [
        ("Proportional Energy", "test", None, 0.2, 200),
        ("ROAD (avg)", "validation", Some("gradcam++"), 0.01, 37),
        (
            "Average Saliency Focus",
            "a data set with quite a long name, für Röntgenbilder",
            None,
            1e-7,
            5,
        ),
        (
            "ROAD (MoRF)",
            "one",
            Some("a method with a name far too long for the page, which is cut in its middle"),
            1.0,
            1,
        ),
    ] {
        let values = (0..count).map(|_| scale * noise.bell()).collect();
        let (metric, dataset) = (metric.to_owned(), dataset.to_owned());
        let plot = HistogramPlot {
            method: method.map(str::to_owned),
            metric,
            dataset,
            values,
        };
        pages.push(histogram_page(&plot).unwrap());
    }
    gallery.keep("histograms", &pages);
    let nothing = HistogramPlot {
        method: None,
        metric: "a".into(),
        dataset: "b".into(),
        values: vec![f64::NAN],
    };
    assert!(histogram_page(&nothing).is_none());
}

#[test]
fn box_plots() {
    let gallery = Gallery::new();
    let mut noise = Noise(2);
    let mut pages = Vec::new();
    for (count, samples) in [(2, 12), (12, 300), (1, 1)] {
        let groups = methods(count).into_iter().map(|(name, is_control)| {
            let centre = 0.3 * noise.unit();
            BoxGroup {
                name,
                is_control,
                values: (0..samples).map(|_| centre + 0.1 * noise.bell()).collect(),
            }
        });
        let plot = BoxPlot {
            title: "AOPC-Combined @ test".to_owned(),
            score: "AOPC-Combined (higher is more faithful)".to_owned(),
            groups: groups.collect(),
        };
        pages.push(box_plot(&plot).unwrap());
    }
    gallery.keep("boxes", &pages);
}

#[test]
fn road_curves() {
    let gallery = Gallery::new();
    let mut noise = Noise(3);
    for count in [1, 3, 12] {
        let methods = methods(count).into_iter().map(|(name, is_control)| {
            let strength = if is_control {
                0.1
            } else {
                0.3 + 0.5 * noise.unit()
            };
            let removed: Vec<f64> = vec![10.0, 20.0, 30.0, 40.0, 50.0, 70.0, 90.0];
            let curve = |slope: f64, noise: &mut Noise| -> RoadCurve {
                let change = removed
                    .iter()
                    .map(|share| {
                        let mean = -slope * (share / 100.0).sqrt() + 0.01 * noise.bell();
                        let half = 0.03 + 0.03 * noise.unit();
                        Band {
                            mean,
                            low: mean - half,
                            high: mean + half,
                        }
                    })
                    .collect();
                RoadCurve {
                    removed: removed.clone(),
                    change,
                }
            };
            let most_relevant_first = curve(strength, &mut noise);
            let least_relevant_first = curve(0.2 * strength, &mut noise);
            RoadMethod {
                name,
                is_control,
                most_relevant_first,
                least_relevant_first,
            }
        });
        let plot = RoadPlot {
            title: "ROAD curves @ test".to_owned(),
            y_label: "mean change of the predicted probability".to_owned(),
            methods: methods.collect(),
        };
        gallery.keep(&format!("road-{count}"), &road_pages(&plot));
    }
    let empty = RoadPlot {
        title: String::new(),
        y_label: String::new(),
        methods: Vec::new(),
    };
    assert!(road_pages(&empty).is_empty());
}

#[test]
fn scatters() {
    let gallery = Gallery::new();
    let mut noise = Noise(4);
    let mut pages = Vec::new();
    for (count, samples) in [(3, 20), (12, 150)] {
        let methods = methods(count).into_iter().map(|(name, is_control)| {
            let (x, y) = (0.2 + 0.5 * noise.unit(), 0.3 * noise.unit());
            let points = (0..samples).map(|_| (x + 0.05 * noise.bell(), y + 0.05 * noise.bell()));
            ScatterMethod {
                name,
                is_control,
                points: points.collect(),
            }
        });
        let plot = ScatterPlot {
            title: "Energy inside the boxes against completeness @ test".to_owned(),
            x_label: "Proportional Energy".to_owned(),
            y_label: "AOPC-Combined".to_owned(),
            methods: methods.collect(),
        };
        pages.push(scatter_page(&plot).unwrap());
    }
    gallery.keep("scatter", &pages);
}

/// Radiographs and a map, or drawn stand-ins where the reference data are missing.
fn radiographs() -> Vec<RgbImage> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let mut images = Vec::new();
    if let Ok(folder) = std::env::var("MEDNET_RADIOGRAPHS") {
        let paths = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        images.extend(paths.map(|path| image::open(path).unwrap().to_rgb8()));
        return images;
    }
    for name in [
        "reference/tbx11k/imgs/tb/tb0009.png",
        "reference/tbx11k/imgs/health/h0009.png",
    ] {
        images.extend(image::open(shared.join(name)).map(|image| image.to_rgb8()));
    }
    images.push(RgbImage::from_fn(640, 400, |x, y| {
        Rgb([(x / 4) as u8, (y / 2) as u8, 90])
    }));
    images.push(RgbImage::from_fn(300, 512, |x, y| {
        Rgb([((x * y) / 700) as u8; 3])
    }));
    images
}

fn rows(count: usize, methods: usize, style: Style) -> impl Iterator<Item = MontageRow> {
    let images = radiographs();
    let names = [
        "imgs/tb/tb0009.png",
        "Aufnahmen größer/thorax p.a. 日本 Ελλάδα кириллица/e\u{301}tude numéro 17 of the second visit, frontal view.png",
        "a_rather_long_name_without_any_folder_0000000000000000000000000000000000000000001.png",
        "x.png",
    ];
    (0..count).map(move |index| {
        let picture = images[index % images.len()].clone();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let plane = |channel: usize| {
            picture
                .pixels()
                .map(move |p| f32::from(p.0[channel]) / 255.0)
        };
        let pixels: Vec<f32> = plane(0).chain(plane(1)).chain(plane(2)).collect();
        let maps = (0..methods).map(|method| {
            let centre = (0.3 + 0.04 * method as f32, 0.4);
            let values: Vec<f32> = (0..width * height)
                .map(|at| {
                    let x = (at % width) as f32 / width as f32 - centre.0;
                    let y = (at / width) as f32 / height as f32 - centre.1;
                    (-(x * x + y * y) * 30.0).exp()
                })
                .collect();
            let view = ImageView {
                channels: 3,
                height,
                width,
                pixels: &pixels,
            };
            let map = MapView {
                height,
                width,
                values: &values,
            };
            let contour_width = MontageOptions::new("", &[]).contour_width(width, height);
            let options = OverlayOptions {
                style,
                contour_width,
                ..OverlayOptions::default()
            };
            (method != 3 || index != 1).then(|| overlay(view, map, &options).unwrap())
        });
        MontageRow {
            maps: maps.collect(),
            captions: vec![(index == 2).then(|| "zero everywhere".to_owned())],
            name: names[index % names.len()].to_owned(),
            label: (index % 3 != 2).then(|| "1".to_owned()),
            score: (index % 2 == 0).then_some(0.973_4),
            boxes: vec![
                BoundingBox {
                    x1: 60,
                    y1: 100,
                    x2: 200,
                    y2: 260,
                },
                BoundingBox {
                    x1: 250,
                    y1: -20,
                    x2: 9000,
                    y2: 90,
                },
            ],
            image: picture,
        }
    })
}

#[test]
fn montages() {
    let gallery = Gallery::new();
    for (name, samples, methods, style) in [
        ("few.png", 4, 3, Style::Wash),
        ("few.pdf", 4, 3, Style::Wash),
        ("contour.png", 3, 2, Style::Contour),
        ("many.png", 7, 12, Style::Wash),
        ("none.png", 0, 2, Style::Wash),
    ] {
        let mut options =
            MontageOptions::new("pasa @ tbx11k-v1-healthy-vs-atb: test", &METHODS[..methods]);
        options.contour = style == Style::Contour;
        let path = gallery.path(&format!("montage-{name}"));
        let mut montage = Montage::create(&path, options).unwrap();
        for row in rows(samples, methods, style) {
            montage.push(row).unwrap();
        }
        let files = montage.finish().unwrap();
        assert_eq!(files.len(), if name == "many.png" { 4 } else { 1 });
        assert!(files.iter().all(|file| file.is_file()));
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["pdf", "png"] {
        let write = |name: &str| {
            let path = folder.path().join(format!("{name}.{ending}"));
            let options = MontageOptions::new("sheet", &METHODS[..2]);
            let mut montage = Montage::create(&path, options).unwrap();
            for row in rows(2, 2, Style::Wash) {
                montage.push(row).unwrap();
            }
            let files = montage.finish().unwrap();
            std::fs::read(&files[0]).unwrap()
        };
        assert!(write("one") == write("two"), "{ending}");
    }
    let options = MontageOptions::new("sheet", &[]);
    assert!(Montage::create(&folder.path().join("sheet.jpg"), options).is_err());
}

#[test]
fn a_sheet_of_two_thousand_samples_is_paged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.pdf");
    let mut options = MontageOptions::new("many", &["gradcam"]);
    options.resolution = 36.0;
    let mut montage = Montage::create(&path, options).unwrap();
    let mut row = rows(1, 1, Style::Wash).next().unwrap();
    for picture in std::iter::once(&mut row.image).chain(row.maps.iter_mut().flatten()) {
        *picture = image::imageops::thumbnail(picture, 48, 48);
    }
    for index in 0..2000 {
        montage
            .push(MontageRow {
                name: format!("{index}.png"),
                ..row.clone()
            })
            .unwrap();
    }
    assert_eq!(montage.finish().unwrap(), std::slice::from_ref(&path));
    let bytes = std::fs::read(&path).unwrap();
    let pages = bytes
        .windows(12)
        .filter(|part| *part == b"/Type /Page\n")
        .count();
    assert_eq!(pages, 400);
}

#[test]
fn a_page_that_is_too_large_is_an_error() {
    assert!(render(&Page::new(1e6, 1e6), 300.0).is_err());
    assert!(render(&Page::new(f64::NAN, 10.0), 72.0).is_err());
    assert!(render(&Page::new(0.0, 10.0), 72.0).is_err());
}
