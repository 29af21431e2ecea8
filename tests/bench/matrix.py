# SPDX-License-Identifier: MIT
"""What is measured: a Cell is a row of the matrix, for load generator and bare exchange alike."""

import dataclasses

KIB = 1024
HEADER = 48  # a basic header segment


@dataclasses.dataclass(frozen=True)
class Cell:
    name: str
    block: int
    depth: int
    read: int = 100
    sequential: bool = False
    sessions: int = 1
    digests: str = "none"
    lun: int = 0
    logins: int = 0  # so many initiators log in and out all the time: beside the load, or alone without a block
    login_rate: int = 0  # a second, at most
    raw: bool = False  # by an initiator of our own: libiscsi's of Debian has no data digest, and costs more than the target
    streams: bool = False  # its limits are iperf3's one stream, and a bare exchange with a medium

    def load_arguments(self):
        args = ["--block", str(self.block), "--depth", str(self.depth), "--read", str(self.read),
                "--sessions", str(self.sessions), "--digests", self.digests]
        return args + (["--sequential"] if self.sequential else [])

    def tcp_arguments(self):
        """None where a bare exchange would not be the same work."""
        if not self.block or self.logins or self.lun or self.sessions > 1 or self.read not in (0, 100) or self.digests != "none":
            return None
        data = HEADER + self.block
        request, response = (HEADER, data) if self.read else (data, HEADER)
        args = ["--request", str(request), "--response", str(response), "--depth", str(self.depth)]
        return args + (["--batch"] if self.depth > 1 else [])


QUICK = [
    Cell("4 KiB random read QD1", 4 * KIB, 1),
    Cell("4 KiB random read QD32", 4 * KIB, 32),
    Cell("1 MiB sequential read QD8", 1024 * KIB, 8, sequential=True, streams=True),
    Cell("1 MiB sequential write QD8", 1024 * KIB, 8, read=0, sequential=True, streams=True),
]

FILE_CACHED, FILE_DIRECT, UPSTREAM = 1, 2, 3  # LUNs beside the disk in memory, of sptgtd only: targets.py


def read(depth, sessions=1):
    name = f"4 KiB random read QD{depth}" + (f" x {sessions} sessions" if sessions > 1 else "")
    return Cell(name, 4 * KIB, depth, sessions=sessions)


def own_initiator(name, *args, **more):
    """Without digests and with both."""
    return [Cell(f"{name}, own initiator", *args, raw=True, **more),
            Cell(f"{name}, own initiator, digests", *args, raw=True, **{**more, "digests": "both", "streams": False})]


# What the performance of a target is judged by: docs/performance.md.
GOALS = QUICK + [
    read(32, 4), read(32, 64),
    Cell("4 KiB random write QD32", 4 * KIB, 32, read=0),
    Cell("4 KiB random write QD32 x 4 sessions", 4 * KIB, 32, read=0, sessions=4),
    Cell("4 KiB random write QD32 x 64 sessions", 4 * KIB, 32, read=0, sessions=64),
    *own_initiator("4 KiB random read QD32", 4 * KIB, 32),
    Cell("4 KiB random write QD32, own initiator", 4 * KIB, 32, read=0, raw=True),
    Cell("4 KiB random write QD32 x 4 sessions, own initiator", 4 * KIB, 32, read=0, sessions=4, raw=True),
    Cell("4 KiB random write QD32 x 64 sessions, own initiator", 4 * KIB, 32, read=0, sessions=64, raw=True),
    *own_initiator("1 MiB sequential read QD8", 1024 * KIB, 8, sequential=True, streams=True),
    *own_initiator("1 MiB sequential write QD8", 1024 * KIB, 8, read=0, sequential=True, streams=True),
    Cell("4 KiB random read QD32, cached file", 4 * KIB, 32, lun=FILE_CACHED),
    Cell("4 KiB random read QD32, file O_DIRECT", 4 * KIB, 32, lun=FILE_DIRECT),
    Cell("4 KiB random read QD1, by another target", 4 * KIB, 1, lun=UPSTREAM),
    Cell("logins, 32 at once", 0, 1, logins=32),
    Cell("logins, 1,000 at once", 0, 1, logins=1000),
    Cell("4 KiB random read QD1 beside 500 logins a second", 4 * KIB, 1, logins=32, login_rate=500),
    Cell("4 KiB random read QD32 beside 500 logins a second", 4 * KIB, 32, logins=32, login_rate=500),
]

FULL = GOALS + [
    read(4), read(128), read(1, 4), read(1, 64),
    Cell("4 KiB random write QD1", 4 * KIB, 1, read=0),
    Cell("4 KiB random 70 % read QD32", 4 * KIB, 32, read=70),
    Cell("4 KiB random write QD32, file O_DIRECT", 4 * KIB, 32, read=0, lun=FILE_DIRECT),
    Cell("1 MiB sequential read QD8, file O_DIRECT", 1024 * KIB, 8, sequential=True, lun=FILE_DIRECT),
]

# What plot.py shows: the cells of a line by what its points are drawn over.
OVER_DEPTH = {1: read(1), 4: read(4), 32: read(32), 128: read(128)}
OVER_SESSIONS = {1: read(32), 4: read(32, 4), 64: read(32, 64)}
PLOT = list(dict.fromkeys([*OVER_DEPTH.values(), *OVER_SESSIONS.values()]))

MATRICES = {"quick": QUICK, "goals": GOALS, "full": FULL, "plot": PLOT}

# Cells of one target that are compared with each other: (this, over that).
WITHIN = [
    *((f"{name}, own initiator, digests", f"{name}, own initiator")
      for name in ("4 KiB random read QD32", "1 MiB sequential read QD8", "1 MiB sequential write QD8")),
    ("4 KiB random read QD32, cached file", "4 KiB random read QD32"),
    ("4 KiB random read QD32, file O_DIRECT", "4 KiB random read QD32"),
    ("4 KiB random read QD1, by another target", "4 KiB random read QD1"),
    ("4 KiB random read QD1 beside 500 logins a second", "4 KiB random read QD1"),
    ("4 KiB random read QD32 beside 500 logins a second", "4 KiB random read QD32"),
]
