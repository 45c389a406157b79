# shellcheck shell=bash
# What every script here shares: where things live, how they speak, how they stop.
# Sourced, never run.
# Most of these variables are read by the scripts that source this file.
# shellcheck disable=SC2034

set -eEuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${ASSAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay}
# The WebAssembly toolchain that setup builds where rustup cannot download the target.
WASM_TOOLCHAIN_DIR=$CACHE/wasm-toolchain
WASM_TOOLCHAIN_NAME=assay-wasm
# The same for ARM: Debian's compiler with its standard library for aarch64.
ARM_TOOLCHAIN_DIR=$CACHE/arm-toolchain
# What scripts/deploy/check calls and Debian does not install by itself.
DEPLOY_TOOLS=$CACHE/deploy-tools

# In CI the build output lives outside the checkout, so that the next clean clone reuses it.
if [[ -z ${CARGO_TARGET_DIR:-} && ${CI:-} == true ]]; then
  export CARGO_TARGET_DIR=$CACHE/target
fi
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
NODE_BIN=$TARGET/release/assay-node
WORKER_BIN=$TARGET/release/assay-worker

# Progress and errors go to standard error: standard output belongs to results.
say() { printf '\033[1m[assay]\033[0m %s\n' "$*" >&2; }
die() {
  printf '\033[1;31m[assay] error:\033[0m %s\n' "$*" >&2
  exit 1
}

# step NAME COMMAND...: runs a step and says how long it took. The command is not part of a condition, which would
# switch errexit off inside it: whatever fails in a step ends the script, and the trap names the step.
step() {
  local name=$1 begin=$SECONDS
  shift
  say "$name"
  STEP=$name
  "$@"
  STEP=
  say "$name: done in $((SECONDS - begin)) s"
}
STEP=
trap '[[ $BASH_SUBSHELL != 0 || -z $STEP ]] || printf "\033[1;31m[assay] error:\033[0m %s failed\n" "$STEP" >&2' ERR

# The root account needs no sudo; everybody else is asked for it only when something is missing.
as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

APT_UPDATED=false
# Fetches the lists of packages, once.
apt_update() {
  if $APT_UPDATED; then return 0; fi
  as_root apt-get update -qq >&2
  APT_UPDATED=true
}

# apt_install PACKAGE...: installs those that are missing.
apt_install() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  if [[ ${#missing[@]} == 0 ]]; then return 0; fi
  command -v apt-get >/dev/null ||
    die "these packages are missing and this system has no apt-get; install their equivalents: ${missing[*]}"
  apt_update
  say "installing Debian packages: ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# need_pip: has python3 be able to install packages.
need_pip() {
  if python3 -m pip --version >/dev/null 2>&1; then return 0; fi
  command -v dpkg-query >/dev/null || die "python3 has no pip; install it with this system's package manager"
  apt_install python3-pip
}

# Exports the toolchain that builds the runtime's WebAssembly when it is not the default one.
use_wasm_toolchain() {
  if [[ -f $WASM_TOOLCHAIN_DIR/ready ]]; then export WASM_BUILD_TOOLCHAIN=$WASM_TOOLCHAIN_NAME; fi
}

# The same selection of packages for every build, the workspace's default members, so that cargo unifies features the same
# way and reuses everything. `--workspace` has the same features, and builds bench-chain too.
build_binaries() {
  (cd "$ROOT" && cargo build --release --locked "$@" >&2)
}

# free_port FIRST: the first port from FIRST on that nothing listens on.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

# rpc PORT METHOD [PARAMS]: one JSON-RPC call to a node on this machine.
rpc() {
  curl -sf -m 5 -H 'Content-Type: application/json' "http://127.0.0.1:$1" \
    -d "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"$2\",\"params\":${3:-[]}}" || true
}
