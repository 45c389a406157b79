#!/usr/bin/env python3
"""Measures what gateway and chain add to the engine, on the network that scripts/bench starts: a node, two solvers and
a gateway. The options are that script's. Standard output has the report alone.

When a block was imported is read from the node's log, when a model was done from the solvers': they have the clock of
this machine, as has this program.
"""

import argparse
import bisect
import collections
import concurrent.futures
import datetime
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import resource
import socket
import statistics
import threading
import time

import benchlib
from benchlib import NOISY, QUIET, Failure, columns, number, processor_seconds, run, say, spread, summary

# The most tokens of an answer that is timed, and of one that is only there to be one more.
TOKENS = 64
FEW_TOKENS = 16
# Seconds without a byte of the gateway's after which something is wrong; it says that it is alive more often than that.
SILENCE = 300
# Seconds until the solvers' bond must be mature, and until a log must have what has happened.
MATURITY = 300
LOG_DELAY = 20
# Seconds between two looks at the processes.
PERIOD = 0.5
# Seconds for which the processes are left alone to see what they hold at rest: threads that idle end within ten.
REST = 15
# Requests that are open together when many are sent, one after the other.
TOGETHER = 32
# What a process may have more of in the end, because two looks at the same differ: a share of its memory, and so many
# descriptors or threads.
GROWTH = 0.05
MORE = 2
BEFORE_AND_AFTER = "at rest, before and after"
# A line of the node's log.
BLOCK = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) .*Imported #(\d+) ")


class Gateway:
    """A client of the gateway that knows nothing but HTTP."""

    def __init__(self, address):
        self.address = address

    def connect(self):
        return http.client.HTTPConnection(self.address, timeout=SILENCE)

    def ask(self, method, path, body=None, headers=None, expected=(200,)):
        """The body of an answer, which has one of the expected statuses."""
        connection = self.connect()
        try:
            sent = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, path, sent, {"Content-Type": "application/json"} | (headers or {}))
            response = connection.getresponse()
            answer = response.read()
        except (http.client.HTTPException, OSError) as error:
            raise Failure(f"{method} {path}: the gateway broke off: {error!r}") from None
        finally:
            connection.close()
        if response.status not in expected:
            raise Failure(f"{method} {path} was answered with status {response.status}: {shortened(answer)}")
        return answer

    def json(self, *question, **more):
        return json.loads(self.ask(*question, **more))

    def stream(self, question, leave=False):
        """Asks for a stream and reads it to its end, or leaves when it has begun. What was seen, with its times."""
        body = json.dumps(question | {"stream": True, "stream_options": {"include_usage": True}})
        seen = {"asked": time.time(), "first": None, "preview": False}
        connection = self.connect()
        try:
            connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise Failure(f"a stream was answered with status {response.status}: {shortened(response.read())}")
            for event in events(response):
                now = time.time()
                if "error" in event:
                    raise Failure(f"a stream ended with an error: {event['error'].get('message')}")
                seen.setdefault("begun", now)
                if leave:
                    return seen
                if not seen["first"] and any(choice["text"] for choice in event["choices"]):
                    seen |= {"first": now, "preview": "preview" in event["assay"]}
                seen |= {"ended": now, "assay": event["assay"], "usage": event["usage"]}
        except (http.client.HTTPException, OSError) as error:
            raise Failure(f"a stream broke off: {error!r}") from None
        finally:
            connection.close()
        assay, usage = seen.pop("assay", None), seen.pop("usage", None)
        if not usage:
            raise Failure("a stream ended without a count of its tokens")
        # An answer may have no text at all.
        seen["first"] = seen["first"] or seen["ended"]
        return seen | {
            "task": assay["task"],
            "solver": assay["solver"],
            "revealed": assay["revealed_in"]["number"],
            "prompt_tokens": usage["prompt_tokens"],
            "completion_tokens": usage["completion_tokens"],
        }

    def leave_in_the_middle(self):
        """Begins a request and goes away."""
        name, _, port = self.address.partition(":")
        with socket.create_connection((name, int(port)), timeout=SILENCE) as connection:
            connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100\r\n\r\n{")


def shortened(answer):
    return answer.decode(errors="replace")[:200]


def events(response):
    """The objects of a stream of events, as they come."""
    for line in response:
        name, _, data = line.decode().strip().partition(": ")
        if name == "data" and data == "[DONE]":
            return
        if name == "data":
            yield json.loads(data)
    raise Failure("a stream ended before it was done")


# ---------------------------------------------------------------- the processes


class Processes:
    """The node, the solvers and the gateway, by the names that their logs and folders have."""

    def __init__(self, folder, ids):
        self.folder = folder
        self.ids = ids

    def look(self):
        """{name: bytes of memory, open descriptors, threads, bytes on disk} now."""
        return {name: self.one(name, process) for name, process in self.ids.items()}

    def one(self, name, process):
        try:
            status = pathlib.Path(f"/proc/{process}/status").read_text(encoding="utf-8")
            descriptors = len(os.listdir(f"/proc/{process}/fd"))
        except OSError:
            raise Failure(f"{name} has ended") from None
        fields = dict(line.split(":", 1) for line in status.splitlines())
        if "VmRSS" not in fields:
            raise Failure(f"{name} has ended")
        return {
            "memory": int(fields["VmRSS"].split()[0]) * 1024,
            "descriptors": descriptors,
            "threads": int(fields["Threads"]),
            "disk": size(self.folder / name),
        }

    def rest(self):
        """What they have when nothing is asked: the least of several looks."""
        least = self.look()
        for _ in range(REST):
            time.sleep(1)
            for name, found in self.look().items():
                least[name] = {what: min(value, least[name][what]) for what, value in found.items()}
        return least

    def processor_seconds(self):
        """Seconds of processor time that they, this program and its children have used."""
        tick = os.sysconf("SC_CLK_TCK")
        total = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        for name, process in self.ids.items():
            try:
                stat = pathlib.Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
            except OSError:
                raise Failure(f"{name} has ended") from None
            total += sum(int(field) for field in stat.rpartition(")")[2].split()[11:13]) / tick
        return total


def size(folder):
    """Bytes that a folder takes on disk."""
    total = 0
    for path, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.stat(os.path.join(path, file)).st_blocks * 512
            except FileNotFoundError:
                # It was there a moment ago.
                pass
    return total


class Watch:
    """Looks at the processes again and again while something goes on; `done` counts how far that is."""

    def __init__(self, processes):
        self.processes = processes
        self.done = 0
        self.samples = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def work(self):
        while not self.over.wait(PERIOD):
            try:
                self.samples.append({"done": self.done, "processes": self.processes.look()})
            except Failure:
                # Whoever waits for an answer says so.
                return

    def one_more(self):
        with self.lock:
            self.done += 1

    def of(self, name, what):
        return [sample["processes"][name][what] for sample in self.samples]


class Logs:
    """What the logs tell of blocks and runs."""

    def __init__(self, folder, solvers):
        self.folder = folder
        self.solvers = solvers

    def blocks(self, last):
        """When each block up to `last` was imported, in order: index 0 is block 1. Waits for the log to have them."""
        limit = time.time() + LOG_DELAY
        while True:
            with open(self.folder / "node.log", encoding="utf-8", errors="replace") as log:
                found = {int(match[2]): clock(match[1]) for match in map(BLOCK.match, log) if match}
            if all(block in found for block in range(1, last + 1)):
                return [found[block] for block in range(1, last + 1)]
            if time.time() > limit:
                raise Failure(f"the node's log does not tell when the blocks up to {last} were imported")
            time.sleep(0.1)

    def runs(self):
        """{(account of a solver, task): (when its model began, when it was done)}."""
        runs = {}
        for name in self.solvers:
            account, begun = None, {}
            with open(self.folder / f"{name}.log", encoding="utf-8", errors="replace") as log:
                # The last line may still be written.
                for line in (line for line in log if line.startswith("{") and line.endswith("}\n")):
                    said = json.loads(line)
                    message, task = said.get("message"), said.get("task")
                    account = said["account"] if message == "connected" else account
                    if message == "running" and said["role"] == "Solver":
                        begun[task] = datetime.datetime.fromisoformat(said["timestamp"]).timestamp()
                    elif message == "computed" and task in begun:
                        # The line itself comes when the worker has taken in that its model is done.
                        runs[account, task] = begun[task], begun[task] + said["seconds"]
        return runs


def clock(text):
    """Seconds since 1970 of a time of the node's log, which is local."""
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").timestamp()


# ---------------------------------------------------------------- measuring


def serving(gateway, names):
    """Waits until the gateway lists these models: the solvers' bond is mature."""
    say("waiting for the solvers' bond to mature (about a minute)")
    limit = time.time() + MATURITY
    while time.time() < limit:
        try:
            if names <= {model["id"] for model in gateway.json("GET", "/v1/models")["data"]}:
                return
        except Failure:
            # It has not begun to listen, or to follow the chain.
            pass
        time.sleep(1)
    raise Failure(f"the gateway did not list {', '.join(sorted(names))} within {MATURITY} s")


def engine_alone(worker, folder, prompt_tokens):
    """Seconds in which the engine reads a prompt of so many tokens and draws the first of the answer."""
    command = [worker, "model", "bench", folder, "--prompt", prompt_tokens, "--generate", 1, "--json"]
    return json.loads(run(command, what="assay-worker model bench"))["prefill_seconds"]


def located(streams, gateway, logs):
    """Adds to streams that are over what the logs tell of them. Times are since the task's block was imported."""
    blocks = logs.blocks(max(stream["revealed"] for stream in streams))
    runs = logs.runs()
    for stream in streams:
        task, solver = stream["task"], stream["solver"]
        if (solver, task) not in runs:
            raise Failure(f"the log of {solver} does not tell when it computed the task {task}")
        begun, done = runs[solver, task]
        submitted = gateway.json("GET", f"/v1/tasks/{task}")["submitted_at"]
        block = blocks[submitted - 1]
        stream |= {
            "submitted": submitted,
            "stream_seconds": stream["begun"] - block,
            "run_seconds": begun - block,
            "first_seconds": stream["first"] - block,
            "computed_seconds": done - block,
            "blocks_to_reveal": stream["revealed"] - bisect.bisect_right(blocks, done),
            "seconds_to_reveal": blocks[stream["revealed"] - 1] - done,
        }
    return streams


def one_at_a_time(gateway, logs, worker, models, count):
    """{name of a model: engine and stream, taking turns}."""
    results = {}
    for name, (folder, prompt) in models.items():
        say(f"{name}: one stream after the other; warming up")
        question = {"model": name, "prompt": prompt, "max_tokens": TOKENS}
        prompt_tokens = gateway.stream(question)["prompt_tokens"]
        alone, streams = [], []
        for pair in range(count):
            alone.append(engine_alone(worker, folder, prompt_tokens))
            streams.append(gateway.stream(question))
            seconds = streams[-1]["ended"] - streams[-1]["asked"]
            say(f"{name}, {pair + 1} of {count}: revealed {seconds:.1f} s after it was asked")
        results[name] = {"engine_seconds": alone, "streams": located(streams, gateway, logs)}
    return results


def many_at_once(gateway, logs, processes, model, together, rounds):
    """Streams, so many open at a time."""
    name, prompt = model
    question = {"model": name, "prompt": prompt, "max_tokens": TOKENS}
    say(f"{name}: {together} streams at a time, {together * rounds} in all")
    with Watch(processes) as watch, concurrent.futures.ThreadPoolExecutor(together) as pool:
        begin = time.time()
        streams = list(pool.map(lambda _: gateway.stream(question), range(together * rounds)))
        seconds = time.time() - begin
    peaks = {process: max(watch.of(process, "memory")) for process in processes.ids}
    return {"seconds": seconds, "peaks": peaks, "streams": located(streams, gateway, logs)}


def mixture(gateway, text, embedding):
    """What clients send: {kind: (how many of a hundred, whether it is a task, what sends one)}."""
    name, prompt = text
    question = {"model": name, "prompt": prompt, "max_tokens": FEW_TOKENS}
    once = {"Idempotency-Key": f"bench-{time.time_ns()}"}
    post, path = "POST", "/v1/completions"
    task = gateway.json(post, path, question, once)["assay"]["task"]

    def get(where, *expected):
        return lambda: gateway.ask("GET", where, expected=expected or (200,))

    def repeated():
        again = gateway.json(post, path, question, once)["assay"]["task"]
        if again != task:
            raise Failure(f"an idempotency key led to the task {again}, and to {task} before")

    return {
        "models": (18, False, get("/v1/models")),
        "health": (12, False, get("/health")),
        "metrics": (4, False, get("/metrics")),
        "document": (2, False, get("/openapi.json")),
        "page of tasks": (10, False, get("/v1/tasks?limit=20")),
        "task": (16, False, get(f"/v1/tasks/{task}")),
        "unknown task": (6, False, get(f"/v1/tasks/0x{'00' * 32}", 404)),
        "malformed": (8, False, lambda: gateway.ask(post, path, "{", expected=(400,))),
        "unknown model": (6, False, lambda: gateway.ask(post, path, question | {"model": "none"}, expected=(404,))),
        "repeated": (8, False, repeated),
        "key of another": (3, False, lambda: gateway.ask(post, path, question | {"top_k": 3}, once, (422,))),
        "left in the middle": (2, False, gateway.leave_in_the_middle),
        # One at a time is verified; who comes meanwhile is told to come again.
        "verification": (1, False, get(f"/v1/tasks/{task}/verify", 200, 503)),
        "stream": (1, True, lambda: gateway.stream(question)),
        "stream that is left": (1, True, lambda: gateway.stream(question, leave=True)),
        "completion": (1, True, lambda: gateway.ask(post, path, question)),
        "embedding": (1, True, lambda: gateway.ask(post, "/v1/embeddings", {"model": embedding, "input": prompt})),
    }


def requests(gateway, processes, text, embedding, count):
    """Sends so many requests of all kinds, and looks at the processes meanwhile and before and after, at rest."""
    kinds = mixture(gateway, text, embedding)
    hundred = [kind for kind, (share, _, _) in kinds.items() for _ in range(share)]
    random.Random(1).shuffle(hundred)

    def send(number_of_requests, what):
        say(f"{number_of_requests} requests of {len(kinds)} kinds, {TOGETHER} at a time{what}")
        sent = list(itertools.islice(itertools.cycle(hundred), number_of_requests))
        with Watch(processes) as watch, concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:

            def one(kind):
                kinds[kind][2]()
                watch.one_more()

            begin = time.time()
            collections.deque(pool.map(one, sent), maxlen=0)
            return collections.Counter(sent), time.time() - begin, watch.samples

    send(count // 5, ", to warm up")
    before = processes.rest()
    sent, seconds, samples = send(count, "")
    after = processes.rest()
    tasks = sum(times for kind, times in sent.items() if kinds[kind][1])
    return {
        "requests": count,
        "tasks": tasks,
        "seconds": seconds,
        "kinds": sent,
        "before": before,
        "after": after,
        "samples": samples,
    }


# ---------------------------------------------------------------- report


def measures(singles, many, together, sent):
    """The report's rows. `result` is what the target is about."""
    rows = []

    def row(name, of, unit, values, result=None, kind=None, at_most=None):
        met = None if at_most is None else result <= at_most
        target = None if at_most is None else {"at_most": at_most}
        rows.append(
            {
                "name": name,
                "of": of,
                "unit": unit,
                "figures": summary(values),
                "result": result,
                "kind": kind,
                "target": target,
                "met": met,
            }
        )

    def milliseconds(streams, name):
        return [stream[name] * 1e3 for stream in streams]

    for model, found in singles.items():
        streams, alone = found["streams"], [seconds * 1e3 for seconds in found["engine_seconds"]]
        first = milliseconds(streams, "first_seconds")
        over = [after - engine for after, engine in zip(first, alone)]
        row("first token of the engine alone", model, "ms", alone)
        row("after the block: the stream begins", model, "ms", milliseconds(streams, "stream_seconds"))
        row("after the block: the model begins", model, "ms", milliseconds(streams, "run_seconds"))
        row("after the block: the model is done", model, "ms", milliseconds(streams, "computed_seconds"))
        row("after the block: the first text", model, "ms", first)
        row("first text over the engine's", model, "ms", over, statistics.median(over), "ms", at_most=60)
        shown = sum(stream["preview"] for stream in streams)
        row("streams with text before the reveal", model, f"of {len(streams)}", [shown])
        blocks = [stream["blocks_to_reveal"] for stream in streams]
        row("from computed to revealed", model, "blocks", blocks, statistics.median(blocks), "blocks", at_most=2)
        row("from computed to revealed", model, "s", [stream["seconds_to_reveal"] for stream in streams])

    streams, of = many["streams"], f"{together} streams at once"
    row("answered", of, "per second", [len(streams) / many["seconds"]])
    row("from asked to the first text", of, "s", [stream["first"] - stream["asked"] for stream in streams])
    row("from asked to revealed", of, "s", [stream["ended"] - stream["asked"] for stream in streams])
    row("from computed to revealed", of, "blocks", [stream["blocks_to_reveal"] for stream in streams])
    for process, peak in many["peaks"].items():
        row(f"memory at most, {of}", process, "MiB", [peak / 2**20])

    of = f"{sent['requests']:,} requests"
    row("answered", of, "per second", [sent["requests"] / sent["seconds"]])
    row("tasks among them", of, "", [sent["tasks"]])
    done = [sample["done"] for sample in sent["samples"]]
    for process, before in sent["before"].items():
        memory = [sample["processes"][process]["memory"] for sample in sent["samples"]]
        grown = statistics.linear_regression(done, memory).slope * sent["requests"]
        row(f"memory, {of}", process, "MiB", [size_now / 2**20 for size_now in memory])
        row("its growth", process, "MiB", [grown / 2**20], grown / before["memory"], "share", at_most=GROWTH)
        for what in ("descriptors", "threads"):
            ends = [before[what], sent["after"][process][what]]
            row(f"{what} {BEFORE_AND_AFTER}", process, "", ends, ends[1] - ends[0], "more", at_most=MORE)
        kept = (sent["after"][process]["disk"] - before["disk"]) / sent["tasks"]
        row("on disk for each task", process, "KiB", [kept / 1024])
    return rows


def figures(row):
    values = row["figures"]
    if len(values["values"]) == 1:
        (value,) = values["values"]
        return str(value) if isinstance(value, int) else number(value)
    if row["name"].endswith(BEFORE_AND_AFTER):
        return " -> ".join(str(value) for value in values["values"])
    return spread(values)


def amount(value, kind):
    if kind == "share":
        return f"{100 * value:+.1f} %"
    if kind == "more":
        return f"{value:+d}"
    return f"{value:+.0f} ms" if kind == "ms" else f"{value:g} {kind}"


def table(head, rows):
    others = head["taken_by_others"]
    lines = [
        f"What Assay's gateway adds, {head['date']}",
        f"  machine    {head['cpu']}, {head['cores']} cores, Linux {head['kernel']}",
        f"             other programs took {100 * others:.0f} % of the processor{NOISY if others > QUIET else ''}",
        f"  ours       {head['worker']}, commit {(head['commit'] or 'unknown')[:12]}"
        f"{', modified' if head['modified'] else ''}",
        "  network    a node, two solvers that both compute every task and check each other, a gateway; blocks of 3 s",
        f"  answers    of {TOKENS} tokens at most; among the many requests of {FEW_TOKENS}",
        "  each figure: median (smallest-largest)",
        "",
    ]
    cells = [("measure", "of", "unit", "figures", "result", "target", "")]
    for row in rows:
        result = "" if row["result"] is None else amount(row["result"], row["kind"])
        target = f"<= {amount(row['target']['at_most'], row['kind'])}" if row["target"] else ""
        verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
        cells.append((row["name"], row["of"], row["unit"], figures(row), result, target, verdict))
    return "\n".join(lines + columns(cells))


def name_of(folder):
    """The name of the model in a folder."""
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["name"]


def process(text):
    name, _, number_of = text.partition("=")
    return name, int(number_of)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway", required=True, help="where the gateway listens")
    parser.add_argument("--worker", type=pathlib.Path, required=True, help="the assay-worker that is measured")
    parser.add_argument("--run-dir", type=pathlib.Path, required=True, help="where logs and data of the processes are")
    parser.add_argument("--process", type=process, action="append", required=True, help="NAME=PID of each process")
    parser.add_argument("--text-model", type=pathlib.Path, required=True, help="the shipped text model")
    parser.add_argument("--random-model", type=pathlib.Path, required=True, help="a larger model, of random weights")
    parser.add_argument("--embedding-model", type=pathlib.Path, required=True, help="the embedding model")
    parser.add_argument("--pairs", type=int, default=10, help="streams of each model, one after the other")
    parser.add_argument("--streams", type=int, default=100, help="streams that are open at a time")
    parser.add_argument("--rounds", type=int, default=3, help="so many times as many streams in all")
    parser.add_argument("--requests", type=int, default=10_000, help="requests of all kinds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    gateway, processes = Gateway(options.gateway), Processes(options.run_dir, dict(options.process))
    logs = Logs(options.run_dir, [name for name in processes.ids if name.startswith("solver")])
    text, embedding = name_of(options.text_model), name_of(options.embedding_model)
    models = {
        text: (options.text_model, "In the beginning God created"),
        # Its tokenizer knows words such as these alone.
        name_of(options.random_model): (options.random_model, "w11 w12 w13 w14 w15 w16 w17 w18"),
    }
    serving(gateway, {*models, embedding})
    passed, used, _ = processor_seconds()
    ours = processes.processor_seconds()
    singles = one_at_a_time(gateway, logs, options.worker, models, options.pairs)
    asked = (text, models[text][1])
    many = many_at_once(gateway, logs, processes, asked, options.streams, options.rounds)
    sent = requests(gateway, processes, asked, embedding, options.requests)
    ours = processes.processor_seconds() - ours
    passed, used = (after - before for after, before in zip(processor_seconds(), (passed, used)))
    head = benchlib.surroundings() | {
        "worker": run([options.worker, "--version"], what="assay-worker --version").strip(),
        "taken_by_others": max(0.0, used - ours) / passed,
        "pairs": options.pairs,
        "streams": options.streams,
        "rounds": options.rounds,
    }
    rows = measures(singles, many, options.streams, sent)
    if options.json:
        runs = {"one_at_a_time": singles, "many_at_once": many, "requests": sent}
        print(json.dumps(head | {"measures": rows, "runs": runs}, indent=2))
    else:
        print(table(head, rows))


if __name__ == "__main__":
    benchlib.begin(main)
