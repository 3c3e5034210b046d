//! PNG files, row by row: beside the picture only a few rows are in memory.

mod chunks;

use super::budget::DecodeLimits;
use super::colour::{self, Conversion, Space};
use super::upright;
use crate::error::{Result, bail, error};
use crate::image::Picture;
use ::png::{ColorType, Decoder, InterlaceInfo, Limits, Reader, Transformations};
use std::io::Cursor;

/// Of one chunk that is no pixels: an EXIF block, say.
const MAX_CHUNK_BYTES: usize = 1 << 20;
/// Bytes that one byte of deflate's can stand for: 258 in two bits.
const MOST_DEFLATED: u64 = 1032;

/// # Errors
/// `BadImage`, as [`Picture::decode_within`].
pub(super) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    let damaged = |e: ::png::DecodingError| error!(BadImage, "the PNG cannot be decoded").with_source(e);
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_CHUNK_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    // The library would inflate a profile as far as the limits let it; chunks::profile does it within its own.
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_ignore_text_chunk(true);
    let header = decoder.read_header_info().map_err(damaged)?;
    let size = [header.width, header.height].map(u64::from);
    limits.check_sides(size)?;
    let row_bytes = header.raw_row_length() as u64;
    if size[1] * row_bytes > MOST_DEFLATED * bytes.len() as u64 {
        bail!(BadImage, "the PNG is incomplete: {} bytes cannot hold {}x{} pixels", bytes.len(), size[0], size[1]);
    }
    // Transparency may also come with chunks behind the header.
    let has_alpha = header.color_type.channels_with_alpha() || chunks::find(bytes, b"tRNS").is_some();
    let orientation = upright::from_exif(chunks::find(bytes, b"eXIf"));
    let profile_bytes = chunks::profile_bytes(bytes);
    let pixels = size[0] * size[1];
    let decoding = if has_alpha { 4 } else { 3 } * pixels + colour::peak_bytes(profile_bytes);
    limits.check_peak(size, decoding.max(upright::peak_bytes(pixels, has_alpha, orientation)))?;

    let mut reader = decoder.read_info().map_err(damaged)?;
    let mut warnings = Vec::new();
    let profile = match chunks::code_points(reader.info(), &mut warnings) {
        Some(profile) => Some(profile),
        None => colour::read_profile(profile_bytes, || chunks::profile(bytes), &mut warnings)
            .or_else(|| chunks::gamma(reader.info())),
    };
    let (color, _) = reader.output_color_type();
    let space = match color {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => Space::Grey,
        _ => Space::Rgb,
    };
    let conversion = Conversion::new(space, profile, &mut warnings);
    let [width, height] = size.map(|side| side as usize);
    let (rgb, alpha) = read_rows(&mut reader, &conversion, [width, height])?;
    // The end marker, and the rest of an animation in front of it.
    reader.finish().map_err(damaged)?;
    Ok(upright::turn(Picture::new(width, height, rgb, alpha)?, orientation)?.with_warnings(warnings))
}

trait WithAlpha {
    fn channels_with_alpha(&self) -> bool;
}

impl WithAlpha for ColorType {
    fn channels_with_alpha(&self) -> bool {
        matches!(self, Self::GrayscaleAlpha | Self::Rgba)
    }
}

/// `[height, width, 3]` and `[height, width]`.
fn read_rows(
    reader: &mut Reader<Cursor<&[u8]>>,
    conversion: &Conversion,
    [width, height]: [usize; 2],
) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let (color, depth) = reader.output_color_type();
    let is_deep = depth == ::png::BitDepth::Sixteen;
    let mut rgb = vec![0; 3 * width * height];
    let mut alpha = color.channels_with_alpha().then(|| vec![0; width * height]);
    let mut row = Row::new(width, conversion.channels(), alpha.is_some());
    let mut line = 0;
    while let Some(read) =
        reader.next_interlaced_row().map_err(|e| error!(BadImage, "the PNG cannot be decoded").with_source(e))?
    {
        row.split(read.data(), is_deep);
        let count = row.colours.len() / conversion.channels();
        match read.interlace() {
            InterlaceInfo::Null(_) => {
                let Some(target) = rgb.get_mut(3 * width * line..3 * width * (line + 1)) else { break };
                conversion.row(&row.colours, target);
                if let Some(alpha) = &mut alpha {
                    alpha[width * line..width * (line + 1)].copy_from_slice(&row.alpha);
                }
            }
            InterlaceInfo::Adam7(place) => {
                let converted = &mut row.rgb[..3 * count];
                conversion.row(&row.colours, converted);
                ::png::expand_interlaced_row(&mut rgb, 3 * width, converted, place, 24);
                if let Some(alpha) = &mut alpha {
                    ::png::expand_interlaced_row(alpha, width, &row.alpha, place, 8);
                }
            }
        }
        line += 1;
    }
    if line < height {
        bail!(BadImage, "the PNG is incomplete: it has {line} of {height} rows");
    }
    Ok((rgb, alpha))
}

/// A row of 8-bit samples, colour and alpha apart.
struct Row {
    colours: Vec<u8>,
    alpha: Vec<u8>,
    /// Room for the converted colours.
    rgb: Vec<u8>,
    /// Room for 16-bit samples made shorter.
    short: Vec<u8>,
    channels: usize,
    has_alpha: bool,
}

impl Row {
    fn new(width: usize, channels: usize, has_alpha: bool) -> Self {
        Self {
            colours: Vec::with_capacity(channels * width),
            alpha: Vec::with_capacity(if has_alpha { width } else { 0 }),
            rgb: vec![0; 3 * width],
            short: Vec::new(),
            channels,
            has_alpha,
        }
    }

    /// `samples` are one or two bytes each, the latter big-endian.
    fn split(&mut self, samples: &[u8], is_deep: bool) {
        self.colours.clear();
        self.alpha.clear();
        let samples = if is_deep {
            self.short.clear();
            let values = samples.as_chunks::<2>().0.iter().map(|&pair| u32::from(u16::from_be_bytes(pair)));
            // 65535 is 257 times 255.
            self.short.extend(values.map(|value| ((value + 128) / 257) as u8));
            &self.short
        } else {
            samples
        };
        match (self.channels, self.has_alpha) {
            (_, false) => self.colours.extend_from_slice(samples),
            (1, true) => {
                for &[grey, alpha] in samples.as_chunks::<2>().0 {
                    self.colours.push(grey);
                    self.alpha.push(alpha);
                }
            }
            (_, true) => {
                for &[red, green, blue, alpha] in samples.as_chunks::<4>().0 {
                    self.colours.extend([red, green, blue]);
                    self.alpha.push(alpha);
                }
            }
        }
    }
}
