//! A model's header.

use super::host::{JsByteSource, to_js};
use crate::error::Result;
use crate::model::{self, ByteSource};
use crate::split::{Placement, SplitDescription, Stage, stages};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A model whose header was read and checked.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Model {
    pub(super) model: model::Model,
    file_bytes: u64,
}

#[derive(Serialize)]
struct Description<'a> {
    name: &'a str,
    sha256: &'a str,
    licence: &'a str,
    origin: &'a str,
    size: [usize; 2],
    #[serde(rename = "sizeMultiple")]
    size_multiple: Option<usize>,
    weights: usize,
    weight_bytes: u64,
    macs: u64,
    file_bytes: u64,
    splits: Vec<SplitDescription>,
    /// Their `sides` stand in the order of `splits`.
    stages: Vec<Stage>,
}

#[wasm_bindgen]
impl Model {
    /// Reads the header and nothing else.
    pub async fn open(source: JsByteSource) -> std::result::Result<Model, JsValue> {
        let model = model::Model::open(&source).await?;
        Ok(Self { model, file_bytes: source.len() })
    }

    /// The model at a size (width, height), its own without one.
    pub fn describe(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "[number, number]")] size: Option<Vec<usize>>,
    ) -> std::result::Result<JsValue, JsValue> {
        Ok(to_js(&self.description(size)?)?)
    }

    /// The byte ranges, `[start, end]`, that a client of this split reads, header aside.
    pub fn weight_ranges(&self, split: &str) -> std::result::Result<JsValue, JsValue> {
        let segments = self.placement(split)?.client_segments(&self.model.manifest.graph)?;
        let graphs: Vec<_> = segments.iter().collect();
        let ranges = self.model.weight_ranges(&graphs)?;
        let pairs: Vec<[u64; 2]> = ranges.into_iter().map(|range| [range.start, range.end]).collect();
        Ok(to_js(&pairs)?)
    }
}

impl Model {
    pub(super) fn placement(&self, split: &str) -> Result<Placement> {
        Placement::parse(split, &self.model.manifest)
    }

    fn description(&self, size: Option<Vec<usize>>) -> Result<Description<'_>> {
        let manifest = &self.model.manifest;
        let [width, height] = match size.as_deref() {
            Some(&[width, height]) => [width, height],
            Some(found) => crate::error::bail!(BadArgument, "size: expected width and height, found {found:?}"),
            None => manifest.preprocess.size,
        };
        let graph = manifest.graph.with_input_size(height, width)?;
        let mut placements = vec![Placement::Remote];
        for split in &manifest.splits {
            placements.push(self.placement(&split.name)?);
        }
        placements.push(Placement::Local);
        let described = placements.iter().map(|placement| SplitDescription::new(&self.model, &graph, placement));
        Ok(Description {
            name: &manifest.name,
            sha256: &manifest.sha256,
            licence: &manifest.source.licence,
            origin: &manifest.source.origin,
            size: manifest.preprocess.size,
            size_multiple: manifest.graph.size_multiple(),
            weights: graph.weight_values() as usize,
            weight_bytes: self.model.weight_bytes(&graph)?,
            macs: graph.macs(),
            file_bytes: self.file_bytes,
            splits: described.collect::<Result<_>>()?,
            stages: stages(&graph, &placements)?,
        })
    }
}
