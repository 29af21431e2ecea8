#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The instruments against a running daemon, in a few seconds: numbers come out whole and plausible,
verification passes on a sound logical unit, and fails when somebody else writes to it meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from crowd import IQN  # noqa: E402
from sptgt_config import configuration, device, target  # noqa: E402
from sptgt_daemon import Daemon, verdict  # noqa: E402

CONFIG = configuration(device("disk"), target("bench"), workers=0)
SHORT = ["--duration", "300ms", "--warmup", "50ms"]

# What each run adds to the options: reads and writes, small and large, one and several sessions.
RUNS = [
    ["--depth", "1"],
    ["--depth", "32", "--digests", "header"],
    ["--depth", "4", "--block", "1M", "--sequential", "--read", "0"],
    ["--depth", "8", "--sessions", "3", "--threads", "2", "--read", "50", "--fill", "--verify"],
    ["--depth", "3", "--block", "100K", "--span", "30M", "--sequential", "--read", "30",
     "--verify"],
]
# Of the initiator of our own: digests both ways, and data that comes and goes in several pieces.
RAW_RUNS = [
    ["--depth", "32", "--digests", "none"],
    ["--depth", "8", "--sessions", "3", "--threads", "2", "--read", "50", "--fill", "--verify", "--digests", "both"],
    ["--depth", "3", "--block", "1M", "--span", "30M", "--sequential", "--read", "50", "--fill", "--verify",
     "--digests", "both"],
]


def expect(true, what):
    if not true:
        raise AssertionError(what)


def check_result(result, options):
    total = result["all"]
    expect(total["ios"] == result["read"]["ios"] + result["write"]["ios"] > 0, "commands counted")
    expect(0 < total["p50_us"] <= total["p99_us"] <= total["max_us"], "latencies in order")
    counted = result["iops"] * result["seconds"]
    expect(abs(counted - total["ios"]) <= 0.01 * total["ios"] + 1, "IOPS agree with the count")
    expect(result["client_cpu_us_per_io"] > 0, "the client's CPU time")
    expect(result["server_cpu_us_per_io"] > 0, "the server's CPU time")
    # Commands under way at once, by Little's law, are no more than were asked for; a stall of the
    # machine just before the short interval may count in it, so there is room for one.
    slots = result["queue_depth"] * result["sessions"]
    expect(total["mean_us"] * result["iops"] / 1e6 < 3 * slots, "latency agrees with the rate")
    expect(("--verify" in options) == (result["verified"] > 0), "verification")


def check_logins(result, log):
    expect(result["all"]["ios"] > 16, "logins, and more than one of each initiator")
    expect(log.count("login from") >= result["all"]["ios"], "as many as the target has seen")
    expect(0 < result["all"]["p50_us"] <= result["all"]["max_us"], "latencies in order")


def run_json(argv):
    done = subprocess.run(argv + ["--json", "-"], stdout=subprocess.PIPE, timeout=30)
    expect(done.returncode == 0, f"{' '.join(argv)}: status {done.returncode}")
    return json.loads(done.stdout)


def check_that_verify_can_fail(load, url):
    common = [load, "--warmup", "0", "--span", "4M", url]
    victim = subprocess.Popen(common + ["--fill", "--verify", "--duration", "5s"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while victim.poll() is None:
        subprocess.run(common + ["--read", "0", "--seed", "2", "--duration", "100ms"], check=True,
                       stdout=subprocess.DEVNULL, timeout=30)
    _, complaint = victim.communicate(timeout=30)
    expect(victim.returncode == 1, f"foreign writes went unseen: status {victim.returncode}")
    expect("not what write 1 put there" in complaint, f"an odd complaint: {complaint}")


def main():
    p = argparse.ArgumentParser()
    for name in ("--sptgtd", "--load", "--load-raw", "--tcp", "--logins"):
        p.add_argument(name, required=True)
    args = p.parse_args()
    check_result(run_json([args.tcp, "--depth", "4", *SHORT]), [])
    daemon = Daemon(args.sptgtd, CONFIG)
    try:
        url = f"iscsi://127.0.0.1:{daemon.port()}/{IQN}/0"
        for program, options in [(args.load, o) for o in RUNS] + [(args.load_raw, o) for o in RAW_RUNS]:
            check_result(run_json([program, *options, *SHORT, "--server-pid",
                                   str(daemon.process.pid), url]), options)
        check_logins(run_json([args.logins, "--parallel", "16", *SHORT, "--server-pid",
                               str(daemon.process.pid), url]), daemon.log())
        check_that_verify_can_fail(args.load, url)
    finally:
        wrong = daemon.stop()
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main())
