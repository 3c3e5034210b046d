//! Cuts a photograph with the middle of the net on a server, where `headwater serve` runs:
//!
//!     cargo run --example segment -- tests/photos/chelsea.jpg http://127.0.0.1:8080

use headwater::codec::Codec;
use headwater::files::write_whole;
use headwater::gpu::{Choice, Gpu};
use headwater::image::{Cutout, Edges, Picture};
use headwater::kernels::Precision;
use headwater::model::Model;
use headwater::platform::{HttpConfig, HttpTransport};
use headwater::session::{Options, Session};
use headwater::split::Placement;
use headwater::wire::client::RemoteBody;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

async fn cut_out(photo: &str, server: &str) -> Result<(), Box<dyn std::error::Error>> {
    let file = File::open("models/isnet.safetensors")?;
    let manifest = Model::open(&file).await?.manifest;
    let gpu = Gpu::open(&Choice::default()).await?;
    let body = RemoteBody::new(
        HttpTransport::new(server, HttpConfig::default())?,
        manifest.name.as_str(),
        manifest.sha256.as_str(),
    );
    let placement = Placement::parse("U3", &manifest)?;
    let options = Options { placement, size: [512, 512], codec: Codec::F16, precision: Precision::F32 };
    // Reads the weights of the head and the tail, and no others. Good for any number of pictures.
    let session = Session::open(&file, options, Some(Arc::new(gpu)), Some(body)).await?;

    let picture = Picture::decode(&std::fs::read(photo)?)?;
    let (mask, report) = session.segment(&picture).await?;
    write_whole(Path::new("cutout.png"), &Cutout::new(&picture, &mask, Edges::Clean)?.to_png()?)?;
    println!("{:.0} ms, {} bytes up, {} down", report.total_millis, report.up_bytes, report.down_bytes);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [photo, server] => pollster::block_on(cut_out(photo, server)),
        _ => Err("usage: segment PHOTO SERVER".into()),
    }
}
