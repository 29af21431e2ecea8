#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Four loops at once on the same logical units, for a thread sanitizer to look at: verified reads and writes from several
sessions to a disk in memory and one in a file, while initiators log in and out, others have their tasks aborted and a third
logical unit reset under all who use it, and sessions take the place of one another. Without polling and with it.

Everything is checked as it comes: data by the load generator, answers to task management here, and that the daemon
ends well and its sanitizer is silent.
"""

import argparse
import os
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from crowd import IQN, Member, Refused, ten  # noqa: E402
from sptgt_config import configuration, device, section, target  # noqa: E402
from sptgt_daemon import Daemon, verdict  # noqa: E402

LUNS = "lun.0 = memory\nlun.1 = file\nlun.2 = shaken"
CONFIG = configuration(
    device("memory"), section("device-file", "backend = file", "path = {dir}/disk", "size = 64M"), device("shaken", size="16M"),
    target("bench", "max-sessions = 256", luns=LUNS), workers=4, daemon="max-logins = 256\n@KEYS@")
SHAKEN = 2
ABORT_TASK_SET, LUN_RESET = 2, 5
TMF_RESPONSE = 0x22
# The mix of each load: small and large, so that writes are received in both ways.
LOADS = [
    (0, ["--block", "4K", "--depth", "16", "--read", "60", "--span", "4M"]),
    (1, ["--block", "128K", "--depth", "2", "--read", "50", "--span", "16M"]),
]


class Wrong(Exception):
    pass


def manage(member, function, lun):
    """Task management while reads are under way: what was not answered before the answer is not answered after it."""
    for i in range(8):
        member.send_command(ten(0x28, 8 * i, 8), in_bytes=4096, lun=lun)
    member.itt += 1
    member.send(struct.pack(">BBHIQIIIII12x", 0x42, 0x80 | function, 0, 0, lun << 48, member.itt, 0xffffffff,
                            member.cmd_sn, member.exp_stat_sn, 0))
    while True:
        head, _ = member.pdu()
        if head[0] == TMF_RESPONSE:
            if head[2]:
                raise Wrong(f"task management function {function}: response {head[2]}")
            member.exp_stat_sn = int.from_bytes(head[24:28], "big") + 1
            return
        member.answer(head)


def shake(port, number, until, counts):
    """One initiator: resets the unit under its fellows, then its session is taken over by the next login of its name."""
    rounds = 0
    old = None
    while time.monotonic() < until:
        member = Member(port, 1000 + number).logged_in()
        for k in range(6):
            manage(member, LUN_RESET if k % 3 == 2 else ABORT_TASK_SET, SHAKEN)
        rounds += 1
        if old:
            old.close()
        old = member  # open still when the next one comes
    if old:
        old.close()
    counts.append(rounds)


def guarded(fn, wrong, *args):
    try:
        fn(*args)
    except (Wrong, Refused, OSError) as e:
        wrong.append(f"{fn.__name__}: {e!r}")


def loads(args, url, sessions, seconds):
    argv = [args.load, "--fill", "--verify", "--warmup", "0", "--sessions", str(sessions), "--threads", "2"]
    return [subprocess.Popen([*argv, "--duration", f"{int(seconds * 1000)}ms", *mix, f"{url}/{lun}"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for lun, mix in LOADS]


def ended_well(process, wrong):
    try:
        text, _ = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        text, _ = process.communicate()
        wrong.append(f"not over in time: {' '.join(process.args)}")
    print("    " + text.strip(), flush=True)
    if process.returncode:
        wrong.append(f"status {process.returncode}: {' '.join(process.args)}")


def phase(args, daemon, sessions, seconds):
    """Everything at once; what went wrong."""
    url = f"iscsi://127.0.0.1:{daemon.port()}/{IQN}"
    wrong, rounds = [], []
    until = time.monotonic() + seconds
    logins = subprocess.Popen([args.logins, "--parallel", "8", "--rate", "300", "--duration", f"{int(seconds * 1000)}ms",
                               f"{url}/0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shakers = [threading.Thread(target=guarded, args=(shake, wrong, daemon.port(), i, until, rounds)) for i in range(3)]
    for thread in shakers:
        thread.start()
    processes = [logins, *loads(args, url, sessions, seconds)]
    for thread in shakers:
        thread.join()
    for process in processes:
        ended_well(process, wrong)
    if len(rounds) < len(shakers) or not all(rounds):
        wrong.append(f"initiators that shake came around {rounds} times")
    print(f"    {sum(rounds)} sessions with task management", flush=True)
    return wrong


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("--sptgtd", "--load", "--logins"):
        p.add_argument(name, required=True)
    p.add_argument("--seconds", type=float, default=1, help="of each phase")
    p.add_argument("--sessions", type=int, nargs="*", default=[4, 32], help="of each load; a phase for each of them")
    args = p.parse_args()
    wrong = []
    for keys in ("poll = 0", "poll = 100us"):
        daemon = Daemon(args.sptgtd, CONFIG.replace("@KEYS@", keys))
        try:
            for sessions in args.sessions:
                print(f"{keys}, two loads of {sessions} sessions", flush=True)
                wrong += phase(args, daemon, sessions, args.seconds)
        finally:
            wrong += daemon.stop(60)
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main())
