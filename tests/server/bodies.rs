//! What a posted body gives: at any size, from tensors and from pictures, and refused with its reason.

use super::*;

#[test]
fn a_body_far_away_gives_what_it_gives_here() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    state.warm_up().unwrap();
    let remote = remote(state, sha256);
    let picture = Lcg(3).tensor(&[1, 3, 32, 32]);
    let infer = |inputs: &[(&str, &Tensor)], codec, outputs: &[(&str, &[usize])], back| {
        pollster::block_on(remote.infer("test", [32, 32], inputs, codec, outputs, back)).unwrap()
    };
    let (whole, _) = infer(&[("picture", &picture)], Codec::F32, &[("mask", &[1, 1, 32, 32])], Codec::F32);
    let head_outputs: &[(&str, &[usize])] = &[("up", &[1, 4, 16, 16]), ("skip", &[1, 4, 32, 32])];
    let (head, _) = infer(&[("picture", &picture)], Codec::F32, head_outputs, Codec::F32);
    let down_shape: &[usize] = &[1, 4, 16, 16];
    for (codec, allowed) in [(Codec::F32, 0.0), (Codec::F16, 0.002), (Codec::Int8, 0.03)] {
        let (down, timings) = infer(&[("up", &head[0])], codec, &[("down", down_shape)], codec);
        let given: &[(&str, &Tensor)] = &[("skip", &head[1]), ("down", &down[0])];
        let (mask, _) = infer(given, Codec::F32, &[("mask", &[1, 1, 32, 32])], Codec::F32);
        let differences = mask[0].data().iter().zip(whole[0].data()).map(|(a, b)| (a - b).abs());
        let worst = differences.fold(0.0, f32::max);
        assert!(worst <= allowed, "{codec}: the mask is {worst} off");
        assert!(codec == Codec::F32 || worst > 0.0, "{codec} cannot be this exact");
        let values = codec.byte_count(down_shape).unwrap();
        assert!((values..values + 600).contains(&timings.up_bytes), "{codec}: {} bytes up", timings.up_bytes);
        assert!((values..values + 600).contains(&timings.down_bytes), "{codec}: {} bytes down", timings.down_bytes);
        assert_eq!(timings.executor, "cpu");
        assert!(timings.server_millis > 0.0 && timings.network_millis >= 0.0, "{timings:?}");
    }
}

#[test]
fn a_posted_picture_is_decoded_resized_and_run() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let remote = remote(state, sha256);
    let picture = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([(x * 8) as u8, (y * 8) as u8, 200]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let upload =
        |content_type: &str| Upload { content_type: content_type.to_owned(), bytes: png.get_ref().as_slice().into() };
    let wanted: &[(&str, &[usize])] = &[("mask", &[1, 1, 32, 32])];
    let run = |upload| pollster::block_on(remote.infer_image([32, 32], upload, wanted, Codec::F32));
    let (mask, _) = run(upload("image/png")).unwrap();

    let plane = |channel: usize| picture.pixels().map(move |pixel| (f32::from(pixel.0[channel]) - 128.0) / 256.0);
    let input = Tensor::new(vec![1, 3, 32, 32], (0..3).flat_map(plane).collect()).unwrap();
    let given: &[(&str, &Tensor)] = &[("picture", &input)];
    let whole = remote.infer("remote", [32, 32], given, Codec::F32, wanted, Codec::F32);
    assert_eq!(mask, pollster::block_on(whole).unwrap().0);

    for wrong in [upload("image/jpeg"), upload("text/html"), Upload { bytes: vec![].into(), ..upload("image/png") }] {
        assert_eq!(run(wrong).unwrap_err().kind(), ErrorKind::BadImage);
    }
    let small: &[(&str, &[usize])] = &[("mask", &[1, 1, 16, 24])];
    let (mask, _) = pollster::block_on(remote.infer_image([24, 16], upload("image/png"), small, Codec::F16)).unwrap();
    assert_eq!(mask[0].shape(), [1, 1, 16, 24]);
}

/// Bodies are run from the middle of one loaded net, at its own size and at others. At odd sizes a pool ends
/// in the middle of a window and is written differently: those need the net a second time.
#[test]
fn a_body_runs_at_any_size() {
    let mut net = mini::Builder::new("picture", &[1, 3, 32, 32]);
    net.conv_relu("wide", "picture", 4).op("half", mini::halve(), &["wide"], &[]).conv_relu("deep", "half", 4);
    net.op("mask", mini::conv3(), &["deep"], &[&[1, 4, 3, 3], &[1]]);
    let (graph, weights) = net.finish(&["mask"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    let manifest = mini::write_net(&path, &graph, &weights, Vec::new());
    let config = ServerConfig { max_pixels: Some(64 * 64), ..ServerConfig::default() };
    let remote = remote(ServerState::new(&path, cpu(), config).unwrap(), manifest.sha256);
    for size in [[32, 32], [64, 48], [31, 32], [29, 31], [32, 32]] {
        let sized = graph.with_input_size(size[1], size[0]).unwrap();
        let id = |name: &str| sized.tensor(name).unwrap();
        let shape = |name: &str| sized.tensors[id(name)].shape.clone();
        let wide = Lcg(size[0] as u64).tensor(&shape("wide"));
        let (deep, half) = (shape("deep"), shape("half"));
        let wanted: &[(&str, &[usize])] = &[("deep", &deep), ("half", &half)];
        let given: &[(&str, &Tensor)] = &[("wide", &wide)];
        let answer = remote.infer("test", size, given, Codec::F32, wanted, Codec::F32);
        let (found, _) = pollster::block_on(answer).unwrap();
        let body = sized.extract(&[id("wide")], &[id("deep"), id("half")]).unwrap();
        let expected = headwater::reference::run(&body, &weights, &[wide]).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            let apart = found.data().iter().zip(expected.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-5, "{size:?}: {apart} off");
        }
    }
}

#[test]
fn requests_that_do_not_fit_the_model_are_refused_with_their_reason() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let ours = remote(state.clone(), sha256);
    let up = Lcg(7).tensor(&[1, 4, 16, 16]);
    let ask = |split: &str, size: [usize; 2], input: &str, output: &str| {
        let (given, wanted): (&[_], &[(&str, &[usize])]) = (&[(input, &up)], &[(output, &[1, 4, 16, 16])]);
        let answer = pollster::block_on(ours.infer(split, size, given, Codec::F32, wanted, Codec::F32));
        answer.map_or_else(|error| error.kind().code(), |_| "fine")
    };
    assert_eq!(ask("mine", [32, 32], "up", "down"), "fine");
    assert_eq!(ask("U1", [32, 32], "up", "down"), "fine");
    assert_eq!(ask("U2", [32, 32], "up", "down"), "mismatch", "U2 has other tensors");
    assert_eq!(ask("mine", [32, 32], "upp", "down"), "unknown-split", "no such tensor");
    assert_eq!(ask("mine", [32, 32], "up", "mask"), "unknown-split", "the mask also needs the skip");
    assert_eq!(ask("mine", [32, 32], "up", "up"), "unknown-split", "nothing lies between");
    assert_eq!(ask("mine", [32, 32], "skip", "down"), "bad-shape", "skip is larger");
    assert_eq!(ask("mine", [16, 16], "up", "down"), "bad-shape", "up is smaller at that size");
    assert_eq!(ask("mine", [1024, 1024], "up", "down"), "bad-argument", "too many pixels");
    let stranger = remote(state, "00".repeat(32));
    let given: &[(&str, &Tensor)] = &[("up", &up)];
    let answer = stranger.infer("U1", [32, 32], given, Codec::F32, &[("down", &[1, 4, 16, 16])], Codec::F32);
    assert_eq!(pollster::block_on(answer).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(pollster::block_on(stranger.describe()).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(pollster::block_on(ours.describe()).unwrap().parameters["splits"], "U1,U2");
}

/// Tensors that the body does not need would only take memory.
#[tokio::test]
async fn inputs_that_nothing_needs_are_refused() {
    let (state, _) = server(cpu(), ServerConfig::default());
    let ask = async |inputs: &[(&str, [usize; 4])], outputs: &[&str]| {
        let inputs = inputs.iter().map(|(name, shape)| {
            let data = vec![0.5; shape.iter().product()];
            serde_json::json!({ "name": name, "datatype": "FP32", "shape": shape, "data": data })
        });
        let outputs = outputs.iter().map(|name| serde_json::json!({ "name": name }));
        let request = serde_json::json!({
            "inputs": inputs.collect::<Vec<_>>(), "outputs": outputs.collect::<Vec<_>>()
        });
        let request = Request::post("/v2/models/mini/infer").body(HttpBody::from(request.to_string())).unwrap();
        let answer = app(state.clone()).oneshot(request).await.unwrap();
        (answer.status().as_u16(), json(answer).await)
    };
    let (up, skip, picture) = (("up", [1, 4, 16, 16]), ("skip", [1, 4, 32, 32]), ("picture", [1, 3, 32, 32]));
    assert_eq!(ask(&[up], &["down"]).await.0, 200);
    assert_eq!(ask(&[up, skip], &["down", "mask"]).await.0, 200);
    for (inputs, outputs, reason) in [
        (&[up, skip][..], &["down"][..], "needs it"),
        (&[picture, up], &["down"], "needs it"),
        (&[up, up], &["down"], "two tensors"),
        (&[up], &["down", "down"], "asked for twice"),
        (&[up], &["up"], "both given and asked for"),
    ] {
        let (status, said) = ask(inputs, outputs).await;
        assert_eq!(status, 400, "{said}");
        assert!(said["error"].as_str().unwrap().contains(reason), "{said}");
    }
}

/// What int8 cannot say is the request's fault, which could have asked for another form.
#[tokio::test]
async fn an_output_that_overflows_int8_is_the_requests_fault() {
    let (state, _) = server(cpu(), ServerConfig::default());
    let coded = |value: f32| {
        let up = Tensor::new(vec![1, 4, 16, 16], vec![value; 1024]).unwrap();
        let bytes = codec::encode(Codec::F32, &up).unwrap().bytes.into_owned().into();
        codec::Coded { codec: Codec::F32, shape: vec![1, 4, 16, 16], bytes, scales: vec![] }
    };
    for (value, expected) in [(1.0, 200), (f32::MAX, 400)] {
        let request = InferRequest {
            parameters: RequestParameters::default(),
            input: Input::Tensors(vec![NamedTensor { name: "up".to_owned(), coded: coded(value), binary: true }]),
            outputs: vec![WantedOutput { name: "middle.conv".to_owned(), codec: Codec::Int8, binary: true }],
        };
        let answer = app(state.clone()).oneshot(post(request.encode().unwrap())).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected);
        if expected == 400 {
            let said = json(answer).await;
            assert!(said["error"].as_str().unwrap().contains("middle.conv"), "{said}");
        }
    }
}

/// What comes of NaN in a request is no failure of the server.
#[tokio::test]
async fn a_mask_of_nan_inputs_is_the_requests_fault() {
    let (state, _) = server(cpu(), ServerConfig::default());
    for (value, expected) in [(1.0, 200), (f32::NAN, 400)] {
        let bytes: Vec<u8> = [value; 1024].iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
        let coded = codec::Coded { codec: Codec::F32, shape: vec![1, 1, 32, 32], bytes: bytes.into(), scales: vec![] };
        let request = InferRequest {
            parameters: RequestParameters::default(),
            input: Input::Tensors(vec![NamedTensor { name: "logits".to_owned(), coded, binary: true }]),
            outputs: vec![WantedOutput { name: "mask".to_owned(), codec: Codec::Alpha8, binary: true }],
        };
        let answer = app(state.clone()).oneshot(post(request.encode().unwrap())).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected);
        if expected == 400 {
            let said = json(answer).await;
            assert!(said["error"].as_str().unwrap().contains("NaN"), "{said}");
        }
    }
}

/// However much of a request is wrong, the answer says it briefly.
#[tokio::test]
async fn errors_repeat_little_of_what_was_sent() {
    let (state, _) = server(cpu(), ServerConfig::default());
    let long = "x".repeat(900_000);
    let tensor = |name: &str, shape: &str, rest: &str| {
        format!(r#"{{"inputs":[{{"name":"{name}","datatype":"FP32","shape":{shape}{rest}}}]}}"#)
    };
    let data = r#","data":[1]"#;
    let medium = "y".repeat(1000);
    let bodies = [
        tensor(&long, "[1]", data),
        tensor(&medium, "[1]", data),
        tensor("up", &format!("[{}1]", "1,".repeat(1_000_000)), data),
        tensor("up", "[1]", &format!(r#","data":["{long}"]"#)),
        tensor("up", "[1]", &format!(r#","parameters":{{"binary_data_size":"{medium}"}}"#)),
        tensor("up", "[1]", &format!(r#","parameters":{{"codec":"{medium}"}},"data":[1]"#)),
        format!(r#"{{"inputs":[],"parameters":{{"size":"{medium}"}}}}"#),
        format!(r#"{{"inputs":"{long}"}}"#),
        format!(r#"{{"inputs":[{{"name":"up","datatype":"{long}","shape":[1],"data":[1]}}]}}"#),
        format!(r#"{{"{long}":1}}"#),
        tensor("up", "[1]", data).replace("]}]}", &format!(r#"]}}],"outputs":[{{"name":"{medium}"}}]}}"#)),
        tensor("up", "[1]", data).replace("]}]}", &format!(r#"]}}],"parameters":{{"model_sha256":"{medium}"}}}}"#)),
    ];
    for body in bodies {
        let request = Request::post("/v2/models/mini/infer").body(HttpBody::from(body.clone())).unwrap();
        let answer = app(state.clone()).oneshot(request).await.unwrap();
        assert!(answer.status().is_client_error(), "{:.200}", body);
        let said = json(answer).await.to_string();
        assert!(said.len() < 1500, "{} bytes about {:.200}", said.len(), body);
    }
    let long_path = format!("/v2/models/{}/infer", "m".repeat(5000));
    let request = Request::post(long_path).header(HEADER_LENGTH, "9".repeat(5000)).body(HttpBody::empty()).unwrap();
    let answer = app(state).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(json(answer).await.to_string().len() < 500);
}
