//! Pipes, sockets, devices and folders where a file is expected: refused by name, never waited for.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use mednet_base::error::chain;
use mednet_data::{
    DataDirectories, DataModule, Error, Mode, SampleLoader, SampleRecord, TransformPipeline,
};

/// What is no file, below a folder: name of the entry, and what a message calls it.
const KINDS: [(&str, &str); 4] = [
    ("pipe", "a named pipe"),
    ("socket", "a socket"),
    ("device", "a device"),
    ("folder", "a folder"),
];

fn make(folder: &Path) -> std::os::unix::net::UnixListener {
    let pipe = folder.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", folder.join("device")).unwrap();
    std::fs::create_dir(folder.join("folder")).unwrap();
    std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap()
}

/// The error of some work that must come to an end.
fn error_in_time(work: impl FnOnce() -> Error + Send + 'static) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    let error = receiver.recv_timeout(Duration::from_secs(20));
    chain(&error.expect("it waits for ever"))
}

fn refuses(kind: &str, what: &str, path: &Path, error: &str) {
    assert!(
        error.contains(&format!("{what}, not a file")) && error.contains(path.to_str().unwrap()),
        "{kind}: {error}"
    );
}

fn loader(folder: &Path, name: &str) -> (SampleLoader, SampleRecord) {
    let split = folder.join("split.json");
    std::fs::write(&split, format!("{{\"test\": [[\"{name}\", 1]]}}")).unwrap();
    let module = DataModule::from_file(&split, None).unwrap();
    let directories = DataDirectories::default();
    let pipeline = TransformPipeline::default();
    let loader = SampleLoader::new(&module, &directories, pipeline, Mode::Default).unwrap();
    (loader, module.datasets[0].samples[0].clone())
}

#[test]
fn images_are_files() {
    let folder = tempfile::tempdir().unwrap();
    let _socket = make(folder.path());
    for (kind, what) in KINDS {
        let path = folder.path().join(kind);
        let (loader, record) = loader(folder.path(), kind);
        let (again, same) = (loader.clone(), record.clone());
        let error = error_in_time(move || again.load(&same).unwrap_err());
        refuses(kind, what, &path, &error);
        let error = error_in_time(move || loader.raw_size(&record).unwrap_err());
        refuses(kind, what, &path, &error);
    }
}

#[test]
fn split_files_and_configuration_files_are_files() {
    let folder = tempfile::tempdir().unwrap();
    let _socket = make(folder.path());
    for (kind, what) in KINDS {
        let path: PathBuf = folder.path().join(kind);
        let split = path.clone();
        let error = error_in_time(move || DataModule::from_file(&split, None).unwrap_err());
        refuses(kind, what, &path, &error);
        let configuration = path.clone();
        let error =
            error_in_time(move || DataDirectories::from_parts(&configuration, &[]).unwrap_err());
        refuses(kind, what, &path, &error);
    }
}
