#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Compares iSCSI targets on this machine: starts each that is installed on loopback with a logical
unit in memory, fills it, and lets the load generator run the cells of a matrix in alternating
order, so that whatever else the machine does meets all of them alike. A run from which the
hypervisor stole time, or during which somebody else used the processors, is disturbed: it is
repeated a few times, and otherwise dropped. Printed are medians, and ratios pair by pair with
their spread.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import plot  # noqa: E402
import tables  # noqa: E402
from iperf import Iperf  # noqa: E402
from matrix import MATRICES, UPSTREAM, WITHIN  # noqa: E402
from targets import installed  # noqa: E402


# Where the threads of client and server may run. How far apart they are decides what a wake-up
# costs, which is most of the latency at queue depth 1.
PLACES = {
    "free": None,
    "together": ({0}, {0}),
    "apart": ({0}, {1}),
}


MEDIUM = "1G"  # as large as the targets' disks
LOGIN_SECONDS = 2  # at most: istgt takes one after the other, a second each


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--build", required=True, help="build directory of sptgt")
    p.add_argument("--before", metavar="BUILD",
                   help="another build directory of sptgt, to see what a change brought")
    p.add_argument("--matrix", choices=sorted(MATRICES), default="full")
    p.add_argument("--quick", dest="matrix", action="store_const", const="quick")
    p.add_argument("--cell", action="append", help="only cells whose name has this in it")
    p.add_argument("--target", action="append",
                   help="only these of sptgtd, before, tgtd-rdwr, tgtd-aio, istgt, spdk, tcp, iperf3")
    p.add_argument("--spdk", metavar="PATH", help="SPDK's iscsi_tgt")
    p.add_argument("--daemon-key", action="append", default=[], metavar="'KEY = VALUE'",
                   help="a line for sptgtd's [daemon] section")
    p.add_argument("--before-key", action="append", default=[], metavar="'KEY = VALUE'",
                   help="the same for the one of --before, which has none of the others")
    p.add_argument("--place", choices=sorted(PLACES), default="free",
                   help="processors of client and server: as the kernel likes, one, or one each")
    p.add_argument("--raw", action="store_true",
                   help="all cells by the initiator of our own, which costs less than libiscsi's")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--minutes", type=float, metavar="N",
                   help="no round begins that would not be over in time, by what the one before took")
    p.add_argument("--duration", type=float, default=5, help="seconds of each run")
    p.add_argument("--warmup", type=float, default=0.5)
    p.add_argument("--size-mib", type=int, default=1024)
    p.add_argument("--max-stolen", type=float, default=0.1,
                   help="processors' time stolen, per second, that disturbs a run")
    p.add_argument("--max-foreign", type=float, default=0.2,
                   help="processors' time used by others, per second, that disturbs a run")
    p.add_argument("--settle", type=float, default=3, metavar="SECONDS",
                   help="to wait at most for a quiet moment before each run")
    p.add_argument("--retries", type=int, default=2, help="of a disturbed run")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--plot", metavar="FILE", help="SVG of IOPS and latency over queue depth and sessions")
    p.add_argument("--at-least", type=float, metavar="RATIO",
                   help="fail when sptgtd's median IOPS ratio over another target is below")
    return p.parse_args()


def busy_seconds():
    """Of all processors since the start: user, nice, system, interrupts and stolen time."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def settle(limit, seconds, glance=0.2):
    """Returns when others used less than limit processors for a moment, or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = busy_seconds()
        time.sleep(glance)
        if busy_seconds() - before < limit * glance:
            return


class Bench:
    def __init__(self, args, targets):
        self.args = args
        self.targets = targets
        self.programs = os.path.join(args.build, "tests", "bench")
        wanted = args.cell or [""]
        self.cells = [c for c in MATRICES[args.matrix] if any(w in c.name for w in wanted)]
        self.place = PLACES[args.place]
        self.with_tcp = not args.target or "tcp" in args.target
        self.iperf = Iperf.installed() if not args.target or "iperf3" in args.target else None
        self.runs = {}  # cell name -> target name -> runs
        self.begun = time.monotonic()

    def program(self, name):
        return os.path.join(self.programs, name)

    def times(self):
        return ["--duration", f"{int(self.args.duration * 1000)}ms",
                "--warmup", f"{int(self.args.warmup * 1000)}ms"]

    def execute(self, argv, sessions=1):
        cpus = self.place and self.place[0]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=self.args.duration + self.args.warmup + 60 + LOGIN_SECONDS * sessions,
                              preexec_fn=cpus and (lambda: os.sched_setaffinity(0, cpus)))
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)}:\n{done.stderr}")
        return json.loads(done.stdout)

    def prepare(self, target):
        """Every page of the medium exists before anything is measured."""
        target.start()
        if self.place:
            target.place(self.place[1])
        luns = {cell.lun for cell in self.cells}
        for url in [target.url] + [url for lun, url in target.urls.items() if lun in luns]:
            subprocess.run([self.program("load"), "--block", "1M", "--depth", "8", "--fill",
                            "--duration", "0", "--warmup", "0", url], check=True, timeout=120)
        target.pause()

    def logins(self, cell):
        return [self.program("logins"), "--parallel", str(cell.logins), "--rate", str(cell.login_rate)]

    @contextlib.contextmanager
    def login_storm(self, target, cell):
        """Initiators that log in and out, from before the load until after it."""
        if not cell.logins:
            yield
            return
        seconds = self.args.duration + self.args.warmup + 60
        storm = subprocess.Popen([*self.logins(cell), "--duration", f"{int(seconds)}s", target.url],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            yield
            if storm.poll() is not None:
                raise RuntimeError(f"the logins beside the load ended: {storm.stderr.read()}")
        finally:
            storm.terminate()
            storm.communicate()

    def load(self, target, cell):
        common = [*self.times(), "--server-pid", str(target.pid), "--json", "-"]
        target.resume()
        try:
            if not cell.block:
                return self.execute([*self.logins(cell), *common, target.url])
            with self.login_storm(target, cell):
                return self.execute([self.program("load-raw" if cell.raw or self.args.raw else "load"), *cell.load_arguments(), *common,
                                     target.urls.get(cell.lun, target.url)], cell.sessions)
        finally:
            target.pause()

    def disturbance(self, cell, result):
        others = 1 if cell.lun == UPSTREAM else 0  # the far target is a process of its own, and part of the work
        for key, limit in (("stolen_seconds", self.args.max_stolen),
                           ("foreign_cpu_seconds", self.args.max_foreign + others)):
            if result[key] > limit * result["seconds"]:
                return f"{key} {result[key]:.2f}"
        return None

    def measure(self, round_number, cell, name, run):
        """One run, repeated while it is disturbed; every attempt is kept for the record. One that
        fails is said once, and that target is left out of the cell from then on."""
        done = self.runs.setdefault(cell.name, {}).setdefault(name, [])
        if any(r["result"] is None for r in done):
            return  # it cannot do this
        for _ in range(1 + self.args.retries):
            settle(self.args.max_foreign, self.args.settle)
            try:
                result = run()
            except (RuntimeError, subprocess.TimeoutExpired) as e:
                done.append({"round": round_number, "disturbed": "failed", "result": None})
                print(f"{round_number}: {cell.name}: {name}: {e}", file=sys.stderr, flush=True)
                return
            disturbed = self.disturbance(cell, result)
            done.append({"round": round_number, "disturbed": disturbed, "result": result})
            note = f"  disturbed: {disturbed}" if disturbed else ""
            print(f"{round_number}: {cell.name}: {name}: {result['iops']:,.0f} IOPS, "
                  f"p50 {result['all'].get('p50_us', 0):.1f} us{note}", file=sys.stderr, flush=True)
            if not disturbed:
                return

    def entrants(self, cell):
        for target in self.targets:
            if not cell.lun or cell.lun in target.urls:
                yield target.name, lambda t=target: self.load(t, cell)
        tcp = cell.tcp_arguments()
        if self.with_tcp and tcp:
            argv = [self.program("tcp"), *tcp, *self.times(), "--json", "-"]
            if self.place:
                argv += ["--server-cpu", str(*self.place[1])]
            yield "tcp", lambda: self.execute(argv)
            if cell.streams:
                yield "tcp-medium", lambda: self.execute([*argv, "--medium", MEDIUM])
        if self.iperf and cell.streams:
            yield "iperf3", lambda: self.iperf.run(self.args.duration, self.place)

    def in_time(self, last_seconds):
        return not self.args.minutes or time.monotonic() - self.begun + last_seconds < 60 * self.args.minutes

    def run(self):
        last_seconds = 0
        for round_number in range(1, self.args.rounds + 1):
            if not self.in_time(last_seconds):
                print(f"no time for round {round_number}", file=sys.stderr)
                break
            since = time.monotonic()
            self.round(round_number)
            last_seconds = time.monotonic() - since

    def round(self, round_number):
        for cell in self.cells:
            entrants = list(self.entrants(cell))
            shift = (round_number - 1) % len(entrants)  # nobody is always the first
            for name, run in entrants[shift:] + entrants[:shift]:
                self.measure(round_number, cell, name, run)

    def ordered(self):
        """The runs with the targets in one order, ours first."""
        names = [t.name for t in self.targets] + ["tcp", "tcp-medium", "iperf3"]
        return {cell: {n: by_name[n] for n in names if n in by_name}
                for cell, by_name in self.runs.items()}


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((l.split(":")[1].strip() for l in f if l.startswith("model name")), "unknown")
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release()}


def write_file(path, content):
    if path:
        with open(path, "w") as f:
            f.write(content)


def publish(args, runs):
    parts = [tables.medians_table(runs)]
    ratios = tables.ratios_table(runs, "sptgtd")
    if len(ratios) > 1:
        parts.append(ratios)
    within = tables.within_table(runs, "sptgtd", WITHIN)
    if len(within) > 1:
        parts.append(within)
    print("\n".join(tables.text(rows) for rows in parts))
    write_file(args.markdown, "\n".join(tables.markdown(rows) for rows in parts))
    write_file(args.plot, plot.svg(runs))
    write_file(args.json, json.dumps({
        "machine": machine(), "matrix": args.matrix, "place": args.place, "seconds": args.duration,
        "rounds": args.rounds, "size_mib": args.size_mib, "runs": runs}, indent=1) + "\n")


def too_slow(args, runs):
    """The cells and targets over which our median IOPS ratio is below what was asked for."""
    slow = []
    for cell, targets in runs.items():
        for name, done in targets.items():
            if args.at_least is None or name in ("sptgtd", "tcp", "tcp-medium", "iperf3"):
                continue
            ratio = tables.ratio(targets.get("sptgtd", []), done, "iops")
            if ratio is None or ratio[0] < args.at_least:
                slow.append(f"{cell} over {name}: {tables.spread(ratio)}")
    return slow


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="sptgt-bench-"))
        targets = installed(directory, args.size_mib, args.build, args.before, args.spdk,
                            args.daemon_key, args.before_key, args.target)
        bench = Bench(args, targets)
        for target in targets:
            stack.callback(target.stop)
            bench.prepare(target)
        stopped = False
        try:
            bench.run()
        except (KeyboardInterrupt, SystemExit):
            stopped = True  # what there is, is told
        runs = bench.ordered()
    publish(args, runs)
    if stopped:
        print("stopped before the end", file=sys.stderr)
        return 1
    slow = too_slow(args, runs)
    for line in slow:
        print(f"below {args.at_least}: {line}", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
