# SPDX-License-Identifier: MIT
"""
Many light initiators in one process: raw sockets that log in, answer NOP-Ins and now and then send a command. What they
cost this side is small beside what a whole initiator would.
"""

import contextlib
import select
import socket
import struct

IQN = "iqn.2026-11.org.sptgt:bench"
SEGMENT = 262144
FIRST_BURST = 65536  # the default, as nobody negotiates it
HEADER = 48
NOP_IN, DATA_IN, RESPONSE, R2T = 0x20, 0x25, 0x21, 0x31
NONE = 0xFFFFFFFF


class Refused(Exception):
    pass


def login_request(name, target):
    keys = (f"InitiatorName={name}", f"TargetName={target}", "SessionType=Normal", "HeaderDigest=None",
            "DataDigest=None", f"MaxRecvDataSegmentLength={SEGMENT}", "ErrorRecoveryLevel=0")
    text = "".join(key + "\0" for key in keys).encode()
    # Immediate, T, from operational negotiation to full feature phase; CmdSN 1.
    head = struct.pack(">BBHI6sHIHHII16x", 0x43, 0x87, 0, len(text), b"\x80\0\0\0\0\0", 0, 1, 0, 0, 1, 0)
    return head + text + bytes(-len(text) % 4)


class Member:
    def __init__(self, port, number, target=IQN, host="127.0.0.1"):
        self.name = f"iqn.2026-11.org.sptgt:crowd-{number}"
        self.cmd_sn = 1
        self.exp_stat_sn = 0
        self.itt = 1
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send = self.socket.sendall
        self.send(login_request(self.name, target))

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def receive(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise Refused(f"{self.name}: closed")
            data += more
        return data

    def pdu(self):
        head = self.receive(HEADER)
        length = int.from_bytes(head[5:8], "big")
        data = self.receive(length + -length % 4)[:length]
        if head[0] in (NOP_IN, RESPONSE) or (head[0] == DATA_IN and head[1] & 1):
            self.exp_stat_sn = int.from_bytes(head[24:28], "big") + (head[0] != NOP_IN)
        return head, data

    def logged_in(self):
        head, _ = self.pdu()
        if head[36:38] != b"\0\0":
            raise Refused(f"{self.name}: status {head[36]:02x}{head[37]:02x}")
        self.exp_stat_sn = int.from_bytes(head[24:28], "big") + 1
        return self

    def answer(self, head):
        """Of a NOP-In that wants one."""
        if head[0] == NOP_IN and head[20:24] != b"\xff\xff\xff\xff":
            self.send(struct.pack(">BBHI8s4s4sII16x", 0x40, 0x80, 0, 0, head[8:16], b"\xff" * 4,
                                            head[20:24], self.cmd_sn, self.exp_stat_sn))

    @contextlib.contextmanager
    def corked(self):
        """What is sent inside leaves at its end, at once."""
        whole = []
        self.send = whole.append
        yield
        self.send = self.socket.sendall
        self.send(b"".join(whole))

    def send_command(self, cdb, out_bytes=0, in_bytes=0, data=b"", lun=0):
        flags = 0x80 | (0x40 if in_bytes else 0) | (0x20 if out_bytes else 0) | 1
        self.itt += 1
        self.send(struct.pack(">BBHIQIIII16s", 0x01, flags, 0, len(data), lun << 48, self.itt, out_bytes or in_bytes,
                                        self.cmd_sn, self.exp_stat_sn, cdb.ljust(16, b"\0")) + data)
        self.cmd_sn += 1
        return self.itt

    def data_out(self, r2t, fill=b"\x5a", last=None):
        """What an R2T asks for, in one PDU or several. last: only the last PDU, or all but that."""
        offset, wanted = struct.unpack(">II", r2t[40:48])
        end, sn = offset + wanted, 0
        while offset < end:
            n = min(SEGMENT, end - offset)
            final = 0x80 if offset + n == end else 0
            if last is None or last == bool(final):
                self.send(struct.pack(">BBHI8s4s4s4xI4xII4x", 0x05, final, 0, n, r2t[8:16], r2t[16:20],
                                                r2t[20:24], self.exp_stat_sn, sn, offset) + fill * n)
            offset, sn = offset + n, sn + 1

    def finish(self):
        """Does what the target asks for until a command is over; its status."""
        while True:
            head, _ = self.pdu()
            if head[0] == R2T:
                self.data_out(head)
            elif head[0] == RESPONSE or (head[0] == DATA_IN and head[1] & 1):
                return head[3]
            elif head[0] == NOP_IN:
                self.answer(head)
            elif head[0] != DATA_IN:
                raise Refused(f"{self.name}: opcode {head[0]:02x} {head.hex()}")

    def run(self, *command, **more):
        self.send_command(*command, **more)
        return self.finish()


class Crowd:
    """n members of one target. Logins go out in batches, so that the target has many at once."""

    def __init__(self, port, n, batch=32, target=IQN):
        self.members = []
        self.by_fd = {}
        self.poll = select.epoll()
        for first in range(0, n, batch):
            fresh = [Member(port, i, target) for i in range(first, min(first + batch, n))]
            for m in fresh:
                self.members.append(m.logged_in())
                self.by_fd[m.fileno()] = m
                self.poll.register(m.fileno(), select.EPOLLIN)
            self.answer_waiting(0)  # the first ones may have to wait long for the last

    def answer_waiting(self, seconds):
        """Answers the NOP-Ins that are there, or come first within the time; how many."""
        ready = self.poll.poll(seconds)
        for fd, _ in ready:
            m = self.by_fd[fd]
            head, _ = m.pdu()
            m.answer(head)
        return len(ready)

    def idle(self, until, clock):
        """Answers NOP-Ins until then; how many."""
        answered = 0
        while (left := until - clock()) > 0:
            answered += self.answer_waiting(left)
        return answered

    def close(self):
        for m in self.members:
            m.close()
        self.poll.close()


def ten(opcode, lba, blocks):
    """A CDB of ten bytes: READ(10), WRITE(10)."""
    return struct.pack(">BBIBH", opcode, 0, lba, 0, blocks)
