//! Messages: what is written is read back, and what is not a message is refused without harm.

use headwater::ErrorKind;
use headwater::codec::{self, Codec};
use headwater::tensor::Tensor;
use headwater::wire::{
    Encoded, ErrorBody, InferRequest, InferResponse, Input, Limits, NamedTensor, RequestParameters, ServerReport,
    Upload, WantedOutput,
};
use proptest::prelude::*;

fn tensor(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::new(shape.to_vec(), (0..count).map(|index| index as f32 - 3.0).collect()).unwrap()
}

fn named(name: &str, codec: Codec, tensor: &Tensor) -> NamedTensor<'static> {
    let coded = codec::encode(codec, tensor).unwrap();
    let bytes = coded.bytes.into_owned().into();
    let coded = codec::Coded { codec, shape: coded.shape, bytes, scales: coded.scales };
    NamedTensor { name: name.to_owned(), coded, binary: true }
}

fn request() -> InferRequest<'static> {
    let wanted = |name: &str, codec| WantedOutput { name: name.to_owned(), codec, binary: true };
    InferRequest {
        parameters: RequestParameters {
            split: Some("U3".to_owned()),
            model_sha256: Some("ab".repeat(32)),
            size: Some([16, 8]),
        },
        input: Input::Tensors(vec![
            named("a", Codec::F32, &tensor(&[1, 2, 2, 3])),
            named("b", Codec::Int8, &tensor(&[1, 3, 2, 1])),
            named("c", Codec::F16, &tensor(&[1, 1, 1, 5])),
        ]),
        outputs: vec![wanted("d", Codec::Int8), wanted("e", Codec::F32), wanted("f", Codec::Alpha8)],
    }
}

fn response() -> InferResponse<'static> {
    InferResponse {
        model_name: "mini".to_owned(),
        report: ServerReport { server_millis: 12.5, queue_millis: 0.0, executor: "cpu".to_owned() },
        outputs: vec![
            named("d", Codec::Int8, &tensor(&[1, 2, 2, 2])),
            NamedTensor { binary: false, ..named("e", Codec::F32, &tensor(&[1, 1, 2, 2])) },
            named("f", Codec::Alpha8, &tensor(&[1, 1, 3, 2])),
        ],
    }
}

#[test]
fn a_request_reads_back() {
    let Encoded { json_bytes, body } = request().encode().unwrap();
    assert_eq!(InferRequest::decode(Some(json_bytes), &body, &Limits::default()).unwrap(), request());
}

#[test]
fn a_response_reads_back() {
    let Encoded { json_bytes, body } = response().encode().unwrap();
    assert_eq!(InferResponse::decode(Some(json_bytes), &body, &Limits::default()).unwrap(), response());
}

#[test]
fn a_picture_reads_back() {
    let upload = Upload { content_type: "image/png".to_owned(), bytes: vec![1, 2, 3].into() };
    let request =
        InferRequest { parameters: RequestParameters::default(), input: Input::Picture(upload), outputs: vec![] };
    let Encoded { json_bytes, body } = request.encode().unwrap();
    assert_eq!(body[json_bytes..], [3, 0, 0, 0, 1, 2, 3], "a length in 4 bytes, then the file");
    assert_eq!(InferRequest::decode(Some(json_bytes), &body, &Limits::default()).unwrap(), request);
}

#[test]
fn a_request_is_spelt_as_the_protocol_says() {
    let Encoded { json_bytes, body } = request().encode().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&body[..json_bytes]).unwrap();
    let expected = serde_json::json!({
        "parameters": { "split": "U3", "model_sha256": "ab".repeat(32), "size": "16x8", "binary_data_output": true },
        "inputs": [
            { "name": "a", "datatype": "FP32", "shape": [1, 2, 2, 3], "parameters": { "binary_data_size": 48 } },
            { "name": "b", "datatype": "INT8", "shape": [1, 3, 2, 1],
              "parameters": { "binary_data_size": 6, "codec": "int8" } },
            { "name": "b.scales", "datatype": "FP32", "shape": [3], "parameters": { "binary_data_size": 12 } },
            { "name": "c", "datatype": "FP16", "shape": [1, 1, 1, 5], "parameters": { "binary_data_size": 10 } },
        ],
        "outputs": [
            { "name": "d", "parameters": { "codec": "int8", "binary_data": true } },
            { "name": "e", "parameters": { "binary_data": true } },
            { "name": "f", "parameters": { "codec": "alpha8", "binary_data": true } },
        ],
    });
    assert_eq!(json, expected);
    assert_eq!(body.len() - json_bytes, 48 + 6 + 12 + 10);
}

#[test]
fn a_mask_is_spelt_as_bytes() {
    let Encoded { json_bytes, body } = response().encode().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&body[..json_bytes]).unwrap();
    let mask = serde_json::json!({ "name": "f", "datatype": "UINT8", "shape": [1, 1, 3, 2],
        "parameters": { "binary_data_size": 6, "codec": "alpha8" } });
    // The two tensors before it take three headers, one of them for scales.
    assert_eq!(json["outputs"][3], mask);
    assert_eq!(body[body.len() - 6..], [0, 0, 0, 0, 255, 255], "-3 to 2, brought inside");
}

#[test]
fn numbers_in_json_may_be_nested() {
    let json =
        br#"{"inputs": [{"name": "a", "datatype": "FP32", "shape": [1, 2, 2], "data": [[[1, 2.5], [-3, 4e0]]]}]}"#;
    let request = InferRequest::decode(None, json, &Limits::default()).unwrap();
    let Input::Tensors(tensors) = request.input else { panic!("expected tensors") };
    let decoded = codec::decode(&tensors[0].coded, &[1, 2, 2]).unwrap();
    assert_eq!(decoded.data(), [1.0, 2.5, -3.0, 4.0]);
}

/// What is refused, and with a word on why.
#[test]
fn contradictions_are_refused() {
    let a = r#""name": "a", "datatype": "FP32", "shape": [1, 2]"#;
    for (inputs, reason) in [
        (String::new(), "at least one input"),
        (format!("{{{a}}}"), "neither"),
        (format!(r#"{{{a}, "data": [1, 2], "parameters": {{"binary_data_size": 8}}}}"#), "both"),
        (format!(r#"{{{a}, "data": [1]}}"#), "expected 2 numbers, found 1"),
        (format!(r#"{{{a}, "data": [1, 2, 3]}}"#), "more than 2 numbers"),
        (format!(r#"{{"name": "{}", "datatype": "FP32", "shape": [1]}}"#, "a".repeat(900_000)), "at most 1024"),
        (format!(r#"{{"name": "a", "datatype": "FP32", "shape": [{}1]}}"#, "1,".repeat(100_000)), "more than 8"),
        (format!(r#"{{"name": "a", "datatype": "{}", "shape": [1]}}"#, "F".repeat(900_000)), "unknown variant"),
        (format!(r#"{{{a}, "data": ["1", "2"]}}"#), "numbers"),
        (format!(r#"{{{a}, "data": [1, 1e300]}}"#), "range of f32"),
        (format!(r#"{{{a}, "parameters": {{"binary_data_size": -8}}}}"#), "no length"),
        (format!(r#"{{{a}, "data": [1, 2]}}, {{{a}, "data": [1, 2]}}"#), "two tensors"),
        (r#"{"name": "a", "datatype": "FP16", "shape": [2], "data": [1, 2]}"#.to_owned(), "no JSON form"),
        (r#"{"name": "a", "datatype": "FP64", "shape": [2], "data": [1, 2]}"#.to_owned(), "unknown variant"),
        (r#"{"name": "a", "datatype": "FP32", "shape": [0], "data": []}"#.to_owned(), "1 to"),
        (
            r#"{"name": "a", "datatype": "INT8", "shape": [1, 2], "parameters": {"binary_data_size": 2}}"#.to_owned(),
            "no codec",
        ),
        (
            r#"{"name": "a", "datatype": "UINT8", "shape": [1, 2], "parameters": {"binary_data_size": 2}}"#.to_owned(),
            "no codec",
        ),
        (
            r#"{"name": "a", "datatype": "UINT8", "shape": [1, 2],
                "parameters": {"binary_data_size": 3, "codec": "alpha8"}}"#
                .to_owned(),
            "expected 2 bytes, found 3",
        ),
        (
            r#"{"name": "a", "datatype": "INT8", "shape": [1, 2],
                "parameters": {"binary_data_size": 2, "codec": "int8"}}"#
                .to_owned(),
            "missing",
        ),
        (
            r#"{"name": "a", "datatype": "FP32", "shape": [4294967296, 4294967296],
                "parameters": {"binary_data_size": 0}}"#
                .to_owned(),
            "values",
        ),
        (
            r#"{"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 99999999999}}"#
                .to_owned(),
            "at most",
        ),
    ] {
        let json = format!(r#"{{"inputs": [{inputs}]}}"#);
        let error = InferRequest::decode(None, json.as_bytes(), &Limits::default()).expect_err(&json);
        assert!(matches!(error.kind(), ErrorKind::BadMessage | ErrorKind::BadShape), "{error:?}");
        let said = ErrorBody::new(&error).error;
        assert!(said.contains(reason) && said.len() < 2000, "expected {reason:?} in {said:.2000}");
    }
}

/// What other servers may answer, and what is no answer.
#[test]
fn answers_in_json_are_read_or_refused() {
    let answer = |outputs: &str| format!(r#"{{"model_name":"m","id":"7","outputs":[{outputs}]}}"#);
    let a = r#""name":"a","datatype":"FP32","shape":[1,2]"#;
    let json = answer(&format!(r#"{{{a},"data":[[1,2.5]],"parameters":{{"other":[1]}}}}"#));
    let response = InferResponse::decode(None, json.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(response.outputs[0].coded.bytes, [1f32, 2.5].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    assert_eq!((response.model_name.as_str(), response.outputs[0].binary), ("m", false));
    for (outputs, reason) in [
        (format!(r#"{{{a},"data":[1]}}"#), "expected 2 numbers, found 1"),
        (format!(r#"{{{a},"data":[1,"2"]}}"#), "range of f32"),
        (format!(r#"{{{a},"data":[1,1e300]}}"#), "range of f32"),
        (format!(r#"{{{a}}}"#), "neither"),
        (format!(r#"{{{a},"parameters":7,"data":[1,2]}}"#), "an object"),
        (r#"{"name":"a","shape":[1]}"#.to_owned(), "without name"),
        (r#"{"name":"a","datatype":"FP64","shape":[1],"data":[1]}"#.to_owned(), "FP64"),
        (r#"{"name":"a","datatype":"FP32","shape":[-1],"data":[1]}"#.to_owned(), "shape"),
        (r#"{"name":"a","datatype":"FP32","shape":[0],"data":[]}"#.to_owned(), "1 to"),
        ("7".to_owned(), "without name"),
    ] {
        let json = answer(&outputs);
        let error = InferResponse::decode(None, json.as_bytes(), &Limits::default()).expect_err(&outputs);
        assert!(error.to_string().contains(reason), "{outputs}: expected {reason:?} in {error}");
    }
    for json in [&b"7"[..], b"{}", b"{\"outputs\":{}}", b"[]", b""] {
        assert!(InferResponse::decode(None, json, &Limits::default()).is_err());
    }
}

#[test]
fn bytes_must_be_as_many_as_announced() {
    let Encoded { json_bytes, body } = request().encode().unwrap();
    let mut longer = body.clone();
    longer.push(0);
    for wrong in [&body[..body.len() - 1], &longer, &body[..json_bytes]] {
        let error = InferRequest::decode(Some(json_bytes), wrong, &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadMessage);
    }
    for length in [json_bytes - 1, json_bytes + 1, body.len() + 1, usize::MAX] {
        assert!(InferRequest::decode(Some(length), &body, &Limits::default()).is_err(), "{length}");
    }
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = format!(
        r#"{{"inputs": [{{"name": "a", "datatype": "FP32", "shape": [1], "data": {}1{}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(InferRequest::decode(None, deep.as_bytes(), &Limits::default()).is_err());
}

/// One change to a message: a byte, a piece cut out, a piece said twice, or a number made huge.
fn spoil(body: &mut Vec<u8>, kind: u8, at: usize, value: u8) {
    if body.is_empty() {
        return;
    }
    let at = at % body.len();
    let end = (at + usize::from(value) + 1).min(body.len());
    match kind % 4 {
        0 => body[at] = value,
        1 => drop(body.drain(at..end)),
        2 => {
            let piece = body[at..end].to_vec();
            body.splice(at..at, piece);
        }
        _ => {
            if let Some(digit) = (at..body.len()).find(|&index| body[index].is_ascii_digit()) {
                body.splice(digit..digit, b"99999999".iter().copied().take(usize::from(value % 9)));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn spoilt_messages_are_read_or_refused_without_panic(
        changes in proptest::collection::vec((any::<u8>(), any::<usize>(), any::<u8>()), 1..4),
        shift in prop_oneof![2 => Just(0isize), 1 => -8isize..8],
        answer in any::<bool>(),
    ) {
        let Encoded { json_bytes, mut body } =
            if answer { response().encode() } else { request().encode() }.unwrap();
        for (kind, at, value) in changes {
            spoil(&mut body, kind, at, value);
        }
        let length = Some(json_bytes.saturating_add_signed(shift));
        let limits = Limits::default();
        // What is accepted must be whole: each tensor has the bytes of its shape.
        let tensors = if answer {
            InferResponse::decode(length, &body, &limits).map(|response| response.outputs)
        } else {
            InferRequest::decode(length, &body, &limits).map(|request| match request.input {
                Input::Tensors(tensors) => tensors,
                Input::Picture(_) => Vec::new(),
            })
        };
        for tensor in tensors.unwrap_or_default() {
            let expected = tensor.coded.codec.byte_count(&tensor.coded.shape).unwrap();
            prop_assert_eq!(tensor.coded.bytes.len(), expected);
        }
    }
}
