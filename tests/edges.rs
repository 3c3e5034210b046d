//! The colours of cut-outs along soft edges and hair, against composites whose subject is known.

use headwater::image::{Cutout, Edges, Mask, Picture, estimate_foreground};
use image::imageops::FilterType;
use std::path::{Path, PathBuf};
use std::time::Instant;

const WIDTH: usize = 480;
const HEIGHT: usize = 360;

fn photo(name: &str, width: usize, height: usize) -> Vec<u8> {
    let path = Path::new("tests/photos").join(name).with_extension("jpg");
    let photo = image::open(path).unwrap().into_rgb8();
    image::imageops::resize(&photo, width as u32, height as u32, FilterType::Triangle).into_raw()
}

fn composite(front: &[u8], back: &[u8], alpha: &[u8]) -> Vec<u8> {
    let pixels = front.as_chunks::<3>().0.iter().zip(back.as_chunks::<3>().0).zip(alpha);
    let mixed = pixels.flat_map(|((front, back), &alpha)| {
        let alpha = f32::from(alpha) / 255.0;
        let mix = |channel: usize| alpha * f32::from(front[channel]) + (1.0 - alpha) * f32::from(back[channel]);
        std::array::from_fn::<u8, 3, _>(|channel| mix(channel).round() as u8)
    });
    mixed.collect()
}

/// A disc whose rim is `softness` pixels wide.
fn soft(width: usize, height: usize, softness: f32) -> Vec<u8> {
    let radius = width.min(height) as f32 * 0.35;
    let pixels = (0..width * height).map(|pixel| {
        let x = (pixel % width) as f32 - width as f32 / 2.0;
        let y = (pixel / width) as f32 - height as f32 / 2.0;
        let outside = (x.hypot(y) - radius) / softness;
        (255.0 / (1.0 + (4.0 * outside).exp())).round() as u8
    });
    pixels.collect()
}

/// A disc with strands of hair around it, one to two pixels wide.
fn hair(width: usize, height: usize) -> Vec<u8> {
    const FINE: usize = 4;
    let (fine_width, fine_height) = (FINE * width, FINE * height);
    let radius = fine_width.min(fine_height) as f32 * 0.25;
    let (middle_x, middle_y) = (fine_width as f32 / 2.0, fine_height as f32 / 2.0);
    let mut fine = vec![0.0_f32; fine_width * fine_height];
    let mut dab = |x: f32, y: f32, size: f32, value: f32| {
        for py in (y - size).max(0.0) as usize..((y + size).max(0.0) as usize + 1).min(fine_height) {
            for px in (x - size).max(0.0) as usize..((x + size).max(0.0) as usize + 1).min(fine_width) {
                if (px as f32 - x).hypot(py as f32 - y) <= size {
                    fine[py * fine_width + px] = value.max(fine[py * fine_width + px]);
                }
            }
        }
    };
    dab(middle_x, middle_y, radius, 1.0);
    for strand in 0..160 {
        // Any numbers will do that are not in step with each other.
        let [turn, length, bend] = [0.618, 0.414, 0.732].map(|step: f32| (strand as f32 * step).fract());
        let mut angle = turn * std::f32::consts::TAU;
        let (mut x, mut y) = (middle_x + radius * angle.cos(), middle_y + radius * angle.sin());
        for _ in 0..(radius * (0.3 + 0.6 * length)) as usize {
            dab(x, y, 1.5 + 2.5 * bend, 0.6 + 0.4 * length);
            (x, y) = (x + angle.cos(), y + angle.sin());
            angle += (bend - 0.5) * 0.03;
        }
    }
    let pixels = (0..width * height).map(|pixel| {
        let (x, y) = (FINE * (pixel % width), FINE * (pixel / width));
        let rows = (y..y + FINE).map(|y| fine[y * fine_width + x..y * fine_width + x + FINE].iter().sum::<f32>());
        (255.0 * rows.sum::<f32>() / (FINE * FINE) as f32).round() as u8
    });
    pixels.collect()
}

/// Mean error of colour in levels of 255, pixels weighted by how mixed they are.
fn error(rgb: &[u8], truth: &[u8], alpha: &[u8]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (pixel, &alpha) in alpha.iter().enumerate() {
        let weight = f64::from(alpha) * f64::from(255 - alpha);
        let levels: u32 = (3 * pixel..3 * pixel + 3).map(|at| u32::from(rgb[at].abs_diff(truth[at]))).sum();
        sum += weight * f64::from(levels) / 3.0;
        weights += weight;
    }
    sum / weights
}

#[test]
fn clean_edges_have_the_colours_of_the_subject() {
    let green = [0, 255, 0].repeat(WIDTH * HEIGHT);
    let alphas =
        [("soft", soft(WIDTH, HEIGHT, 6.0)), ("wide", soft(WIDTH, HEIGHT, 16.0)), ("hair", hair(WIDTH, HEIGHT))];
    for (form, alpha) in &alphas {
        for (subject, backgrounds) in [("chelsea", ["green", "rocket"]), ("astronaut", ["green", "coffee"])] {
            for background in backgrounds {
                let front = photo(subject, WIDTH, HEIGHT);
                let back = if background == "green" { green.clone() } else { photo(background, WIDTH, HEIGHT) };
                let seen = composite(&front, &back, alpha);
                let cleaned = estimate_foreground(&seen, alpha, WIDTH, HEIGHT);
                let (before, after) = (error(&seen, &front, alpha), error(&cleaned, &front, alpha));
                println!("{form:4} {subject:9} before {background:6}: {before:5.1} levels, cleaned {after:4.1}");
                let left = if background == "green" { 0.3 } else { 0.6 };
                assert!(after < left * before, "{form} {subject} {background}: {before} levels, then {after}");
                for (pixel, &alpha) in alpha.iter().enumerate().filter(|(_, alpha)| matches!(alpha, 0 | 255)) {
                    let at = 3 * pixel..3 * pixel + 3;
                    assert_eq!(cleaned[at.clone()], seen[at], "pixel {pixel} of alpha {alpha}");
                }
            }
        }
    }
}

#[test]
fn cut_outs_are_clean_unless_asked_otherwise() {
    let alpha = hair(WIDTH, HEIGHT);
    let front = photo("chelsea", WIDTH, HEIGHT);
    let seen = composite(&front, &[0, 255, 0].repeat(WIDTH * HEIGHT), &alpha);
    let picture = Picture::new(WIDTH, HEIGHT, seen.clone(), None).unwrap();
    let mask = Mask::new(WIDTH, HEIGHT, alpha.iter().map(|&alpha| f32::from(alpha) / 255.0).collect()).unwrap();
    // Over white, a green fringe is what green has more than red and blue.
    let fringe = |edges: Edges| {
        let white = Cutout::new(&picture, &mask, edges).unwrap().over([255; 3]).unwrap();
        let excess = |&[r, g, b]: &[u8; 3]| f64::from(g.saturating_sub(r.max(b)));
        let mixed = white.rgb().as_chunks::<3>().0.iter().zip(&alpha).filter(|(_, alpha)| !matches!(alpha, 0 | 255));
        let (sum, count) = mixed.fold((0.0, 0), |(sum, count), (pixel, _)| (sum + excess(pixel), count + 1));
        sum / f64::from(count)
    };
    assert_eq!(Edges::default(), Edges::Clean);
    let (kept, clean) = (fringe(Edges::Keep), fringe(Edges::Clean));
    println!("green above red and blue: {kept:.1} levels, cleaned {clean:.1}");
    assert!(kept > 20.0 && clean < 1.0, "{kept} levels, cleaned {clean}");
    let kept = Cutout::new(&picture, &mask, Edges::Keep).unwrap();
    let colours = kept.rgba().as_chunks::<4>().0.iter().zip(seen.as_chunks::<3>().0);
    assert!(colours.filter(|(pixel, _)| pixel[3] > 0).all(|(pixel, seen)| pixel[..3] == *seen));
}

/// Transparency that a picture had already: those pixels have a colour of their own.
#[test]
fn pixels_that_were_transparent_keep_their_colour() {
    let (width, height) = (16, 16);
    let rgb: Vec<u8> = (0..width * height).flat_map(|pixel| [pixel as u8, 90, 200]).collect();
    let own: Vec<u8> = (0..width * height).map(|pixel| if pixel % width < 8 { 255 } else { 128 }).collect();
    let picture = Picture::new(width, height, rgb.clone(), Some(own.clone())).unwrap();
    let mask = Mask::new(width, height, vec![0.5; width * height]).unwrap();
    let cutout = Cutout::new(&picture, &mask, Edges::Clean).unwrap();
    for (pixel, rgba) in cutout.rgba().as_chunks::<4>().0.iter().enumerate().filter(|(pixel, _)| own[*pixel] < 255) {
        assert_eq!((&rgba[..3], rgba[3]), (&rgb[3 * pixel..3 * pixel + 3], 64));
    }
}

#[test]
fn pictures_of_every_size_and_alpha_are_estimated() {
    for (width, height) in [(1, 1), (1, 300), (300, 1), (2, 3), (33, 32), (5, 700)] {
        let rgb: Vec<u8> = (0..3 * width * height).map(|value| (value * 31) as u8).collect();
        for alpha in [0, 1, 128, 254, 255] {
            let cleaned = estimate_foreground(&rgb, &vec![alpha; width * height], width, height);
            assert_eq!(cleaned.len(), rgb.len());
            if matches!(alpha, 0 | 255) {
                assert_eq!(cleaned, rgb);
            }
        }
        // One colour stays that colour, whatever is cut out of it.
        let grey = vec![77; 3 * width * height];
        let alpha: Vec<u8> = (0..width * height).map(|pixel| (pixel * 97) as u8).collect();
        assert_eq!(estimate_foreground(&grey, &alpha, width, height), grey);
    }
}

/// `tests/golden/edges/WIDTHxHEIGHT.rgba` is a picture with its alpha, `.rgb` what is to come of it, for the
/// TypeScript as well. `HEADWATER_WRITE_GOLDEN=1` makes them anew.
#[test]
fn the_golden_edges_are_met() {
    for (width, height) in [(97, 301), (40, 31), (1, 7)] {
        let path = |kind: &str| PathBuf::from(format!("tests/golden/edges/{width}x{height}.{kind}"));
        if std::env::var_os("HEADWATER_WRITE_GOLDEN").is_some() {
            let alpha = if height > width { hair(width, height) } else { soft(width, height, 5.0) };
            let (front, back) = (photo("chelsea", width, height), photo("coffee", width, height));
            let seen = composite(&front, &back, &alpha);
            let rgba = seen.as_chunks::<3>().0.iter().zip(&alpha).flat_map(|(&[r, g, b], &alpha)| [r, g, b, alpha]);
            std::fs::write(path("rgba"), rgba.collect::<Vec<u8>>()).unwrap();
            std::fs::write(path("rgb"), estimate_foreground(&seen, &alpha, width, height)).unwrap();
        }
        let rgba = std::fs::read(path("rgba")).unwrap();
        let rgb: Vec<u8> = rgba.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        let alpha: Vec<u8> = rgba.as_chunks::<4>().0.iter().map(|pixel| pixel[3]).collect();
        let expected = std::fs::read(path("rgb")).unwrap();
        assert!(width == 1 || expected != rgb, "nothing to clean proves nothing");
        assert!(estimate_foreground(&rgb, &alpha, width, height) == expected, "{width}x{height} differs");
    }
}

/// A large photograph of a person with hair all around, in the time that a user would not notice beside the net's.
#[test]
fn large_photographs_are_quick() {
    let (width, height) = (2000, 1500);
    let (seen, alpha) = (photo("chelsea", width, height), soft(width, height, 60.0));
    let started = Instant::now();
    estimate_foreground(&seen, &alpha, width, height);
    println!("3 megapixels: {:?}", started.elapsed());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
