//! Requests in a few bytes that ask for much, and large ones that need not be.

use super::net::{TENSOR_BYTES, pixel, request, wide};
use super::{REQUEST_BYTES, Served};
use headwater::codec::Codec;
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn outputs_are_bounded_in_bytes_in_every_form() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &[]);
    let picture = pixel();
    let ask = |outputs: &[&str], codec, binary| {
        let request = request(&picture, "image/png", outputs, codec, binary);
        served.peak(|| served.post(&request))
    };
    ask(&["mask"], Codec::F32, true);
    let (usual, (status, body)) = ask(&["mask"], Codec::F32, true);
    assert_eq!(status, 200, "{body:.500}");
    let all = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"];
    for (outputs, codec, binary, expected) in [
        (&all[..], Codec::F32, true, 413),
        (&all[..4], Codec::F32, true, 413),
        (&all[..3], Codec::F32, true, 200),
        (&all[..3], Codec::F16, true, 413),
        (&all[..2], Codec::F16, true, 200),
        (&all[..2], Codec::Int8, true, 200),
        (&all[..1], Codec::F32, false, 413),
        (&["mask"], Codec::F32, false, 200),
        (&["mask"], Codec::Alpha8, true, 200),
    ] {
        let (peak, (status, body)) = ask(outputs, codec, binary);
        let what = format!("{} outputs as {codec}, binary: {binary}", outputs.len());
        assert_eq!(status, expected, "{what}: {body:.500}");
        let more = peak.saturating_sub(usual);
        eprintln!("{what}: {status}, {} MB more than the mask alone", more / 1_000_000);
        let most = if expected == 200 { REQUEST_BYTES } else { 16 << 20 };
        assert!(more <= most, "{what}: {more} bytes");
        served.assert_well(&what);
    }
    let (_, said) = ask(&all, Codec::F32, true).1;
    assert!(said.contains(&(10 * TENSOR_BYTES / 1_000_000).to_string()[..2]) && said.contains("at most"), "{said}");
}

#[test]
fn large_json_is_read_without_holding_anybody_up() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &[]);
    let zeros = "0,".repeat(32 << 20);
    let bombs = [
        format!(r#"{{"parameters":{{"a":[{}0]}},"inputs":[]}}"#, &zeros[..60 << 20]),
        format!(r#"{{"parameters":{{"a":[{}{{}}]}},"inputs":[]}}"#, "{},".repeat(20 << 20)),
        format!(r#"{{"inputs":[{{"name":"picture","datatype":"FP32","shape":[{}1],"data":[]}}]}}"#, &zeros[..60 << 20]),
        format!(
            r#"{{"inputs":[{{"name":"picture","datatype":"FP32","shape":[1,3,1024,1024],"data":[{}0]}}]}}"#,
            &zeros[..60 << 20]
        ),
        "[".repeat(60 << 20),
        format!(r#"{{"inputs":[{}{{}}]}}"#, "{},".repeat(20 << 20)),
        format!(r#"{{"inputs":[{{"name":"{}"}}]}}"#, "\\u0041".repeat(10 << 20)),
    ];
    let before = served.peak(|| ()).0;
    for (index, bomb) in bombs.iter().enumerate() {
        let (peak, worst) = served.peak(|| {
            std::thread::scope(|scope| {
                let sending: Vec<_> = (0..3).map(|_| scope.spawn(|| served.send(bomb.as_bytes(), None))).collect();
                let mut worst = Duration::ZERO;
                while sending.iter().any(|one| !one.is_finished()) {
                    let asked = Instant::now();
                    assert_eq!(served.get("/v2/health/live").0, 200);
                    worst = worst.max(asked.elapsed());
                    std::thread::sleep(Duration::from_millis(5));
                }
                for answer in sending.into_iter().map(|one| one.join().unwrap()) {
                    assert!([400, 413, 429, 503].contains(&answer.0), "{}: {:.500}", answer.0, answer.1);
                    assert!(answer.1.len() < 2000, "{} bytes of an error", answer.1.len());
                }
                worst
            })
        });
        eprintln!("JSON bomb {index}: {} MB, health in {worst:?} at worst", (peak - before) / 1_000_000);
        // Three at a time, which share what one client may take.
        assert!(peak - before <= REQUEST_BYTES + REQUEST_BYTES / 4, "bomb {index}: {} bytes", peak - before);
        assert!(worst < Duration::from_secs(3), "bomb {index}: health took {worst:?}");
        served.assert_well("large JSON");
    }
}

#[test]
fn inputs_that_nothing_needs_are_refused_before_they_arrive() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &[]);
    let input = |name: &str, bytes: usize| {
        format!(
            r#"{{"name":"{name}","datatype":"FP32","shape":[1,16,1024,1024],"parameters":{{"binary_data_size":{bytes}}}}}"#
        )
    };
    let inputs: Vec<String> = (0..9).map(|index| input(&format!("t{index}"), TENSOR_BYTES)).collect();
    let json = format!(r#"{{"inputs":[{}],"outputs":[{{"name":"mask"}}]}}"#, inputs.join(","));
    let mut stream = served.connect();
    stream.write_all(served.head(json.len() + 9 * TENSOR_BYTES, Some(json.len())).as_bytes()).unwrap();
    stream.write_all(json.as_bytes()).unwrap();
    let started = Instant::now();
    let (status, said) = super::served::read_answer(stream);
    assert_eq!(status, 400, "{said}");
    assert!(said.contains("needs it") && said.contains("unknown-split"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    served.assert_well("needless inputs");
}
