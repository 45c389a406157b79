"""What the programs of scripts/bench share: running commands that leave nothing behind, saying where, and printing."""

import datetime
import json
import os
import pathlib
import platform
import resource
import signal
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# No command takes longer than this many seconds, or something is wrong.
LIMIT = 1800
# Of a run's processor time, what other programs may take before the report says that it was noisy.
QUIET = 0.05
NOISY = ": too much to trust the figures"
STOPPING = (signal.SIGINT, signal.SIGTERM)


class Failure(Exception):
    """What went wrong, in one line."""


def say(text):
    print(f"\033[1m[assay]\033[0m {text}", file=sys.stderr, flush=True)


def run(command, environment=None, what=None):
    """Standard output of a command. It gets a process group of its own, and nothing of that outlives this call."""
    what = what or pathlib.Path(command[0]).name
    child = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | (environment or {}),
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        out, err = child.communicate(timeout=LIMIT)
    except BaseException as cause:
        stop(child)
        if isinstance(cause, subprocess.TimeoutExpired):
            raise Failure(f"{what} did not end within {LIMIT} s") from None
        raise
    if child.returncode != 0:
        cause = f"signal {-child.returncode}" if child.returncode < 0 else f"exit status {child.returncode}"
        last = next((line.strip() for line in reversed((err or out).splitlines()) if line.strip()), "it said nothing")
        raise Failure(f"{what} failed with {cause}: {last}")
    return out


def processor_seconds():
    """Seconds of processor time since the start: what passed, what all programs used, what our children used."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, idle, wait, *rest = (int(field) for field in stat.readline().split()[1:9])
    tick = os.sysconf("SC_CLK_TCK")
    used = user + nice + system + sum(rest)
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used + idle + wait) / tick, used / tick, ours.ru_utime + ours.ru_stime


def measured(command, environment=None, what=None):
    """The JSON object that a measurement prints, with the share of the processor that others took meanwhile."""
    before = processor_seconds()
    out = run(command, environment, what)
    passed, used, ours = (after - start for after, start in zip(processor_seconds(), before))
    try:
        result = json.loads(out)
    except ValueError:
        raise Failure(f"{what} printed no JSON object but: {out.strip()[:80]}") from None
    # Two clocks are compared, so the difference may be a tick below nothing.
    return result | {"taken_by_others": max(0.0, used - ours) / passed if passed else 0.0}


def stop(child):
    """Ends a process group, by force where asking does not help. What it leaves is in the work folder."""
    # A second Ctrl-C must not interrupt this.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
            child.wait(timeout=5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def cpu():
    """The processor's name and the set of its features, as Linux calls them."""
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields.get("model name", platform.machine()), set(fields.get("flags", "").split())


def git(*command):
    try:
        return run(["git", "-C", ROOT, *command]).strip()
    except (Failure, FileNotFoundError):
        return ""


def surroundings():
    """When and where this is measured, and what of this project."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "HEAD") or None,
        "modified": bool(git("status", "--porcelain", "--untracked-files=no")),
        "cpu": cpu()[0],
        "cores": os.cpu_count(),
        "kernel": platform.release(),
    }


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values):
    if values is None:
        return "-"
    return f"{number(values['median'])} ({number(values['min'])}-{number(values['max'])})"


def columns(cells):
    """Lines of text, with the cells of each column below each other."""
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def interrupt(*_):
    raise KeyboardInterrupt


def begin(main):
    """Runs a program: Ctrl-C and SIGTERM end it quietly, and what goes wrong is said in one line."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failure, OSError) as failure:
        print(f"\033[1;31m[assay] error:\033[0m {failure}", file=sys.stderr)
        sys.exit(1)
