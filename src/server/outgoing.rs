//! Answers as they are sent: pieces that are not copied together, each of which gives its bytes back to the budget
//! once it has been written to the connection or dropped with it.

use super::budget::Hold;
use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Text is stored in pieces of this size, so that growing never copies it.
const TEXT_PIECE_BYTES: usize = 256 << 10;

/// An answer's body.
#[derive(Default)]
pub(super) struct Outgoing {
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

/// Bytes with their reservation.
struct Held<T> {
    data: T,
    _hold: Hold,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        self.data.as_ref()
    }
}

impl Outgoing {
    /// Adds `data`, whose bytes are taken from `hold`.
    pub(super) fn push(&mut self, data: impl AsRef<[u8]> + Send + 'static, hold: &mut Hold) {
        let length = data.as_ref().len();
        if length > 0 {
            self.bytes += length;
            self.pieces.push_back(Bytes::from_owner(Held { data, _hold: hold.split(length) }));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    pub(super) fn into_body(self) -> Body {
        Body::new(self)
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.bytes -= piece.as_ref().map_or(0, Bytes::len);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes as u64)
    }
}

/// Collects text in pieces.
#[derive(Default)]
pub(super) struct TextPieces(Vec<Vec<u8>>);

impl TextPieces {
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    pub(super) fn into_pieces(self) -> Vec<Vec<u8>> {
        self.0
    }
}

impl io::Write for TextPieces {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let room = self.0.last().map_or(0, |last| TEXT_PIECE_BYTES - last.len());
        if room == 0 {
            // The first one is all that most answers need, and short.
            let capacity = if self.0.is_empty() { 1 << 10 } else { TEXT_PIECE_BYTES };
            self.0.push(Vec::with_capacity(capacity));
        }
        let Some(last) = self.0.last_mut() else { return Ok(0) };
        let count = text.len().min(TEXT_PIECE_BYTES - last.len());
        last.extend_from_slice(&text[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    #[test]
    fn each_piece_gives_its_bytes_back_when_it_is_dropped() {
        let budget = Budget::new(1000, 1000, 1000);
        let mut hold = budget.hold(None);
        hold.resize(500).unwrap();
        let mut answer = Outgoing::default();
        answer.push(vec![1; 300], &mut hold);
        answer.push(Vec::new(), &mut hold);
        answer.push(vec![2; 200], &mut hold);
        drop(hold);
        assert_eq!((answer.len(), budget.held_bytes()), (500, 500));
        let mut body = answer.into_body();
        let first = pollster::block_on(body.frame()).unwrap().unwrap().into_data().unwrap();
        let part = first.slice(10..20);
        drop(first);
        assert_eq!(budget.held_bytes(), 500, "a part of it is still there");
        drop(part);
        assert_eq!(budget.held_bytes(), 200);
        drop(body);
        assert_eq!(budget.held_bytes(), 0);
    }

    #[test]
    fn text_in_pieces_is_the_text() {
        let text: Vec<u8> = (0..3 * TEXT_PIECE_BYTES + 7).map(|index| index as u8).collect();
        let mut pieces = TextPieces::default();
        text.chunks(1000).for_each(|chunk| pieces.write_all(chunk).unwrap());
        assert_eq!(pieces.len(), text.len());
        assert_eq!(pieces.into_pieces().concat(), text);
    }
}
