use super::{golden, jpeg_with_profile, png_with_chunk, webp_with};
use crate::image::{DecodeLimits, Picture};
use image::ExtendedColorType::{L8, Rgb8};
use image::ImageEncoder;
use moxcms::{ColorProfile, ToneReprCurve};

/// Colours that lie in sRGB's gamut, whichever profile of these tests they are read by.
const COLOURS: [[u8; 3]; 6] =
    [[0, 0, 0], [255, 255, 255], [128, 128, 128], [180, 140, 120], [60, 90, 100], [20, 24, 22]];

fn png(pixels: &[u8], color: image::ExtendedColorType) -> Vec<u8> {
    let width = 8 * pixels.len() / usize::from(color.bits_per_pixel());
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file).write_image(pixels, width as u32, 1, color).unwrap();
    file
}

fn webp(pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
    encoder.encode(pixels, (pixels.len() / 3) as u32, 1, Rgb8).unwrap();
    file
}

fn iccp(profile: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(b"profile\0\0".to_vec(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, profile).unwrap();
    encoder.finish().unwrap()
}

/// A PNG, a WebP and a JPEG of one row of `pixels`, each with the profile; the JPEG's pixels are 16 wide.
fn files(pixels: &[u8], profile: &[u8]) -> [(&'static str, Vec<u8>, usize); 3] {
    const WIDE: usize = 16;
    let broad: Vec<u8> = pixels.as_chunks::<3>().0.iter().flat_map(|pixel| [*pixel; WIDE]).flatten().collect();
    let rows = broad.repeat(WIDE);
    let picture = Picture::new(WIDE * pixels.len() / 3, WIDE, rows, None).unwrap();
    [
        ("PNG", png_with_chunk(&png(pixels, Rgb8), b"iCCP", &iccp(profile)), 1),
        ("WebP", webp_with(&webp(pixels), &[(b"ICCP", profile)]), 1),
        ("JPEG", jpeg_with_profile(&picture.to_jpeg(100).unwrap(), profile), WIDE),
    ]
}

/// The middle of each pixel, where it is `wide` pixels wide.
fn colours(file: &[u8], wide: usize) -> Vec<[u8; 3]> {
    let picture = Picture::decode(file).unwrap();
    assert_eq!(picture.warnings(), [] as [&str; 0]);
    let row = picture.height() / 2 * picture.width();
    let pixels = &picture.rgb().as_chunks::<3>().0[row..row + picture.width()];
    pixels.iter().skip(wide / 2).step_by(wide).copied().collect()
}

fn assert_close(found: &[[u8; 3]], expected: &[[u8; 3]], levels: u8, place: &str) {
    assert_eq!(found.len(), expected.len(), "{place}");
    for (found, expected) in found.iter().zip(expected) {
        let apart = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(apart <= levels, "{place}: expected {expected:?}, found {found:?}");
    }
}

fn to_linear(level: u8) -> f64 {
    let value = f64::from(level) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn from_linear(value: f64) -> u8 {
    let value = value.clamp(0.0, 1.0);
    let encoded = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    (255.0 * encoded).round() as u8
}

/// Display P3 to sRGB: both have sRGB's curve and white; the matrix is that of CSS Color 4.
fn p3_to_srgb(pixel: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = pixel.map(to_linear);
    [
        1.224_940_18 * red - 0.224_940_18 * green,
        -0.042_056_95 * red + 1.042_056_95 * green,
        -0.019_637_55 * red - 0.078_636_05 * green + 1.098_273_60 * blue,
    ]
    .map(from_linear)
}

#[test]
fn profiles_are_applied_in_every_format() {
    // Red is called green, green blue and blue red: whoever reads past the profile sees other colours.
    let mut swapped = ColorProfile::new_srgb();
    let [red, green, blue] = [swapped.red_colorant, swapped.green_colorant, swapped.blue_colorant];
    (swapped.red_colorant, swapped.green_colorant, swapped.blue_colorant) = (green, blue, red);
    swapped.cicp = None;
    let seen: Vec<[u8; 3]> = COLOURS.iter().map(|&[red, green, blue]| [blue, red, green]).collect();
    for (format, file, wide) in files(COLOURS.as_flattened(), &swapped.encode().unwrap()) {
        let levels = if format == "JPEG" { 3 } else { 1 };
        assert_close(&colours(&file, wide), &seen, levels, format);
    }

    let seen = COLOURS.map(p3_to_srgb);
    assert_ne!(seen, COLOURS);
    for (format, file, wide) in files(COLOURS.as_flattened(), &ColorProfile::new_display_p3().encode().unwrap()) {
        let levels = if format == "JPEG" { 4 } else { 1 };
        assert_close(&colours(&file, wide), &seen, levels, format);
    }
}

#[test]
fn an_srgb_profile_changes_nothing() {
    let pixels: Vec<u8> = (0..=255).flat_map(|level| [level, 255 - level, level / 2]).collect();
    for (format, file, wide) in files(&pixels, &ColorProfile::new_srgb().encode().unwrap()) {
        let plain = files(&pixels, &[]).into_iter().find(|(other, ..)| *other == format).unwrap().1;
        let picture = Picture::decode(&plain).unwrap();
        assert_eq!(Picture::decode(&file).unwrap().rgb(), picture.rgb(), "{format}, {wide}");
    }
}

#[test]
fn grey_pixels_may_have_grey_and_rgb_profiles() {
    let levels = [0, 10, 55, 128, 255];
    let grey = png(&levels, L8);
    let mut linear = ColorProfile::new_gray_with_gamma(1.0);
    linear.gray_trc = Some(ToneReprCurve::Lut(vec![]));
    let file = png_with_chunk(&grey, b"iCCP", &iccp(&linear.encode().unwrap()));
    let expected = levels.map(|level| [from_linear(f64::from(level) / 255.0); 3]);
    assert_close(&colours(&file, 1), &expected, 1, "a grey profile");

    let mut rgb = ColorProfile::new_srgb();
    let straight = Some(ToneReprCurve::Lut(vec![]));
    (rgb.red_trc, rgb.green_trc, rgb.blue_trc, rgb.cicp) = (straight.clone(), straight.clone(), straight, None);
    let file = png_with_chunk(&grey, b"iCCP", &iccp(&rgb.encode().unwrap()));
    assert_close(&colours(&file, 1), &expected, 1, "an RGB profile");
}

/// A profile for ink in two steps a colour: no ink is white, cyan alone a middle grey, everything else black.
fn ink_profile() -> Vec<u8> {
    let identity: Vec<u8> = (0..=255).collect();
    let node = |index: usize| match index {
        0 => [255, 128, 128],
        // Cyan is the slowest of the four, black the fastest.
        0b1000 => [128, 128, 128],
        _ => [0, 128, 128],
    };
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for value in [1u32, 0, 0, 0, 1, 0, 0, 0, 1] {
        table.extend((value << 16).to_be_bytes());
    }
    table.extend(identity.repeat(4));
    table.extend((0..16).flat_map(node));
    table.extend(identity.repeat(3));
    let mut profile = vec![0; 128];
    profile[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    profile[12..24].copy_from_slice(b"prtrCMYKLab ");
    profile[36..40].copy_from_slice(b"acsp");
    for (place, value) in [(68, 0xf6d6u32), (72, 0x10000), (76, 0xd32d)] {
        profile[place..place + 4].copy_from_slice(&value.to_be_bytes());
    }
    profile.extend(1u32.to_be_bytes());
    profile.extend(b"A2B0");
    profile.extend([144, table.len() as u32].iter().flat_map(|value| value.to_be_bytes()));
    profile.extend(table);
    let length = (profile.len() as u32).to_be_bytes();
    profile[..4].copy_from_slice(&length);
    profile
}

#[test]
fn ink_is_converted_by_its_profile() {
    let file = golden("jpeg/cmyk.jpg");
    let plain = Picture::decode(&file).unwrap();
    let picture = Picture::decode(&jpeg_with_profile(&file, &ink_profile())).unwrap();
    assert_eq!(picture.warnings(), [] as [&str; 0]);
    // The profile's ink mixes to black sooner, and has no colours. Where there is little of it, all is light.
    let mean = |picture: &Picture| picture.rgb().iter().map(|&level| u32::from(level)).sum::<u32>() as usize;
    assert!(mean(&picture) < mean(&plain));
    for (seen, before) in picture.rgb().as_chunks::<3>().0.iter().zip(plain.rgb().as_chunks::<3>().0) {
        assert!(seen.iter().max().unwrap() - seen.iter().min().unwrap() <= 4, "{seen:?}");
        if before.iter().all(|&level| level > 235) {
            assert!(seen[0] > 150, "{before:?} became {seen:?}");
        }
    }
}

#[test]
fn colours_of_a_png_without_a_profile_are_in_its_chunks() {
    let plain = png(COLOURS.as_flattened(), Rgb8);
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let linear = png_with_chunk(&plain, b"gAMA", &numbers(&[100_000]));
    let seen = COLOURS.map(|pixel| pixel.map(|level| from_linear(f64::from(level) / 255.0)));
    assert_close(&colours(&linear, 1), &seen, 1, "gAMA");
    let p3 = numbers(&[31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000]);
    let with_points = png_with_chunk(&linear, b"cHRM", &p3);
    assert_ne!(colours(&with_points, 1), colours(&linear, 1));
    for (kind, numbers) in [(b"cHRM", &p3), (b"gAMA", &numbers(&[45_455]))] {
        assert_close(&colours(&png_with_chunk(&plain, kind, numbers), 1), &COLOURS, 0, "one alone");
    }
    let seen = COLOURS.map(p3_to_srgb);
    assert_close(&colours(&png_with_chunk(&plain, b"cICP", &[12, 13, 0, 1]), 1), &seen, 1, "cICP");
    // Video's transfer is that of its screens: as Chromium shows it.
    let video = png(&[20, 128, 235], L8);
    let seen_video = [20, 128, 235].map(|level: u8| [from_linear((f64::from(level) / 255.0).powf(2.4)); 3]);
    assert_close(&colours(&png_with_chunk(&video, b"cICP", &[1, 1, 0, 1]), 1), &seen_video, 1, "video");
    // The sRGB chunk overrules gAMA, a profile both, cICP all.
    let srgb = png_with_chunk(&linear, b"sRGB", &[0]);
    assert_close(&colours(&srgb, 1), &COLOURS, 0, "sRGB");
    let profile = png_with_chunk(&linear, b"iCCP", &iccp(&ColorProfile::new_display_p3().encode().unwrap()));
    assert_close(&colours(&profile, 1), &seen, 1, "iCCP");
    assert_close(&colours(&png_with_chunk(&srgb, b"cICP", &[12, 13, 0, 1]), 1), &seen, 1, "cICP before sRGB");
}

#[test]
fn what_cannot_be_used_is_ignored_and_said() {
    let plain = png(COLOURS.as_flattened(), Rgb8);
    let warned = |file: &[u8], part: &str| {
        let picture = Picture::decode_within(file, &DecodeLimits::default()).unwrap();
        let warnings = picture.warnings().join("; ");
        assert!(picture.warnings().len() == 1 && warnings.contains(part), "{warnings}");
        picture
    };
    let unchanged = |file: &[u8], part: &str| assert_eq!(warned(file, part).rgb(), COLOURS.as_flattened());
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    unchanged(&png_with_chunk(&plain, b"iCCP", &iccp(&profile[..profile.len() / 2])), "damaged");
    unchanged(&png_with_chunk(&plain, b"iCCP", b"name\0\0no deflate"), "damaged");
    unchanged(&png_with_chunk(&plain, b"iCCP", &iccp(&ink_profile())), "not one for Rgb pixels");
    unchanged(&webp_with(&webp(COLOURS.as_flattened()), &[(b"ICCP", &[7; 300])]), "damaged");
    unchanged(&png_with_chunk(&plain, b"cICP", &[9, 16, 0, 1]), "high dynamic range");
    let jpeg = Picture::new(8, 8, vec![90; 192], None).unwrap().to_jpeg(90).unwrap();
    warned(&jpeg_with_profile(&jpeg, &profile[..200]), "damaged");
}
