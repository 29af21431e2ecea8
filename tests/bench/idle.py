#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What sessions cost that do nothing: resident memory of each, right after login and after each has moved a mebibyte both
ways and rested, and processor time. With a bound it is a test.
"""

import argparse
import json
import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from crowd import Crowd, ten  # noqa: E402
from sptgt_config import configuration, device, target  # noqa: E402
from sptgt_daemon import Daemon, verdict  # noqa: E402

MIB_BLOCKS = 2048


def config(args):
    most = args.sessions + 1  # the one more is the probe's
    return configuration(device("disk", size="16M"), target("bench", f"max-sessions = {most}"), workers=args.workers, control="none",
                         daemon=f"max-connections = {most}",
                         portals=(f"main\nnop-interval = {args.nop_interval}\nnop-timeout = 60s",))


def resident_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Rss:"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def move_a_mebibyte(member):
    member.run(bytes(6))  # TEST UNIT READY takes the unit attention
    assert member.run(ten(0x2a, 0, MIB_BLOCKS), out_bytes=1 << 20) == 0, "a write failed"
    assert member.run(ten(0x28, 0, MIB_BLOCKS), in_bytes=1 << 20) == 0, "a read failed"


def rested_kib(daemon, limit_kib, crowd, seconds):
    """Resident memory once it is at the limit or below, or after so many seconds."""
    end = time.monotonic() + seconds
    while (kib := resident_kib(daemon.process.pid)) > limit_kib and time.monotonic() < end:
        crowd.idle(time.monotonic() + 0.25, time.monotonic)
    return kib


def measure(args, daemon):
    pid = daemon.process.pid
    first = Crowd(daemon.port(), 1)  # what the first session brings, and the medium, are not the others'
    move_a_mebibyte(first.members[0])
    first.close()
    time.sleep(0.2)
    empty = resident_kib(pid)
    before, began = cpu_seconds(pid), time.monotonic()
    crowd = Crowd(daemon.port(), args.sessions)
    seconds = time.monotonic() - began
    result = {
        "sessions": args.sessions,
        "logins_per_s": args.sessions / seconds,
        "login_cpu_us": (cpu_seconds(pid) - before) / args.sessions * 1e6,
        "idle_kib": (resident_kib(pid) - empty) / args.sessions,
    }
    busy = 0
    for m in [] if args.still else crowd.members:
        move_a_mebibyte(m)
        crowd.idle(time.monotonic() + 0.001, time.monotonic)
        busy = max(busy, resident_kib(pid))
    if busy:
        result["busy_kib"] = (busy - empty) / args.sessions
    rested = rested_kib(daemon, empty + args.sessions * (args.max_kib or 0), crowd, 15)
    result["rested_kib"] = (rested - empty) / args.sessions
    before, began = cpu_seconds(pid), time.monotonic()
    result["nops"] = crowd.idle(began + args.seconds, time.monotonic)
    result["idle_cpu_percent"] = 100 * (cpu_seconds(pid) - before) / (time.monotonic() - began)
    crowd.close()
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--sptgtd", required=True)
    p.add_argument("--sessions", type=int, default=1000)
    p.add_argument("--seconds", type=float, default=10, help="to rest")
    p.add_argument("--workers", default="auto")
    p.add_argument("--still", action="store_true", help="nobody moves anything: for thousands of sessions")
    p.add_argument("--nop-interval", default="5s", help="0: no NOP-Ins")
    p.add_argument("--max-kib", type=float, help="resident memory of a session, at most")
    p.add_argument("--max-cpu-percent", type=float, help="of one processor, at rest, at most")
    args = p.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, args.sessions + 64)), hard))
    daemon = Daemon(args.sptgtd, config(args))
    try:
        result = measure(args, daemon)
    finally:
        wrong = daemon.stop()
    print(json.dumps(result, indent=1))
    for key in ("idle_kib", "rested_kib"):
        if args.max_kib and result[key] > args.max_kib:
            wrong.append(f"{key} {result[key]:.1f} is over {args.max_kib}")
    if args.max_cpu_percent and result["idle_cpu_percent"] > args.max_cpu_percent:
        wrong.append(f"idle_cpu_percent {result['idle_cpu_percent']:.2f}")
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main())
