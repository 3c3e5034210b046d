use super::*;
use crate::ErrorKind;
use crate::model::Postprocess;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn png(pixels: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(pixels, width, height, colour).unwrap();
    file
}

/// A PNG of no pixels whose header claims a size.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(&[0; 3], 1, 1, ExtendedColorType::Rgb8);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&checksum.to_be_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn resizing_is_pillows_bit_for_bit() {
    let source = Picture::decode(&golden("golden/pictures/source.png")).unwrap();
    let differences = |size: [usize; 2]| {
        let [width, height] = size;
        let expected = Picture::decode(&golden(&format!("golden/pictures/{width}x{height}.png"))).unwrap();
        let found = source.resized(size).unwrap();
        assert_eq!((found.width(), found.height()), (expected.width(), expected.height()));
        found.rgb().iter().zip(expected.rgb()).map(|(a, b)| a.abs_diff(*b)).max()
    };
    for size in [[23, 19], [128, 96], [7, 140], [61, 20], [1, 1], [64, 64]] {
        assert_eq!(differences(size), Some(0), "{size:?}");
    }
    // Wider and lower: since version 13 Pillow resizes columns last there.
    assert_eq!(differences([200, 10]), Some(1));
    assert_eq!(source.resized([61, 47]).unwrap(), source);
}

#[test]
fn inputs_are_planes_of_normalised_bytes() {
    let picture = Picture::new(2, 1, vec![0, 128, 255, 10, 20, 30], None).unwrap();
    let preprocess = Preprocess { size: [1024, 1024], mean: [128.0, 0.0, 55.0], scale: [256.0, 2.0, 100.0] };
    let input = picture.to_input([2, 1], &preprocess).unwrap();
    assert_eq!(input.shape(), [1, 3, 1, 2]);
    assert_eq!(input.data(), [-0.5, -118.0 / 256.0, 64.0, 10.0, 2.0, -0.25]);
    assert_eq!(picture.to_input([0, 8], &preprocess).unwrap_err().kind(), ErrorKind::BadArgument);
}

#[test]
fn every_kind_of_png_becomes_rgb() {
    let grey = Picture::decode(&png(&[7, 200], 2, 1, ExtendedColorType::L8)).unwrap();
    assert_eq!((grey.rgb(), grey.alpha()), (&[7, 7, 7, 200, 200, 200][..], None));
    let deep = [0x80, 0x00, 0xff, 0xff].map(|byte: u8| byte);
    let deep: Vec<u8> = deep.chunks(2).flat_map(|pair| u16::from_be_bytes([pair[0], pair[1]]).to_ne_bytes()).collect();
    let deep = Picture::decode(&png(&deep, 2, 1, ExtendedColorType::L16)).unwrap();
    assert_eq!(deep.rgb(), [128, 128, 128, 255, 255, 255]);
    let clear = Picture::decode(&png(&[1, 2, 3, 0, 4, 5, 6, 99], 2, 1, ExtendedColorType::Rgba8)).unwrap();
    assert_eq!((clear.rgb(), clear.alpha()), (&[1, 2, 3, 4, 5, 6][..], Some(&[0, 99][..])));
}

/// `jpeg` with an EXIF block that holds nothing but an orientation.
fn oriented(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

#[test]
fn orientation_is_applied() {
    // Quarters: red, green above blue, white.
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
    let (width, height) = (48, 32);
    let quarter = |x: usize, y: usize| usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
    let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| colours[quarter(x, y)])).collect();
    let jpeg = Picture::new(width, height, rgb, None).unwrap().to_jpeg(95).unwrap();
    // Top left, top right, bottom left, bottom right of the upright picture, as quarters of the stored one.
    let expected = [
        [0, 1, 2, 3],
        [1, 0, 3, 2],
        [3, 2, 1, 0],
        [2, 3, 0, 1],
        [0, 2, 1, 3],
        [2, 0, 3, 1],
        [3, 1, 2, 0],
        [1, 3, 0, 2],
    ];
    for (orientation, corners) in (1..).zip(expected) {
        let picture = Picture::decode(&oriented(&jpeg, orientation)).unwrap();
        let turned = orientation > 4;
        let size = if turned { (height, width) } else { (width, height) };
        assert_eq!((picture.width(), picture.height()), size, "orientation {orientation}");
        let found = [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| {
            let pixel = picture.height() * y / 4 * picture.width() + picture.width() * x / 4;
            let distance = |colour: &[u8; 3]| {
                colour.iter().zip(&picture.rgb()[3 * pixel..]).map(|(a, b)| usize::from(a.abs_diff(*b))).sum::<usize>()
            };
            (0..4).min_by_key(|&index| distance(&colours[index])).unwrap()
        });
        assert_eq!(found, corners, "orientation {orientation}");
    }
}

#[test]
fn extreme_sizes_are_accepted() {
    let long = Picture::new(20_000, 20, vec![90; 20_000 * 20 * 3], None).unwrap();
    for file in [long.to_png().unwrap(), long.to_jpeg(90).unwrap()] {
        let decoded = Picture::decode(&file).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (20_000, 20));
        assert!(decoded.resized([64, 64]).unwrap().rgb().iter().all(|value| value.abs_diff(90) <= 1));
    }
    let dot = Picture::new(1, 1, vec![1, 2, 3], None).unwrap();
    assert_eq!(Picture::decode(&dot.to_png().unwrap()).unwrap(), dot);
    assert!(dot.resized([33, 65]).unwrap().rgb().chunks(3).all(|pixel| pixel == [1, 2, 3]));
}

#[test]
fn what_is_no_picture_is_refused_with_what_was_found() {
    let refused = |bytes: &[u8], part: &str| {
        let error = Picture::decode(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadImage, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    refused(b"", "found an empty file");
    refused(b"not a picture at all", "found 20 bytes of something else");
    refused(&bomb(40_000, 10), "40000x10 pixels: expected at most 32768 a side");
    refused(&bomb(30_000, 30_000), "bytes cannot hold 30000x30000 pixels");
    refused(&bomb(0, 5), "cannot be decoded");
    let whole = golden("golden/pictures/source.png");
    for cut in [10, 40, whole.len() / 2] {
        refused(&whole[..cut], "cannot be decoded");
    }
}

#[test]
fn masks_are_read_off_the_output() {
    let output = Tensor::new(vec![1, 1, 1, 3], vec![-0.25, 0.5, 3.0]).unwrap();
    let mask = Mask::from_output(&output, Postprocess::Alpha).unwrap();
    assert_eq!((mask.width(), mask.height(), mask.alpha()), (3, 1, &[0.0, 0.5, 1.0][..]));
    let logit = Mask::from_output(&output, Postprocess::Logit).unwrap();
    assert!((logit.alpha()[2] - 0.952_574_1).abs() < 1e-6 && logit.alpha()[0] < 0.5);

    let two = Tensor::zeros(vec![1, 2, 1, 3]).unwrap();
    assert_eq!(Mask::from_output(&two, Postprocess::Alpha).unwrap_err().kind(), ErrorKind::BadShape);
    let broken = Tensor::new(vec![1, 1, 2, 2], vec![0.0, 0.0, f32::NAN, 0.0]).unwrap();
    let error = Mask::from_output(&broken, Postprocess::Alpha).unwrap_err();
    assert_eq!(error.message(), "the mask holds no number at row 1, column 0");
}

#[test]
fn masks_grow_by_interpolation_and_shrink_by_averaging() {
    let mask = Mask::new(2, 1, vec![0.0, 1.0]).unwrap();
    assert_eq!(mask.resized(4, 1).unwrap().alpha(), [0.0, 0.25, 0.75, 1.0]);
    let stripes = Mask::new(64, 2, (0..128).map(|index| (index % 2) as f32).collect()).unwrap();
    assert!(stripes.resized(8, 1).unwrap().alpha().iter().all(|alpha| (alpha - 0.5).abs() < 0.05));
    let decoded = image::load_from_memory(&mask.to_png().unwrap()).unwrap();
    assert_eq!(decoded.color(), image::ColorType::L8);
    assert_eq!(decoded.into_luma8().into_raw(), [0, 255]);
}

#[test]
fn cutouts_keep_the_pictures_size_and_multiply_alpha() {
    let rgb: Vec<u8> = (0..4 * 2 * 3).map(|value| value * 10).collect();
    let alpha = vec![255, 255, 255, 255, 128, 128, 0, 0];
    let picture = Picture::new(4, 2, rgb.clone(), Some(alpha)).unwrap();
    let mask = Mask::new(2, 1, vec![0.0, 1.0]).unwrap();
    let cutout =
        image::load_from_memory(&Cutout::new(&picture, &mask, Edges::Clean).unwrap().to_png().unwrap()).unwrap();
    assert_eq!(cutout.color(), image::ColorType::Rgba8);
    let pixels = cutout.into_rgba8();
    assert_eq!(pixels.dimensions(), (4, 2));
    let found: Vec<u8> = pixels.pixels().map(|pixel| pixel.0[3]).collect();
    assert_eq!(found, [0, 64, 191, 255, 0, 32, 0, 0]);
    // Seen pixels keep their colour; unseen ones give nothing away.
    assert_eq!(pixels.get_pixel(3, 0).0[..3], rgb[9..12]);
    assert_eq!(pixels.get_pixel(3, 1).0, [0; 4]);
}

#[test]
fn files_are_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("mask.png");
    crate::files::write_whole(&path, b"one").unwrap();
    crate::files::write_whole(&path, b"two").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = crate::files::write_whole(&folder.path().join("no/such/folder.png"), b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn transparent_pixels_are_seen_over_white_whatever_colour_they_hide() {
    let alpha = vec![255, 0, 128, 1];
    let with = |hidden: [u8; 3]| {
        let rgb = [[10, 200, 90], hidden, [0, 255, 100], hidden].concat();
        Picture::new(4, 1, rgb, Some(alpha.clone())).unwrap()
    };
    let preprocess = Preprocess { size: [4, 1], mean: [0.0; 3], scale: [1.0; 3] };
    let input = with([255, 0, 255]).to_input([4, 1], &preprocess).unwrap();
    // An opaque pixel as it is, a hidden one white, half of black and of white; nearly white.
    assert_eq!(input.data(), [10.0, 255.0, 127.0, 255.0, 200.0, 255.0, 255.0, 254.0, 90.0, 255.0, 177.0, 255.0]);
    for size in [[4, 1], [2, 2], [7, 3]] {
        let [white, other] = [[255, 255, 255], [0, 0, 0]].map(|hidden| {
            let mut picture = with(hidden);
            picture.alpha = Some(vec![255, 0, 128, 0]);
            picture
        });
        assert_eq!(white.to_input(size, &preprocess).unwrap(), other.to_input(size, &preprocess).unwrap());
    }
    let opaque = Picture::new(2, 1, vec![1, 2, 3, 4, 5, 6], None).unwrap();
    let full = Picture::new(2, 1, vec![1, 2, 3, 4, 5, 6], Some(vec![255; 2])).unwrap();
    assert_eq!(opaque.to_input([5, 5], &preprocess).unwrap(), full.to_input([5, 5], &preprocess).unwrap());
    // As files: a PNG keeps alpha, a JPEG shows white.
    assert_eq!(Picture::decode(&full.to_png().unwrap()).unwrap(), full);
    let clear = Picture::new(8, 8, vec![0; 192], Some(vec![0; 64])).unwrap();
    assert!(Picture::decode(&clear.to_jpeg(90).unwrap()).unwrap().rgb().iter().all(|&level| level > 250));
}
