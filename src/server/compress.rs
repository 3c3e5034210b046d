//! HTTP's own compression, for answers that gain by it: masks, which are black and white for the most part.

use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Whether the client accepts gzip.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    // The most exact mention decides: `*` speaks for what is not named.
    let mentions = lists.flat_map(|list| list.split(',')).map(|item| {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok());
        (name.trim().to_ascii_lowercase(), weight.is_some_and(|weight| weight > 0.0))
    });
    let mentions: Vec<(String, bool)> = mentions.collect();
    let said_of = |wanted: &str| mentions.iter().find(|(name, _)| name == wanted).map(|(_, accepted)| *accepted);
    said_of("gzip").or_else(|| said_of("*")).unwrap_or(false)
}

/// `pieces` as a gzip file.
pub(super) fn gzip<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for piece in pieces {
        encoder.write_all(piece)?;
    }
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_taken_at_its_word() {
        for (said, accepted) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.2", true),
            ("*", true),
            ("*;q=0, gzip;q=0.5", true),
            ("gzip;q=0, *", false),
            ("gzip; q=0.000", false),
            ("gzip;q=much", false),
            ("identity", false),
            ("br", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, said.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), accepted, "{said}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()), "who says nothing may not know it");
    }
}
