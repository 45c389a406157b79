#!/usr/bin/env bash
# settle-task.sh RPC_PORT: starts a solver against the node, asks one question and succeeds when the task is settled.
# Reads ASSAY_TEXT_MODEL_DIR and ASSAY_TEXT_MODEL_NAME; assay-worker must be on the PATH.
set -euo pipefail
url=ws://127.0.0.1:$1
data=$(mktemp -d)

assay-worker solve --url "$url" --dev-key charlie --data "$data" --bond 200 --models "$ASSAY_TEXT_MODEL_DIR" \
  --metrics-addr off >"$data/solver.log" 2>&1 </dev/null &
solver=$!
stop() {
  local status=$?
  kill "$solver" 2>/dev/null || true
  wait "$solver" 2>/dev/null || true
  if [[ $status != 0 ]]; then tail -n 20 "$data/solver.log" >&2; fi
  rm -rf "$data"
  exit "$status"
}
trap stop EXIT

assay-worker ask --url "$url" --dev-key dave --models "$ASSAY_TEXT_MODEL_DIR" --model "$ASSAY_TEXT_MODEL_NAME" --json \
  "In the beginning" |
  jq -e '.blocks.settle > .blocks.reveal and (.output | length > 0)'
