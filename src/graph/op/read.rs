//! Operators from a model file's JSON: objects in which one key says which variant they are.
//!
//! `derive` reads such enums through a second copy of every reader below them; by way of a JSON value there
//! is one, and a browser downloads a tenth less. (Writing has no such cost, and is derived.)

use super::{Activation, Binary, Op, PadMode, SliceAxis};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// An object without the key that named the variant.
struct Tagged {
    variant: String,
    fields: Map<String, Value>,
}

impl Tagged {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, key: &str) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        match fields.remove(key) {
            Some(Value::String(variant)) => Ok(Self { variant, fields }),
            Some(other) => Err(D::Error::custom(format_args!("{key:?}: expected a name, found {other}"))),
            None => Err(D::Error::custom(format_args!("{key:?} is missing"))),
        }
    }

    /// All that is left, as one thing.
    fn all<T: DeserializeOwned, E: Error>(self) -> Result<T, E> {
        serde_json::from_value(Value::Object(self.fields))
            .map_err(|e| E::custom(format_args!("{:?}: {e}", self.variant)))
    }

    fn field<T: DeserializeOwned, E: Error>(&mut self, key: &str) -> Result<T, E> {
        let value = self.fields.remove(key).unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|e| E::custom(format_args!("{:?}, {key:?}: {e}", self.variant)))
    }

    fn unknown<T, E: Error>(&self) -> Result<T, E> {
        Err(E::custom(format_args!("{:?} is not known here", self.variant)))
    }
}

impl<'de> Deserialize<'de> for Op {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut op = Tagged::read(deserializer, "type")?;
        Ok(match op.variant.as_str() {
            "conv" => Self::Conv(op.all()?),
            "conv_transpose" => Self::ConvTranspose(op.all()?),
            "pool" => Self::Pool(op.all()?),
            "global_average_pool" => Self::GlobalAveragePool,
            "resize" => Self::Resize(op.all()?),
            "concat" => Self::Concat,
            "activation" => Self::Activation(op.all()?),
            "binary" => Self::Binary {
                function: op.field::<Binary, _>("function")?,
                constant_first: op.field::<Option<bool>, _>("constant_first")?.unwrap_or(false),
            },
            "softmax" => Self::Softmax,
            "pad" => Self::Pad(op.all()?),
            "slice" => Self::Slice { axes: op.field::<Vec<SliceAxis>, _>("axes")? },
            "reshape" => Self::Reshape { shape: op.field("shape")? },
            "transpose" => Self::Transpose { axes: op.field("axes")? },
            _ => return op.unknown(),
        })
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut activation = Tagged::read(deserializer, "function")?;
        Ok(match activation.variant.as_str() {
            "relu" => Self::Relu,
            "leaky_relu" => Self::LeakyRelu { alpha: activation.field("alpha")? },
            "clip" => Self::Clip { min: activation.field("min")?, max: activation.field("max")? },
            "sigmoid" => Self::Sigmoid,
            "hard_sigmoid" => Self::HardSigmoid { alpha: activation.field("alpha")?, beta: activation.field("beta")? },
            "hard_swish" => Self::HardSwish,
            "silu" => Self::Silu,
            "tanh" => Self::Tanh,
            _ => return activation.unknown(),
        })
    }
}

impl<'de> Deserialize<'de> for PadMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut mode = Tagged::read(deserializer, "fill")?;
        Ok(match mode.variant.as_str() {
            "constant" => Self::Constant { value: mode.field("value")? },
            "reflect" => Self::Reflect,
            "edge" => Self::Edge,
            _ => return mode.unknown(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    /// What is written is read: every variant, each with fields that are not their defaults.
    #[test]
    fn every_operator_is_read_as_it_was_written() {
        let epilogue = Epilogue { before: Some(Activation::Silu), residual: true, after: Some(Activation::Tanh) };
        let conv = Conv { groups: 2, strides: [2, 1], dilations: [1, 3], pads: [1, 2, 3, 4], epilogue };
        let activations = [
            Activation::Relu,
            Activation::LeakyRelu { alpha: 0.1 },
            Activation::Clip { min: -1.5, max: 6.0 },
            Activation::Sigmoid,
            Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
            Activation::HardSwish,
            Activation::Silu,
            Activation::Tanh,
        ];
        let transposed =
            ConvTranspose { groups: 3, strides: [2, 2], dilations: [1, 2], pads: [0, 1, 2, 3], output_padding: [1, 0] };
        let kind = PoolKind::AverageWithPads;
        let pool =
            Pool { kind, window: [2, 3], strides: [1, 2], dilations: [1, 1], pads: [1, 0, 1, 0], ceil_mode: true };
        let mode = ResizeMode::Linear;
        let resize = Resize { mode, coordinates: Coordinates::HalfPixel, scales: [2.0, 0.5] };
        let pads = [PadMode::Constant { value: -2.5 }, PadMode::Reflect, PadMode::Edge];
        let mut ops = vec![
            Op::Conv(conv),
            Op::ConvTranspose(transposed),
            Op::Pool(pool),
            Op::GlobalAveragePool,
            Op::Resize(resize),
            Op::Concat,
            Op::Binary { function: Binary::Sub, constant_first: true },
            Op::Binary { function: Binary::Add, constant_first: false },
            Op::Softmax,
            Op::Slice { axes: vec![SliceAxis { axis: 2, start: -3, end: 9, step: 2 }] },
            Op::Reshape { shape: vec![0, -1, 4] },
            Op::Transpose { axes: vec![0, 1, 3, 2] },
        ];
        ops.extend(activations.map(Op::Activation));
        ops.extend(pads.map(|mode| Op::Pad(Pad { pads: [1, 2, 3, 4], mode })));
        for op in ops {
            let text = serde_json::to_string(&op).unwrap();
            assert_eq!(serde_json::from_str::<Op>(&text).unwrap(), op, "{text}");
        }
    }

    #[test]
    fn what_is_no_operator_is_refused_by_name() {
        let cases = [
            (r#"{"type":"warp"}"#, "\"warp\" is not known here"),
            (r#"{"groups":1}"#, "\"type\" is missing"),
            (r#"{"type":7}"#, "expected a name"),
            (r#"{"type":"conv","groups":1}"#, "\"conv\": missing field"),
            (r#"{"type":"activation","function":"clip","min":0}"#, "\"max\""),
            (r#"{"type":"reshape"}"#, "\"shape\""),
            (r#"["conv"]"#, "map"),
        ];
        for (text, expected) in cases {
            let refused = serde_json::from_str::<Op>(text).unwrap_err().to_string();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}
