//! Masks that travel as bytes of alpha, compressed or not.

use super::*;

#[test]
fn a_mask_in_bytes_is_the_mask_to_half_a_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    let wanted: &[(&str, &[usize])] = &[("mask", &[1, 1, 32, 32])];
    let png = small_png();
    for postprocess in [Postprocess::Alpha, Postprocess::Logit] {
        let (graph, weights) = mini::unet();
        let manifest = mini::write_net_as(&path, &graph, &weights, Vec::new(), postprocess);
        let state = ServerState::new(&path, cpu(), ServerConfig::default()).unwrap();
        let remote = remote(state, manifest.sha256);
        let run = |codec| {
            let upload = Upload { content_type: "image/png".to_owned(), bytes: png.as_slice().into() };
            let (mask, timings) = pollster::block_on(remote.infer_image([32, 32], upload, wanted, codec)).unwrap();
            (mask.into_iter().next().unwrap(), timings)
        };
        let (exact, large) = run(Codec::F32);
        let exact = Mask::from_output(&exact, postprocess).unwrap();
        let (bytes, small) = run(Codec::Alpha8);
        let mut levels = std::collections::BTreeSet::new();
        for (&exact, &level) in exact.alpha().iter().zip(bytes.data()) {
            assert!((exact - level).abs() <= 0.5 / 255.0 + f32::EPSILON, "{postprocess:?}: {exact} became {level}");
            levels.insert((level * 255.0).round() as u8);
        }
        assert!(levels.len() > 4, "a mask of {levels:?} proves nothing");
        assert!(small.down_bytes * 2 < large.down_bytes, "{} and {} bytes", small.down_bytes, large.down_bytes);
    }
}

#[tokio::test]
async fn masks_are_compressed_for_whom_understands_it() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let ask = async |codec, accepted: Option<&str>| {
        let upload = Upload { content_type: "image/png".to_owned(), bytes: small_png().into() };
        let request = InferRequest {
            parameters: RequestParameters { model_sha256: Some(sha256.clone()), ..RequestParameters::default() },
            input: Input::Picture(upload),
            outputs: vec![WantedOutput { name: "mask".to_owned(), codec, binary: true }],
        };
        let mut request = post(request.encode().unwrap());
        if let Some(accepted) = accepted {
            request.headers_mut().insert("accept-encoding", accepted.parse().unwrap());
        }
        let answer = app(state.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let (parts, body) = answer.into_parts();
        (parts.headers, body.collect().await.unwrap().to_bytes())
    };
    let (headers, packed) = ask(Codec::Alpha8, Some("gzip, deflate, br")).await;
    assert_eq!(
        (&headers["content-encoding"], &headers["content-length"]),
        (&"gzip".parse().unwrap(), &packed.len().to_string().parse().unwrap())
    );
    assert!(headers.get_all("vary").iter().any(|value| value == "accept-encoding"), "{headers:?}");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    let json = headers[HEADER_LENGTH].to_str().unwrap().parse().unwrap();
    let answer = InferResponse::decode(Some(json), &unpacked, &Limits::default()).unwrap();
    assert_eq!(answer.outputs[0].coded.codec, Codec::Alpha8);
    assert_eq!(answer.outputs[0].coded.bytes.len(), 32 * 32);

    for (codec, accepted) in
        [(Codec::Alpha8, None), (Codec::Alpha8, Some("gzip;q=0, br")), (Codec::F16, Some("gzip")), (Codec::F32, None)]
    {
        let (headers, body) = ask(codec, accepted).await;
        assert!(!headers.contains_key("content-encoding"), "{codec} {accepted:?}");
        let answer = InferResponse::decode(Some(json_length(&headers)), &body, &Limits::default()).unwrap();
        assert_eq!(answer.outputs[0].coded.codec, codec);
    }
}

#[test]
fn bytes_of_alpha_are_for_the_mask_alone() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let remote = remote(state, sha256);
    let up = Lcg(7).tensor(&[1, 4, 16, 16]);
    let (given, wanted): (&[_], &[(&str, &[usize])]) = (&[("up", &up)], &[("down", &[1, 4, 16, 16])]);
    let answer = remote.infer("U1", [32, 32], given, Codec::F32, wanted, Codec::Alpha8);
    let error = pollster::block_on(answer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadArgument, "{error}");
    assert!(error.to_string().contains("down"), "{error}");
}
