//! No data, however odd, makes a plot panic or write a page that holds no numbers.

use mednet_report::drawing::pdf::PdfFile;
use mednet_report::drawing::{Item, Page, raster};
use mednet_report::plot::{
    Band, BoxGroup, BoxPlot, HistogramPlot, RoadCurve, RoadMethod, RoadPlot, ScatterMethod,
    ScatterPlot, box_plot, histogram_page, road_pages, scatter_page,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -1.0..1.0_f64, 1 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(0.0)]
}

fn check(page: &Page) {
    raster::render(page, 20.0).unwrap();
    let mut file = PdfFile::new(Vec::new(), "any").unwrap();
    file.add_page(page).unwrap();
    assert!(file.finish().unwrap().ends_with(b"%%EOF\n"));
    let texts = page
        .items
        .iter()
        .filter(|item| matches!(item, Item::Text(_)));
    assert!(texts.count() > 2, "a page without labels");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn histograms(name in ".{0,60}", values in vec(numbers(), 0..40)) {
        let finite = values.iter().any(|value| value.is_finite());
        let plot = HistogramPlot { method: Some(name.clone()), metric: name.clone(), dataset: name, values };
        let page = histogram_page(&plot);
        prop_assert!(finite || page.is_none());
        page.iter().for_each(check);
    }

    #[test]
    fn box_plots(title in ".{0,60}", groups in vec((".{0,60}", any::<bool>(), vec(numbers(), 0..9)), 0..9)) {
        let groups = groups.into_iter();
        let groups = groups.map(|(name, is_control, values)| BoxGroup { name, is_control, values });
        let plot = BoxPlot { score: title.clone(), title, groups: groups.collect() };
        box_plot(&plot).iter().for_each(check);
    }

    #[test]
    fn scatters(title in ".{0,60}", methods in vec((".{0,60}", any::<bool>(), vec((numbers(), numbers()), 0..9)), 0..9)) {
        let methods = methods.into_iter();
        let methods = methods.map(|(name, is_control, points)| ScatterMethod { name, is_control, points });
        let plot = ScatterPlot {
            x_label: title.clone(),
            y_label: title.clone(),
            title,
            methods: methods.collect(),
        };
        scatter_page(&plot).iter().for_each(check);
    }

    #[test]
    fn road_curves(title in ".{0,60}", methods in vec((".{0,60}", any::<bool>(), vec([numbers(), numbers(), numbers()], 0..5)), 0..9)) {
        let methods = methods.into_iter().map(|(name, is_control, bands)| {
            let change: Vec<Band> =
                bands.into_iter().map(|[mean, low, high]| Band { mean, low, high }).collect();
            let curve = RoadCurve { removed: vec![20.0, 50.0, f64::NAN], change };
            RoadMethod {
                name,
                is_control,
                most_relevant_first: curve.clone(),
                least_relevant_first: curve,
            }
        });
        let plot = RoadPlot { y_label: title.clone(), title, methods: methods.collect() };
        road_pages(&plot).iter().for_each(check);
    }
}

/// Beyond what axes can show, and once beyond what the rasteriser can draw.
#[test]
fn a_band_up_to_the_largest_numbers_is_drawn() {
    let band = |high| Band {
        mean: 0.0,
        low: 0.0,
        high,
    };
    let curve = |change: Vec<Band>| RoadCurve {
        removed: vec![20.0, 50.0, f64::NAN],
        change,
    };
    let method = |change: Vec<Band>| RoadMethod {
        name: String::new(),
        is_control: false,
        most_relevant_first: curve(change.clone()),
        least_relevant_first: curve(change),
    };
    let plot = RoadPlot {
        y_label: String::new(),
        title: String::new(),
        methods: vec![
            method(vec![band(0.0), band(1.659_990_660_393_233_5e308)]),
            method(Vec::new()),
        ],
    };
    road_pages(&plot).iter().for_each(check);
}
