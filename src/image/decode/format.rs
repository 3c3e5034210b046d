//! What a file is by its first bytes; its name is not asked.

use crate::error::{Result, bail};

/// What is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    Webp,
}

/// Files that people take for pictures: their first bytes, what they are, and what helps.
const OTHERS: [(&[u8], &str); 28] = [
    (b"GIF8", "a GIF picture: save it as PNG"),
    (b"BM", "a BMP picture: save it as PNG"),
    (b"II*\0\x10\0\0\0CR", "a Canon raw photograph: export it as JPEG"),
    (b"II*\0", "a TIFF picture or raw photograph: export it as JPEG or PNG"),
    (b"MM\0*", "a TIFF picture or raw photograph: export it as JPEG or PNG"),
    (b"II+\0", "a TIFF picture: export it as JPEG or PNG"),
    (b"MM\0+", "a TIFF picture: export it as JPEG or PNG"),
    (b"IIU\0", "a Panasonic raw photograph: export it as JPEG"),
    (b"IIRO", "an Olympus raw photograph: export it as JPEG"),
    (b"IIRS", "an Olympus raw photograph: export it as JPEG"),
    (b"FUJIFILMCCD-RAW", "a Fujifilm raw photograph: export it as JPEG"),
    (b"\0MRM", "a Minolta raw photograph: export it as JPEG"),
    (b"FOVb", "a Sigma raw photograph: export it as JPEG"),
    (b"\xff\x0a", "a JPEG XL picture: export it as JPEG or PNG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture: export it as JPEG or PNG"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture: export it as JPEG or PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture: export it as JPEG or PNG"),
    (b"8BPS", "a Photoshop document: export it as PNG or JPEG"),
    (b"gimp xcf", "a GIMP document: export it as PNG or JPEG"),
    (b"\0\0\x01\0", "an icon file: save it as PNG"),
    (b"qoif", "a QOI picture: save it as PNG"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture: export it as PNG or JPEG"),
    (b"#?RADIANCE", "a Radiance HDR picture: export it as PNG or JPEG"),
    (b"%PDF", "a PDF document: export the page as PNG or JPEG"),
    (b"\x1a\x45\xdf\xa3", "a video: save one of its frames as JPEG or PNG"),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"\x1f\x8b", "a gzip file: unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer and not the file it stands for: run `git lfs pull`"),
];

impl Format {
    /// # Errors
    /// `BadImage` when it is none that is decoded, with what it is and what helps where that is known.
    pub(super) fn of(bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(&[0xff, 0xd8]) {
            return Ok(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG") {
            return Ok(Self::Png);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Ok(Self::Webp);
        }
        match other(bytes) {
            Some(found) => bail!(BadImage, "expected a JPEG, PNG or WebP file, found {found}"),
            None => bail!(BadImage, "expected a JPEG, PNG or WebP file, found {} bytes of something else", bytes.len()),
        }
    }
}

fn other(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        return Some("an empty file");
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(media(bytes));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"AVI ") {
        return Some("a video: save one of its frames as JPEG or PNG");
    }
    let known = OTHERS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, found)| *found);
    known.or_else(|| text(bytes))
}

/// ISO media files say by brands what they are: the main one, and behind it those that they are, too.
fn media(bytes: &[u8]) -> &'static str {
    const HEIC: &str = "a HEIC photograph: export it as JPEG (on an iPhone, Settings > Camera > Formats > Most \
                        Compatible makes new ones JPEG)";
    const AVIF: &str = "an AVIF picture: export it as JPEG or PNG";
    let length = bytes.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let brands = bytes.get(8..length.min(bytes.len()).min(256)).unwrap_or_default().as_chunks::<4>().0;
    for brand in brands {
        match brand {
            b"avif" | b"avis" => return AVIF,
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"hevm" | b"hevs" => return HEIC,
            b"crx " => return "a Canon raw photograph: export it as JPEG",
            _ => {}
        }
    }
    match bytes.get(8..12) {
        Some(b"mif1" | b"msf1" | b"mif2" | b"miaf") => HEIC,
        _ => "a video: save one of its frames as JPEG or PNG",
    }
}

/// Text formats, whatever stands in front of their first tag.
fn text(bytes: &[u8]) -> Option<&'static str> {
    let start = &bytes[..bytes.len().min(1024)];
    let start = String::from_utf8_lossy(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start)).to_ascii_lowercase();
    let start = start.trim_start();
    if !start.starts_with('<') {
        return None;
    }
    if start.contains("<svg") {
        return Some("an SVG drawing: export it as PNG");
    }
    let page = start.starts_with("<!doctype html") || start.contains("<html");
    page.then_some("a web page: was a link saved and not the picture itself?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_named_with_what_helps() {
        let heic = |brand: &[u8; 4], also: &[u8]| {
            let length = 16 + also.len() as u32;
            [&length.to_be_bytes(), b"ftyp".as_slice(), brand, &[0; 4], also, &[7; 3000]].concat()
        };
        let cases: [(Vec<u8>, &str); 15] = [
            (heic(b"heic", b"mif1"), "a HEIC photograph: export it as JPEG"),
            (heic(b"mif1", b"miafheic"), "a HEIC photograph"),
            (heic(b"mif1", b""), "a HEIC photograph"),
            (heic(b"mif1", b"avif"), "an AVIF picture"),
            (heic(b"avif", b"mif1"), "an AVIF picture"),
            (heic(b"crx ", b"isom"), "a Canon raw photograph"),
            (heic(b"qt  ", b""), "a video"),
            (b"GIF89a".to_vec(), "a GIF picture"),
            (b"BM6".to_vec(), "a BMP picture"),
            (b"II*\0\x08\0\0\0".to_vec(), "a TIFF picture or raw photograph"),
            (b"\xff\x0a\x00".to_vec(), "a JPEG XL picture"),
            (b"%PDF-1.7".to_vec(), "a PDF document"),
            (b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- x -->\n<svg>".to_vec(), "an SVG drawing"),
            (b"\n<!DOCTYPE html><html>".to_vec(), "a web page"),
            (Vec::new(), "an empty file"),
        ];
        for (bytes, found) in cases {
            let error = Format::of(&bytes).unwrap_err().to_string();
            assert!(error.contains(found), "{found}: {error}");
        }
    }
}
