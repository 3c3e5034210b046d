mod jpeg;

use crate::ErrorKind;
use crate::image::Picture;
use std::path::Path;

/// A file beside the goldens of pictures.
fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Mean difference of two pictures of one size, in levels of 255.
fn mean_levels(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let sum: u64 = a.rgb().iter().zip(b.rgb()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb().len() as f64
}

/// The sentence that refuses `bytes`.
fn refusal(bytes: &[u8]) -> String {
    let error = Picture::decode(bytes).map(|picture| format!("{}x{}", picture.width(), picture.height())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadImage, "{error}");
    error.to_string()
}
