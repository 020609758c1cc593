//! An exported data set is complete, and its split file says what was drawn.

use std::collections::BTreeMap;
use std::fs;

use mednet_phantom::{ExportError, Phantom, export};
use serde_json::Value;

#[test]
fn split_lists_every_picture_with_its_boxes() {
    let folder = tempfile::tempdir().unwrap();
    let split = export(folder.path(), 21, 5).unwrap();
    assert_eq!(split, folder.path().join("split.json"));
    let split: BTreeMap<String, Vec<Value>> =
        serde_json::from_slice(&fs::read(split).unwrap()).unwrap();
    assert_eq!(split.keys().collect::<Vec<_>>(), ["test"]);
    let names: Vec<&str> = split["test"]
        .iter()
        .map(|entry| entry[0].as_str().unwrap())
        .collect();
    let expected = [
        "imgs/healthy/h0001.png",
        "imgs/lesion/l0001.png",
        "imgs/healthy/h0002.png",
        "imgs/lesion/l0002.png",
        "imgs/healthy/h0003.png",
    ];
    assert_eq!(names, expected);
    for (index, entry) in split["test"].iter().enumerate() {
        let phantom = Phantom::draw(21, index);
        let picture = image::open(folder.path().join(&phantom.name)).unwrap();
        assert_eq!(picture.color(), image::ColorType::L8);
        assert_eq!(picture.into_luma8().into_raw(), phantom.pixels);
        assert_eq!(entry[1], phantom.label);
        if phantom.label == 0 {
            assert_eq!(entry.as_array().unwrap().len(), 2);
        } else {
            let boxes: Vec<Vec<i64>> = serde_json::from_value(entry[2].clone()).unwrap();
            let expected: Vec<Vec<i64>> = phantom
                .boxes
                .iter()
                .map(|b| [&[1], b.as_slice()].concat())
                .collect();
            assert_eq!(boxes, expected);
        }
    }
    let left_over = |class: &str| fs::read_dir(folder.path().join(class)).unwrap().count();
    assert_eq!(
        (left_over("imgs/healthy"), left_over("imgs/lesion")),
        (3, 2)
    );
}

#[test]
fn an_empty_data_set_is_a_valid_one() {
    let folder = tempfile::tempdir().unwrap();
    let split = export(folder.path(), 1, 0).unwrap();
    let split: Value = serde_json::from_slice(&fs::read(split).unwrap()).unwrap();
    assert_eq!(split, serde_json::json!({ "test": [] }));
}

#[test]
fn a_file_in_the_way_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("taken");
    fs::write(&target, "not a folder").unwrap();
    let error = export(&target, 1, 2).unwrap_err();
    assert!(matches!(error, ExportError::Write { .. }));
    assert!(error.to_string().contains("taken"), "{error}");
}
