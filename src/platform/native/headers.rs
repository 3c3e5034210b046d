//! What a server in front of the server wants to know of a client: headers, and credentials in an address.

use crate::error::{Result, bail, error};
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// Headers that a client sets itself.
const OWN: [HeaderName; 10] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::ACCEPT_ENCODING,
    header::EXPECT,
    header::TE,
    header::UPGRADE,
];

/// Headers for every request to a server, a token for instance. No error and no `Debug` shows a value.
#[derive(Debug, Clone, Default)]
pub struct Headers(HeaderMap);

impl Headers {
    /// Adds one from `Name: value`.
    ///
    /// # Errors
    /// `BadArgument` when it is no header, or one that the client sets itself.
    pub fn add(&mut self, line: &str) -> Result<()> {
        let Some((name, value)) = line.split_once(':') else {
            bail!(BadArgument, "a header without a colon: expected \"Name: value\"");
        };
        let Ok(name) = HeaderName::from_bytes(name.trim().as_bytes()) else {
            bail!(BadArgument, "a header whose name has other characters than letters, digits and '-'");
        };
        if OWN.contains(&name) || name.as_str().eq_ignore_ascii_case(crate::wire::HEADER_LENGTH) {
            bail!(BadArgument, "header {name}: each request has its own");
        }
        // The library's reason is left out: it could quote.
        let mut value = HeaderValue::from_str(value.trim())
            .map_err(|_| error!(BadArgument, "header {name}: its value has characters that no header has"))?;
        value.set_sensitive(true);
        self.0.append(name, value);
        Ok(())
    }

    pub(super) fn map(&self) -> &HeaderMap {
        &self.0
    }
}

/// An address for messages: `http://user:secret@host/path` without what stands before the `@`.
pub(crate) fn without_credentials(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(_, rest)| {
        let scheme = &address[..address.len() - rest.len()];
        (scheme, rest)
    });
    // Of what is no address, everything up to the last @ may be a password.
    let ends = match address.parse::<Uri>() {
        Ok(_) => rest.find(['/', '?', '#']).unwrap_or(rest.len()),
        Err(_) => rest.len(),
    };
    match rest[..ends].rfind('@') {
        Some(at) => format!("{scheme}{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_credentials() {
        for (address, shown) in [
            ("http://user:secret@host:1/a@b", "http://host:1/a@b"),
            ("https://secret@host", "https://host"),
            ("http://user:se/cr@et@ho st/a", "http://ho st/a"),
            ("user:secret@host", "host"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(address), shown, "{address}");
        }
    }

    #[test]
    fn values_of_headers_are_not_shown() {
        let mut headers = Headers::default();
        headers.add("Authorization: Bearer secret").unwrap();
        headers.add("X-Key:secret").unwrap();
        assert_eq!((headers.map().len(), headers.map()["x-key"].to_str().unwrap()), (2, "secret"));
        assert!(!format!("{headers:?}").contains("secret"), "{headers:?}");
        for line in ["secret", "sec ret: x", ": secret", "X: sec\nret", "Host: secret", "content-length: secret", ""] {
            let error = headers.add(line).unwrap_err();
            assert!(error.kind() == crate::ErrorKind::BadArgument && !error.to_string().contains("sec"), "{error}");
        }
        assert_eq!(headers.map().len(), 2);
    }
}
