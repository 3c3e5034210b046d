//! The file formats of cut-outs, and the background of those that are not transparent.

use headwater::image::Cutout;
use headwater::{Error, ErrorKind, Result};
use std::path::Path;
use std::str::FromStr;

/// Quality of JPEG files, 1 to 100.
const JPEG_QUALITY: u8 = 92;

/// A cut-out's file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Png,
    /// Lossless.
    Webp,
    /// Has no transparency.
    #[value(alias = "jpg")]
    Jpeg,
}

/// CSS's basic colours.
const NAMED: [(&str, [u8; 3]); 17] = [
    ("black", [0, 0, 0]),
    ("silver", [192, 192, 192]),
    ("gray", [128, 128, 128]),
    ("grey", [128, 128, 128]),
    ("white", [255, 255, 255]),
    ("maroon", [128, 0, 0]),
    ("red", [255, 0, 0]),
    ("purple", [128, 0, 128]),
    ("fuchsia", [255, 0, 255]),
    ("green", [0, 128, 0]),
    ("lime", [0, 255, 0]),
    ("olive", [128, 128, 0]),
    ("yellow", [255, 255, 0]),
    ("navy", [0, 0, 128]),
    ("blue", [0, 0, 255]),
    ("teal", [0, 128, 128]),
    ("aqua", [0, 255, 255]),
];

/// A colour behind the cut-out: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Background([u8; 3]);

impl FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
            format!("expected #rgb, #rrggbb or one of {}; found {text:?}", names.join(", "))
        };
        let lower = text.trim().to_ascii_lowercase();
        if let Some((_, colour)) = NAMED.iter().find(|(name, _)| *name == lower) {
            return Ok(Self(*colour));
        }
        let digits: Option<Vec<u8>> =
            lower.trim_start_matches('#').chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
        match digits.as_deref() {
            Some(&[r, g, b]) => Ok(Self([r, g, b].map(|digit| 17 * digit))),
            Some(&[r1, r0, g1, g0, b1, b0]) => Ok(Self([16 * r1 + r0, 16 * g1 + g0, 16 * b1 + b0])),
            _ => Err(expected()),
        }
    }
}

impl Format {
    /// The usual extension, without its dot.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Jpeg => "jpg",
        }
    }

    /// What `path` says: none when it has no extension.
    ///
    /// # Errors
    /// `BadArgument` when the extension is another format's.
    pub(super) fn of(path: &Path) -> Result<Option<Self>> {
        let Some(extension) = path.extension() else { return Ok(None) };
        match extension.to_string_lossy().to_ascii_lowercase().as_str() {
            "png" => Ok(Some(Self::Png)),
            "webp" => Ok(Some(Self::Webp)),
            "jpg" | "jpeg" => Ok(Some(Self::Jpeg)),
            other => {
                let message = format!(
                    "{}: expected .png, .webp or .jpg, found .{other}; --format says what is meant by any name",
                    path.display()
                );
                Err(Error::new(ErrorKind::BadArgument, message))
            }
        }
    }

    pub(super) fn encode(self, cutout: &Cutout, background: Option<Background>) -> Result<Vec<u8>> {
        match (self, background) {
            (Self::Png, None) => cutout.to_png(),
            (Self::Webp, None) => cutout.to_webp(),
            (Self::Jpeg, None) => Err(no_background()),
            (Self::Png, Some(Background(colour))) => cutout.over(colour)?.to_png(),
            (Self::Webp, Some(Background(colour))) => cutout.over(colour)?.to_webp(),
            (Self::Jpeg, Some(Background(colour))) => cutout.over(colour)?.to_jpeg(JPEG_QUALITY),
        }
    }
}

pub(super) fn no_background() -> Error {
    let message = "a JPEG has no transparency: give --background '#fff', or a name that ends in .png or .webp";
    Error::new(ErrorKind::BadArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_css_writes_them() {
        for (text, colour) in [
            ("#fff", [255, 255, 255]),
            ("#1a2B3c", [26, 43, 60]),
            ("0f8", [0, 255, 136]),
            ("White", [255, 255, 255]),
            ("green", [0, 128, 0]),
        ] {
            assert_eq!(text.parse(), Ok(Background(colour)), "{text}");
        }
        for text in ["", "#", "#ff", "#ffff", "#ggg", "transparent", "#12345", "rgb(1,2,3)", "#ﬀﬀﬀ"] {
            assert!(text.parse::<Background>().unwrap_err().contains("#rrggbb"), "{text}");
        }
    }

    #[test]
    fn extensions_name_formats_in_any_case() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!(of("a.b/CUT.PNG").unwrap(), Some(Format::Png));
        assert_eq!(of("cut.jpeg").unwrap(), Some(Format::Jpeg));
        assert_eq!(of("cut.webp").unwrap(), Some(Format::Webp));
        assert_eq!(of("a.b/cut").unwrap(), None);
        for name in ["cut.gif", "cut.png.bak", "cut.avif", "cut."] {
            let error = of(name).unwrap_err();
            assert!(error.message().contains(".webp"), "{error}");
        }
    }
}
