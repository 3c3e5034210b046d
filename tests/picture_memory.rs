//! What decoding takes of memory, by this test's own allocator: never more than the decoder says beforehand, and
//! next to nothing where that is more than the limit. One test at a time: the count is the process's.

use headwater::ErrorKind;
use headwater::image::{DecodeLimits, Picture};
use image::{ExtendedColorType, ImageEncoder};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

fn more(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

fn less(bytes: usize) {
    NOW.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it is; only its size is noted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        less(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        more(size);
        less(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a refusal may take: tables, the file's metadata, an error.
const REFUSAL_BYTES: usize = 256 << 10;

fn limits(bytes: u64) -> DecodeLimits {
    DecodeLimits { bytes, ..DecodeLimits::default() }
}

/// Decodes, and says how much memory that took at its peak.
fn decode(file: &[u8], limits: &DecodeLimits) -> (headwater::Result<Picture>, usize) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let picture = Picture::decode_within(file, limits);
    (picture, PEAK.load(Ordering::Relaxed).saturating_sub(before))
}

/// The bytes that a picture takes, as its refusal says.
fn stated(file: &[u8]) -> u64 {
    let (refused, peak) = decode(file, &limits(0));
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadImage);
    assert!(peak <= REFUSAL_BYTES, "{peak} bytes to refuse");
    let words = error.to_string();
    let number = words.split("take ").nth(1).and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{words}"))
}

fn png(width: usize, height: usize, color: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = vec![7; width * height * usize::from(color.bits_per_pixel()) / 8];
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(&pixels, width as u32, height as u32, color).unwrap();
    file
}

fn webp(width: usize, height: usize, color: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = vec![7; width * height * usize::from(color.bits_per_pixel()) / 8];
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
    encoder.encode(&pixels, width as u32, height as u32, color).unwrap();
    file
}

fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn crc(kind: &[u8], data: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    crc.sum().to_be_bytes()
}

/// `file` with a chunk behind its header.
fn with_chunk(file: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u32).to_be_bytes();
    [&file[..33], &length, kind, data, &crc(kind, data), &file[33..]].concat()
}

/// A PNG that states another size than it has pixels for.
fn png_claiming(width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut file = png(1, 1, color);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc(b"IHDR", &file[16..29]);
    file[29..33].copy_from_slice(&crc);
    file
}

fn jpeg_claiming(name: &str, width: u16, height: u16) -> Vec<u8> {
    let mut file = golden(name);
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0] || pair == [0xff, 0xc2]).unwrap();
    file[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    file[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    file
}

/// A lossless WebP of one colour: 38 bytes for any size.
fn webp_of_38_bytes(width: u32, height: u32) -> Vec<u8> {
    let bits = (width - 1) | ((height - 1) << 14);
    let data = [&[0x2f][..], &bits.to_le_bytes(), &[0x88, 0x88, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    let mut file = b"RIFF\x1e\0\0\0WEBPVP8L\x12\0\0\0".to_vec();
    file.extend(data);
    assert_eq!(file.len(), 38);
    file
}

#[test]
fn decoding_keeps_within_what_it_states_and_refuses_below() {
    let pixels = 640 * 480;
    let turned = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    // The most bytes a pixel that each may be said to take, beside 3 MB of rows, tables and colour conversion.
    let cases: [(&str, Vec<u8>, u64); 19] = [
        ("PNG, grey", png(640, 480, ExtendedColorType::L8), 3),
        ("PNG, grey and alpha", png(640, 480, ExtendedColorType::La8), 4),
        ("PNG, RGB", png(640, 480, ExtendedColorType::Rgb8), 3),
        ("PNG, RGBA", png(640, 480, ExtendedColorType::Rgba8), 4),
        ("PNG, RGBA of 16 bits", png(640, 480, ExtendedColorType::Rgba16), 4),
        ("PNG, turned", with_chunk(&png(640, 480, ExtendedColorType::Rgb8), b"eXIf", turned), 6),
        ("PNG, RGBA, turned", with_chunk(&png(640, 480, ExtendedColorType::Rgba8), b"eXIf", turned), 7),
        ("WebP, lossless", webp(640, 480, ExtendedColorType::Rgb8), 8),
        ("WebP, lossless with alpha", webp(640, 480, ExtendedColorType::Rgba8), 5),
        ("WebP, 38 bytes", webp_of_38_bytes(640, 480), 8),
        ("WebP, lossy", golden("webp/lossy.webp"), 5),
        ("WebP, lossy with alpha", golden("webp/lossy-alpha.webp"), 12),
        ("WebP, lossless, animated", golden("webp/lossless-animated.webp"), 12),
        ("WebP, lossless with alpha, animated", golden("webp/lossless-alpha-animated.webp"), 13),
        ("WebP, lossy, animated", golden("webp/lossy-animated.webp"), 12),
        ("WebP, lossy with alpha, animated", golden("webp/lossy-alpha-animated.webp"), 20),
        ("JPEG, 4:2:0", golden("jpeg/flat-420.jpg"), 5),
        ("JPEG, 4:4:4, progressive", golden("jpeg/flat-444-progressive.jpg"), 12),
        ("JPEG, CMYK", golden("jpeg/cmyk.jpg"), 8),
    ];
    for (name, file, bytes_a_pixel) in cases {
        let stated = stated(&file);
        assert!(stated <= pixels * bytes_a_pixel + (3 << 20), "{name}: {stated} bytes");
        let (picture, peak) = decode(&file, &limits(stated));
        assert!(picture.is_ok(), "{name}: {picture:?}");
        assert!(peak as u64 <= stated, "{name}: {peak} of {stated} bytes");
        let (refused, peak) = decode(&file, &limits(stated - 1));
        assert!(refused.is_err() && peak <= REFUSAL_BYTES, "{name}: {peak} bytes to refuse");
    }

    // Profiles are inflated to a length that is known, and no further.
    let deflated = |length: usize| {
        let mut encoder = flate2::write::ZlibEncoder::new(b"x\0\0".to_vec(), flate2::Compression::best());
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), length as u64), &mut encoder).unwrap();
        with_chunk(&png(8, 8, ExtendedColorType::Rgb8), b"iCCP", &encoder.finish().unwrap())
    };
    let long = deflated(6 << 20);
    let needed = stated(&long);
    let (picture, peak) = decode(&long, &limits(needed));
    assert!(picture.unwrap().warnings()[0].contains("damaged") && peak as u64 <= needed, "{peak} of {needed}");
    let (picture, peak) = decode(&deflated(256 << 20), &limits(2 << 20));
    assert!(picture.unwrap().warnings()[0].contains("more than 8388608 bytes"));
    assert!(peak <= REFUSAL_BYTES, "{peak} bytes for a profile of 256 MB");

    // Bombs: small files that are, or claim to be, enormous pictures.
    let server = limits(256 << 20);
    for (name, file) in [
        ("WebP, 38 bytes", webp_of_38_bytes(16_383, 10_900)),
        ("PNG, grey", png_claiming(32_768, 16_384, ExtendedColorType::L8)),
        ("PNG, grey and alpha", png_claiming(16_384, 16_384, ExtendedColorType::La8)),
        ("PNG, RGBA of 16 bits", png_claiming(16_384, 8_192, ExtendedColorType::Rgba16)),
        ("JPEG", jpeg_claiming("jpeg/flat-420.jpg", 16_384, 10_922)),
        ("JPEG, progressive", jpeg_claiming("jpeg/flat-444-progressive.jpg", 16_384, 10_922)),
    ] {
        let (refused, peak) = decode(&file, &server);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::BadImage, "{name}");
        assert!(peak <= REFUSAL_BYTES, "{name}: {peak} bytes to refuse");
        // Those that cannot hold what they claim are refused whatever the limit is.
        let (refused, peak) = if name.starts_with("WebP") { continue } else { decode(&file, &limits(u64::MAX)) };
        assert!(refused.unwrap_err().to_string().contains("cannot hold"), "{name}");
        assert!(peak <= REFUSAL_BYTES, "{name}: {peak} bytes to refuse");
    }
}

#[test]
#[ignore = "takes 1.2 GB: `cargo test --test picture_memory -- --ignored --test-threads 1`"]
fn a_phones_200_megapixels_are_decoded_by_default() {
    let picture = Picture::new(16_320, 12_240, vec![90; 3 * 16_320 * 12_240], None).unwrap();
    let file = picture.to_jpeg(80).unwrap();
    drop(picture);
    let (picture, peak) = decode(&file, &DecodeLimits::default());
    let picture = picture.unwrap();
    assert_eq!((picture.width(), picture.height()), (16_320, 12_240));
    assert!(peak < 1_300_000_000, "{peak} bytes");
}
