//! The chunks of a WebP file (RFC 9649): what it allocates by, and its metadata.

use crate::error::{Result, bail, error};

/// How the first picture is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Lossless,
    Lossy,
    /// With a chunk of alpha in front.
    LossyWithAlpha,
}

/// What stands around the compressed pixels.
#[derive(Debug)]
pub(super) struct Container<'a> {
    /// Of the canvas, width and height.
    pub(super) size: [u64; 2],
    /// Of an animation's first frame; else the canvas again.
    pub(super) frame: [u64; 2],
    /// By the compressed data's own account.
    pub(super) coded: [u64; 2],
    pub(super) coded_bytes: u64,
    pub(super) coding: Coding,
    pub(super) has_alpha: bool,
    pub(super) is_animated: bool,
    pub(super) profile: Option<&'a [u8]>,
    pub(super) exif: Option<&'a [u8]>,
}

fn damaged() -> crate::Error {
    error!(BadImage, "the WebP cannot be decoded: it is damaged")
}

/// Chunks from the first one on, as far as they are whole.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (kind, behind) = rest.split_first_chunk::<4>()?;
        let (length, behind) = behind.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let data = behind.get(..length)?;
        // Padded to even lengths; the last one's padding may be missing.
        rest = behind.get(length + length % 2..).unwrap_or_default();
        Some((kind, data))
    })
}

impl<'a> Container<'a> {
    /// # Errors
    /// `BadImage` when the file ends early, or has no picture.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let length = bytes.get(4..8).and_then(|length| length.first_chunk()).ok_or_else(damaged)?;
        let stated = 8 + u64::from(u32::from_le_bytes(*length));
        let Some(whole) = bytes.get(12..stated as usize) else {
            bail!(BadImage, "the WebP is incomplete: it has {} of {stated} bytes", bytes.len());
        };
        let (kind, first) = chunks(whole).next().ok_or_else(damaged)?;
        let mut container = match kind {
            b"VP8X" => return Self::extended(first, whole),
            kind => Self::simple(kind, first)?,
        };
        container.has_alpha = kind == b"VP8L" && first.get(4).is_some_and(|byte| byte & 0x10 != 0);
        Ok(container)
    }

    fn simple(kind: &[u8; 4], data: &[u8]) -> Result<Self> {
        let (coding, size) = coded(kind, data).ok_or_else(damaged)?;
        Ok(Self {
            size,
            frame: size,
            coded: size,
            coded_bytes: data.len() as u64,
            coding,
            has_alpha: false,
            is_animated: false,
            profile: None,
            exif: None,
        })
    }

    /// `header` is the chunk of that name's data: flags and the canvas.
    fn extended(header: &[u8], whole: &'a [u8]) -> Result<Self> {
        let find = |wanted: &[u8; 4]| chunks(whole).find(|(kind, _)| *kind == wanted).map(|(_, data)| data);
        let size = sides(header, 4).ok_or_else(damaged)?;
        let is_animated = header[0] & 0x02 != 0;
        let (frame, pictures) = if is_animated {
            let frame = find(b"ANMF").ok_or_else(damaged)?;
            (sides(frame, 6).ok_or_else(damaged)?, frame.get(16..).ok_or_else(damaged)?)
        } else {
            (size, whole)
        };
        let mut container = chunks(pictures)
            .find_map(|(kind, data)| Self::simple(kind, data).ok())
            .ok_or_else(|| error!(BadImage, "the WebP cannot be decoded: it has no picture"))?;
        if container.coding == Coding::Lossy && chunks(pictures).any(|(kind, _)| kind == b"ALPH") {
            container.coding = Coding::LossyWithAlpha;
        }
        if container.coded != frame {
            bail!(BadImage, "the WebP cannot be decoded: its header states another size than its pixels have");
        }
        let has_alpha = header[0] & 0x10 != 0;
        let exif =
            find(b"EXIF").filter(|_| header[0] & 0x08 != 0).map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
        Ok(Self { size, frame, has_alpha, is_animated, profile: find(b"ICCP"), exif, ..container })
    }
}

/// Two sides of 24 bits, each stored less one.
fn sides(data: &[u8], at: usize) -> Option<[u64; 2]> {
    let side = |at: usize| {
        let bytes = data.get(at..at + 3)?;
        Some(1 + u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])))
    };
    Some([side(at)?, side(at + 3)?])
}

/// What a chunk of compressed pixels says of itself; none for other chunks.
fn coded(kind: &[u8; 4], data: &[u8]) -> Option<(Coding, [u64; 2])> {
    match kind {
        b"VP8 " => {
            let side = |at: usize| Some(u64::from(u16::from_le_bytes(*data.get(at..)?.first_chunk()?) & 0x3fff));
            Some((Coding::Lossy, [side(6)?, side(8)?]))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(*data.get(1..)?.first_chunk()?);
            Some((Coding::Lossless, [bits, bits >> 14].map(|side| 1 + u64::from(side & 0x3fff))))
        }
        _ => None,
    }
}
