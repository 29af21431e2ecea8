#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What sptgtd adds to the latency of a device that it passes through: a null device (scsi_debug that answers at once and
moves nothing) and a logical unit of another target. Only a virtual machine has SCSI devices for everybody, and its
processor is emulated: so instructions are counted instead of time. qemu's clock goes on by a nanosecond with
each, the kernel's included, so that a p50 of 40 us is 40,000 of them, whatever else the machine does. What they take here is told by
the bare TCP exchange, which is run on this machine as well, both ends on one processor as in there.
"""

import argparse
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VM = os.path.join(HERE, "..", "vm")
RESULT = re.compile(r"^result (\w+) (\{.*\})$", re.M)
EXCHANGE = ["--request", "48", "--response", "4144", "--depth", "1"]


def in_vm(args):
    """p50 of everything that passthrough.guest measures, in thousands of instructions."""
    subprocess.run([os.path.join(VM, "fetch-kernel")], check=True)
    done = subprocess.run(
        [os.path.join(VM, "vmrun"), "-t", str(args.timeout), "-m", "sg",
         "-m", "scsi_debug dev_size_mb=64 fake_rw=1 delay=0 ndelay=0", "-q", "-icount shift=0,sleep=off",
         "-e", f"SPTGTD={os.path.abspath(args.sptgtd)}", "-e", f"BENCH={os.path.abspath(args.programs)}",
         "-e", f"DURATION={args.duration}", "-e", f"COMMANDS={args.commands}",
         "--", "bash", os.path.join(HERE, "passthrough.guest")],
        stdout=subprocess.PIPE, text=True)
    seen = {what: json.loads(text)["all"]["p50_us"] for what, text in RESULT.findall(done.stdout)}
    if done.returncode or len(seen) < 6:
        raise SystemExit(f"the virtual machine ended with status {done.returncode}:\n{done.stdout}")
    return seen


def here(args):
    """p50 of the bare exchange on one processor of this machine, in us: the least of several, as others disturb it."""
    cpu = min(os.sched_getaffinity(0))
    command = [os.path.join(args.programs, "tcp"), *EXCHANGE, "--duration", "300ms", "--warmup", "50ms",
               "--server-cpu", str(cpu), "--json", "-"]
    runs = [subprocess.run(command, stdout=subprocess.PIPE, check=True,
                           preexec_fn=lambda: os.sched_setaffinity(0, {cpu})).stdout for _ in range(10)]
    return min(json.loads(run)["all"]["p50_us"] for run in runs)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--sptgtd", required=True)
    p.add_argument("--programs", required=True, help="directory of load, tcp and sgio")
    p.add_argument("--duration", default="200ms", help="of each run, at a thousand million instructions a second")
    p.add_argument("--commands", type=int, default=2000, help="that the null device gets directly")
    p.add_argument("--timeout", type=int, default=900, help="of the virtual machine, in seconds")
    p.add_argument("--max-us", type=float, help="fail when more is added")
    args = p.parse_args()
    seen = in_vm(args)
    exchange_us = here(args)
    us = exchange_us / seen["tcp"]
    print(f"{'4 KiB read at queue depth 1, p50':40} {'thousand instructions':>22} {'us here':>8}")
    rows = [("a bare TCP exchange of the same sizes", seen["tcp"]),
            ("the disk in memory", seen["memory"]),
            ("the null device, by SG_IO", seen["null"]), ("the null device by sptgtd", seen["sg"]),
            ("another target's disk in memory", seen["far"]), ("the same by sptgtd", seen["iscsi"])]
    added = [("added to the null device", seen["sg"] - seen["null"] - seen["tcp"]),
             ("added to the other target's", seen["iscsi"] - seen["far"] - seen["tcp"])]
    for what, thousands in rows + added:
        print(f"{what:40} {thousands:22.1f} {thousands * us:8.1f}")
    if args.max_us is not None and max(thousands * us for _, thousands in added) > args.max_us:
        print(f"more than {args.max_us} us are added", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
