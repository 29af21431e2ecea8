#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Where the daemon's time goes, as tables for docs/performance.md: the functions that use the most of it.

  perf        samples of kernel and program while the load runs (needs the right to use perf)
  callgrind   user instructions, which do not depend on who else uses the machine

usage: profile.py --build BUILD [--tool perf|callgrind] [--top 10] [--seconds 3] [--key 'KEY = VALUE']...
"""

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from crowd import IQN  # noqa: E402
from process import Daemon  # noqa: E402
from sptgt_config import configuration, device, target  # noqa: E402

WORK = [
    ("4 KiB random read QD1", ["--depth", "1"]),
    ("4 KiB random read QD32", ["--depth", "32"]),
    ("4 KiB random write QD32", ["--depth", "32", "--read", "0"]),
    ("1 MiB sequential read QD8", ["--depth", "8", "--block", "1M", "--sequential"]),
    ("1 MiB sequential write QD8", ["--depth", "8", "--block", "1M", "--sequential", "--read", "0"]),
]


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--tool", choices=("perf", "callgrind"), default="callgrind")
    p.add_argument("--top", type=int, default=10)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--key", action="append", default=[], help="a line for the [daemon] section")
    p.add_argument("--work", action="append", help="only work whose name has this in it")
    p.add_argument("--load", default="load-raw", help="load-raw, or load, which is libiscsi's")
    return p.parse_args()


class Sptgtd:
    def __init__(self, args, directory, before=()):
        path = os.path.join(directory, "sptgt.conf")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(configuration(device("disk"), target("bench"), workers=1, control="none",
                                  daemon="\n".join(args.key)).replace("{dir}", directory))
        program = os.path.join(args.build, "daemon", "sptgtd")
        self.args = args
        self.daemon = Daemon([*before, program, "--config", path, "--log", "stderr"], os.path.join(directory, "log"))
        self.daemon.wait_for("ready line", lambda: "ready" in self.daemon.log(), seconds=60)
        port = re.search(r"listening on 127\.0\.0\.1:(\d+)", self.daemon.log()).group(1)
        self.url = f"iscsi://127.0.0.1:{port}/{IQN}/0"
        ended(self.load(["--fill", "--verify", "--block", "1M", "--depth", "4"], 0))  # every page of the medium exists

    def load(self, options, seconds, *more):
        """A load that runs by now."""
        argv = [os.path.join(self.args.build, "tests", "bench", self.args.load), *options, "--warmup", "0",
                "--duration", f"{int(seconds * 1000)}ms", "--json", "-", *more, self.url]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def ended(load):
    out, _ = load.communicate(timeout=120)
    if load.returncode:
        raise RuntimeError(f"{' '.join(load.args)}: status {load.returncode}")
    return json.loads(out)["all"]["ios"]


def by_perf(server, options, directory):
    """{function: share}, and what the work was."""
    data = os.path.join(directory, "perf.data")
    load = server.load(options, server.args.seconds + 1)
    time.sleep(0.5)
    subprocess.run(["perf", "record", "-q", "-F", "5000", "-e", "cpu-clock", "-o", data, "-p", str(server.daemon.pid), "--",
                    "sleep", str(server.args.seconds)], check=True, stderr=subprocess.DEVNULL)
    ended(load)
    text = subprocess.run(["perf", "report", "-i", data, "--no-children", "--sort", "dso,symbol", "-F", "overhead,dso,symbol",
                           "--stdio"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    shares = {}
    for line in text.splitlines():
        m = re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[([.k])\]\s+(\S+)", line)
        if m:
            shares[m.group(4), "kernel" if m.group(3) == "k" else m.group(2)] = float(m.group(1)) / 100
    kernel = sum(v for (_, where), v in shares.items() if where == "kernel")
    return shares, f"{100 * kernel:.0f} % in the kernel"


def control(pid, *args):
    subprocess.run(["callgrind_control", *args, str(pid)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def function_costs(path):
    """Of one dump: instructions of each function itself."""
    costs = collections.Counter()
    text = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", path], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    for line in text.splitlines():
        m = re.match(r"\s*([\d,]+) \(.*?\)\s+\S*?:([^\s\[]+)(?: \[(.*)\])?", line)
        if m:
            where = os.path.basename(m.group(3)) if m.group(3) else "libc"
            costs[m.group(2).split("'")[0], where] += int(m.group(1).replace(",", ""))
    return costs


def by_callgrind(server, options, directory):
    """Counted is the second load, its login and logout, too."""
    ended(server.load(options, 0.3))
    for name in os.listdir(directory):
        if name.startswith("callgrind."):
            os.unlink(os.path.join(directory, name))
    control(server.daemon.pid, "--instr=on")
    ios = ended(server.load(options, server.args.seconds))
    control(server.daemon.pid, "--dump")
    control(server.daemon.pid, "--instr=off")
    dump = max(n for n in os.listdir(directory) if n.startswith("callgrind."))
    costs = function_costs(os.path.join(directory, dump))
    total = sum(costs.values())
    return {name: cost / total for name, cost in costs.items()}, f"{total / ios:,.0f} user instructions an I/O"


def table(title, words, shares, top):
    print(f"\n{title}: {words}\n\n| share | function | of |\n| ----: | -------- | -- |")
    for (function, where), share in sorted(shares.items(), key=lambda row: -row[1])[:top]:
        print(f"| {100 * share:4.1f} % | `{function}` | {where} |")
    sys.stdout.flush()


def main():
    args = parse_arguments()
    if not shutil.which("perf" if args.tool == "perf" else "valgrind"):
        print(f"{args.tool} is not installed", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory(prefix="sptgt-profile-") as directory:
        before = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={directory}/callgrind.out"]
        server = Sptgtd(args, directory, before if args.tool == "callgrind" else [])
        try:
            for title, options in WORK:
                if args.work and not any(w in title for w in args.work):
                    continue
                shares, words = (by_perf if args.tool == "perf" else by_callgrind)(server, options, directory)
                table(title, words, shares, args.top)
        finally:
            server.daemon.end(30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
