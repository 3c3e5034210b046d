# Which compiler makes Wasm here: read by tools/wasm and tools/setup.

wasm_target=wasm32-unknown-unknown

# Does the compiler that everything else is built with know the target?
has_wasm_target() {
    compgen -G "$(rustc --print target-libdir --target "$wasm_target" 2>/dev/null)/libcore-*.rlib" >/dev/null
}

add_wasm_target() {
    command -v rustup >/dev/null && rustup target add "$wasm_target" >&2 && has_wasm_target
}

# Where rustup cannot add it, Debian's second Rust can build the target's standard library from source.
debian_wasm_packages=(rustc-web cargo-web rust-web-src lld-19)

has_debian_wasm_compiler() {
    [[ -x /usr/bin/cargo && -x /usr/bin/rustc ]] && command -v wasm-ld-19 >/dev/null &&
        [[ -d $(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std ]]
}
