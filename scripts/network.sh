# shellcheck shell=bash
# A development network on this machine: a node, two solvers and a gateway. Starts it, watches over it, stops it.
# Sourced after lib.sh and models.sh, never run. Most of these variables are read by the scripts that source this file.
# shellcheck disable=SC2034

# What runs, and by what name its log is kept; what is awaited, which comes last, has none.
PIDS=()
NAMES=()
# Options of the node beside those that it gets here.
NODE_OPTIONS=()

# Stops what was started, newest first, and waits for it; keeps the logs where something failed.
stop_all() {
  local status=$? pid
  trap - EXIT
  # A second Ctrl-C is no reason to leave anything behind; each process gets it too.
  trap '' INT TERM
  for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do kill -TERM "${PIDS[i]}" 2>/dev/null || true; done
  for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [[ $status == 0 || $status == 130 ]]; then
    rm -rf "$RUN_DIR"
  else
    say "logs are kept in $RUN_DIR"
  fi
  exit "$status"
}

# begin_network: makes the folder of logs and data, RUN_DIR, and has everything stopped when the script ends.
begin_network() {
  RUN_DIR=$(mktemp -d "${TMPDIR:-/tmp}/assay-run.XXXXXX")
  trap stop_all EXIT
  trap 'exit 130' INT TERM
}

# start NAME COMMAND...: in the background, with its log in the run's folder.
start() {
  local name=$1
  shift
  "$@" >"$RUN_DIR/$name.log" 2>&1 </dev/null &
  PIDS+=($!)
  NAMES+=("$name")
}
# fail_if_gone NAME PID: a process that ended by itself has said why at the end of its log.
fail_if_gone() {
  kill -0 "$2" 2>/dev/null && return 0
  tail -n 5 "$RUN_DIR/$1.log" >&2
  die "$1 stopped by itself; its last lines are above"
}

# Starts a development chain; returns once it makes blocks. Sets URL, RPC_PORT and PROMETHEUS_PORT.
start_node() {
  local p2p_port height pid
  RPC_PORT=$(free_port "${ASSAY_RPC_PORT:-9944}")
  p2p_port=$(free_port "${ASSAY_P2P_PORT:-30333}")
  PROMETHEUS_PORT=$(free_port "${ASSAY_METRICS_PORT:-9615}")
  URL=ws://127.0.0.1:$RPC_PORT
  say "starting the development chain"
  start node "$NODE_BIN" --dev \
    --base-path "$RUN_DIR/node" --rpc-port "$RPC_PORT" --prometheus-port "$PROMETHEUS_PORT" \
    --listen-addr "/ip4/127.0.0.1/tcp/$p2p_port" --no-mdns --no-telemetry --rpc-cors all "${NODE_OPTIONS[@]}"
  pid=${PIDS[-1]}
  for _ in $(seq 120); do
    fail_if_gone node "$pid"
    height=$(rpc "$RPC_PORT" chain_getHeader | jq -r '.result.number // "0x0"' 2>/dev/null || echo 0x0)
    ((height >= 1)) && return 0
    sleep 0.5
  done
  die "the node made no block within a minute; see $RUN_DIR/node.log"
}

# start_solvers MODELS BOND: two solvers that serve these folders, with commas between them, for so many ASY each. Sets
# PEERS, where the first listens for peers, and EXCHANGE, by which whoever comes later finds it.
start_solvers() {
  local name port=$PROMETHEUS_PORT
  PEERS=127.0.0.1:$(free_port "${ASSAY_PEERS_PORT:-9630}")
  EXCHANGE=(--peers-listen "$PEERS")
  for name in bob charlie; do
    # Never again the port of the solver before, which may not listen there yet.
    port=$(free_port $((port + 1)))
    say "starting solver $name (metrics: http://127.0.0.1:$port/metrics)"
    start "solver-$name" "$WORKER_BIN" solve --url "$URL" --dev-key "$name" --data "$RUN_DIR/solver-$name" --bond "$2" \
      --verify all --models "$1" --metrics-addr "127.0.0.1:$port" "${EXCHANGE[@]}"
    EXCHANGE=(--peers-bootstrap "$PEERS")
  done
}

# start_gateway MODELS: a gateway that knows these folders. Sets GATEWAY_PORT.
start_gateway() {
  GATEWAY_PORT=$(free_port "${ASSAY_GATEWAY_PORT:-8080}")
  say "starting the gateway"
  start gateway "$WORKER_BIN" gateway --url "$URL" --dev-key eve --data "$RUN_DIR/gateway" \
    --listen "127.0.0.1:$GATEWAY_PORT" --models "$1" "${EXCHANGE[@]}"
}

# watch_over [PID]: wakes as soon as anything of the network ends, and fails then. Only PID should end, which is in PIDS
# and has no log: the script ends as it does.
watch_over() {
  local ended status=0
  wait -n -p ended "${PIDS[@]}" || status=$?
  if [[ $ended == "${1:-}" && $status == 0 ]]; then exit; fi
  # Whatever else has ended is why the awaited one cannot.
  for index in "${!NAMES[@]}"; do fail_if_gone "${NAMES[index]}" "${PIDS[index]}"; done
  [[ $status == 0 ]] || exit "$status"
}
