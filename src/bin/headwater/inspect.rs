//! `headwater inspect`: layers, weights and legal cuts of a model file.

use crate::model_file::open_model;
use headwater::graph::Graph;
use headwater::graph::cuts::{plain_cuts, u_cut_count};
use headwater::model::Model;
use headwater::split::{Placement, SplitDescription};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// Show a model's layers and legal cuts
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Model file
    #[arg(default_value = "models/isnet.safetensors", env = "HEADWATER_MODEL")]
    model: PathBuf,
    /// Side, or WIDTHxHEIGHT; the model's own without it
    #[arg(long, value_parser = crate::parse_size)]
    size: Option<[usize; 2]>,
    /// List the plain cuts too
    #[arg(long)]
    plain: bool,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = pollster::block_on(Model::open(&open_model(&arguments.model)?))?;
    let manifest = &model.manifest;
    let graph = match arguments.size {
        Some([width, height]) => manifest.graph.with_input_size(height, width)?,
        None => manifest.graph.clone(),
    };
    let mut splits = Vec::new();
    for split in &manifest.splits {
        let placement = Placement::parse(&split.name, manifest)?;
        splits.push(of_family("u", &SplitDescription::new(&model, &graph, &placement)?)?);
    }
    if arguments.json || arguments.plain {
        for described in SplitDescription::plain(&model, &graph)? {
            splits.push(of_family("plain", &described)?);
        }
    }
    if arguments.json {
        let all = json!({
            "name": manifest.name,
            "sha256": manifest.sha256,
            "weights": graph.weight_values(),
            "weight_bytes": model.weight_bytes(&graph)?,
            "macs": graph.macs(),
            "tensors": graph.tensors.len(),
            "layers": layers(&graph),
            "splits": splits,
            "u_shaped_cuts": u_cut_count(&graph),
            "source": manifest.source,
        });
        return crate::print(&(serde_json::to_string(&all)? + "\n"));
    }
    let mut text = String::new();
    let [width, height] = arguments.size.unwrap_or(manifest.preprocess.size);
    writeln!(
        text,
        "{}: {} layers, {:.1} M weights, {:.1} GMAC at {width}x{height}",
        manifest.name,
        graph.nodes.len(),
        graph.weight_values() as f64 / 1e6,
        graph.macs() as f64 / 1e9
    )?;
    writeln!(text, "from {} ({})", manifest.source.origin, manifest.source.licence)?;
    writeln!(text, "{} U-shaped cuts are legal; the ones worth a name:\n", u_cut_count(&graph))?;
    writeln!(text, "split    client MACs  client weights  cut values  up -> down")?;
    let plain = plain_cuts(&graph).len();
    for split in &splits {
        let macs = |key: &str| split[key].as_u64().unwrap_or(0) as f64;
        let share = 100.0 * macs("client_macs") / (macs("client_macs") + macs("server_macs"));
        let names = |key: &str| {
            let shapes: Vec<String> = split[key].as_array().into_iter().flatten().map(shape).collect();
            shapes.join(" + ")
        };
        writeln!(
            text,
            "{:8} {share:10.1}% {:12.2} MB {:>11}  {} -> {}",
            split["name"].as_str().unwrap_or(""),
            macs("client_weight_bytes") / 1e6,
            split["cut_values"].to_string(),
            names("up"),
            names("down"),
        )?;
    }
    if !arguments.plain && plain > 0 {
        writeln!(text, "\nplain cuts, whose second half is all the server's: P1 to P{plain} (--plain lists them)")?;
    }
    crate::print(&text)
}

fn shape(tensor: &Value) -> String {
    let dims: Vec<String> = tensor["shape"].as_array().into_iter().flatten().skip(1).map(Value::to_string).collect();
    dims.join("x")
}

fn layers(graph: &Graph) -> Vec<Value> {
    graph
        .nodes
        .iter()
        .map(|node| {
            json!({
                "name": node.name,
                "operator": node.op.name(),
                "output": graph.tensors[node.output].name,
                "shape": graph.tensors[node.output].shape,
                "macs": graph.node_macs(node),
            })
        })
        .collect()
}

fn of_family(family: &str, described: &SplitDescription) -> anyhow::Result<Value> {
    let mut described = serde_json::to_value(described)?;
    described["family"] = family.into();
    Ok(described)
}
