use super::{png_with_chunk, webp_with};
use crate::image::Picture;
use image::ExtendedColorType::Rgba8;
use image::ImageEncoder;

/// Stored pixels of a picture of 3x2, by number, as each orientation shows them.
const SHOWN: [(&[usize], usize); 8] = [
    (&[0, 1, 2, 3, 4, 5], 3),
    (&[2, 1, 0, 5, 4, 3], 3),
    (&[5, 4, 3, 2, 1, 0], 3),
    (&[3, 4, 5, 0, 1, 2], 3),
    (&[0, 3, 1, 4, 2, 5], 2),
    (&[3, 0, 4, 1, 5, 2], 2),
    (&[5, 2, 4, 1, 3, 0], 2),
    (&[2, 5, 1, 4, 0, 3], 2),
];

fn exif(orientation: u8) -> Vec<u8> {
    [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat()
}

#[test]
fn pngs_and_webps_are_turned_with_their_alpha() {
    let pixel = |number: usize| [10 + number as u8, 100, 200 - number as u8, 40 * number as u8 + 1];
    let pixels: Vec<u8> = (0..6).flat_map(pixel).collect();
    let (mut png, mut webp) = (Vec::new(), Vec::new());
    image::codecs::png::PngEncoder::new(&mut png).write_image(&pixels, 3, 2, Rgba8).unwrap();
    image::codecs::webp::WebPEncoder::new_lossless(&mut webp).encode(&pixels, 3, 2, Rgba8).unwrap();
    for (orientation, (numbers, width)) in (1..).zip(SHOWN) {
        let exif = exif(orientation);
        let named = [b"Exif\0\0".as_slice(), &exif].concat();
        for file in [
            png_with_chunk(&png, b"eXIf", &exif),
            webp_with(&webp, &[(b"EXIF", &exif)]),
            webp_with(&webp, &[(b"EXIF", &named)]),
        ] {
            let picture = Picture::decode(&file).unwrap();
            assert_eq!((picture.width(), picture.height()), (width, 6 / width), "orientation {orientation}");
            let rgb: Vec<u8> = numbers.iter().flat_map(|&number| pixel(number)[..3].to_vec()).collect();
            let alpha: Vec<u8> = numbers.iter().map(|&number| pixel(number)[3]).collect();
            assert_eq!((picture.rgb(), picture.alpha()), (&rgb[..], Some(&alpha[..])), "orientation {orientation}");
        }
    }
    for broken in [&b""[..], b"II*\0", &exif(9), &exif(0), &exif(6)[..15]] {
        assert_eq!(Picture::decode(&png_with_chunk(&png, b"eXIf", broken)).unwrap().width(), 3);
    }
}
