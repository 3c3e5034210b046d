//! The small routes, plain clients, and browsers of other origins.

use super::*;

#[tokio::test]
async fn a_plain_client_may_speak_json_alone() {
    let (state, _) = server(cpu(), ServerConfig::default());
    let data = vec![0.5; 4 * 8 * 8];
    let request = serde_json::json!({
        "parameters": { "size": "16x16" },
        "inputs": [{ "name": "up", "datatype": "FP32", "shape": [1, 4, 8, 8], "data": data }],
        "outputs": [{ "name": "down" }],
    });
    let request = Request::post("/v2/models/mini/versions/1/infer").body(HttpBody::from(request.to_string())).unwrap();
    let answer = app(state).oneshot(request).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    let answer = json(answer).await;
    assert_eq!(answer["outputs"][0]["shape"], serde_json::json!([1, 4, 8, 8]));
    assert_eq!(answer["outputs"][0]["data"].as_array().unwrap().len(), 4 * 8 * 8);
}

#[tokio::test]
async fn the_small_routes_answer() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    state.warm_up().unwrap();
    let get = async |path: &str| {
        app(state.clone()).oneshot(Request::get(path).body(HttpBody::empty()).unwrap()).await.unwrap()
    };
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/mini/ready", "/v2/models/mini/versions/1/ready"] {
        assert_eq!(get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(json(get("/v2").await).await["extensions"][0], "binary_tensor_data");
    let model = json(get("/v2/models/mini").await).await;
    assert_eq!(
        model["inputs"][0],
        serde_json::json!({ "name": "picture", "datatype": "FP32", "shape": [1, 3, 32, 32] })
    );
    assert_eq!(model["parameters"]["model_sha256"], sha256.as_str());
    for path in ["/v2/models/maxi", "/v2/models/mini/versions/2", "/v2/models/maxi/ready", "/index.html"] {
        let answer = get(path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(json(answer).await["error"].is_string(), "{path}");
    }
    let answer = get("/v2/models/mini/infer").await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
    assert_eq!(json(answer).await["code"], "bad-message");
    for path in ["/v2/models/%ff/infer", "/v2/models/%ff", "/v2/models/mini/versions/%c3%28/ready"] {
        let method = if path.ends_with("infer") { "POST" } else { "GET" };
        let request = Request::builder().method(method).uri(path).body(HttpBody::empty()).unwrap();
        let answer = app(state.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
        assert!(json(answer).await["error"].is_string(), "{path}");
    }

    assert_eq!(app(state.clone()).oneshot(post(body_request(&sha256))).await.unwrap().status(), StatusCode::OK);
    assert_eq!(app(state.clone()).oneshot(post(body_request("no"))).await.unwrap().status(), StatusCode::CONFLICT);
    let metrics = get("/metrics").await.into_body().collect().await.unwrap().to_bytes();
    let metrics = std::str::from_utf8(&metrics).unwrap();
    for line in [
        "headwater_inferences_total{status=\"2xx\"} 1",
        // With the one whose path was not text.
        "headwater_inferences_total{status=\"4xx\"} 2",
        "headwater_server_seconds_count 1",
        "headwater_requests_in_progress 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn browsers_of_any_origin_may_ask() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    // The protocol's, those of ranges, and a token in front of whatever a proxy calls it.
    let asked = [
        "inference-header-content-length",
        "content-type",
        "content-encoding",
        "range",
        "if-range",
        "if-none-match",
        "authorization",
        "x-api-key",
    ];
    let preflight = Request::options("/v2/models/mini/infer")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", asked.join(","))
        .body(HttpBody::empty())
        .unwrap();
    let answer = app(state.clone()).oneshot(preflight).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    for header in asked {
        assert!(allowed.split(',').any(|allowed| allowed.trim() == header), "{header} is not in {allowed}");
    }
    let mut request = post(body_request(&sha256));
    request.headers_mut().insert("origin", "https://app.example.com".parse().unwrap());
    let answer = app(state).oneshot(request).await.unwrap();
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    for header in
        ["inference-header-content-length", "retry-after", "accept-ranges", "content-length", "content-range", "etag"]
    {
        assert!(exposed.split(',').any(|exposed| exposed.trim() == header), "{header} is not in {exposed}");
    }
}
