mod colour;
mod jpeg;
mod upright;

use crate::ErrorKind;
use crate::image::{DecodeLimits, Picture};
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

/// `file` with a chunk behind its header.
fn png_with_chunk(file: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&file[..33], &length, kind, data, &crc.sum().to_be_bytes(), &file[33..]].concat()
}

/// `file` with the profile in two parts, the second one first.
fn jpeg_with_profile(file: &[u8], profile: &[u8]) -> Vec<u8> {
    let (first, second) = profile.split_at(profile.len() / 2);
    let mut with = file[..2].to_vec();
    for (number, part) in [(2, second), (1, first)] {
        with.extend([0xff, 0xe2]);
        with.extend((part.len() as u16 + 16).to_be_bytes());
        with.extend(b"ICC_PROFILE\0");
        with.extend([number, 2]);
        with.extend(part);
    }
    with.extend(&file[2..]);
    with
}

/// A simple WebP, made an extended one with metadata.
fn webp_with(file: &[u8], metadata: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let picture = Picture::decode(file).unwrap();
    let flags = metadata.iter().map(|(kind, _)| if *kind == b"ICCP" { 0x20 } else { 0x08 }).sum::<u8>();
    let side = |side: usize| (side as u32 - 1).to_le_bytes();
    let alpha = if picture.alpha().is_some() { 0x10 } else { 0 };
    let header = [&[flags | alpha, 0, 0, 0], &side(picture.width())[..3], &side(picture.height())[..3]].concat();
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let padding = &[0][..data.len() % 2];
        [kind.as_slice(), &(data.len() as u32).to_le_bytes(), data, padding].concat()
    };
    let with = |wanted: &[u8; 4]| {
        metadata.iter().filter(|(kind, _)| *kind == wanted).flat_map(|(kind, data)| chunk(kind, data)).collect()
    };
    let [profile, exif]: [Vec<u8>; 2] = [with(b"ICCP"), with(b"EXIF")];
    let body = [b"WEBP".as_slice(), &chunk(b"VP8X", &header), &profile, &file[12..], &exif].concat();
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

#[test]
fn webps_and_pngs_cut_anywhere_are_refused() {
    for name in
        ["webp/lossless-alpha.webp", "webp/lossy.webp", "webp/lossy-alpha-animated.webp", "1x1.png", "23x19.png"]
    {
        let file = golden(name);
        for cut in 0..file.len() {
            refusal(&file[..cut]);
        }
        let trailing = [&file[..], &[0; 1000]].concat();
        assert_eq!(Picture::decode(&trailing).unwrap(), Picture::decode(&file).unwrap(), "{name}");
    }
}

#[test]
fn damaged_files_are_refused_or_decoded_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures");
    let folders = [root.join("jpeg"), root.join("webp"), root];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let limits = DecodeLimits { bytes: 24 << 20, ..DecodeLimits::default() };
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut refused = 0;
    for path in files.filter(|path| path.is_file()) {
        let file = std::fs::read(&path).unwrap();
        for _ in 0..60 {
            let mut damaged = file.clone();
            for _ in 0..=random(4) {
                let place = random(damaged.len());
                damaged[place] = [0, 0xff, 0x7f, 0x80, random(256) as u8][random(5)];
            }
            refused += usize::from(Picture::decode_within(&damaged, &limits).is_err());
        }
    }
    assert!(refused > 1000, "{refused}");
}
