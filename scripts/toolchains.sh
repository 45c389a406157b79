# shellcheck shell=bash
# The Rust targets beside this machine's own. Sourced after lib.sh, never run.
# What a function sets is read by the scripts that source this file.
# shellcheck disable=SC2034

# The runtime is compiled to wasm32v1-none. Three ways to have that target, tried in this order.
# ASSAY_WASM_TOOLCHAIN=debian goes straight to the last (that is how it is tested where rustup works).
wasm_target() {
  if [[ ${ASSAY_WASM_TOOLCHAIN:-} == debian && ! -f $WASM_TOOLCHAIN_DIR/ready ]]; then
    say "WebAssembly target: built from Debian's rustc-web packages, as ASSAY_WASM_TOOLCHAIN asks"
    build_wasm_toolchain
    return
  fi
  if [[ -f $WASM_TOOLCHAIN_DIR/ready ]]; then
    say "WebAssembly target: the toolchain built earlier from Debian's Rust packages ($WASM_TOOLCHAIN_DIR)"
  elif [[ -d $(rustc --print sysroot)/lib/rustlib/wasm32v1-none ]]; then
    say "WebAssembly target: wasm32v1-none of the default toolchain"
  elif command -v rustup >/dev/null && rustup target add wasm32v1-none >/dev/null 2>&1 &&
    [[ -d $(rustc --print sysroot)/lib/rustlib/wasm32v1-none ]]; then
    say "WebAssembly target: wasm32v1-none, added by rustup"
  else
    say "WebAssembly target: rustup cannot download it here, so it is built from Debian's rustc-web packages"
    build_wasm_toolchain
  fi
}

# debian_toolchain DIR: a toolchain around Debian's compiler that targets can be added to, in DIR/lib/rustlib.
debian_toolchain() {
  local dir=$1 host
  host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
  rm -rf "$dir"
  mkdir -p "$dir/bin" "$dir/lib/rustlib"
  ln -s "/usr/lib/rustlib/$host" "$dir/lib/rustlib/$host"
  # Debian's compiler finds its libraries beside itself, so the extra target is shown to it by --sysroot.
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nPATH="%s/bin:$PATH" exec /usr/bin/rustc --sysroot "%s" "$@"\n' "$dir" "$dir" >"$dir/bin/rustc"
  chmod +x "$dir/bin/rustc"
}

# Builds core and alloc for wasm32v1-none from Debian's Rust source package and links the result into rustup.
build_wasm_toolchain() {
  command -v rustup >/dev/null || die "rustup is missing: it is needed to name a second toolchain for the runtime"
  apt_install rustc-web cargo-web rust-web-src lld
  local dir=$WASM_TOOLCHAIN_DIR build
  debian_toolchain "$dir"
  mkdir -p "$dir/lib/rustlib/wasm32v1-none/lib"
  ln -s /usr/lib/rustlib/src "$dir/lib/rustlib/src"
  ln -s "$(command -v lld)" "$dir/bin/rust-lld"
  ln -s /usr/bin/cargo "$dir/bin/cargo"
  build=$(mktemp -d)
  mkdir -p "$build/src"
  printf '[package]\nname = "sysroot"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\nopt-level = 3\n' >"$build/Cargo.toml"
  printf '#![no_std]\n' >"$build/src/lib.rs"
  # CARGO_TARGET_DIR must not reach this build: its output is not part of the project's.
  (cd "$build" && env -u CARGO_TARGET_DIR -u RUSTUP_TOOLCHAIN RUSTC="$dir/bin/rustc" RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS='-C embed-bitcode=yes' \
    /usr/bin/cargo build --release -q --target wasm32v1-none -Z build-std=core,alloc >&2)
  for crate in core alloc compiler_builtins; do
    cp "$build"/target/wasm32v1-none/release/deps/lib$crate-*.rlib "$dir/lib/rustlib/wasm32v1-none/lib/"
  done
  rm -rf "$build"
  rustup toolchain link "$WASM_TOOLCHAIN_NAME" "$dir" >&2
  touch "$dir/ready"
}

# The numerics are checked on ARM too, so compiled for it: the same ways and the same order as for WebAssembly.
# Sets ARM_RUSTC to the compiler.
arm_target() {
  local target=aarch64-unknown-linux-gnu
  ARM_RUSTC=rustc
  apt_install gcc-aarch64-linux-gnu libc6-dev-arm64-cross
  if [[ ${ASSAY_WASM_TOOLCHAIN:-} == debian ]]; then
    say "ARM target: Debian's rustc-web packages, as ASSAY_WASM_TOOLCHAIN asks"
    add_arm_library
  elif [[ -d $(rustc --print sysroot)/lib/rustlib/$target ]]; then
    say "ARM target: $target of the default toolchain"
  elif command -v rustup >/dev/null && rustup target add "$target" >/dev/null 2>&1 &&
    [[ -d $(rustc --print sysroot)/lib/rustlib/$target ]]; then
    say "ARM target: $target, added by rustup"
  else
    say "ARM target: rustup cannot download it here, so it is taken from Debian's rustc-web packages"
    add_arm_library
  fi
}

# Unpacks the arm64 build of Debian's standard library beside the compiler of the same version. The package lists of
# that architecture are fetched into a temporary folder: the system's own stay as they are.
add_arm_library() {
  apt_install rustc-web
  ARM_RUSTC=$ARM_TOOLCHAIN_DIR/bin/rustc
  local version work
  version=$(dpkg-query -W -f='${Version}' rustc-web)
  if [[ $(cat "$ARM_TOOLCHAIN_DIR/ready" 2>/dev/null) == "$version" ]]; then return 0; fi
  debian_toolchain "$ARM_TOOLCHAIN_DIR"
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  local apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::lists="$work/lists"
    -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
  as_root "${apt[@]}" update >&2
  (cd "$work" && as_root "${apt[@]}" download "libstd-rust-web-dev=$version" >&2) ||
    die "the archive has no libstd-rust-web-dev $version for arm64; upgrade rustc-web, then run this again"
  dpkg-deb -x "$work"/libstd-rust-web-dev_*.deb "$work/library"
  cp -r "$work/library/usr/lib/rustlib/aarch64-unknown-linux-gnu" "$ARM_TOOLCHAIN_DIR/lib/rustlib/"
  as_root rm -rf "$work"
  echo "$version" >"$ARM_TOOLCHAIN_DIR/ready"
}
