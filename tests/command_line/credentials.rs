//! Tokens and passwords on the way to a server, and a server that is busy.

use crate::stranger::{http, nobody, overheard, told};
use crate::{Desk, assert_soon, finish, headwater, refused};
use std::process::Output;
use std::time::Instant;

const SECRET: &str = "hush-4711";

/// A run on the server at `address`, with headers in arguments and in the environment.
fn run(desk: &Desk, address: &str, headers: &[&str], variable: &str) -> Output {
    let mut command = headwater();
    command.current_dir(desk.folder.path()).args(["segment", "photo.png", "-o", "out/cutout.png"]);
    command.args(["--model", "mini.safetensors", "--split", "remote", "--server", address, "--timeout", "20"]);
    command.args(headers.iter().flat_map(|header| ["--header", header]));
    if !variable.is_empty() {
        command.env("HEADWATER_HEADER", variable);
    }
    finish(command)
}

fn assert_silent(what: &str, output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains(SECRET), "{what}: {text}");
    }
}

#[test]
fn headers_are_sent_and_not_shown() {
    let desk = Desk::new();
    let bearer = format!("Authorization: Bearer {SECRET}");
    let key = format!("x-api-key:{SECRET}");
    for (headers, variable) in
        [(vec![bearer.as_str(), key.as_str()], String::new()), (vec![], format!("{bearer}\n{key}\n"))]
    {
        let answer = http("401 Unauthorized", "", br#"{"error": "who are you"}"#);
        let (output, heads) =
            overheard(&[&answer], |port| run(&desk, &format!("http://127.0.0.1:{port}"), &headers, &variable));
        for line in [format!("authorization: bearer {SECRET}"), format!("x-api-key: {SECRET}")] {
            assert!(heads[0].lines().any(|heard| heard == line), "{}", heads[0]);
        }
        let line = desk.assert_refused("401", &output, 1);
        assert!(line.contains("401: who are you"), "{line}");
        assert_silent("401", &output);
    }
}

#[test]
fn headers_that_are_none_are_refused_without_their_value() {
    let desk = Desk::new();
    let server = format!("http://127.0.0.1:{}", nobody());
    for header in [
        SECRET.to_owned(),
        format!(": {SECRET}"),
        format!("Content-Length: {SECRET}"),
        format!("na me: {SECRET}"),
        format!("X-Key: {SECRET}\u{7}"),
    ] {
        let output = run(&desk, &server, &[&header], "");
        desk.assert_refused(&header, &output, 2);
        assert_silent(&header, &output);
    }
    let help = finish({
        let mut help = headwater();
        help.args(["segment", "--help"]).env("HEADWATER_HEADER", SECRET);
        help
    });
    assert!(help.status.success());
    assert_silent("--help", &help);
}

#[test]
fn passwords_in_addresses_are_sent_and_not_shown() {
    let desk = Desk::new();
    let with_password = |rest: &str| format!("http://me:{SECRET}@{rest}");
    let answer = http("403 Forbidden", "", b"");
    let (output, heads) =
        overheard(&[&answer], |port| run(&desk, &with_password(&format!("127.0.0.1:{port}")), &[], ""));
    // me:hush-4711
    assert!(heads[0].contains("authorization: basic bwu6ahvzac00nzex"), "{}", heads[0]);
    assert_silent("403", &output);
    let mut outputs = vec![output];
    for answer in [b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), http("200 OK", "", b"<html>"), Vec::new()] {
        outputs.push(told(&answer, |port| run(&desk, &with_password(&format!("127.0.0.1:{port}")), &[], "")));
    }
    for rest in [
        format!("127.0.0.1:{}", nobody()),
        "headwater.invalid".to_owned(),
        "ho st".to_owned(),
        "host?query".to_owned(),
        ":::".to_owned(),
        format!("x@{SECRET}@host:99999"),
    ] {
        outputs.push(run(&desk, &with_password(&rest), &[], ""));
    }
    outputs.push(run(&desk, &with_password("127.0.0.1"), &[&format!("Authorization: {SECRET}")], ""));
    outputs.push(run(&desk, &format!("ftp://me:{SECRET}@127.0.0.1"), &[], ""));
    outputs.push(run(&desk, &format!("me:{SECRET}@127.0.0.1"), &[], ""));
    for output in outputs {
        assert!(!output.status.success());
        assert_silent("a failed run", &output);
    }
}

#[test]
fn busy_servers_are_asked_again_when_they_say() {
    let desk = Desk::new();
    let busy = http("503 Service Unavailable", "retry-after: 1\r\n", br#"{"error": "full"}"#);
    let last = http("500 No", "", br#"{"error": "the last answer"}"#);
    let (output, heads) =
        overheard(&[&busy, &busy, &last], |port| run(&desk, &format!("http://127.0.0.1:{port}"), &[], ""));
    assert_eq!(heads.len(), 3);
    assert!(desk.assert_refused("busy, busy, broken", &output, 1).contains("the last answer"));
}

#[test]
fn busy_servers_are_not_waited_for_beyond_the_time() {
    let desk = Desk::new();
    let started = Instant::now();
    for headers in ["retry-after: 3600\r\n", ""] {
        let busy = http("503 Service Unavailable", headers, br#"{"error": "full"}"#);
        let output = told(&busy, |port| run(&desk, &format!("http://127.0.0.1:{port}"), &[], ""));
        assert!(refused("busy", &output, 1).contains("503: full"), "{output:?}");
    }
    assert_soon("an hour", started);
}
