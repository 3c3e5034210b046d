//! Matrix units ("cooperative matrices"), which wgpu has as an experiment: the feature `cooperative-matrices`.

use crate::kernels::{Matrices, WORKGROUP};

const FEATURES: wgpu::Features =
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SUBGROUP).union(wgpu::Features::SHADER_F16);

/// What an adapter has that the kernels can do with: square matrices of f16 with sums in f32, the larger the better,
/// and subgroups of one size, so that it is known before how many a workgroup has.
fn of(adapter: &wgpu::Adapter) -> Option<Matrices> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let info = adapter.get_info();
    let subgroup = info.subgroup_min_size;
    let whole = subgroup > 0 && WORKGROUP.is_multiple_of(u64::from(subgroup));
    if !adapter.features().contains(FEATURES) || subgroup != info.subgroup_max_size || !whole {
        return None;
    }
    let properties = adapter.cooperative_matrix_properties();
    let has = |side: u32| {
        properties.iter().any(|p| [p.m_size, p.n_size, p.k_size] == [side; 3] && (p.ab_type, p.cr_type) == (F16, F32))
    };
    [16, 8].into_iter().find(|&side| has(side)).map(|side| Matrices { side, subgroup })
}

/// Asks for what the adapter has of it, if the crate was built for it.
pub(super) fn request(adapter: &wgpu::Adapter, descriptor: &mut wgpu::DeviceDescriptor<'_>) -> Option<Matrices> {
    let found = if cfg!(feature = "cooperative-matrices") { of(adapter) } else { None }?;
    descriptor.required_features |= FEATURES;
    // SAFETY: wgpu wants whoever uses an experiment to accept that it may be unsound. Whoever builds with the feature
    // does, and the one shader that uses it, `winograd_matrices`, is our own and stays within its buffers.
    descriptor.experimental_features = unsafe { wgpu::ExperimentalFeatures::enabled() };
    Some(found)
}
