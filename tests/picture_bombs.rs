//! Small files that claim to be enormous pictures: the server refuses them by their headers, before it
//! allocates what they ask for. The allocator of this test counts.

mod mini;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use headwater::codec::Codec;
use headwater::server::{RtenExecutor, ServerConfig, ServerState, app};
use headwater::wire::{HEADER_LENGTH, InferRequest, Input, RequestParameters, Upload, WantedOutput};
use http_body_util::BodyExt;
use image::{ExtendedColorType, ImageEncoder};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceExt;

/// The largest block that anyone has asked for.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator as it is; only its size is noted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A PNG of one pixel whose header claims a size.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file).write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&file[12..29]);
    file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    file
}

/// The same as a JPEG: the size stands behind the marker of the frame.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut file).write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    file[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    file
}

/// The same as a lossless WebP, whose sides end at 16,383: 14 bits each behind the signature byte.
fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut file)
        .write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8)
        .unwrap();
    let data = file.windows(4).position(|four| four == b"VP8L").unwrap() + 8;
    assert_eq!(file[data], 0x2f, "the signature");
    let rest = u32::from_le_bytes(file[data + 1..data + 5].try_into().unwrap()) & !0x0fff_ffff;
    let sides = rest | (width - 1) | ((height - 1) << 14);
    file[data + 1..data + 5].copy_from_slice(&sides.to_le_bytes());
    file
}

#[tokio::test]
async fn pictures_that_claim_hundreds_of_megapixels_are_refused_by_their_headers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    mini::write_unet(&path);
    let state = ServerState::new(&path, Arc::new(RtenExecutor::new()), ServerConfig::default()).unwrap();
    state.warm_up().unwrap();
    let ask = async |content_type: &str, bytes: Vec<u8>| {
        let request = InferRequest {
            parameters: RequestParameters::default(),
            input: Input::Picture(Upload { content_type: content_type.to_owned(), bytes: bytes.into() }),
            outputs: vec![WantedOutput { name: "mask".to_owned(), codec: Codec::Alpha8, binary: true }],
        };
        let encoded = request.encode().unwrap();
        let request = Request::post("/v2/models/mini/infer").header(HEADER_LENGTH, encoded.json_bytes);
        let answer = app(state.clone()).oneshot(request.body(Body::from(encoded.body)).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        (parts.status, body.collect().await.unwrap().to_bytes())
    };
    for (content_type, small, bomb) in [
        ("image/png", png(1, 1), png(20_000, 15_000)),
        ("image/jpeg", jpeg(1, 1), jpeg(20_000, 15_000)),
        ("image/webp", webp(1, 1), webp(16_383, 16_383)),
        ("image/png", png(1, 1), png(400_000, 1)),
    ] {
        // The same file without the claim is a picture.
        assert_eq!(ask(content_type, small).await.0, StatusCode::OK, "{content_type}");
        assert!(bomb.len() < 2000);
        LARGEST.store(0, Ordering::Relaxed);
        let (status, body) = ask(content_type, bomb).await;
        let largest = LARGEST.load(Ordering::Relaxed);
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, said["code"].as_str()), (StatusCode::BAD_REQUEST, Some("bad-image")), "{said}");
        assert!(said["error"].as_str().unwrap().contains("pixels"), "{said}");
        assert!(largest > 0 && largest < 1 << 20, "{content_type}: a block of {largest} bytes");
    }
}
