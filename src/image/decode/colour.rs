//! Colours to sRGB, which is what nets were trained on, what a browser shows and what a cut-out is saved as.
//! The arithmetic is `moxcms`'s.

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};
use std::sync::Arc;

/// Of one colour profile; those of printing presses have some megabytes.
pub(super) const MAX_PROFILE_BYTES: u64 = 8 << 20;

/// Levels of 255 by which a profile may differ from sRGB and be taken for it: conversion would only add rounding.
const SAME_LEVELS: u8 = 1;

/// What a file's samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Grey,
    Rgb,
    /// Ink: 255 is all of it.
    Cmyk,
}

/// Memory that a profile of so many bytes takes while it is read and applied.
pub(super) fn peak_bytes(profile_bytes: u64) -> u64 {
    if profile_bytes == 0 || profile_bytes > MAX_PROFILE_BYTES { 0 } else { 4 * profile_bytes + (2 << 20) }
}

/// A profile read from a file, `load`ed only if it is no longer than [`MAX_PROFILE_BYTES`].
///
/// What cannot be used is left out, and `warnings` says so: the picture is still a picture.
pub(super) fn read_profile(
    profile_bytes: u64,
    load: impl FnOnce() -> Option<Vec<u8>>,
    warnings: &mut Vec<String>,
) -> Option<ColorProfile> {
    if profile_bytes == 0 {
        return None;
    }
    if profile_bytes > MAX_PROFILE_BYTES {
        warnings.push(format!("the colour profile was ignored: it has more than {MAX_PROFILE_BYTES} bytes"));
        return None;
    }
    let profile = load().and_then(|bytes| ColorProfile::new_from_slice(&bytes).ok());
    if profile.is_none() {
        warnings.push("the colour profile was ignored: it is damaged".to_owned());
    }
    profile
}

/// The way from a file's samples to sRGB.
pub(super) enum Conversion {
    /// Grey, by level.
    Grey(Box<[[u8; 3]; 256]>),
    /// RGB; none where it is sRGB already.
    Rgb(Option<Arc<Transform8BitExecutor>>),
    /// Ink; none where there is no profile.
    Cmyk(Option<Arc<Transform8BitExecutor>>),
}

impl Conversion {
    /// What cannot be used of `profile` is left out, and `warnings` says so.
    pub(super) fn new(space: Space, profile: Option<ColorProfile>, warnings: &mut Vec<String>) -> Self {
        let transform = profile.and_then(|profile| {
            let transform = transform(space, &profile);
            if transform.is_none() {
                warnings.push(format!("the colour profile was ignored: it is not one for {space:?} pixels"));
            }
            transform
        });
        match (space, transform) {
            (Space::Grey, transform) => Self::Grey(grey_levels(transform)),
            (Space::Rgb, Some((_, transform))) if !is_identity(&*transform) => Self::Rgb(Some(transform)),
            (Space::Rgb, _) => Self::Rgb(None),
            (Space::Cmyk, transform) => Self::Cmyk(transform.map(|(_, transform)| transform)),
        }
    }

    /// Bytes a pixel of what goes in.
    pub(super) fn channels(&self) -> usize {
        match self {
            Self::Grey(_) => 1,
            Self::Rgb(_) => 3,
            Self::Cmyk(_) => 4,
        }
    }

    /// One row of samples to one of RGB.
    pub(super) fn row(&self, samples: &[u8], rgb: &mut [u8]) {
        match self {
            Self::Grey(levels) => {
                for (pixel, &level) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
                    *pixel = levels[usize::from(level)];
                }
            }
            Self::Rgb(None) => rgb.copy_from_slice(samples),
            Self::Cmyk(None) => {
                for (pixel, ink) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(samples.as_chunks::<4>().0) {
                    *pixel = without_profile(*ink);
                }
            }
            // Fails on rows of other lengths only.
            Self::Rgb(Some(transform)) | Self::Cmyk(Some(transform)) => {
                let done = transform.transform(samples, rgb);
                debug_assert!(done.is_ok(), "{done:?}");
            }
        }
    }

    /// A whole picture, in its own memory where that is large enough.
    pub(super) fn picture(&self, mut samples: Vec<u8>, width: usize) -> Vec<u8> {
        match self {
            Self::Grey(_) => {
                let mut rgb = vec![0; 3 * samples.len()];
                self.row(&samples, &mut rgb);
                rgb
            }
            Self::Rgb(None) => samples,
            Self::Rgb(Some(_)) | Self::Cmyk(_) => {
                let length = self.channels() * width;
                let mut row = vec![0; length];
                for index in 0..samples.len() / length {
                    row.copy_from_slice(&samples[index * length..(index + 1) * length]);
                    self.row(&row, &mut samples[index * 3 * width..(index + 1) * 3 * width]);
                }
                samples.truncate(samples.len() / length * 3 * width);
                samples.shrink_to_fit();
                samples
            }
        }
    }
}

/// With how many channels its samples go in: grey pixels may have a profile of RGB ones.
fn transform(space: Space, profile: &ColorProfile) -> Option<(Layout, Arc<Transform8BitExecutor>)> {
    let layout = match (space, profile.color_space) {
        (Space::Grey, DataColorSpace::Gray) => Layout::Gray,
        (Space::Grey | Space::Rgb, DataColorSpace::Rgb) => Layout::Rgb,
        (Space::Cmyk, DataColorSpace::Cmyk) => Layout::Rgba,
        _ => return None,
    };
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions { prefer_fixed_point: false, ..TransformOptions::default() };
    let transform = profile.create_transform_8bit(layout, &srgb, Layout::Rgb, options).ok()?;
    Some((layout, transform))
}

fn grey_levels(transform: Option<(Layout, Arc<Transform8BitExecutor>)>) -> Box<[[u8; 3]; 256]> {
    let plain = || Box::new(std::array::from_fn(|level| [level as u8; 3]));
    let Some((layout, transform)) = transform else { return plain() };
    let samples: Vec<u8> = match layout {
        Layout::Gray => (0..=255).collect(),
        _ => (0..=255).flat_map(|level| [level; 3]).collect(),
    };
    let mut levels: Box<[[u8; 3]; 256]> = Box::new([[0; 3]; 256]);
    let done = transform.transform(&samples, levels.as_flattened_mut());
    let same = |(level, pixel): (u8, &[u8; 3])| pixel.iter().all(|value| value.abs_diff(level) <= SAME_LEVELS);
    if done.is_err() || (0..=255).zip(levels.iter()).all(same) { plain() } else { levels }
}

/// Whether `transform` leaves a grid of colours, and every grey, as they are.
fn is_identity(transform: &Transform8BitExecutor) -> bool {
    let steps = || (0..=255u8).step_by(15);
    let grid = steps().flat_map(|red| steps().flat_map(move |green| steps().map(move |blue| [red, green, blue])));
    let colours: Vec<u8> = grid.chain((0..=255).map(|level| [level; 3])).flatten().collect();
    let mut converted = vec![0; colours.len()];
    transform.transform(&colours, &mut converted).is_ok()
        && colours.iter().zip(&converted).all(|(before, after)| before.abs_diff(*after) <= SAME_LEVELS)
}

/// What is left of white light behind the ink, and then behind the black.
fn without_profile([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    [cyan, magenta, yellow].map(|ink| {
        let light = u32::from(255 - ink) * u32::from(255 - black);
        ((light + 127) / 255) as u8
    })
}
