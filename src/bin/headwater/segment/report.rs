//! What is printed of each picture.

use super::inputs::Input;
use super::outputs::Outputs;
use headwater::Error;
use headwater::session::Report;
use serde_json::{Value, json};

/// A report as a line of JSON; of several pictures with the picture's name and those of its files.
pub(super) fn json(report: &Report, named: Option<(&Input, &Outputs)>) -> serde_json::Result<String> {
    let mut line = serde_json::to_value(report)?;
    if let (Some(keys), Some((input, outputs))) = (line.as_object_mut(), named) {
        keys.insert("picture".to_owned(), input.name().into());
        for (key, destination) in
            [("output", outputs.cutout.as_ref().map(|(destination, _)| destination)), ("mask", outputs.mask.as_ref())]
        {
            let path = destination.map_or(Value::Null, |destination| destination.path().to_string_lossy().into());
            keys.insert(key.to_owned(), path);
        }
    }
    Ok(serde_json::to_string(&line)? + "\n")
}

/// What stands in place of the report of a picture that was left out.
pub(super) fn failure(picture: &str, error: &Error) -> String {
    json!({ "picture": picture, "error": error.to_string(), "code": error.kind().code() }).to_string() + "\n"
}

/// A report for people.
pub(super) fn sentence(report: &Report) -> String {
    let adapter = report.adapter.as_ref().map_or("no adapter", |adapter| adapter.name.as_str());
    format!(
        "split {}, {}x{}, {adapter}: {:.0} ms (head {:.0}, server {:.0}, tail {:.0}); {} bytes up, {} down\n",
        report.split,
        report.size[0],
        report.size[1],
        report.total_millis,
        report.head_millis,
        report.server_millis,
        report.tail_millis,
        report.up_bytes,
        report.down_bytes,
    )
}
