use super::{golden, mean_levels, refusal};
use crate::image::Picture;

const SAMPLINGS: [&str; 6] = ["444", "422", "440", "420", "411", "odd"];
const SCANS: [&str; 8] = [
    "plain",
    "restarts",
    "progressive",
    "separate",
    "separate-restarts",
    "luma-first",
    "chroma-last",
    "progressive-separate-dc",
];
/// Levels that decoders may differ by on average: they round the transform and the colours in their own ways.
const DECODER_LEVELS: f64 = 1.0;

fn jpeg(name: &str) -> Vec<u8> {
    golden(&format!("jpeg/{name}.jpg"))
}

fn reference(name: &str) -> Picture {
    Picture::decode(&golden(&format!("jpeg/{name}.png"))).unwrap()
}

/// Where the entropy-coded data of the last scan start.
fn last_scan(file: &[u8]) -> usize {
    let marker = file.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    marker + 2 + usize::from(file[marker + 2]) * 256 + usize::from(file[marker + 3])
}

#[test]
fn every_sampling_and_order_of_scans_gives_libjpegs_picture() {
    for sampling in SAMPLINGS {
        let expected = reference(sampling);
        let plain = Picture::decode(&jpeg(&format!("{sampling}-plain"))).unwrap();
        for scans in SCANS {
            let picture = Picture::decode(&jpeg(&format!("{sampling}-{scans}"))).unwrap();
            let apart = mean_levels(&picture, &expected);
            assert!(apart <= DECODER_LEVELS, "{sampling}-{scans}: {apart} levels from libjpeg's");
            // The same coefficients in another order are the same picture.
            assert!(picture == plain, "{sampling}-{scans}: other pixels than {sampling}-plain");
        }
    }
}

#[test]
fn every_kind_of_colour_gives_libjpegs_picture() {
    for name in ["rgb", "grey", "cmyk", "ycck"] {
        let apart = mean_levels(&Picture::decode(&jpeg(name)).unwrap(), &reference(name));
        assert!(apart <= DECODER_LEVELS, "{name}: {apart} levels from libjpeg's");
    }
    // Without Adobe's segment four channels are ink all the same.
    let mut file = jpeg("cmyk");
    let adobe = file.windows(2).position(|pair| pair == [0xff, 0xee]).unwrap();
    file.drain(adobe..adobe + 16);
    assert!(mean_levels(&Picture::decode(&file).unwrap(), &reference("cmyk")) <= DECODER_LEVELS);
}

#[test]
fn adobes_segment_says_that_three_channels_are_rgb() {
    // Renamed to 1, 2, 3 the channels would be taken for YCbCr, were it not for the segment.
    let mut file = jpeg("rgb");
    for header in [0xc0, 0xda] {
        let start = file.windows(2).position(|pair| pair == [0xff, header]).unwrap();
        for (old, new) in [(b'R', 1), (b'G', 2), (b'B', 3)] {
            let name = file[start + 4..start + 20].iter().position(|&byte| byte == old).unwrap();
            file[start + 4 + name] = new;
        }
    }
    assert!(mean_levels(&Picture::decode(&file).unwrap(), &reference("rgb")) <= DECODER_LEVELS);
}

#[test]
fn jpegs_that_are_not_decoded_are_named() {
    assert!(refusal(&jpeg("arithmetic")).contains("an arithmetic-coded JPEG"));
    let with = |place: usize, value: u8| {
        let mut file = jpeg("420-plain");
        let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        file[frame + place] = value;
        refusal(&file)
    };
    assert!(with(1, 0xc3).contains("a lossless JPEG"));
    assert!(with(1, 0xc5).contains("a hierarchical JPEG"));
    assert!(with(4, 12).contains("12 bits a channel"));
    assert!(with(9, 2).contains("2 channels"));
    assert!(with(6, 0).contains("states its height behind its pixels"));
}

#[test]
fn a_jpeg_cut_anywhere_is_refused() {
    for name in ["420-plain", "444-restarts", "420-separate", "420-progressive", "grey"] {
        let file = jpeg(name);
        for cut in 0..file.len() {
            // What is cut behind its end is whole.
            refusal(&file[..cut]);
        }
        let trailing = [&file[..], &[0; 1000], b"\xff\xd8\xff"].concat();
        assert_eq!(Picture::decode(&trailing).unwrap(), Picture::decode(&file).unwrap());
    }
}

#[test]
fn a_cut_jpeg_with_an_end_marker_put_behind_is_refused() {
    for name in ["420-plain", "422-plain", "444-restarts", "420-separate", "440-luma-first", "cmyk"] {
        let file = jpeg(name);
        let whole = Picture::decode(&file).unwrap();
        for cut in last_scan(&file)..file.len() - 2 {
            if let Ok(picture) = Picture::decode(&[&file[..cut], b"\xff\xd9"].concat()) {
                // Bits of the last block's last number may have been 1s, as the padding is.
                assert!(mean_levels(&picture, &whole) < 0.1, "{name} cut at {cut}");
                assert!(cut + 4 >= file.len() - 2, "{name} cut at {cut} of {}", file.len());
            }
        }
    }
}

#[test]
fn a_progressive_jpeg_without_some_of_its_scans_is_refused() {
    let file = jpeg("420-progressive-separate-dc");
    let scans: Vec<usize> = (0..file.len() - 1).filter(|&place| file[place..place + 2] == [0xff, 0xda]).collect();
    assert_eq!(scans.len(), 12);
    for &start in &scans[1..] {
        let error = refusal(&[&file[..start], b"\xff\xd9"].concat());
        assert!(error.contains("scans do not hold the whole picture"), "{error}");
    }
}

#[test]
fn a_jpeg_of_very_many_scans_is_refused() {
    let file = jpeg("420-progressive");
    let last = file.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let scan = &file[last..file.len() - 2];
    let many = [&file[..file.len() - 2], &scan.repeat(60), b"\xff\xd9"].concat();
    assert!(refusal(&many).contains("more than 64 scans"));
}
