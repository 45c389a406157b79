#!/usr/bin/env bash
# finality-grows.sh RPC_PORT: succeeds when the finalised height of the node has grown by three blocks; asks once a
# second, at most 90 times.
set -euo pipefail
url=http://127.0.0.1:$1

rpc() {
  curl -sf -m 5 -H 'Content-Type: application/json' -d "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"$1\",\"params\":$2}" "$url"
}
finalised() {
  local head
  head=$(rpc chain_getFinalizedHead '[]' | jq -er .result) || return 1
  printf '%d\n' "$(rpc chain_getHeader "[\"$head\"]" | jq -er .result.number)"
}

start=
for _ in $(seq 90); do
  if height=$(finalised); then
    start=${start:-$height}
    if ((height >= start + 3)); then
      echo "finalised height grew from $start to $height"
      exit 0
    fi
  fi
  sleep 1
done
echo "finalised height did not grow by three blocks in 90 s: started at ${start:-unknown}, now ${height:-unknown}" >&2
exit 1
