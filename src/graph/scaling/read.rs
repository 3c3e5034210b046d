//! [`Scaling`] from a model file's JSON, by way of a JSON value: see `graph/op/read.rs` for what that saves.

use super::{Fit, Fixed, Scaling};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

impl<'de> Deserialize<'de> for Scaling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Map::deserialize(deserializer)?;
        let mut scaling = Self::default();
        for (key, value) in &entries {
            let read = match key.as_str() {
                "fixed" => fixed(value).map(|fixed| scaling.fixed = Some(fixed)),
                "fills_picture" => value.as_bool().map(|fills| scaling.fills_picture = fills),
                "fits" => fits(value, &mut scaling),
                _ => Some(()),
            };
            read.ok_or_else(|| D::Error::custom(format_args!("scaling, {key:?}: {value} is not known here")))?;
        }
        Ok(scaling)
    }
}

fn fixed(value: &Value) -> Option<Fixed> {
    let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Fixed { node: text("node")?, reason: text("reason")? })
}

fn fits(value: &Value, scaling: &mut Scaling) -> Option<()> {
    for (tensor, value) in value.as_object()? {
        scaling.fits.set(tensor.clone(), fit(value)?);
    }
    Some(())
}

fn fit(value: &Value) -> Option<Fit> {
    match value.as_str() {
        Some("same_upper") => return Some(Fit::SameUpper),
        Some("same_lower") => return Some(Fit::SameLower),
        Some(_) => return None,
        None => {}
    }
    if let Some(counts) = value.get("windows") {
        return pair(counts).map(Fit::Windows);
    }
    let [rows, columns] = value.get("shares")?.as_array()?.as_slice() else { return None };
    Some(Fit::Shares([pair(rows)?, pair(columns)?]))
}

fn pair(value: &Value) -> Option<[usize; 2]> {
    let [first, second] = value.as_array()?.as_slice() else { return None };
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    Some([number(first)?, number(second)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_is_read_as_it_is_written() {
        let fits = [
            ("a", Fit::SameUpper),
            ("b", Fit::SameLower),
            ("c", Fit::Windows([3, 0])),
            ("d", Fit::Shares([[1, 4], [0, 0]])),
        ];
        let scaling = Scaling {
            fixed: Some(Fixed { node: "n".to_owned(), reason: "r".to_owned() }),
            fills_picture: true,
            fits: fits.map(|(tensor, fit)| (tensor.to_owned(), fit)).into_iter().collect(),
        };
        let json = serde_json::to_string(&scaling).unwrap();
        assert_eq!(serde_json::from_str::<Scaling>(&json).unwrap(), scaling);
        assert_eq!(serde_json::from_str::<Scaling>("{}").unwrap(), Scaling::default());
    }

    #[test]
    fn unknown_scaling_is_refused() {
        let bad = [
            r#"{"fits":{"a":"same"}}"#,
            r#"{"fits":{"a":{"windows":[1]}}}"#,
            r#"{"fits":{"a":{"shares":[[1,2],[3,-4]]}}}"#,
            r#"{"fits":[]}"#,
            r#"{"fixed":{"node":"n"}}"#,
            r#"{"fills_picture":1}"#,
        ];
        for json in bad {
            let error = serde_json::from_str::<Scaling>(json).unwrap_err().to_string();
            assert!(error.contains("is not known here"), "{json}: {error}");
        }
    }
}
