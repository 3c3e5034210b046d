// One number for each invocation of a dispatch of 64-wide workgroups laid out over x and y, since a
// dispatch may not have more than 65,535 workgroups along one axis.
fn invocation_index(workgroup: vec3u, workgroups: vec3u, local: u32) -> u32 {
    return (workgroup.y * workgroups.x + workgroup.x) * 64u + local;
}
