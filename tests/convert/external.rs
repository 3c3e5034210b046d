//! Weights in files beside the ONNX file.

use crate::onnx::{Onnx, bytes_of, external, ints, mask_net};
use headwater::import::{ConvertOptions, ImportOptions, convert_file, import_onnx, import_onnx_file};
use headwater::{Error, ErrorKind};
use std::path::Path;

/// Weights of a 1x1 convolution.
const W: [f32; 3] = [0.5, -1.0, 0.25];

/// A net whose weights `w` lie where `entries` say: pairs of keys and values.
fn net(entries: &[(&str, &str)]) -> Vec<u8> {
    Onnx::new(&[1, 3, 4, 4])
        .tensor(external("w", &[1, 3, 1, 1], entries))
        .node("Conv", &["x", "w"], &["y"], vec![])
        .finish(&["y"])
}

fn read(path: &Path) -> Result<Vec<f32>, Error> {
    let imported = import_onnx_file(path, &ImportOptions::default())?;
    Ok(imported.weights.get("w").unwrap().to_f32())
}

/// Writes `net.onnx` into `folder` and reads it.
fn with(folder: &Path, entries: &[(&str, &str)]) -> Result<Vec<f32>, Error> {
    let path = folder.join("net.onnx");
    std::fs::write(&path, net(entries)).unwrap();
    read(&path)
}

#[test]
fn weights_are_read_from_the_files_beside() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("all.data"), [[9u8; 7].as_slice(), &bytes_of(&W), &[9; 5]].concat()).unwrap();
    std::fs::write(folder.join("w"), bytes_of(&W)).unwrap();
    std::fs::create_dir(folder.join("sub")).unwrap();
    std::fs::write(folder.join("sub/w.bin"), bytes_of(&W)).unwrap();
    for entries in [
        [("location", "all.data"), ("offset", "7"), ("length", "12")].as_slice(),
        &[("location", "all.data"), ("offset", "7")],
        &[("location", "w")],
        &[("location", "./sub/w.bin"), ("length", "12"), ("checksum", "whatever")],
    ] {
        assert_eq!(with(folder, entries).unwrap(), W, "{entries:?}");
    }
}

#[test]
fn a_net_of_several_files_converts_like_one_of_a_single_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = ConvertOptions::new("net");
    let single = folder.path().join("single.onnx");
    std::fs::write(&single, mask_net(16)).unwrap();
    let expected = convert_file(&single, &folder.path().join("single"), &options).unwrap().manifest;
    let kernel: Vec<f32> = (0..27).map(|index| index as f32 / 27.0 - 0.5).collect();
    std::fs::write(folder.path().join("kernel"), bytes_of(&kernel)).unwrap();
    std::fs::write(folder.path().join("bias"), bytes_of(&[9.0, 0.25])).unwrap();
    let several = Onnx::new(&[1, 3, 16, 16])
        .tensor(external("w", &[1, 3, 3, 3], &[("location", "kernel")]))
        .tensor(external("b", &[1], &[("location", "bias"), ("offset", "4")]))
        .node("Conv", &["x", "w", "b"], &["logit"], vec![ints("pads", &[1, 1, 1, 1])])
        .node("Sigmoid", &["logit"], &["mask"], vec![]);
    let path = folder.path().join("several.onnx");
    std::fs::write(&path, several.finish(&["mask"])).unwrap();
    let made = convert_file(&path, &folder.path().join("several"), &options).unwrap().manifest;
    assert_eq!(made.sha256, expected.sha256);
    for weights in ["kernel", "bias"] {
        let before = std::fs::read(folder.path().join(weights)).unwrap();
        let refused = convert_file(&path, &folder.path().join(weights), &options).unwrap_err();
        assert!(refused.kind() == ErrorKind::BadArgument && refused.message().contains("weights"), "{refused}");
        assert_eq!(std::fs::read(folder.path().join(weights)).unwrap(), before);
    }
}

#[test]
fn only_what_a_tensor_names_is_read() {
    // A sparse file of a terabyte, of which twelve bytes at the end are wanted.
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("huge")).unwrap();
    if file.set_len(1 << 40).is_err() {
        return eprintln!("SKIPPED: this file system has no sparse files");
    }
    let offset = ((1u64 << 40) - 12).to_string();
    assert_eq!(with(folder.path(), &[("location", "huge"), ("offset", &offset)]).unwrap(), [0.0; 3]);
}

#[test]
fn files_that_are_missing_are_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let refused = with(folder.path(), &[("location", "net.onnx.data")]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BadModel);
    for part in ["\"w\"", "net.onnx.data", "beside the ONNX file", "external_data=False"] {
        assert!(refused.message().contains(part), "{part}: {refused}");
    }
    // Bytes have no folder.
    let refused = import_onnx(&net(&[("location", "net.onnx.data")]), &ImportOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BadModel);
    assert!(refused.message().contains("net.onnx.data") && refused.message().contains("single"), "{refused}");
}

#[test]
fn ranges_beyond_a_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w"), bytes_of(&W)).unwrap();
    let max = u64::MAX.to_string();
    for (key, value) in [
        ("offset", "1"),
        ("offset", max.as_str()),
        ("offset", "-4"),
        ("offset", "four"),
        ("offset", "99999999999999999999999"),
        ("length", "8"),
        ("length", "16"),
        ("length", max.as_str()),
        ("length", "-1"),
    ] {
        let refused = with(folder.path(), &[("location", "w"), (key, value)]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadModel, "{key} {value}: {refused}");
    }
    let refused = with(folder.path(), &[("offset", "0")]).unwrap_err();
    assert!(refused.kind() == ErrorKind::BadModel && refused.message().contains("name"), "{refused}");
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("net");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(root.path().join("secret"), bytes_of(&W)).unwrap();
    std::fs::write(root.path().join("net-secret"), bytes_of(&W)).unwrap();
    let absolute = root.path().join("secret");
    for location in
        ["../secret", "../net-secret", "x/../../secret", "", ".", "..", "/", absolute.to_str().unwrap(), "nul\0byte"]
    {
        let refused = with(&folder, &[("location", location)]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadModel, "{location:?}: {refused}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_folder_only() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("net");
    std::fs::create_dir(&folder).unwrap();
    for path in [root.path().join("secret"), folder.join("w")] {
        std::fs::write(path, bytes_of(&W)).unwrap();
    }
    symlink("w", folder.join("inside")).unwrap();
    symlink("../secret", folder.join("outside")).unwrap();
    symlink("..", folder.join("up")).unwrap();
    assert_eq!(with(&folder, &[("location", "inside")]).unwrap(), W);
    for location in ["outside", "up/secret"] {
        let refused = with(&folder, &[("location", location)]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadModel, "{location}: {refused}");
        assert!(refused.message().contains("leads out"), "{location}: {refused}");
    }
    // A download cache: both files are links into the folder where the downloads lie.
    let blobs = root.path().join("blobs");
    std::fs::create_dir(&blobs).unwrap();
    std::fs::write(blobs.join("a1"), net(&[("location", "net.onnx.data")])).unwrap();
    std::fs::write(blobs.join("b2"), bytes_of(&W)).unwrap();
    let snapshot = root.path().join("snapshot");
    std::fs::create_dir(&snapshot).unwrap();
    symlink("../blobs/a1", snapshot.join("net.onnx")).unwrap();
    symlink("../blobs/b2", snapshot.join("net.onnx.data")).unwrap();
    assert_eq!(read(&snapshot.join("net.onnx")).unwrap(), W);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = with(folder.path(), &[("location", "pipe")]).unwrap_err();
    assert!(refused.kind() == ErrorKind::BadModel && refused.message().contains("plain file"), "{refused}");
}

#[test]
fn a_small_file_named_often_does_not_become_a_large_net() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w"), [0; 1 << 12]).unwrap();
    let mut file = Onnx::new(&[1, 1, 1, 1024]);
    let mut from = "x".to_owned();
    for layer in 0..8 {
        let (weight, to) = (format!("w{layer}"), format!("t{layer}"));
        // Other spellings are no other file.
        let location = "./".repeat(layer) + "w";
        file = file.tensor(external(&weight, &[1, 1, 1, 1024], &[("location", &location)]));
        file = file.node("Add", &[&from, &weight], &[&to], vec![]);
        from = to;
    }
    let path = folder.path().join("net.onnx");
    std::fs::write(&path, file.finish(&[&from])).unwrap();
    let refused = import_onnx_file(&path, &ImportOptions::default()).unwrap_err();
    assert!(refused.kind() == ErrorKind::BadModel && refused.message().contains("twice"), "{refused}");
}
