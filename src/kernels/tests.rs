//! Every shader permutation is valid WGSL within what browsers promise, and its uniform lies as the host
//! lays it out. No adapter is needed.

use super::source::{permutations, wgsl};
use super::*;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use std::collections::BTreeSet;
use std::mem::offset_of;

fn parse(key: &Key) -> naga::Module {
    let text = wgsl(key).unwrap();
    let module = naga::front::wgsl::parse_str(&text)
        .unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string_with_path(&text, &key.to_string())));
    // No capability beyond WebGPU's core: what passes here compiles in every browser, but for f16, which is asked
    // for only where the adapter has it.
    let half = key.defines.contains(&"HALF");
    let mut capabilities = if half { Capabilities::SHADER_FLOAT16 } else { Capabilities::empty() };
    if key.shader == "winograd_matrices" {
        // Never in a browser.
        capabilities |= Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP;
    }
    Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string_with_path(&text, &key.to_string())));
    module
}

#[test]
fn every_permutation_is_valid() {
    let keys: Vec<Key> = permutations().collect();
    let distinct: BTreeSet<&Key> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "a line of the table stands twice");
    for key in &keys {
        let module = parse(key);
        assert_eq!(module.entry_points.len(), 1, "{key}");
        assert_eq!(u64::from(module.entry_points[0].workgroup_size[0]), WORKGROUP, "{key}");
        let mut bindings: Vec<u32> =
            module.global_variables.iter().filter_map(|(_, v)| v.binding.map(|b| b.binding)).collect();
        bindings.sort_unstable();
        assert!(bindings.iter().copied().eq(0..bindings.len() as u32), "{key}: bindings {bindings:?}");
        // WebGPU promises 8 storage buffers; binding 0 is the uniform.
        assert!(bindings.len() <= 9, "{key}: {} storage buffers", bindings.len() - 1);
    }
}

#[test]
fn bindings_read_off_the_text_are_those_of_the_module() {
    use super::bindings::{Binding, bindings};
    use naga::{AddressSpace, ImageClass, StorageAccess, TypeInner};
    for key in permutations() {
        let module = parse(&key);
        let mut found: Vec<(u32, Binding)> = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            let Some(place) = &variable.binding else { continue };
            assert_eq!(place.group, 0, "{key}");
            let kind = match (variable.space, &module.types[variable.ty].inner) {
                (AddressSpace::Uniform, _) => Binding::Uniform,
                (AddressSpace::Storage { access }, _) if access.contains(StorageAccess::STORE) => Binding::ReadWrite,
                (AddressSpace::Storage { .. }, _) => Binding::Read,
                (_, TypeInner::Image { class: ImageClass::Sampled { .. }, .. }) => Binding::Texture,
                (_, TypeInner::Image { class: ImageClass::Storage { format, .. }, .. }) => match format {
                    naga::StorageFormat::Rgba16Float => Binding::Image(Precision::F16),
                    _ => Binding::Image(Precision::F32),
                },
                other => panic!("{key}: {other:?}"),
            };
            found.push((place.binding, kind));
        }
        found.sort_by_key(|(number, _)| *number);
        let kinds: Vec<Binding> = found.into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(bindings(&wgsl(&key).unwrap()).unwrap(), kinds, "{key}");
    }
}

#[test]
fn every_shader_file_is_in_the_table() {
    let stems: BTreeSet<&str> = permutations().map(|key| key.shader).collect();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders")).unwrap();
    for file in files.map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "wgsl") {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            assert!(stems.contains(stem), "{stem} is in no line of shaders/permutations.txt");
        }
    }
}

/// Names and offsets of a shader's uniform as naga lays them out, and its size.
fn uniform(shader: &str) -> (Vec<(String, usize)>, usize) {
    let key = permutations().find(|key| key.shader == shader).unwrap();
    let module = parse(&key);
    let (_, variable) =
        module.global_variables.iter().find(|(_, v)| v.space == naga::AddressSpace::Uniform).expect("a uniform");
    let naga::TypeInner::Struct { members, span } = &module.types[variable.ty].inner else {
        panic!("{shader}: the uniform is no struct");
    };
    (members.iter().map(|m| (m.name.clone().unwrap(), m.offset as usize)).collect(), *span as usize)
}

/// Compares a `Params` with its WGSL struct: the fields that both have, in order, and the size.
macro_rules! same_layout {
    ($module:ident: $($field:ident)+) => {{
        let (members, span) = uniform(stringify!($module));
        let host = vec![$((stringify!($field).to_owned(), offset_of!($module::Params, $field))),+];
        assert_eq!(members, host, stringify!($module));
        assert!(size_of::<$module::Params>() >= span, "{}: shorter than {span}", stringify!($module));
    }};
}

#[test]
fn uniforms_lie_alike_on_host_and_device() {
    same_layout!(activation: args code count);
    same_layout!(binary: size a_strides b_strides);
    same_layout!(ceiling_arithmetic: rounds count);
    same_layout!(ceiling_bandwidth: count);
    same_layout!(concat: pixels a_channels b_channels);
    same_layout!(conv: in_size out_size window stride dilation pad part_quads out_quads blocks tiles before
        before_args after_args after);
    same_layout!(conv_depthwise: in_size out_size window stride dilation pad before_args after_args before after quads
        tiles);
    same_layout!(conv_grouped: in_size out_size window stride dilation pad before_args after_args before after in_quads
        out_quads group_inputs group_outputs channels);
    same_layout!(conv_single: in_size out_size pad grid quads activation arguments);
    same_layout!(conv_transpose: in_size out_size window stride dilation pad in_quads out_quads group_inputs
        group_outputs channels);
    same_layout!(global_average: pixels quads);
    same_layout!(pack: pixels channels);
    same_layout!(pool: in_size out_size window stride dilation pad padded_end quads average);
    same_layout!(resample_mask: in_size out_size stride logit);
    same_layout!(resample_picture: in_size out_size stride);
    same_layout!(resize: in_size out_size step offset quads nearest);
    same_layout!(softmax: pixels channels);
    same_layout!(window: in_size out_size origin step outside fill);
    same_layout!(winograd_input: in_size pad dilation grid first_tile tiles rows quads first_quad all_quads);
    same_layout!(winograd_matrices: rows groups channels outputs blocks subgroups);
    same_layout!(winograd_multiply: rows groups quads blocks);
    same_layout!(winograd_workgroup: rows groups quads blocks out_quads);
    same_layout!(winograd_output: out_size dilation grid first_tile tiles rows quads all_quads before before_args
        after_args after);
}
