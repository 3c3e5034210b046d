//! What a PNG's chunks say about its colours.

use crate::image::decode::colour::MAX_PROFILE_BYTES;
use flate2::read::ZlibDecoder;
use moxcms::TransferCharacteristics::{Bt601, Bt709, Bt202010bit, Bt202012bit, Hlg, Smpte2084};
use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, MatrixCoefficients, ToneReprCurve,
    TransferCharacteristics,
};
use png::{Info, ScaledFloat};
use std::io::Read;

/// The first chunk of a kind, as far as the file is whole.
pub(super) fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (found, behind) = behind.split_first_chunk::<4>()?;
        let data = behind.get(..length)?;
        if found == kind {
            return Some(data);
        }
        rest = behind.get(length + 4..)?;
    }
}

/// The profile's bytes as they come out of their compression.
fn inflate(bytes: &[u8]) -> Option<ZlibDecoder<&[u8]>> {
    let chunk = find(bytes, b"iCCP")?;
    let name = chunk.iter().position(|&byte| byte == 0)?;
    // Behind the name stands the method, of which there is one.
    chunk.get(name + 2..).map(ZlibDecoder::new)
}

/// The colour profile's length, counted no further than to one byte above what is read of it.
pub(super) fn profile_bytes(bytes: &[u8]) -> u64 {
    let Some(inflated) = inflate(bytes) else { return 0 };
    let mut inflated = inflated.take(MAX_PROFILE_BYTES + 1);
    // A damaged one has some length all the same, so that it is looked for and missed.
    std::io::copy(&mut inflated, &mut std::io::sink()).unwrap_or(0).max(1)
}

/// The colour profile.
pub(super) fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut profile = Vec::new();
    inflate(bytes)?.take(MAX_PROFILE_BYTES).read_to_end(&mut profile).ok()?;
    Some(profile)
}

/// By which screens show video (BT.1886), whatever curve its cameras have.
const VIDEO_GAMMA: f32 = 2.4;

/// The colours that `cICP` states, which goes before every other chunk.
pub(super) fn code_points(info: &Info<'_>, warnings: &mut Vec<String>) -> Option<ColorProfile> {
    let points = info.coding_independent_code_points?;
    let transfer = TransferCharacteristics::try_from(points.transfer_function).ok();
    let known = CicpColorPrimaries::try_from(points.color_primaries).ok().zip(transfer);
    let is_hdr = matches!(transfer, Some(Smpte2084 | Hlg));
    let is_video = matches!(transfer, Some(Bt709 | Bt601 | Bt202010bit | Bt202012bit));
    let profile = known.filter(|_| !is_hdr && points.matrix_coefficients == 0 && points.is_video_full_range_image);
    let profile = profile.and_then(|(color_primaries, transfer_characteristics)| {
        let mut profile = ColorProfile::new_from_cicp(CicpProfile {
            color_primaries,
            transfer_characteristics,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: true,
        });
        // Where the code points stand for no colours, the profile lacks them.
        let is_known = profile.cicp.is_some() && profile.red_trc.is_some();
        if is_video {
            let curve = Some(ToneReprCurve::Parametric(vec![VIDEO_GAMMA]));
            (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
            profile.cicp = None;
        }
        is_known.then_some(profile)
    });
    if profile.is_none() {
        let kind = if is_hdr { "high dynamic range" } else { "colours of a kind that is not known" };
        warnings.push(format!("the cICP chunk was ignored: it states {kind}"));
    }
    profile
}

/// Of a PNG that was made for sRGB's screens, by programs that state no more than that.
const USUAL_GAMMA: f32 = 0.454_55;

/// The colours that `gAMA` and `cHRM` state, where no `sRGB` chunk overrules them. As in browsers the latter counts
/// beside the former only, and the usual gamma alone is sRGB's.
pub(super) fn gamma(info: &Info<'_>) -> Option<ColorProfile> {
    let gamma = info.gama_chunk.map(ScaledFloat::into_value).filter(|gamma| (0.01..=10.0).contains(gamma))?;
    let is_usual = (gamma - USUAL_GAMMA).abs() < 0.0005;
    if info.srgb.is_some() || (is_usual && info.chrm_chunk.is_none()) {
        return None;
    }
    let mut profile = ColorProfile::new_srgb();
    if let Some(stated) = &info.chrm_chunk {
        let point = |(x, y): (ScaledFloat, ScaledFloat)| Chromaticity::new(x.into_value(), y.into_value());
        let primaries = ColorPrimaries { red: point(stated.red), green: point(stated.green), blue: point(stated.blue) };
        profile.update_rgb_colorimetry(point(stated.white).to_xyyb(), primaries);
    }
    let curve = Some(ToneReprCurve::Parametric(vec![1.0 / gamma]));
    (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    profile.cicp = None;
    let colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
    let is_sound = colorants.iter().all(|colorant| (colorant.x + colorant.y + colorant.z).is_finite());
    is_sound.then_some(profile)
}
