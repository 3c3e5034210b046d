//! Takes the old background's colours out of the edges of a cut-out that was made without: an RGBA PNG in, an RGBA PNG
//! out.
//!
//!     cargo run --example edges -- cutout.png cleaned.png

use headwater::image::estimate_foreground;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: edges CUTOUT.png CLEANED.png".into());
    };
    let mut cutout = image::open(from)?.into_rgba8();
    let (width, height) = (cutout.width() as usize, cutout.height() as usize);
    let rgb: Vec<u8> = cutout.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let alpha: Vec<u8> = cutout.pixels().map(|pixel| pixel[3]).collect();
    let cleaned = estimate_foreground(&rgb, &alpha, width, height);
    for (pixel, cleaned) in cutout.pixels_mut().zip(cleaned.as_chunks::<3>().0) {
        pixel.0[..3].copy_from_slice(cleaned);
    }
    Ok(cutout.save(to)?)
}
