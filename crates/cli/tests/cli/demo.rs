//! `mednet demo`, as users run it.

use crate::study::Study;

#[test]
fn the_demonstration_runs_and_says_what_to_look_at() {
    let study = Study::new();
    let words = ["demo", "a demo", "--count", "2"];
    let ran = study.run(&words).ends_with(0);
    for path in [
        "a demo/montage.png",
        "a demo/overlays/gradcam/imgs/lesion/l0001.png",
    ] {
        assert!(ran.stdout.contains(path), "{ran:#?}");
        assert!(study.picture(path).width() >= 512, "{path}");
    }
    assert_eq!(
        study.files("a demo/overlays").len(),
        12 + 1,
        "12 methods, 1 phantom with lesions, view.meta.json"
    );
    // What it says it typed can be typed.
    let typed = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("$ mednet "));
    assert_eq!(typed.count(), 7, "{}", ran.stderr);
    assert!(ran.stdout.contains("control-uniform"), "{}", ran.stdout);
    assert!(
        study
            .path("a demo/scores/saliency-evaluation.pdf")
            .is_file()
    );

    // Nothing is computed twice, and nothing else is written into.
    let again = study.run(&words).ends_with(0);
    again.says("24 there already");
    let other = study.run(&["demo", "a demo", "--count", "2", "--seed", "1"]);
    other.ends_with(2).says("other phantoms");
    study.write("mine/precious.txt", "mine");
    study.run(&["demo", "mine"]).ends_with(2).says("not empty");
    assert_eq!(study.files("mine"), ["precious.txt"]);
}

#[test]
fn phantoms_are_exported_as_a_data_set() {
    let study = Study::new();
    let words = ["demo", "--export", "data", "--seed", "7", "--count", "3"];
    study.run(&words).ends_with(0).says("3 phantoms");
    assert_eq!(
        study.json("data/split.json")["test"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(study.files("data").len(), 4);
    study
        .run(&["database", "check", "data/split.json"])
        .ends_with(0);
    study.run(&["demo", "out", "--export", "data"]).ends_with(2);
    study.run(&["demo", "--count", "0"]).ends_with(2);
}
