//! Files of a few bytes that are pictures of many megapixels.

use super::net::{request, wide};
use super::{REQUEST_BYTES, Served};
use headwater::codec::Codec;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{ExtendedColorType as Colour, ImageEncoder};

fn png(side: u32, colour: Colour, bytes_a_pixel: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = vec![0; (side * side) as usize * bytes_a_pixel];
    PngEncoder::new(&mut file).write_image(&pixels, side, side, colour).unwrap();
    file
}

fn jpeg(side: u32, colour: Colour, bytes_a_pixel: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = vec![0; (side * side) as usize * bytes_a_pixel];
    JpegEncoder::new_with_quality(&mut file, 5).write_image(&pixels, side, side, colour).unwrap();
    file
}

/// One symbol for every channel: no pixel takes a bit.
fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    WebPEncoder::new_lossless(&mut file).write_image(&[0; 3], 1, 1, Colour::Rgb8).unwrap();
    let data = file.windows(4).position(|four| four == b"VP8L").unwrap() + 8;
    let rest = u32::from_le_bytes(file[data + 1..data + 5].try_into().unwrap()) & !0x0fff_ffff;
    file[data + 1..data + 5].copy_from_slice(&(rest | (width - 1) | ((height - 1) << 14)).to_le_bytes());
    file
}

#[test]
fn pictures_of_many_megapixels_take_no_more_than_a_request_may() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &[]);
    let ask = |file: &[u8], content_type| {
        let request = request(file, content_type, &["mask"], Codec::Alpha8, true);
        served.peak(|| served.post(&request))
    };
    let small = png(2, Colour::Rgb8, 3);
    ask(&small, "image/png");
    let (usual, (status, said)) = ask(&small, "image/png");
    assert_eq!(status, 200, "{said:.500}");
    let mut accepted = 0;
    for (name, content_type, file) in [
        ("WebP of 16383x10900", "image/webp", webp(16_383, 10_900)),
        ("WebP of 6000x6000", "image/webp", webp(6000, 6000)),
        ("grey PNG of 20000x20000", "image/png", png(20_000, Colour::L8, 1)),
        ("grey PNG of 8000x8000", "image/png", png(8000, Colour::L8, 1)),
        ("grey PNG of 6000x6000", "image/png", png(6000, Colour::L8, 1)),
        ("grey and alpha PNG of 6000x6000", "image/png", png(6000, Colour::La8, 2)),
        ("RGBA PNG of 5000x5000", "image/png", png(5000, Colour::Rgba8, 4)),
        ("16-bit RGBA PNG of 4000x4000", "image/png", png(4000, Colour::Rgba16, 8)),
        ("JPEG of 12000x12000", "image/jpeg", jpeg(12_000, Colour::L8, 1)),
        ("JPEG of 5000x5000", "image/jpeg", jpeg(5000, Colour::Rgb8, 3)),
        ("JPEG of 3500x3500", "image/jpeg", jpeg(3500, Colour::Rgb8, 3)),
    ] {
        let (peak, (status, said)) = ask(&file, content_type);
        let more = peak.saturating_sub(usual);
        eprintln!("{name}, {} bytes: {status}, {} MB", file.len(), more / 1_000_000);
        match status {
            200 => accepted += 1,
            _ => assert!(status == 400 && said.contains("bad-image") && said.contains("pixels"), "{name}: {said:.500}"),
        }
        assert!(more <= REQUEST_BYTES, "{name}: {more} bytes");
        served.assert_well(name);
    }
    assert!(accepted >= 3, "photographs of 12 megapixels are usual");
}

/// The first part of a photograph is no photograph.
#[test]
fn a_truncated_photograph_is_an_error() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &[]);
    let photo = std::fs::read("tests/photos/coffee.jpg").unwrap();
    for (part, expected) in [(photo.len(), 200), (photo.len() / 50, 400), (photo.len() / 2, 400), (300, 400)] {
        let request = request(&photo[..part], "image/jpeg", &["mask"], Codec::Alpha8, true);
        let (status, said) = served.post(&request);
        assert_eq!(status, expected, "{part} bytes: {said:.500}");
        assert!(status == 200 || said.contains("\"code\":\"bad-image\""), "{said}");
    }
}
