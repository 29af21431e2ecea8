# SPDX-License-Identifier: MIT
"""An iSNS server (RFC 4171) that does as it is told: it keeps what is registered in a dictionary of entities, answers as a
good one does unless a hook says something else, and can ask and tell its clients."""

import queue
import socket
import struct
import threading

REGISTER, QUERY, DEREGISTER, SCN_REGISTER, SCN, ESI = 1, 2, 4, 5, 8, 13
ANSWER = 0x8000
CLIENT, SERVER, REPLACE, LAST, FIRST = 0x8000, 0x4000, 0x1000, 0x0800, 0x0400
DELIMITER, ENTITY, PERIOD, ADDRESS, PORT, ESI_PORT, SCN_PORT = 0, 1, 6, 16, 17, 20, 23
NAME, NODE_TYPE, ALIAS, BITMAP, AUTH, PG_ADDRESS, PG_PORT, PG_TAG = 32, 33, 34, 35, 42, 49, 50, 51


def tlv(tag, value=b''):
    if isinstance(value, int):
        value = struct.pack('>I', value)
    if isinstance(value, str):
        value = value.encode() + b'\0'
        value += bytes(-len(value) % 4)
    return struct.pack('>II', tag, len(value)) + value


def attributes(payload):
    out = []
    while payload:
        tag, length = struct.unpack('>II', payload[:8])
        assert length % 4 == 0 and length <= len(payload) - 8, 'an attribute beyond its PDU'
        out.append((tag, payload[8:8 + length]))
        payload = payload[8 + length:]
    return out


def string(value):
    return value.rstrip(b'\0').decode()


def number(value):
    return struct.unpack('>I', value)[0]


def pdu(function, payload, flags=SERVER | FIRST | LAST, transaction=1, sequence=0, version=1, length=None):
    return struct.pack('>6H', version, function, len(payload) if length is None else length, flags, transaction,
                       sequence) + payload


class Message:
    def __init__(self, header, payload):
        self.version, self.function, self.length, self.flags, self.transaction, self.sequence = header
        self.payload = payload
        self.list = attributes(payload[4:] if self.function & ANSWER else payload)

    def split(self):
        """(source and key, operating attributes)"""
        at = [tag for tag, _ in self.list].index(DELIMITER)
        return self.list[:at], self.list[at + 1:]

    def status(self):
        return number(self.payload[:4])

    def faults(self):
        """What no client may say, whatever the test is about (RFC 4171 5.1, 5.2, 5.6.4, 6.2.1, 6.2.6, 6.4.2)."""
        if (self.version, self.sequence, self.length % 4) != (1, 0, 0):
            yield 'version %d, sequence %d, length %d' % (self.version, self.sequence, self.length)
        if self.flags & ~REPLACE != CLIENT | FIRST | LAST:
            yield 'flags %04x' % self.flags
        if self.function & ANSWER:
            return
        _, operating = self.split()
        tags = [tag for tag, _ in operating]
        if self.function == REGISTER:
            rank = {ENTITY: 0, ADDRESS: 1, NAME: 2}
            order = [rank[tag] for tag in tags if tag in rank]
            if tags[0] != ENTITY or order != sorted(order) or order.count(0) != 1 or 2 not in order:
                yield 'objects out of order: %s' % tags
            if not number(dict(operating)[PERIOD]):
                yield 'no registration period'
            owner = None
            for before, tag in zip([None] + tags, tags):
                owner = tag if tag in rank else owner
                if tag == PORT and before != ADDRESS or tag == PG_PORT and before != PG_ADDRESS:
                    yield 'a key that is not behind its other one: %s' % tags
                if {ENTITY: tag > 15, ADDRESS: not 15 < tag < 32, NAME: tag < 32}[owner]:
                    yield 'attribute %d of object %s' % (tag, owner)
        if self.function == SCN_REGISTER and (tags.count(NAME) or number(dict(operating)[BITMAP]) & 0x20):
            yield 'a registration for more than one node, or for management'
        for tag, value in self.list:
            text = string(value) if tag in (ENTITY, NAME) else ''
            if text != text.lower() or text.startswith('isns:'):
                yield 'not a normal name of ours: %s' % text
            if tag == NODE_TYPE and number(value) != 1:
                yield 'node type %x' % number(value)


def read_message(sock):
    header = b''
    while len(header) < 12:
        part = sock.recv(12 - len(header))
        if not part:
            raise EOFError
        header += part
    fields = struct.unpack('>6H', header)
    payload = b''
    while len(payload) < fields[2]:
        part = sock.recv(fields[2] - len(payload))
        if not part:
            raise EOFError
        payload += part
    return Message(fields, payload)


class Server:
    def __init__(self, port=0, period=600):
        self.period, self.entities, self.scn, self.hook = period, {}, {}, None
        self.messages = queue.Queue()          # all that came, in order
        self.connections, self.wrong = [], []
        self.busy = set()                      # connections with a message that is not answered yet
        self.accepted = 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', port))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.connections.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        seen = set()
        try:
            while True:
                message = read_message(sock)
                self.busy.add(sock)
                self.messages.put(message)
                self.wrong += message.faults()
                if not message.function & ANSWER:
                    if message.transaction in seen:
                        self.wrong.append('transaction %d twice' % message.transaction)
                    seen.add(message.transaction)
                answer = self.hook(self, message) if self.hook else None
                if answer is None:
                    answer = self.good(message)
                if answer:
                    sock.sendall(answer)
                self.busy.discard(sock)
        except (OSError, EOFError):
            pass
        finally:
            self.busy.discard(sock)
            sock.close()

    def drop(self):
        for sock in self.connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.connections = []

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop()

    def answer(self, message, status=0, payload=b'', **more):
        return pdu(message.function | ANSWER, struct.pack('>I', status) + payload, transaction=message.transaction, **more)

    def good(self, message):
        if message.function & ANSWER:
            return b''
        key, operating = message.split()
        if message.function == REGISTER:
            eid = string(dict(key)[ENTITY])
            if message.flags & REPLACE or eid not in self.entities:
                self.entities[eid] = []
            self.entities[eid] += operating
            return self.answer(message, 0, tlv(ENTITY, eid) + tlv(DELIMITER) + tlv(ENTITY, eid) + tlv(PERIOD, self.period))
        if message.function == QUERY:
            name = key[1][1]
            found = b''.join(tlv(ENTITY, eid) + tlv(NAME, name) for eid, content in self.entities.items()
                             if (NAME, name) in content and string(key[0][1]) == string(name))
            return self.answer(message, 0, tlv(NAME, name) + tlv(DELIMITER) + found)
        if message.function == DEREGISTER:
            self.entities.pop(string(dict(operating)[ENTITY]), None)
            return self.answer(message)
        if message.function == SCN_REGISTER:
            self.scn[string(key[1][1])] = number(dict(operating)[BITMAP])
            return self.answer(message)
        return self.answer(message, 15)

    def next(self, function, seconds=10):
        """The next message of this function."""
        while True:
            message = self.messages.get(timeout=seconds)
            if message.function == function:
                return message

    def entity(self):
        (eid, content), = self.entities.items()
        return eid, content

    def inquiry_port(self):
        return number(dict(self.entity()[1])[SCN_PORT])
