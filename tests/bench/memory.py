#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Three sessions ask for more payload memory than the daemon may have: what does not fit is answered TASK SET FULL or BUSY,
what does is served, a fourth session notices nothing, and afterwards the memory goes back to the system.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from crowd import RESPONSE, R2T, Crowd, ten  # noqa: E402
from idle import move_a_mebibyte, resident_kib, rested_kib  # noqa: E402
from sptgt_config import configuration, device, target  # noqa: E402
from sptgt_daemon import Daemon, verdict  # noqa: E402

LIMIT_MIB = 128
SLACK_MIB = 8  # what is no payload: connections, commands, the allocator's
WRITES, MIB_BLOCKS = 60, 2048
GOOD, BUSY, FULL = 0x00, 0x08, 0x28
CONFIG = configuration(device("disk", size="16M"), target("bench", "max-burst-length = 1M"), control="none",
                       daemon=f"memory = {LIMIT_MIB}M")


def expect(true, what):
    if not true:
        raise AssertionError(what)


def ask(member):
    """Sends the writes and all of their data but the end; the R2Ts that are left, and the other answers."""
    for _ in range(WRITES):
        member.send_command(ten(0x2a, 0, MIB_BLOCKS), out_bytes=1 << 20)
    open_r2ts, refused = [], []
    while len(open_r2ts) + len(refused) < WRITES:
        head, _ = member.pdu()
        if head[0] == RESPONSE:
            refused.append(head[3])
        elif head[0] == R2T:
            open_r2ts.append(head)
            member.data_out(head, last=False)
    return open_r2ts, refused


def check(daemon):
    pid = daemon.process.pid
    crowd = Crowd(daemon.port(), 4)
    for m in crowd.members:
        move_a_mebibyte(m)
    empty = resident_kib(pid)
    asked = [ask(m) for m in crowd.members[:3]]
    served = sum(len(r2ts) for r2ts, _ in asked)
    refused = [status for _, statuses in asked for status in statuses]
    expect(LIMIT_MIB * 3 // 4 <= served <= LIMIT_MIB, f"{served} MiB of {LIMIT_MIB} were given away")
    expect(set(refused) <= {BUSY, FULL}, f"refused with {set(refused)}")
    held = resident_kib(pid) - empty
    expect(held <= (LIMIT_MIB + SLACK_MIB) << 10, f"{held} KiB are held")
    # Memory is lent by the medium: nobody needs a buffer for this.
    expect(crowd.members[3].run(ten(0x28, 0, MIB_BLOCKS), in_bytes=1 << 20) == GOOD, "the fourth session")
    for m, (r2ts, _) in zip(crowd.members, asked):
        for r2t in r2ts:
            m.data_out(r2t, last=True)
            status = m.finish()
            expect(status == GOOD, f"a write that was begun ended with status {status}")
    rested = rested_kib(daemon, empty + (SLACK_MIB << 10), crowd, 20) - empty
    expect(rested <= SLACK_MIB << 10, f"{rested} KiB were kept of {held}")
    for m in crowd.members:
        expect(m.run(ten(0x2a, 0, MIB_BLOCKS), out_bytes=1 << 20) == GOOD, "a write afterwards")
    expect("memory is used up" in daemon.log(), "the log says nothing")
    crowd.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--sptgtd", required=True)
    daemon = Daemon(p.parse_args().sptgtd, CONFIG)
    try:
        check(daemon)
    finally:
        wrong = daemon.stop()
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main())
