# SPDX-License-Identifier: MIT
"""Initiators that take too much or give too little: slow readers, floods of connections, memory. Others are served meanwhile."""

import socket
import time

from talk import *  # noqa: F403

CONFIG = config(workers=1, daemon='max-connections = 100\nlogin-timeout = 3s', talk='budget = 8M')
MIB = 2048            # blocks
FREE_MIB = 96         # what the daemon may grow by in any of these


def witness_of(t):
    s = t.connect()
    s.name = t.name + '-witness'
    return s.log_in().settle()


def works(witness, lba, seconds=2):
    start = time.monotonic()
    data = pattern(8 * BLOCK, int(start))
    witness.write(lba, data)
    equal(witness.read(lba, 8), data, 'what the other session wrote')
    check(time.monotonic() - start < seconds, 'the other session waited for %.1f s', time.monotonic() - start)


def bounded(t, before):
    grown = (t.daemon.memory_kib() - before) // 1024
    check(grown < FREE_MIB, 'the daemon grew by %d MiB', grown)


@conversation('CVE-2014-0255',
              'a session asks for 64 MiB and reads nothing: the daemon holds little, others are served, and at last all is right',
              alone=True, seconds=60)
def slow_reader(t):
    witness = witness_of(t)
    data = pattern(MIB * BLOCK, 7)
    witness.write(t.region, data[:512 * BLOCK])
    for n in range(3):
        witness.write(t.region + 512 * (n + 1), data[512 * BLOCK * (n + 1):512 * BLOCK * (n + 2)])
    before = t.daemon.memory_kib()
    s = t.connect()
    s.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.log_in({'MaxRecvDataSegmentLength': 262144, 'MaxBurstLength': 1048576}).settle()
    tasks = [s.start(READ10(t.region, MIB), read=MIB * BLOCK) for _ in range(64)]
    for _ in range(10):
        works(witness, t.region + MIB)
        time.sleep(0.05)
    bounded(t, before)
    for task in tasks:
        s.finish(task)
        if task.status == GOOD:
            check(bytes(task.data) == data, 'the data of a slow reader')
        else:
            equal(task.status, 0x28, 'the status of a command over the budget (TASK SET FULL)')
    check(any(task.status == GOOD for task in tasks), 'not one of the reads ends with GOOD')
    s.good(TEST_UNIT_READY)


@conversation('CVE-2014-0255', 'sessions that read nothing and go away', alone=True, seconds=60)
def slow_readers_leave(t):
    witness = witness_of(t)
    before = t.daemon.memory_kib()
    for n in range(10):
        s = t.connect()
        s.isid = bytes([0x80, 0, 0, 0, 0, n])
        s.log_in({'MaxRecvDataSegmentLength': 262144, 'MaxBurstLength': 1048576}).settle()
        for _ in range(32):
            s.start(READ10(0, MIB), read=MIB * BLOCK)
        works(witness, t.region)
        if n % 2:
            s.reset()
    works(witness, t.region)
    bounded(t, before)


@conversation('every byte is charged', 'writes that never send their data hold no more than the budget',
              alone=True, seconds=60)
def greedy_writes(t):
    witness = witness_of(t)
    before = t.daemon.memory_kib()
    s = t.log_in({'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxBurstLength': 1048576,
                  'MaxOutstandingR2T': 8}).settle()
    for n in range(100):
        s.start(WRITE10(t.region, MIB), write=bytes(MIB * BLOCK))
    full = 0
    try:
        while True:
            full += s.step(answer=False, seconds=0.5).status == 0x28
    except Late:
        pass
    works(witness, t.region + 4096)
    bounded(t, before)
    s.ping()


@conversation('every byte is charged', 'a write of immediate data behind a hole, as many as the window takes',
              alone=True, seconds=60)
def greedy_holes(t):
    witness = witness_of(t)
    before = t.daemon.memory_kib()
    s = t.log_in({'InitialR2T': 'No', 'ImmediateData': 'Yes', 'FirstBurstLength': 262144,
                  'MaxBurstLength': 1048576}).settle()
    s.ping()
    base = s.cmdsn
    data = bytes(min(s.max_send, 262144))
    try:
        for n in range(1, (s.maxcmdsn - base + 1) & NONE):
            s.send('command', flags=FINAL | WRITE | SIMPLE, itt=n, lun=t.lun, edtl=len(data), cmdsn=base + n,
                   cdb=WRITE10(t.region, len(data) // BLOCK), data=data)
    except (Gone, Late):
        pass
    works(witness, t.region + 4096)
    bounded(t, before)
    s.reset()


@conversation('bounded connections',
              'a flood of connections: over the limit they are closed, whoever is in stays in, and later all is as before',
              alone=True, seconds=60)
def flood(t):
    witness = witness_of(t)
    files = t.daemon.open_files()
    for _ in range(3):
        crowd = []
        for _ in range(300):
            try:
                crowd.append(socket.create_connection(t.address, timeout=5))
            except OSError:
                pass
        works(witness, t.region)
        check(t.daemon.open_files() < 200, '%d files are open, and 100 connections are allowed',
              t.daemon.open_files())
        for c in crowd:
            c.close()
    t.until(lambda: t.daemon.open_files() <= files, 'the connections of a flood are not let go', 10)
    t.log_in().settle()


@conversation('bounded connections', 'connections that come and go as fast as they can', alone=True, seconds=60)
def churn(t):
    witness = witness_of(t)
    files = t.daemon.open_files()
    for n in range(600):
        c = socket.create_connection(t.address, timeout=5)
        if n % 3 == 0:
            c.sendall(b'\x43' + bytes(47))
        c.close()
    works(witness, t.region)
    # Those that wait in the listening socket are still to come; while there are more than max-connections, others are refused.
    t.until(lambda: t.daemon.open_files() <= files, 'connections stay open', 20)


@conversation('sessions', 'logins and logouts as fast as they can, and nothing of them stays', alone=True,
              seconds=60)
def login_churn(t):
    t.log_in().settle().log_out()
    before, files = t.daemon.memory_kib(), t.daemon.open_files()
    for _ in range(300):
        s = t.log_in()
        s.good(INQUIRY(36), read=36)
        s.log_out()
        t.connections.remove(s)
        s.close()
    t.until(lambda: t.daemon.open_files() <= files, 'files stay open', 5)
    check(t.daemon.memory_kib() - before < 16 * 1024, 'the daemon grew by %d KiB',
          t.daemon.memory_kib() - before)
