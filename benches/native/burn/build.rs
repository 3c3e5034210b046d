//! Writes the nets of the folder `BENCH_ONNX` as Rust: `net.onnx` or `head.onnx` and `tail.onnx`, and how they run.

use std::env::var;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-env-changed=BENCH_ONNX");
    println!("cargo:rerun-if-env-changed=BENCH_SKIPS");
    let folder = var("BENCH_ONNX").expect("BENCH_ONNX: a folder of nets");
    let out = var("OUT_DIR").expect("cargo sets it");
    let names: &[&str] = if Path::new(&folder).join("net.onnx").exists() { &["net"] } else { &["head", "tail"] };
    let mut glue = String::new();
    for name in names {
        burn_onnx::ModelGen::new().input(&format!("{folder}/{name}.onnx")).out_dir("nets").run_from_script();
        glue += &format!(
            "#[allow(warnings)]\nmod {name} {{ include!({:?}); }}\n\
             fn load_{name}(device: &Device) -> {name}::Model {{ {name}::Model::from_file({:?}, device) }}\n",
            format!("{out}/nets/{name}.rs"),
            format!("{out}/nets/{name}.bpk"),
        );
    }
    glue += &match names {
        ["net"] => WHOLE.to_owned(),
        _ => {
            // The head makes what crosses and then the skips; the tail takes what came back and then the skips.
            let skips: usize =
                var("BENCH_SKIPS").ok().and_then(|text| text.parse().ok()).expect("BENCH_SKIPS: a number");
            PARTS.replace("SKIPS", &(0..skips).map(|i| format!("s{i}, ")).collect::<String>())
        }
    };
    std::fs::write(Path::new(&out).join("run.rs"), glue).expect("the build's folder can be written");
}

const WHOLE: &str = "
fn nets(device: &Device) -> impl FnMut(&TensorData, Option<&TensorData>) -> Made {
    let net = load_net(device);
    move |input, _| {
        let start = Instant::now();
        let mask = values(net.forward(place(input, device)));
        Made { millis: vec![millis(start)], mask, up: None }
    }
}
";

const PARTS: &str = "
fn nets(device: &Device) -> impl FnMut(&TensorData, Option<&TensorData>) -> Made {
    let (head, tail) = (load_head(device), load_tail(device));
    move |input, down| {
        let start = Instant::now();
        let (up, SKIPS) = head.forward(place(input, device));
        let up = values(up);
        let head_millis = millis(start);
        let start = Instant::now();
        let down = place(down.expect(\"a tail takes what came back\"), device);
        let mask = values(tail.forward(down, SKIPS));
        Made { millis: vec![head_millis, millis(start)], mask, up: Some(up) }
    }
}
";
