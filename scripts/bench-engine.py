#!/usr/bin/env python3
"""Compares the exact engine with llama.cpp and candle on this machine. Started by scripts/bench, which has the options.

All sides get random weights of the same shapes and the same number of threads; every measurement is a process of its
own, and they take turns, so that what else the machine does falls on all. Standard output has the report alone.
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import shutil
import statistics
import sys
import tempfile

import benchlib
from benchlib import NOISY, QUIET, ROOT, Failure, columns, cpu, measured, run, say, spread, summary

LLAMA_PROGRAM = ROOT / "scripts" / "bench-llama.py"

LLAMA_CPP_PYTHON = "0.3.36"
LLAMA_CPP_PYTHON_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
REQUIREMENTS = ["gguf==0.19.0", "numpy==2.4.6"]

THREADS = 2

SHAPES = {
    "smollm2-135m": {
        "hidden": 576, "intermediate": 1536, "layers": 30, "heads": 9, "kv_heads": 3, "head_dim": 64,
        "vocabulary": 49152, "context": 2048, "tied": True, "rope_base": 100000.0,
    },
    "tinyllama-1.1b": {
        "hidden": 2048, "intermediate": 5632, "layers": 22, "heads": 32, "kv_heads": 4, "head_dim": 64,
        "vocabulary": 32000, "context": 2048, "tied": False, "rope_base": 10000.0,
    },
}

# Tokens of the prompt, tokens of the answer, sequences together.
DECODE = {"prompt": 64, "generate": 64, "batch": 1}
PREFILL = {"prompt": 320, "generate": 1, "batch": 1}
ANSWER = {"prompt": 64, "generate": 256, "batch": 1}
BATCH = {"prompt": 64, "generate": 64, "batch": 8}
SMALL, LARGE = SHAPES
PLAN = [
    ("decode", SMALL, DECODE),
    ("decode", LARGE, DECODE),
    ("prefill", LARGE, PREFILL),
    ("answer", SMALL, ANSWER),
    ("answer", LARGE, ANSWER),
    ("batch", SMALL, BATCH),
    ("batch", LARGE, BATCH),
]
# What candle is measured in.
CANDLE_DOES = ("decode", "prefill")


# ---------------------------------------------------------------- what is compared


def library_builds(features):
    """The builds of llama.cpp to try, as {name: cmake options}: for all that this processor has, without AMX and with.

    The options are spelt out, not left to -march=native, because native includes AMX: should that build fail or crash
    somewhere, there is still one to compare with.
    """
    if platform.machine() != "x86_64":
        return {"native": ["-DGGML_NATIVE=ON"]}
    if "avx2" not in features:
        raise Failure("this processor has no AVX2; the comparison needs at least that")
    wanted = {"avx2"}
    if {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"} <= features:
        # As Linux and as the library call them.
        extensions = {"avx512vbmi": "avx512_vbmi", "avx512_vnni": "avx512_vnni", "avx512_bf16": "avx512_bf16"}
        wanted |= {"avx512"} | {extensions[feature] for feature in features & extensions.keys()}
    wanted |= features & {"avx_vnni"}
    sets = [wanted]
    if "amx_int8" in features:
        sets.append(wanted | {"amx_tile", "amx_int8"})
    return {
        "+".join(sorted(names)): ["-DGGML_NATIVE=OFF", *(f"-DGGML_{name.upper()}=ON" for name in sorted(names))]
        for names in sets
    }


class Llama:
    """The installed llama.cpp: a Python environment, builds of the library, and the models as GGUF files."""

    def __init__(self, folder, features):
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.options = library_builds(features)
        self.builds = {name: folder / f"llama.cpp-{LLAMA_CPP_PYTHON}-{name}" for name in self.options}
        # What a measurement may use: a build, and whether flash attention is on.
        self.variants = [(build, flash_attention) for build in self.builds for flash_attention in (False, True)]
        # What was tried and did not work, for the report.
        self.notes = []
        # What it said about itself.
        self.about = {}

    def install(self, work):
        ready = self.folder / "venv" / "ready"
        wanted = "\n".join([*REQUIREMENTS, f"llama-cpp-python=={LLAMA_CPP_PYTHON}", platform.python_version()])
        if not ready.is_file() or ready.read_text() != wanted:
            self.install_packages(work)
            ready.write_text(wanted)
        for name, folder in self.builds.items():
            if (folder / "libllama.so").exists():
                continue
            try:
                self.build_library(work, name)
            except Failure as failure:
                # The one with AMX may be missing, the one that every comparison can be made with may not.
                if name == next(iter(self.builds)):
                    raise
                self.variants = [variant for variant in self.variants if variant[0] != name]
                self.notes.append(f"llama.cpp for {name} left out: {failure}")

    def install_packages(self, work):
        venv = self.folder / "venv"
        say("installing llama-cpp-python, gguf and numpy")
        shutil.rmtree(venv, ignore_errors=True)
        try:
            run([sys.executable, "-m", "venv", venv])
            pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            run([*pip, *REQUIREMENTS], what="pip install")
            # Only the Python part: the library is built below, once for each set of instructions.
            options = {"CMAKE_ARGS": "-DLLAMA_BUILD=OFF -DLLAVA_BUILD=OFF"}
            run([*pip, self.source(work)], options, what="pip install llama-cpp-python")
        except BaseException:
            shutil.rmtree(venv, ignore_errors=True)
            raise

    def source(self, work):
        """The source package, which has llama.cpp in it; downloaded once into the work folder."""
        path = work / f"llama_cpp_python-{LLAMA_CPP_PYTHON}.tar.gz"
        if not path.exists():
            say(f"downloading llama-cpp-python {LLAMA_CPP_PYTHON} (77 MB)")
            name = "llama-cpp-python"
            run(
                [self.python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
                + ["--no-binary", name, "--dest", work, f"{name}=={LLAMA_CPP_PYTHON}"],
                what="pip download llama-cpp-python",
            )
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest != LLAMA_CPP_PYTHON_SHA256:
                path.unlink()
                raise Failure(f"llama-cpp-python {LLAMA_CPP_PYTHON} has SHA-256 {digest}, not the one pinned here")
        return path

    def build_library(self, work, name):
        source, build = work / f"llama_cpp_python-{LLAMA_CPP_PYTHON}", work / f"build-{name}"
        if not source.exists():
            # The builder must own the files, or git does not tell the build which commit they are.
            run(["tar", "--extract", "--no-same-owner", "--directory", work, "--file", self.source(work)])
        say(f"building llama.cpp for {name} (about 5 minutes on two cores)")
        parts = ("COMMON", "TOOLS", "TESTS", "EXAMPLES", "SERVER", "APP")
        run(
            ["cmake", "-S", source / "vendor" / "llama.cpp", "-B", build, "-DCMAKE_BUILD_TYPE=Release"]
            # The libraries find each other in whatever folder they are.
            + ["-DCMAKE_BUILD_RPATH_USE_ORIGIN=ON", *(f"-DLLAMA_BUILD_{part}=OFF" for part in parts)]
            + self.options[name],
            what="cmake",
        )
        command = ["cmake", "--build", build, "--target", "llama", "--parallel", os.cpu_count()]
        run(command, what="the build of llama.cpp")
        partial = work / "lib"
        shutil.copytree(build / "bin", partial, symlinks=True)
        shutil.rmtree(self.builds[name], ignore_errors=True)
        partial.rename(self.builds[name])

    def write_model(self, work, shape):
        path = self.model(shape)
        if path.exists():
            return
        say(f"writing random weights of shape {shape} for llama.cpp")
        partial = work / path.name
        run([self.python, LLAMA_PROGRAM, "write", json.dumps(SHAPES[shape]), partial], what="writing the GGUF file")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(path)

    def model(self, shape):
        return self.folder / "models" / f"{shape}.gguf"

    def measure(self, shape, scenario, variant):
        build, flash_attention = variant
        result = measured(
            [self.python, LLAMA_PROGRAM, "measure", self.model(shape), *arguments(scenario), "--threads", THREADS]
            + ["--flash-attention"] * flash_attention,
            {"LLAMA_CPP_LIB_PATH": str(self.builds[build])},
            what=f"llama.cpp ({describe(variant)})",
        )
        self.about[build] = result
        return result

    def choose(self, shape, scenario, rounds):
        """The fastest variant for this scenario. Its first try also brings the model's file into memory."""
        best = {}
        for _ in range(rounds):
            for variant in self.variants.copy():
                try:
                    speed = rate(self.measure(shape, scenario, variant), scenario)
                    best[variant] = max(speed, best.get(variant, 0))
                except Failure as failure:
                    self.variants.remove(variant)
                    self.notes.append(f"left out: {failure}")
                    best.pop(variant, None)
        if not best:
            raise Failure(self.notes[-1])
        return max(best, key=best.get)


def describe(variant):
    build, flash_attention = variant
    return f"{build}, flash attention {'on' if flash_attention else 'off'}"


def arguments(scenario):
    return [part for name, value in scenario.items() for part in (f"--{name}", value)]


def rate(result, scenario):
    """Tokens per second of what the scenario is about."""
    part = "prefill" if scenario is PREFILL else "decode"
    return result[f"{part}_tokens"] / result[f"{part}_seconds"]


class Engine:
    """This project's side: the worker and its artefacts."""

    FIELDS = {
        "isa", "threads", "load_seconds", "prefill_seconds", "prefill_tokens", "decode_seconds", "decode_tokens",
        "replay_seconds", "replay_tokens", "peak_rss_bytes", "weights_bytes", "kv_bytes", "stream_bytes_per_second",
    }

    def __init__(self, worker, folder, isa):
        self.worker = worker
        self.folder = folder
        known = run([worker, "model", "bench", "--list-isas"], what="assay-worker model bench --list-isas").split()
        if not known:
            raise Failure("assay-worker model bench --list-isas named no path")
        if isa and isa not in known:
            raise Failure(f"this machine does not run the path '{isa}'; it runs {', '.join(known)}")
        self.isa = isa or known[0]

    def write_model(self, work, shape):
        path = self.model(shape)
        try:
            run([self.worker, "model", "inspect", "--cid", path])
            return
        except Failure:
            shutil.rmtree(path, ignore_errors=True)
        say(f"writing random weights of shape {shape} for the engine")
        partial = work / shape
        run([self.worker, "model", "random", "--shape", shape, "--to", partial], what="assay-worker model random")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(path)

    def model(self, shape):
        return self.folder / "models" / shape

    def measure(self, shape, scenario):
        result = measured(
            [self.worker, "model", "bench", self.model(shape), "--threads", THREADS, "--isa", self.isa]
            + [*arguments(scenario), "--json"],
            what="assay-worker model bench",
        )
        missing = self.FIELDS - result.keys()
        if missing:
            raise Failure(f"assay-worker model bench did not print {', '.join(sorted(missing))}")
        # The first token comes out of the prompt's pass, so it may or may not be counted as decoded.
        prompt, generate, batch = (scenario[name] for name in ("prompt", "generate", "batch"))
        expected = {
            "isa": {self.isa},
            "threads": {THREADS},
            "prefill_tokens": {prompt * batch},
            "decode_tokens": {generate * batch, (generate - 1) * batch},
        }
        for name, values in expected.items():
            if result[name] not in values:
                raise Failure(f"assay-worker model bench printed {name} {result[name]}, not {min(values)}")
        return result


class Candle:
    """candle's own quantised Llama, on the files that llama.cpp reads."""

    def __init__(self, program, llama):
        self.program = program
        self.llama = llama

    def measure(self, shape, scenario):
        result = measured(
            [self.program, self.llama.model(shape), *arguments(scenario)],
            {"RAYON_NUM_THREADS": str(THREADS)},
            what="bench-candle",
        )
        if result["threads"] != THREADS:
            raise Failure(f"bench-candle computed with {result['threads']} threads, not {THREADS}")
        return result


# ---------------------------------------------------------------- measuring


def measure(engine, llama, candle, pairs):
    """{(what, shape): {"variant", "ours": [...], "theirs": [...], "candle": [...]}}, the sides taking turns.

    candle has no part in longer answers, which are the same work as short ones, nor in batches: its model fails on
    several prompts at once.
    """
    results, variants = {}, {}
    for what, shape, scenario in PLAN:
        # Generating a longer answer is the same work as generating a short one.
        key = ("decode" if what == "answer" else what, shape)
        if key not in variants:
            say(f"{shape}, {what}: choosing how llama.cpp does it best; warming up")
            variants[key] = llama.choose(shape, scenario, min(2, pairs))
            engine.measure(shape, scenario)
        ours, theirs, others = [], [], []
        for pair in range(pairs):
            ours.append(engine.measure(shape, scenario))
            theirs.append(llama.measure(shape, scenario, variants[key]))
            rates = f"{rate(ours[-1], scenario):.1f} against {rate(theirs[-1], scenario):.1f}"
            if candle and what in CANDLE_DOES:
                others.append(candle.measure(shape, scenario))
                rates += f" and candle's {rate(others[-1], scenario):.1f}"
            say(f"{shape}, {what}, pair {pair + 1} of {pairs}: {rates} tokens/s")
        results[what, shape] = {
            "variant": describe(variants[key]), "ours": ours, "theirs": theirs, "candle": others or None
        }
    return results


def measures(results, isa):
    """The report's rows. `result` is what the target is about; ratios are ratios of medians."""
    amx, vnni = "amx" in isa, "vnni" in isa
    rows = []

    def row(name, shape, unit, ours, theirs, result, kind, at_least=None, at_most=None, candle=None):
        target, met = None, None
        if at_least is not None:
            target, met = {"at_least": at_least}, result >= at_least
        if at_most is not None:
            target, met = {"at_most": at_most}, result <= at_most
        rows.append(
            {
                "name": name,
                "shape": shape,
                "unit": unit,
                "ours": ours and summary(ours),
                "theirs": theirs and summary(theirs),
                "candle": candle and summary(candle),
                "ratio_to_candle": candle and ratio(ours, candle),
                "result": result,
                "kind": kind,
                "target": target,
                "met": met,
            }
        )

    def both(what, shape, value):
        found = results[what, shape]
        return [value(run) for run in found["ours"]], [value(run) for run in found["theirs"]]

    def of_candle(what, shape, value):
        return [value(run) for run in results[what, shape]["candle"] or []] or None

    def ratio(ours, theirs):
        return statistics.median(ours) / statistics.median(theirs)

    def decode_rate(run):
        return run["decode_tokens"] / run["decode_seconds"]

    def prefill_rate(run):
        return run["prefill_tokens"] / run["prefill_seconds"]

    # Seconds for the whole answer, whether the token that follows the prompt is counted as decoded or not.
    def answer_seconds(run):
        return ANSWER["generate"] / decode_rate(run)

    for shape in SHAPES:
        ours, theirs = both("decode", shape, decode_rate)
        candle = of_candle("decode", shape, decode_rate)
        name = "decode, one sequence"
        row(name, shape, "tokens/s", ours, theirs, ratio(ours, theirs), "times", at_least=1.2, candle=candle)
        # A token reads every weight but the embedding's other rows; a tied embedding is read as the head.
        found, described = results["decode", shape], SHAPES[shape]
        unread = 0 if described["tied"] else described["vocabulary"] * described["hidden"]
        unread_rows = 0 if described["tied"] else described["vocabulary"]
        bandwidth = statistics.median(run["stream_bytes_per_second"] for run in found["ours"])
        ours = [decode_rate(run) * (run["weights_bytes"] - unread - 4 * unread_rows) / 1e9 for run in found["ours"]]
        theirs = [decode_rate(run) * (run["weights_bytes"] - unread * 34 // 32) / 1e9 for run in found["theirs"]]
        share = statistics.median(ours) * 1e9 / bandwidth
        row("decode, weights read", shape, "GB/s", ours, theirs, share, "share of stream", at_least=0.75)

    ours, theirs = both("prefill", LARGE, prefill_rate)
    name, least = f"prefill of {PREFILL['prompt']} tokens", 5.0 if amx else 2.0
    candle = of_candle("prefill", LARGE, prefill_rate)
    row(name, LARGE, "tokens/s", ours, theirs, ratio(ours, theirs), "times", at_least=least, candle=candle)

    limit = 0.10 if amx else 0.20 if vnni else 0.60
    for shape in SHAPES:
        replay = [run["replay_seconds"] for run in results["answer", shape]["ours"]]
        ours, theirs = both("answer", shape, answer_seconds)
        name = f"replay of {ANSWER['generate']}"
        row(f"{name} / their generating", shape, "s", replay, theirs, ratio(replay, theirs), "share", at_most=0.10)
        row(f"{name} / our generating", shape, "s", replay, None, ratio(replay, ours), "share", at_most=limit)
        rows[-1]["compared_with"] = summary(ours)

    for shape in SHAPES:
        ours, theirs = both("batch", shape, decode_rate)
        name = f"decode, {BATCH['batch']} sequences"
        row(name, shape, "tokens/s", ours, theirs, ratio(ours, theirs), "times")
        one_ours, one_theirs = both("decode", shape, decode_rate)
        row(f"{name} / one", shape, "tokens/s", ours, None, ratio(ours, one_ours), "times", at_least=4.0)
        rows[-1]["result_theirs"] = ratio(theirs, one_theirs)

    for shape in SHAPES:
        for what, name in (("answer", "one sequence"), ("batch", f"{BATCH['batch']} sequences")):
            ours, theirs = both(what, shape, lambda run: run["peak_rss_bytes"] / 2**20)
            worst = max(
                run["peak_rss_bytes"] / (run["weights_bytes"] + run["kv_bytes"]) for run in results[what, shape]["ours"]
            )
            row(f"peak memory, {name}", shape, "MiB", ours, theirs, worst, "of weights + KV", at_most=1.15)
        ours, theirs = both("answer", shape, lambda run: run["load_seconds"])
        row("load", shape, "s", ours, theirs, ratio(ours, theirs), "times")
    return rows


# ---------------------------------------------------------------- report


def candle_version():
    """The version of candle that this project's lock file names."""
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    return lock.partition('name = "candle-transformers"\nversion = "')[2].partition('"')[0]


def header(engine, llama, options, results):
    build = next(iter(llama.about.values()))
    runs = [run for result in results.values() for side in ("ours", "theirs", "candle") for run in result[side] or []]
    return benchlib.surroundings() | {
        "taken_by_others": summary([run["taken_by_others"] for run in runs]),
        "threads": THREADS,
        "pairs": options.pairs,
        "isa": engine.isa,
        "worker": run([engine.worker, "--version"], what="assay-worker --version").strip(),
        "stream_bytes_per_second": statistics.median(
            measured["stream_bytes_per_second"] for result in results.values() for measured in result["ours"]
        ),
        "llama_cpp_python": LLAMA_CPP_PYTHON,
        # The source package leaves files out, so its build calls itself modified.
        "llama_cpp_commit": build["llama_cpp_commit"].removesuffix("-dirty"),
        "ggml_version": build["ggml_version"],
        "llama_cpp_builds": {name: about["features"] for name, about in llama.about.items()},
        "llama_cpp_variants": {f"{what}, {shape}": result["variant"] for (what, shape), result in results.items()},
        "candle": any(result["candle"] for result in results.values()) and candle_version() or None,
        "notes": llama.notes,
    }


def amount(value, kind):
    if kind in ("share", "share of stream"):
        return f"{100 * value:.1f} %"
    return f"{value:.2f} x"


def table(head, rows):
    others = head["taken_by_others"]
    lines = [
        f"Assay's engine, llama.cpp and candle, {head['date']}",
        f"  machine    {head['cpu']}, {head['cores']} cores, Linux {head['kernel']}; "
        f"reads {head['stream_bytes_per_second'] / 1e9:.1f} GB/s with {head['threads']} threads",
        f"             other programs took {100 * others['median']:.0f} % of the processor during a run, "
        f"{100 * others['max']:.0f} % at most{NOISY if others['median'] > QUIET else ''}",
        f"  ours       {head['worker']}, commit {(head['commit'] or 'unknown')[:12]}"
        f"{', modified' if head['modified'] else ''}; path {head['isa']}",
        f"  llama.cpp  {head['llama_cpp_commit']} (llama-cpp-python {head['llama_cpp_python']}, ggml "
        f"{head['ggml_version']}), Q8_0",
        *(f"             {key}: {variant}" for key, variant in head["llama_cpp_variants"].items()),
        f"  candle     candle-transformers {head['candle'] or 'left out'}, quantised Llama on the same Q8_0 files",
        *(f"  note       {note}" for note in head["notes"]),
        f"  each figure: median (smallest-largest) of {head['pairs']} interleaved runs with {head['threads']} threads",
        "",
    ]
    cells = [("measure", "shape", "unit", "ours", "llama.cpp", "result", "target", "", "candle", "ours / candle")]
    for row in rows:
        target = ""
        if row["target"]:
            ((direction, value),) = row["target"].items()
            sign = ">=" if direction == "at_least" else "<="
            target = f"{sign} {amount(value, row['kind'])}"
        verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
        theirs = spread(row["theirs"])
        if "result_theirs" in row:
            theirs = f"({row['result_theirs']:.2f} x)"
        elif "compared_with" in row:
            theirs = f"(ours: {spread(row['compared_with'])})"
        cells.append(
            (row["name"], row["shape"], row["unit"], spread(row["ours"]), theirs)
            + (amount(row["result"], row["kind"]), target, verdict)
            + ((spread(row["candle"]), amount(row["ratio_to_candle"], "times")) if row["candle"] else ("", ""))
        )
    lines += columns(cells)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", type=pathlib.Path, required=True, help="the assay-worker to measure")
    parser.add_argument("--candle", type=pathlib.Path, help="the bench-candle to measure; left out otherwise")
    parser.add_argument("--cache", type=pathlib.Path, required=True, help="where llama.cpp and the models are kept")
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--isa", help="the path to measure; the best one otherwise")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    _, features = cpu()
    cores = len(os.sched_getaffinity(0))
    if cores < THREADS:
        raise Failure(f"the comparison is made with {THREADS} threads and this machine has {cores} core")
    options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=options.cache) as work:
        # Whatever the programs leave in a temporary folder goes with it.
        os.environ["TMPDIR"] = work
        engine = Engine(options.worker.resolve(), options.cache, options.isa)
        llama = Llama(options.cache, features)
        llama.install(pathlib.Path(work))
        for shape in SHAPES:
            llama.write_model(pathlib.Path(work), shape)
            engine.write_model(pathlib.Path(work), shape)
        candle = options.candle and Candle(options.candle.resolve(), llama)
        results = measure(engine, llama, candle, options.pairs)
        head = header(engine, llama, options, results)
    rows = measures(results, engine.isa)
    if options.json:
        runs = [{"what": what, "shape": shape, **result} for (what, shape), result in results.items()]
        print(json.dumps(head | {"measures": rows, "runs": runs}, indent=2))
    else:
        print(table(head, rows))


if __name__ == "__main__":
    benchlib.begin(main)
