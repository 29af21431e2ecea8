#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What a command costs the daemon in system calls, allocations and copies of payload, counted by count.c inside it. The
commands of a queue are sent at once and loops do not stay awake, so that the figures depend neither on how fast the
machine is nor on who else uses it. With their bounds they are a test.
"""

import argparse
import dataclasses
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from crowd import FIRST_BURST, IQN, Member, ten  # noqa: E402
from sptgt_config import configuration, device, section, target  # noqa: E402
from sptgt_daemon import Daemon, verdict  # noqa: E402

CONFIG = configuration(
    device("memory"), section("device-file", "backend = file", "path = {dir}/disk", "size = 64M"),
    target("bench", luns="lun.0 = memory\nlun.1 = file"), workers=1, control="none", daemon="poll = 0\ngather = 0")
FIELDS = ("system_calls", "receives", "sends", "waits", "allocations", "copied_bytes")


@dataclasses.dataclass(frozen=True)
class Cell:
    name: str
    block: int
    depth: int
    rounds: int
    read: bool = True
    lun: int = 0
    calls: float | None = None  # system calls an I/O, at most; None: it depends on how fast the data comes
    copies: float = 0  # of a byte of payload by libc, at most: that to the medium is not one of them (lib/store/stream.h)

    def options(self):
        return ["--block", str(self.block), "--depth", str(self.depth), "--read", "100" if self.read else "0"]


# Small immediate data is received together with other PDUs, and copied once.
KIB, MIB = 1 << 10, 1 << 20
CELLS = [
    Cell("4 KiB read QD1", 4 * KIB, 1, 500, calls=3),
    Cell("4 KiB read QD32", 4 * KIB, 32, 100, calls=0.3),
    Cell("4 KiB write QD32", 4 * KIB, 32, 100, read=False, calls=0.3, copies=1),
    Cell("1 MiB read QD8", MIB, 8, 10, calls=4),
    Cell("1 MiB write QD8", MIB, 8, 10, read=False, copies=0.1),
    Cell("4 KiB read QD32, cached file", 4 * KIB, 32, 100, lun=1, calls=1.3),
]


def counts(path):
    with open(path, "rb") as f:
        return dict(zip(FIELDS, struct.unpack(f"={len(FIELDS)}Q", f.read(8 * len(FIELDS)))))


def batch(member, cell):
    """As many commands as the queue is deep leave in one call; then their answers are taken."""
    blocks = cell.block // 512
    opcode, data = (0x28, b"") if cell.read else (0x2a, bytes(min(cell.block, FIRST_BURST)))
    with member.corked():
        for i in range(cell.depth):
            member.send_command(ten(opcode, i * blocks, blocks), lun=cell.lun, data=data,
                                **{"in_bytes" if cell.read else "out_bytes": cell.block})
    for _ in range(cell.depth):
        status = member.finish()
        if status:
            raise AssertionError(f"{cell.name}: status {status:02x}")


def by_batches(args, daemon, path, cell):
    """Of commands that are there at once, the cost of one."""
    member = Member(daemon.port(), 0).logged_in()
    member.run(bytes(6), lun=cell.lun)  # takes the unit attention
    for _ in range(3):
        batch(member, cell)  # pages, buffers and commands are there
    before = counts(path)
    for _ in range(cell.rounds):
        batch(member, cell)
    after = counts(path)
    member.close()
    return cell.rounds * cell.depth, {key: after[key] - before[key] for key in FIELDS}


def load(args, url, cell, duration):
    done = subprocess.run([args.load, *cell.options(), "--duration", duration, "--warmup", "0", "--json", "-", url],
                          stdout=subprocess.PIPE, timeout=60, check=True)
    return json.loads(done.stdout)["all"]["ios"]


def by_load(args, daemon, path, cell):
    """The same of what the load generator sends: how much of it comes at once depends on how fast both sides are. What
    logging in costs falls out as the difference of two runs."""
    url = f"iscsi://127.0.0.1:{daemon.port()}/{IQN}/{cell.lun}"
    seen = []
    for duration in ("300ms", "1500ms"):
        before = counts(path)
        ios = load(args, url, cell, duration)
        after = counts(path)
        seen.append((ios, {key: after[key] - before[key] for key in FIELDS}))
    (few, short), (many, long) = seen
    return many - few, {key: long[key] - short[key] for key in FIELDS}


def check(cell, row):
    # The instruments: what is asked for has to be received and answered somehow, and small writes are copied.
    if row["receives"] <= 0 or row["sends"] <= 0 or (cell.copies >= 1 and row["copies"] < 0.9):
        yield f"{cell.name}: nothing was counted"
    if cell.calls is not None and row["system_calls"] > cell.calls + 0.02:
        yield f"{cell.name}: {row['system_calls']:.3f} system calls an I/O, {cell.calls} are allowed"
    if row["allocations"] > 0.01:
        yield f"{cell.name}: {row['allocations']:.3f} allocations an I/O"
    if row["copies"] > cell.copies + 0.01:
        yield f"{cell.name}: every byte is copied {row['copies']:.2f} times, {cell.copies} are allowed"


def measure(args, daemon, path):
    wrong = []
    for cell in CELLS:
        ios, total = (by_load if args.load else by_batches)(args, daemon, path, cell)
        row = {key: total[key] / ios for key in FIELDS}
        row["copies"] = row.pop("copied_bytes") / cell.block
        print(f"{cell.name:30} {ios:7} I/Os  {row['system_calls']:6.3f} system calls ({row['receives']:.3f} receive, "
              f"{row['sends']:.3f} send, {row['waits']:.3f} wait), {row['allocations']:.4f} allocations, "
              f"{row['copies']:.2f} copies", flush=True)
        if not args.load:
            wrong += check(cell, row)
    return wrong


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("--sptgtd", "--count"):
        p.add_argument(name, required=True)
    p.add_argument("--load", help="the load generator: counts under its load, without bounds")
    args = p.parse_args()
    path = f"/dev/shm/sptgt-count-{os.getpid()}"
    os.environ.update(COUNT_FILE=path, LD_PRELOAD=args.count)
    try:
        daemon = Daemon(args.sptgtd, CONFIG)
        for name in ("COUNT_FILE", "LD_PRELOAD"):
            del os.environ[name]
        try:
            wrong = measure(args, daemon, path)
        finally:
            wrong_end = daemon.stop()
    finally:
        os.unlink(path)
    return verdict(wrong + wrong_end)


if __name__ == "__main__":
    sys.exit(main())
