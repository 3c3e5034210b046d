//! A JPEG file in which every scan that ends early is found out.

use std::io::{self, Read};
use std::ops::Range;

/// Forty-eight 1 bits, as they stand in entropy-coded data. No Huffman code consists of 1 bits only (T.81, C.2):
/// a decoder that reads on here first completes what it was reading, at most a code of 16 bits and a number of 15,
/// and then finds a code that there is not. More would hide the marker from decoders that look 8 bytes ahead.
const PADDING: [u8; 12] = [0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0];

/// The file with padding put in front of every marker that ends entropy-coded data.
///
/// Decoders take zeros where data end too early, which gives a plausible grey area. A complete scan
/// never reads the padding: it ends with the code of its last block.
#[derive(Debug)]
pub(super) struct Padded<'a> {
    bytes: &'a [u8],
    /// Entropy-coded data still to come, restart markers included.
    scans: &'a [Range<usize>],
    position: usize,
    /// What is left of the padding that comes next.
    padding: &'static [u8],
    /// Up to here no padding is put in (again): the byte behind a run of 0xff that was looked at, which may be a
    /// marker's code.
    padded_to: usize,
}

impl<'a> Padded<'a> {
    pub(super) fn new(bytes: &'a [u8], scans: &'a [Range<usize>]) -> Self {
        Self { bytes, scans, position: 0, padding: &[], padded_to: 0 }
    }

    /// Whether a marker that ends the data of a scan begins here, with its 0xff or a fill byte.
    fn is_marker(&mut self) -> bool {
        while self.scans.first().is_some_and(|scan| scan.end < self.position) {
            self.scans = &self.scans[1..];
        }
        if self.scans.first().is_none_or(|scan| scan.start > self.position) {
            return false;
        }
        let fill = self.bytes[self.position..].iter().take_while(|&&byte| byte == 0xff).count();
        let code = self.position + fill;
        // The rest of a run is looked at once, with its first byte: a long run would take the square of its length.
        self.padded_to = code;
        self.bytes.get(code).is_some_and(|&byte| byte != 0)
    }
}

impl Read for Padded<'_> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for (count, place) in buffer.iter_mut().enumerate() {
            if self.padding.is_empty() {
                let Some(&byte) = self.bytes.get(self.position) else { return Ok(count) };
                if byte != 0xff || self.position < self.padded_to || !self.is_marker() {
                    *place = byte;
                    self.position += 1;
                    continue;
                }
                self.padding = &PADDING;
            }
            *place = self.padding[0];
            self.padding = &self.padding[1..];
        }
        Ok(buffer.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_stands_before_every_marker_that_ends_data() {
        // A header whose payload looks like a restart marker; then data with a stuffed byte, RST0 behind a fill
        // byte, and the end behind another.
        let file = [0xff, 0xda, 0xff, 0xd0, 1, 0xff, 0, 2, 0xff, 0xff, 0xd0, 3, 0xff, 0xff, 0xd9, 0xff, 0xd1];
        let scan = 4..12;
        let mut read = Vec::new();
        Padded::new(&file, std::slice::from_ref(&scan)).read_to_end(&mut read).unwrap();
        let expected = [&file[..8], &PADDING, &file[8..12], &PADDING, &file[12..]].concat();
        assert_eq!(read, expected);
    }

    #[test]
    fn long_runs_of_fill_bytes_are_read_once() {
        // A million squared would take hours.
        for end in [[0x00].as_slice(), &[]] {
            let file = [[0xff, 0xda].as_slice(), &[0xff; 1_000_000], end].concat();
            let scan = 2..file.len();
            let mut read = Vec::new();
            Padded::new(&file, std::slice::from_ref(&scan)).read_to_end(&mut read).unwrap();
            assert_eq!(read, file);
        }
    }
}
