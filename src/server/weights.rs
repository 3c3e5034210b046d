//! `GET /models/{name}.safetensors`: the model file, whole or in ranges, for clients that read from it the
//! weights of their own layers.

use super::{ModelFile, ServerState};
use crate::error::{Error, error};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Read and sent at a time; a download holds two of these in memory.
const PIECE_BYTES: u64 = 256 << 10;

/// The path at which a model is served. Names hold no characters that a path could misread.
pub(super) fn path(model: &ModelFile) -> String {
    format!("/models/{}.safetensors", model.manifest().name)
}

pub(super) async fn weights(State(state): State<Arc<ServerState>>, method: Method, headers: HeaderMap) -> Response {
    let model = &state.model;
    let tag = format!("\"{}\"", model.version());
    let mut answer = match asked(&headers, method == Method::GET, &tag, model.bytes()) {
        Asked::Nothing => StatusCode::NOT_MODIFIED.into_response(),
        Asked::Beyond => {
            let all = [(CONTENT_RANGE, format!("bytes */{}", model.bytes()))];
            (StatusCode::RANGE_NOT_SATISFIABLE, all).into_response()
        }
        Asked::All => part(&state, 0..model.bytes(), StatusCode::OK, method == Method::HEAD),
        Asked::Part(range) => {
            let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, model.bytes());
            let answer = part(&state, range, StatusCode::PARTIAL_CONTENT, false);
            ([(CONTENT_RANGE, content_range)], answer).into_response()
        }
    };
    let mut say = |name: HeaderName, value: &str| {
        // A tag of hexadecimal digits always is a header's value.
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    };
    say(ETAG, &tag);
    say(ACCEPT_RANGES, "bytes");
    // Kept, but asked about each time: the answer is most often 304.
    say(CACHE_CONTROL, "no-cache");
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// What a request is after.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    /// Never empty.
    Part(Range<u64>),
    /// It has the file already.
    Nothing,
    /// A range behind the end.
    Beyond,
}

/// As RFC 9110 says: what cannot be understood, and several ranges at once, are answered with the whole file.
fn asked(headers: &HeaderMap, ranges: bool, tag: &str, bytes: u64) -> Asked {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|list| list.split(',')).map(str::trim);
    if known.any(|theirs| theirs == "*" || theirs.trim_start_matches("W/") == tag) {
        return Asked::Nothing;
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(RANGE).filter(|_| ranges) else { return Asked::All };
    if headers.contains_key(IF_RANGE) && text(IF_RANGE) != Some(tag) {
        return Asked::All;
    }
    let Some((first, last)) = range
        .split_once('=')
        .filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"))
        .and_then(|(_, range)| range.trim().split_once('-'))
    else {
        return Asked::All;
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let range = match (first, number(first), last, number(last)) {
        (_, Some(first), "", _) => first..bytes,
        (_, Some(first), _, Some(last)) if first <= last => first..last.saturating_add(1).min(bytes),
        ("", _, _, Some(count)) => bytes.saturating_sub(count)..bytes,
        _ => return Asked::All,
    };
    if range.is_empty() { Asked::Beyond } else { Asked::Part(range) }
}

fn part(state: &Arc<ServerState>, range: Range<u64>, status: StatusCode, head_only: bool) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, (range.end - range.start).to_string()),
    ];
    let body = if head_only {
        Body::empty()
    } else {
        let (sender, body) = Channel::new(1);
        tokio::spawn(send(state.model.clone(), range, sender, state.config.write_timeout));
        Body::new(body)
    };
    (status, headers, body).into_response()
}

/// Reads and sends piece by piece, no faster than the client takes them. One that takes nothing for
/// `patience` is left.
async fn send(model: Arc<ModelFile>, range: Range<u64>, mut sender: Sender<Bytes, Error>, patience: Duration) {
    let mut start = range.start;
    while start < range.end {
        let piece = start..range.end.min(start + PIECE_BYTES);
        start = piece.end;
        let model = model.clone();
        let read = tokio::task::spawn_blocking(move || model.read(piece)).await;
        let read = read.unwrap_or_else(|e| Err(error!(Internal, "reading the model panicked").with_source(e)));
        match read {
            Ok(piece) => match timeout(patience, sender.send_data(piece.into())).await {
                Ok(Ok(())) => {}
                // The client has gone.
                Ok(Err(_)) => return,
                Err(_) => return sender.abort(error!(Timeout, "the client took nothing for {patience:?}")),
            },
            Err(error) => {
                tracing::error!(?error, "the model file cannot be read any more");
                return sender.abort(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(headers: &[(HeaderName, &str)]) -> Asked {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        asked(&headers, true, "\"a\"", 1000)
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (range, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=10-19", Asked::Part(10..20)),
            ("bytes=990-", Asked::Part(990..1000)),
            ("bytes=990-5000", Asked::Part(990..1000)),
            ("bytes=0-18446744073709551615", Asked::Part(0..1000)),
            ("Bytes= 10-19 ", Asked::Part(10..20)),
            ("bytes=-100", Asked::Part(900..1000)),
            ("bytes=-5000", Asked::Part(0..1000)),
            ("bytes=1000-", Asked::Beyond),
            ("bytes=1000-1001", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            // No ranges, or several.
            ("bytes=20-10", Asked::All),
            ("bytes=0-1,5-6", Asked::All),
            ("bytes=-", Asked::All),
            ("bytes=a-b", Asked::All),
            ("bytes=+1-2", Asked::All),
            ("bytes=1-99999999999999999999", Asked::All),
            ("bytes 1-2", Asked::All),
            ("lines=1-2", Asked::All),
        ] {
            assert_eq!(ask(&[(RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn conditions_come_before_ranges() {
        let range = (RANGE, "bytes=0-9");
        assert_eq!(ask(&[range.clone(), (IF_RANGE, "\"a\"")]), Asked::Part(0..10));
        for other in ["\"b\"", "W/\"a\"", "Tue, 24 Nov 2026 12:00:00 GMT"] {
            assert_eq!(ask(&[range.clone(), (IF_RANGE, other)]), Asked::All, "{other}");
        }
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert_eq!(ask(&[range.clone(), (IF_NONE_MATCH, known)]), Asked::Nothing, "{known}");
        }
        assert_eq!(ask(&[range, (IF_NONE_MATCH, "\"b\"")]), Asked::Part(0..10));
    }
}
