//! The markers of a JPEG file (T.81, annex B): its frame, where its scans lie and what they hold.

use crate::error::{Result, bail, error};
use std::ops::Range;

/// Scans of one file. Encoders make some ten; each costs a pass over the whole picture, whatever its length.
const MAX_SCANS: usize = 64;

/// A colour channel, as the frame's header describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub(super) name: u8,
    /// Samples of a unit, across and down.
    sampling: [u64; 2],
    /// For each coefficient how many low bits are still to come; all of it is missing at first.
    missing_bits: [u8; 64],
}

/// What stands around the entropy-coded data.
#[derive(Debug, Default)]
pub(super) struct Markers<'a> {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) progressive: bool,
    pub(super) components: Vec<Component>,
    /// Where entropy-coded data lie, restart markers included.
    pub(super) scans: Vec<Range<usize>>,
    /// The first TIFF block of an Exif segment.
    pub(super) exif: Option<&'a [u8]>,
    /// Of all application segments.
    pub(super) metadata_bytes: u64,
    pub(super) has_jfif: bool,
    /// The colour transform that Adobe's segment states.
    pub(super) adobe_transform: Option<u8>,
    /// Parts of the colour profile: number, how many there are, and the part.
    profile: Vec<(u8, u8, &'a [u8])>,
}

/// Reads big-endian numbers from a segment.
struct Segment<'a>(&'a [u8]);

impl<'a> Segment<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| error!(BadImage, "the JPEG is damaged: one of its segments is too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn word(&mut self) -> Result<u64> {
        let pair = self.take(2)?;
        Ok(u64::from(pair[0]) << 8 | u64::from(pair[1]))
    }
}

impl<'a> Markers<'a> {
    /// # Errors
    /// `BadImage` when the file ends before its end marker, and when it is of a kind that is not decoded.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut markers = Self::default();
        let mut position = 2;
        loop {
            let (marker, behind) = next_marker(bytes, position)?;
            position = behind;
            match marker {
                0xd9 => break,
                0x01 | 0xd0..=0xd7 => continue,
                0xd8 => bail!(BadImage, "the JPEG is damaged: another picture starts inside it"),
                _ => {}
            }
            let mut length = Segment(bytes.get(position..).unwrap_or_default());
            let length = length.word().map_err(|_| truncated(bytes))? as usize;
            let segment = bytes.get(position + 2..position + length.max(2)).ok_or_else(|| truncated(bytes))?;
            position += length.max(2);
            match marker {
                0xc4 | 0xc8 | 0xcc => {}
                0xc0..=0xcf => markers.read_frame(marker, Segment(segment))?,
                0xda => {
                    markers.read_scan(Segment(segment))?;
                    let end = end_of_data(bytes, position);
                    markers.scans.push(position..end);
                    position = end;
                }
                _ => markers.read_application(marker, segment),
            }
        }
        if markers.components.is_empty() {
            bail!(BadImage, "the JPEG cannot be decoded: it has no picture");
        }
        Ok(markers)
    }

    fn read_frame(&mut self, marker: u8, mut segment: Segment<'a>) -> Result<()> {
        let resave = "save it again as an ordinary JPEG, or as PNG";
        match marker {
            0xc0..=0xc2 => {}
            0xc3 => bail!(BadImage, "a lossless JPEG, which is not decoded: {resave}"),
            0xc9..=0xcb => bail!(BadImage, "an arithmetic-coded JPEG, which is not decoded: {resave}"),
            _ => bail!(BadImage, "a hierarchical JPEG, which is not decoded: {resave}"),
        }
        let bits = segment.byte()?;
        if bits != 8 {
            bail!(BadImage, "a JPEG of {bits} bits a channel, where 8 are decoded: {resave}");
        }
        if !self.components.is_empty() {
            bail!(BadImage, "the JPEG is damaged: it has two frames");
        }
        self.progressive = marker == 0xc2;
        (self.height, self.width) = (segment.word()?, segment.word()?);
        if self.height == 0 {
            bail!(BadImage, "a JPEG that states its height behind its pixels, which is not decoded: {resave}");
        }
        let count = segment.byte()?;
        if ![1, 3, 4].contains(&count) {
            bail!(BadImage, "a JPEG of {count} channels, where 1, 3 or 4 are decoded: {resave}");
        }
        for _ in 0..count {
            let (name, sampling, _) = (segment.byte()?, segment.byte()?, segment.byte()?);
            let sampling = [sampling >> 4, sampling & 15].map(u64::from);
            if sampling.iter().any(|factor| !(1..=4).contains(factor)) {
                bail!(BadImage, "the JPEG is damaged: a channel is sampled {}x{}", sampling[0], sampling[1]);
            }
            self.components.push(Component { name, sampling, missing_bits: [u8::MAX; 64] });
        }
        Ok(())
    }

    fn read_scan(&mut self, mut segment: Segment<'a>) -> Result<()> {
        if self.scans.len() >= MAX_SCANS {
            bail!(BadImage, "the JPEG has more than {MAX_SCANS} scans");
        }
        let names = segment.byte()?;
        let names: Vec<u8> = (0..names).map(|_| Ok(segment.take(2)?[0])).collect::<Result<_>>()?;
        let (first, last, bits) = (segment.byte()?, segment.byte()?, segment.byte()? & 15);
        let missing = if self.progressive { bits } else { 0 };
        let coefficients = if self.progressive { first..=last } else { 0..=63 };
        for component in self.components.iter_mut().filter(|component| names.contains(&component.name)) {
            for coefficient in coefficients.clone() {
                if let Some(bits) = component.missing_bits.get_mut(usize::from(coefficient)) {
                    *bits = missing;
                }
            }
        }
        Ok(())
    }

    fn read_application(&mut self, marker: u8, segment: &'a [u8]) {
        self.metadata_bytes += segment.len() as u64;
        match marker {
            0xe0 => self.has_jfif |= segment.starts_with(b"JFIF\0"),
            0xe1 => self.exif = self.exif.or(segment.strip_prefix(b"Exif\0\0")),
            0xe2 => {
                if let Some([number, count, part @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") {
                    self.profile.push((*number, *count, part));
                }
            }
            0xee if segment.starts_with(b"Adobe") => self.adobe_transform = segment.get(11).copied(),
            _ => {}
        }
    }

    /// Whether the scans hold every coefficient to its last bit, as far as their headers and lengths tell.
    ///
    /// # Errors
    /// `BadImage` when some are missing.
    pub(super) fn check_scans(&self) -> Result<()> {
        // Each block has a code for its mean and, unless a progressive scan says it for many at once, one for its end.
        let least_bits = self.blocks() * if self.progressive { 1 } else { 2 };
        let bytes: usize = self.scans.iter().map(ExactSizeIterator::len).sum();
        if least_bits > 8 * bytes as u64 {
            bail!(BadImage, "the JPEG is incomplete: {bytes} bytes cannot hold {}x{} pixels", self.width, self.height);
        }
        if self.components.iter().any(|component| component.missing_bits.iter().any(|&bits| bits > 0)) {
            bail!(BadImage, "the JPEG is incomplete: {} scans do not hold the whole picture", self.scans.len());
        }
        Ok(())
    }

    /// The finest sampling of all channels, across and down.
    fn most_sampling(&self) -> [u64; 2] {
        [0, 1].map(|axis| self.components.iter().map(|component| component.sampling[axis]).max().unwrap_or(1))
    }

    /// Samples of all channels, each padded to whole units of 8x8 blocks.
    pub(super) fn padded_samples(&self) -> u64 {
        let most = self.most_sampling();
        let units = self.width.div_ceil(8 * most[0]) * self.height.div_ceil(8 * most[1]);
        self.components.iter().map(|component| 64 * units * component.sampling[0] * component.sampling[1]).sum()
    }

    /// Blocks of 8x8 samples that hold a part of the picture.
    fn blocks(&self) -> u64 {
        let most = self.most_sampling();
        let blocks = |component: &Component| {
            let [across, down] = component.sampling;
            (self.width * across).div_ceil(8 * most[0]) * (self.height * down).div_ceil(8 * most[1])
        };
        self.components.iter().map(blocks).sum()
    }

    /// The colour profile's length.
    pub(super) fn profile_bytes(&self) -> u64 {
        self.profile.iter().map(|(_, _, part)| part.len() as u64).sum()
    }

    /// The colour profile, put together from its parts; none where one is missing or there are two of it.
    pub(super) fn profile(&self) -> Option<Vec<u8>> {
        let mut parts = self.profile.clone();
        parts.sort_by_key(|&(number, _, _)| number);
        let complete = |(&(number, count, _), expected): (&(u8, u8, &[u8]), usize)| {
            usize::from(number) == expected && usize::from(count) == parts.len()
        };
        let complete = parts.iter().zip(1..).all(complete);
        (complete && !parts.is_empty()).then(|| parts.iter().flat_map(|(_, _, part)| part.iter().copied()).collect())
    }
}

/// A marker's code at or behind `position`, and where its segment starts. Stray bytes in front are passed over, as
/// by other decoders: some cameras leave them.
fn next_marker(bytes: &[u8], mut position: usize) -> Result<(u8, usize)> {
    loop {
        let rest = bytes.get(position..).unwrap_or_default();
        let start = rest.iter().position(|&byte| byte == 0xff).ok_or_else(|| truncated(bytes))?;
        let fill = rest[start..].iter().take_while(|&&byte| byte == 0xff).count();
        let code = *rest.get(start + fill).ok_or_else(|| truncated(bytes))?;
        position += start + fill + 1;
        if code != 0 {
            return Ok((code, position));
        }
    }
}

/// Where the entropy-coded data from `position` on end: at a marker that is no restart marker, or with the file.
fn end_of_data(bytes: &[u8], mut position: usize) -> usize {
    while let Some(start) = bytes[position..].iter().position(|&byte| byte == 0xff) {
        position += start;
        let fill = bytes[position..].iter().take_while(|&&byte| byte == 0xff).count();
        match bytes.get(position + fill) {
            Some(0x00 | 0xd0..=0xd7) => position += fill + 1,
            Some(_) => return position,
            None => break,
        }
    }
    bytes.len()
}

fn truncated(bytes: &[u8]) -> crate::Error {
    error!(BadImage, "the JPEG is incomplete: its {} bytes end before its end marker", bytes.len())
}
