//! JPEG files. The decoder is `jpeg-decoder`; what it lets pass is checked here: scans that end early
//! ([`padded`]), missing scans and forms that it does not know ([`markers`]).

mod markers;
mod padded;

use super::budget::DecodeLimits;
use super::colour::{self, Conversion, Space};
use super::upright::{self, Orientation};
use crate::error::{Error, Result, error};
use crate::image::Picture;
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};
use markers::Markers;
use padded::Padded;

/// # Errors
/// `BadImage`, as [`Picture::decode_within`].
pub(super) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    let markers = Markers::read(bytes)?;
    let size = [markers.width, markers.height];
    limits.check_sides(size)?;
    let orientation = upright::from_exif(markers.exif);
    limits.check_peak(size, peak_bytes(&markers, orientation))?;
    markers.check_scans()?;

    let mut warnings = Vec::new();
    let profile = colour::read_profile(markers.profile_bytes(), || markers.profile(), &mut warnings);
    let (pixels, format) = decode_samples(bytes, &markers)?;
    let [width, height] = size.map(|side| side as usize);
    let space = match format {
        PixelFormat::L8 => Space::Grey,
        PixelFormat::RGB24 => Space::Rgb,
        PixelFormat::CMYK32 => Space::Cmyk,
        PixelFormat::L16 => return Err(error!(Internal, "16 bits from a JPEG of 8")),
    };
    let rgb = Conversion::new(space, profile, &mut warnings).picture(pixels, width);
    Ok(upright::turn(Picture::new(width, height, rgb, None)?, orientation)?.with_warnings(warnings))
}

fn decode_samples(bytes: &[u8], markers: &Markers<'_>) -> Result<(Vec<u8>, PixelFormat)> {
    let damaged = |e: jpeg_decoder::Error| error!(BadImage, "the JPEG cannot be decoded").with_source(e);
    let mut decoder = Decoder::new(Padded::new(bytes, &markers.scans));
    decoder.set_color_transform(markers.transform());
    let pixels = decoder.decode().map_err(damaged)?;
    let info = decoder.info().ok_or_else(|| -> Error { error!(Internal, "a decoded JPEG without a header") })?;
    if [info.width, info.height].map(u64::from) != [markers.width, markers.height] {
        return Err(error!(Internal, "the JPEG's size changed from one reading to the next"));
    }
    Ok((pixels, info.pixel_format))
}

/// The decoder holds each component's samples, padded to whole blocks, beside the interleaved pixels; of a
/// progressive file also its coefficients, two bytes each. Metadata are copied.
fn peak_bytes(markers: &Markers<'_>, orientation: Orientation) -> u64 {
    let pixels = markers.width * markers.height;
    let samples = markers.padded_samples();
    let channels = markers.components.len() as u64;
    let coefficients = if markers.progressive { 2 * samples } else { 0 };
    let decoding = markers.metadata_bytes + coefficients + samples + if channels == 1 { 0 } else { channels * pixels };
    let converting = (channels + if channels == 1 { 3 } else { 0 }) * pixels;
    let profile = colour::peak_bytes(markers.profile_bytes());
    (decoding.max(converting) + profile).max(upright::peak_bytes(pixels, false, orientation))
}

impl Markers<'_> {
    /// As libjpeg decides: by JFIF's marker, Adobe's, then the components' names.
    fn transform(&self) -> ColorTransform {
        let names: Vec<u8> = self.components.iter().map(|component| component.name).collect();
        match (names.as_slice(), self.adobe_transform) {
            ([_], _) => ColorTransform::Grayscale,
            ([_, _, _], _) if self.has_jfif => ColorTransform::YCbCr,
            ([_, _, _], Some(0)) | ([b'R', b'G', b'B'], None) => ColorTransform::RGB,
            ([_, _, _], _) => ColorTransform::YCbCr,
            (_, None | Some(0)) => ColorTransform::CMYK,
            (_, Some(_)) => ColorTransform::YCCK,
        }
    }
}
