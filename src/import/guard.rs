//! A look at the bytes before the parser sees them.
//!
//! `rten-onnx` recurses as deep as the file says, adds lengths without checking for overflow, and
//! does not come back from an overlong varint. So the wire format is walked here first, without
//! recursion and without allocating more than a short stack: every length must fit its parent, every
//! varint must end, nesting is bounded, and so is the number of messages.
//!
//! Wire format: <https://protobuf.dev/programming-guides/encoding/>.

use crate::error::{Result, bail, error};

/// Messages and strings that a file may hold. IS-Net holds some 10,000; each costs a few hundred bytes
/// once parsed, so the bound keeps a small file from becoming gigabytes.
const MAX_ITEMS: usize = 1 << 18;

/// Graph, node, attribute, subgraph, node, attribute, tensor: an ordinary model needs 8.
const MAX_DEPTH: usize = 24;

/// What is known of a message's fields; everything else is skipped over.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    Shape,
    Flat,
}

/// What a length-delimited field holds.
enum Payload {
    Message(Message),
    Bytes,
    Varints,
    Words(usize),
}

impl Message {
    fn payload(self, field: u64) -> Payload {
        let inner = match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6) => Self::Graph,
            (Self::Model, 8 | 14) => Self::Flat,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
            (Self::ValueInfo, 2) | (Self::SequenceType, 1) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::Type, 4) => Self::SequenceType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) | (Self::Tensor, 13) => Self::Flat,
            (Self::Tensor, 4) => return Payload::Words(4),
            (Self::Tensor, 10) => return Payload::Words(8),
            (Self::Tensor, 5 | 7) => return Payload::Varints,
            _ => return Payload::Bytes,
        };
        Payload::Message(inner)
    }
}

/// Walks `bytes` as an ONNX `ModelProto`.
///
/// # Errors
/// `BadModel` with the offset at which the file stops making sense.
pub(super) fn check(bytes: &[u8]) -> Result<()> {
    let mut items = 0;
    let mut open = vec![(Message::Model, bytes.len())];
    let mut at = 0;
    while let Some(&(message, end)) = open.last() {
        if at == end {
            open.pop();
            continue;
        }
        let key = varint(bytes, &mut at, end)?;
        match key & 7 {
            0 => {
                varint(bytes, &mut at, end)?;
            }
            1 => skip(&mut at, 8, end)?,
            5 => skip(&mut at, 4, end)?,
            2 => {
                let length = varint(bytes, &mut at, end)?;
                let start = at;
                skip(&mut at, length, end)?;
                items += 1;
                if items > MAX_ITEMS {
                    bail!(BadModel, "expected at most {MAX_ITEMS} strings and messages in an ONNX file, found more");
                }
                match message.payload(key >> 3) {
                    Payload::Message(inner) => {
                        if open.len() == MAX_DEPTH {
                            bail!(BadModel, "expected nesting of at most {MAX_DEPTH} messages, found more at {start}");
                        }
                        open.push((inner, at));
                        at = start;
                    }
                    Payload::Varints => {
                        let mut inside = start;
                        while inside < at {
                            varint(bytes, &mut inside, at)?;
                        }
                    }
                    Payload::Words(size) if !(at - start).is_multiple_of(size) => {
                        bail!(BadModel, "byte {start}: {length} bytes are no whole number of {size}-byte values");
                    }
                    Payload::Words(_) | Payload::Bytes => {}
                }
            }
            other => bail!(BadModel, "byte {at}: wire type {other} is not used in ONNX files"),
        }
    }
    Ok(())
}

fn skip(at: &mut usize, length: impl TryInto<usize>, end: usize) -> Result<()> {
    let start = *at;
    *at = length
        .try_into()
        .ok()
        .and_then(|length| start.checked_add(length))
        .filter(|next| *next <= end)
        .ok_or_else(|| error!(BadModel, "byte {start}: a field runs past the {end} bytes there are"))?;
    Ok(())
}

fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Result<u64> {
    let start = *at;
    let mut value = 0u64;
    for (index, &byte) in bytes[start..end].iter().take(10).enumerate() {
        if index == 9 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *at = start + index + 1;
            return Ok(value);
        }
    }
    Err(error!(BadModel, "byte {start}: a number does not end; the file is truncated or no ONNX model"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlong_numbers_are_refused() {
        let mut bytes = vec![0x08];
        bytes.extend([0x80; 12]);
        assert!(check(&bytes).unwrap_err().message().contains("does not end"));
    }

    #[test]
    fn lengths_must_fit_their_parent() {
        // A graph of 4 bytes whose node claims 100.
        assert!(check(&[0x3a, 4, 0x0a, 100, 0, 0]).unwrap_err().message().contains("runs past"));
        // A length of 2^64 - 1 must not wrap around.
        let mut bytes = vec![0x3a];
        bytes.extend([0xff; 9]);
        bytes.push(1);
        assert!(check(&bytes).unwrap_err().message().contains("runs past"));
    }

    #[test]
    fn subgraphs_cannot_exhaust_the_stack() {
        let mut bytes = Vec::new();
        // model.graph(node(attribute(g(node(attribute(g(...
        for depth in 0..300 {
            let field = [0x2a, 0x0a, 0x32][depth % 3];
            let mut outer = vec![field];
            let mut length = bytes.len();
            while length >= 0x80 {
                outer.push(length as u8 | 0x80);
                length >>= 7;
            }
            outer.push(length as u8);
            outer.append(&mut bytes);
            bytes = outer;
        }
        // The outermost field is an attribute's subgraph; seen from a model it must be field 7.
        bytes[0] = 0x3a;
        assert!(check(&bytes).unwrap_err().message().contains("nesting"));
    }

    #[test]
    fn many_small_messages_are_refused() {
        let nodes = [0x0a, 0].repeat(MAX_ITEMS + 1);
        let mut bytes = vec![0x3a];
        let mut length = nodes.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(nodes);
        assert!(check(&bytes).unwrap_err().message().contains("at most"));
    }
}
