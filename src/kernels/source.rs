//! The WGSL files and the small preprocessor that makes variants of them.
//!
//! Lines that begin with `#` are directives: `#include "file"`, `#define NAME value` (whole words are
//! replaced from there on; a later definition replaces an earlier one), `#ifdef NAME`, `#else`,
//! `#endif`. `@binding(_)` is numbered in the order of appearance, so that host and shader agree on one
//! rule (reads first, the output last) instead of on two lists.

use super::Key;
use crate::error::{Result, bail, error};
use std::collections::HashMap;

/// Every shader file by its path below `shaders/`, without comments: `build.rs` collects them.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

/// The table of variants, one a line: the shader's stem, then its defines, in brackets those that may be left out.
pub const PERMUTATIONS: &str = include_str!("../../shaders/permutations.txt");

/// Every key of the table.
pub fn permutations() -> impl Iterator<Item = Key> {
    let lines = PERMUTATIONS.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    lines.filter(|line| !line.is_empty()).flat_map(|line| {
        let mut words = line.split_whitespace();
        let mut keys = vec![Key::plain(words.next().unwrap_or_default())];
        for word in words {
            let optional = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
            let without = if optional.is_some() { keys.clone() } else { Vec::new() };
            keys.iter_mut().for_each(|key| key.define(optional.unwrap_or(word)));
            keys.extend(without);
        }
        keys
    })
}

/// The WGSL of a variant.
///
/// # Errors
/// `Internal` when the shader's text or its directives are wrong; a test makes every permutation.
pub fn wgsl(key: &Key) -> Result<String> {
    let mut expansion = Expansion::default();
    for define in &key.defines {
        expansion.defines.insert((*define).to_owned(), String::new());
    }
    expansion.file(&format!("{}.wgsl", key.shader), 0).map_err(|e| e.context(format!("shader {key}")))?;
    Ok(expansion.text)
}

#[derive(Default)]
struct Expansion {
    defines: HashMap<String, String>,
    text: String,
    bindings: u32,
}

impl Expansion {
    fn file(&mut self, name: &str, depth: usize) -> Result<()> {
        if depth > 8 {
            bail!(Internal, "{name}: includes nest too deeply");
        }
        let (_, text) = FILES
            .iter()
            .find(|(file, _)| *file == name)
            .ok_or_else(|| error!(Internal, "{name}: no such shader file"))?;
        // For every open #ifdef, whether its lines count.
        let mut open: Vec<bool> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let place = || format!("{name}:{}", number + 1);
            let words: Vec<&str> = line.split_whitespace().collect();
            let counts = open.iter().all(|&counts| counts);
            match words.as_slice() {
                ["#ifdef", define] => open.push(self.defines.contains_key(*define)),
                ["#else"] => match open.last_mut() {
                    Some(last) => *last = !*last,
                    None => bail!(Internal, "{}: #else without #ifdef", place()),
                },
                ["#endif"] => {
                    if open.pop().is_none() {
                        bail!(Internal, "{}: #endif without #ifdef", place());
                    }
                }
                _ if !counts => {}
                ["#define", define, value @ ..] => {
                    self.defines.insert((*define).to_owned(), value.join(" "));
                }
                ["#include", file] => {
                    let file = file.trim_matches('"');
                    self.file(file, depth + 1).map_err(|e| e.context(place()))?;
                }
                [word, ..] if word.starts_with('#') => bail!(Internal, "{}: unknown directive {word}", place()),
                _ => self.line(line),
            }
        }
        if !open.is_empty() {
            bail!(Internal, "{name}: #ifdef without #endif");
        }
        Ok(())
    }

    fn line(&mut self, line: &str) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut rest = line;
        while let Some(start) = rest.find(is_word) {
            self.text.push_str(&rest[..start]);
            rest = &rest[start..];
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word == "_" && self.text.ends_with("@binding(") {
                self.text.push_str(&self.bindings.to_string());
                self.bindings += 1;
            } else {
                let replacement = self.defines.get(word).map_or(word, String::as_str);
                self.text.push_str(replacement);
            }
            rest = after;
        }
        self.text.push_str(rest);
        self.text.push('\n');
    }
}
