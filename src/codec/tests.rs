use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;

fn tensors() -> impl Strategy<Value = Tensor> {
    (1usize..4, 1usize..6, 1usize..6).prop_flat_map(|(channels, height, width)| {
        let value = prop_oneof![3 => -100f32..100.0, 1 => Just(0.0), 1 => proptest::num::f32::NORMAL];
        proptest::collection::vec(value, channels * height * width)
            .prop_map(move |data| Tensor::new(vec![1, channels, height, width], data).unwrap())
    })
}

proptest! {
    #[test]
    fn f32_keeps_every_bit(tensor in tensors()) {
        let decoded = decode(&encode(Codec::F32, &tensor).unwrap(), tensor.shape()).unwrap();
        let bits = |tensor: &Tensor| tensor.data().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&decoded), bits(&tensor));
    }

    #[test]
    fn f16_is_within_half_a_step_and_never_overflows(tensor in tensors()) {
        let decoded = decode(&encode(Codec::F16, &tensor).unwrap(), tensor.shape()).unwrap();
        for (&before, &after) in tensor.data().iter().zip(decoded.data()) {
            let before = before.clamp(-65504.0, 65504.0);
            // 11 significant bits; below 2^-14 the step is 2^-24.
            let allowed = (before.abs() / 2048.0).max(2f32.powi(-25));
            prop_assert!((before - after).abs() <= allowed, "{before} became {after}");
        }
    }

    #[test]
    fn int8_is_within_half_a_scale_and_keeps_zeros(tensor in tensors()) {
        let coded = encode(Codec::Int8, &tensor).unwrap();
        let decoded = decode(&coded, tensor.shape()).unwrap();
        let plane = tensor.data().len() / tensor.shape()[1];
        for (index, (&before, &after)) in tensor.data().iter().zip(decoded.data()).enumerate() {
            let scale = f64::from(coded.scales[index / plane]);
            // The scale, the quotient and the product are each rounded: a few parts in 2^24 of the value.
            let allowed = scale * 0.5 + f64::from(before.abs()) * 4e-7 + 1.5e-36;
            prop_assert!((f64::from(before) - f64::from(after)).abs() <= allowed, "{before} became {after}");
            if before == 0.0 {
                prop_assert_eq!(after, 0.0);
            }
        }
    }

    #[test]
    fn any_bytes_decode_or_fail_without_panic(
        codec in prop_oneof![Just(Codec::F32), Just(Codec::F16), Just(Codec::Int8), Just(Codec::Alpha8)],
        shape in proptest::collection::vec(prop_oneof![0usize..5, Just(usize::MAX), Just(1 << 31)], 0..5),
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        scales in proptest::collection::vec(any::<f32>(), 0..5),
        agreed in any::<bool>(),
    ) {
        let expected = if agreed { shape.clone() } else { vec![1, 2, 2, 2] };
        let coded = Coded { codec, shape, bytes: bytes.into(), scales };
        if let Ok(tensor) = decode(&coded, &expected) {
            prop_assert_eq!(tensor.shape(), &expected[..]);
        }
    }

    #[test]
    fn int8_decodes_to_finite_values(bytes in proptest::collection::vec(any::<u8>(), 8), scale in 0f32..=f32::MAX) {
        let coded = Coded { codec: Codec::Int8, shape: vec![1, 2, 2, 2], bytes: bytes.into(), scales: vec![scale; 2] };
        prop_assert!(decode(&coded, &[1, 2, 2, 2]).unwrap().data().iter().all(|value| value.is_finite()));
    }
}

#[test]
fn alpha8_is_within_half_a_level_and_keeps_black_and_white() {
    let alpha: Vec<f32> = (0..=4096).map(|step| step as f32 / 4096.0).collect();
    let mask = Tensor::new(vec![1, 1, 1, alpha.len()], alpha).unwrap();
    let coded = encode(Codec::Alpha8, &mask).unwrap();
    assert_eq!(coded.byte_count(), 4097);
    let decoded = decode(&coded, mask.shape()).unwrap();
    for (before, after) in mask.data().iter().zip(decoded.data()) {
        assert!((before - after).abs() <= 0.5 / 255.0 + f32::EPSILON, "{before} became {after}");
    }
    assert_eq!((decoded.data()[0], decoded.data()[4096]), (0.0, 1.0));
    let outside = Tensor::new(vec![1, 1, 1, 2], vec![-3.0, f32::INFINITY]).unwrap();
    assert_eq!(&encode(Codec::Alpha8, &outside).unwrap().bytes[..], [0, 255]);
    let broken = Tensor::new(vec![1, 1, 1, 1], vec![f32::NAN]).unwrap();
    assert_eq!(encode(Codec::Alpha8, &broken).unwrap_err().kind(), ErrorKind::BadArgument);
}

#[test]
fn int8_scales_by_channel_and_rounds_halves_to_even() {
    let tensor = Tensor::new(vec![1, 2, 1, 4], vec![127.0, 0.5, 1.5, -2.5, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let coded = encode(Codec::Int8, &tensor).unwrap();
    assert_eq!(coded.scales, [1.0, 0.0]);
    assert_eq!(&coded.bytes[..], [127, 0, 2, (-2i8) as u8, 0, 0, 0, 0]);
    assert_eq!(coded.byte_count(), 16);
}

#[test]
fn what_is_not_finite_saturates_in_f16_and_is_refused_by_int8() {
    let tensor = Tensor::new(vec![1, 1, 1, 3], vec![1e9, f32::NEG_INFINITY, f32::NAN]).unwrap();
    let decoded = decode(&encode(Codec::F16, &tensor).unwrap(), tensor.shape()).unwrap();
    assert_eq!(decoded.data()[..2], [65504.0, -65504.0]);
    assert!(decoded.data()[2].is_nan());
    assert_eq!(encode(Codec::Int8, &tensor).unwrap_err().kind(), ErrorKind::BadArgument);
}

#[test]
fn a_message_must_fit_the_expected_shape() {
    let tensor = Tensor::zeros(vec![1, 2, 2, 2]).unwrap();
    let coded = encode(Codec::Int8, &tensor).unwrap();
    assert_eq!(decode(&coded, &[1, 2, 4, 1]).unwrap_err().kind(), ErrorKind::BadShape);
    let short = Coded { bytes: vec![0; 7].into(), ..coded.clone() };
    assert_eq!(decode(&short, &[1, 2, 2, 2]).unwrap_err().kind(), ErrorKind::BadMessage);
    let bare = Coded { scales: vec![0.0], ..coded.clone() };
    assert_eq!(decode(&bare, &[1, 2, 2, 2]).unwrap_err().kind(), ErrorKind::BadMessage);
    let wild = Coded { scales: vec![0.0, f32::NAN], ..coded };
    assert_eq!(decode(&wild, &[1, 2, 2, 2]).unwrap_err().kind(), ErrorKind::BadMessage);
}

#[test]
fn names_read_back() {
    for codec in Codec::ALL {
        assert_eq!(codec.to_string().parse::<Codec>().unwrap(), codec);
    }
    assert!("alpha8".parse::<Codec>().is_err(), "features do not fit into it");
    assert_eq!("jpeg".parse::<Codec>().unwrap_err().kind(), ErrorKind::BadArgument);
}
