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

    def load_arguments(self):
        args = ["--block", str(self.block), "--depth", str(self.depth), "--read", str(self.read),
                "--sessions", str(self.sessions), "--digests", self.digests]
        return args + (["--sequential"] if self.sequential else [])

    def tcp_arguments(self):
        """None where a bare exchange would not be the same work."""
        if self.sessions > 1 or self.read not in (0, 100) or self.digests != "none":
            return None
        data = HEADER + self.block
        request, response = (HEADER, data) if self.read else (data, HEADER)
        args = ["--request", str(request), "--response", str(response), "--depth", str(self.depth)]
        return args + (["--batch"] if self.depth > 1 else [])


QUICK = [
    Cell("4 KiB random read QD1", 4 * KIB, 1),
    Cell("4 KiB random read QD32", 4 * KIB, 32),
    Cell("1 MiB sequential read QD8", 1024 * KIB, 8, sequential=True),
    Cell("1 MiB sequential write QD8", 1024 * KIB, 8, read=0, sequential=True),
]

FULL = QUICK + [
    Cell("4 KiB random read QD1, header digest", 4 * KIB, 1, digests="header"),
    Cell("4 KiB random read QD4", 4 * KIB, 4),
    Cell("4 KiB random read QD128", 4 * KIB, 128),
    Cell("4 KiB random read QD32, header digest", 4 * KIB, 32, digests="header"),
    Cell("4 KiB random read QD32 x 4 sessions", 4 * KIB, 32, sessions=4),
    Cell("4 KiB random read QD4 x 64 sessions", 4 * KIB, 4, sessions=64),
    Cell("4 KiB random write QD1", 4 * KIB, 1, read=0),
    Cell("4 KiB random write QD32", 4 * KIB, 32, read=0),
    Cell("4 KiB random write QD32 x 4 sessions", 4 * KIB, 32, read=0, sessions=4),
    Cell("4 KiB random 70 % read QD32", 4 * KIB, 32, read=70),
    Cell("128 KiB sequential read QD8", 128 * KIB, 8, sequential=True),
    Cell("128 KiB sequential write QD8", 128 * KIB, 8, read=0, sequential=True),
    Cell("1 MiB sequential read QD8, header digest", 1024 * KIB, 8, sequential=True,
         digests="header"),
]

MATRICES = {"quick": QUICK, "full": FULL}
