# SPDX-License-Identifier: MIT
"""An upstream target to stand behind the iscsi backend: it behaves, until a conversation tells it how not to.

    u = Upstream()
    u.on(0x28, lambda link, pdu: link.close())      # what to do on READ(10) instead of answering it
    ...
    u.stop()

It serves one disk of zeros, LUN 0 of NAME, to any number of connections, each on a thread of its own.
"""

import socket
import threading

from wire import FINAL, NONE, STATUS, UNDERFLOW, OVERFLOW, Pdu, pairs, text

NAME = 'iqn.2026-11.org.sptgt:upstream'
BLOCKS = 65536
ECHOED = ('MaxBurstLength', 'FirstBurstLength', 'DefaultTime2Wait', 'DefaultTime2Retain', 'MaxOutstandingR2T',
          'MaxConnections',
          'DataPDUInOrder', 'DataSequenceInOrder', 'ErrorRecoveryLevel', 'InitialR2T', 'ImmediateData')


def inquiry_data(page):
    if page is None:
        return bytes([0, 0, 6, 2, 31, 0, 0, 2]) + b'SPTGT   ' + b'UPSTREAM        ' + b'0001'
    return {0x00: bytes([0, 0, 0, 3, 0, 0x80, 0x83]), 0x80: bytes([0, 0x80, 0, 4]) + b'talk',
            0x83: bytes([0, 0x83, 0, 12, 1, 3, 0, 8]) + bytes([0x50, 1, 2, 3, 4, 5, 6, 7])}.get(page)


class Link:
    """One connection from the daemon."""

    def __init__(self, upstream, sock):
        self.upstream, self.socket = upstream, sock
        self.statsn, self.cmdsn, self.name = 1, 0, None
        self.seen = []

    def run(self):
        try:
            while True:
                header = self._read(48)
                header += self._read(header[4] * 4)
                length = int.from_bytes(header[5:8], 'big')
                pdu = Pdu.decode(header, self._read(length + -length % 4)[:length])
                self.seen.append(pdu)
                if pdu.name == 'login':
                    self.cmdsn = pdu.cmdsn
                elif not pdu.immediate and pdu.name != 'data_out':
                    self.cmdsn = (pdu.cmdsn + 1) & NONE
                hook = self.upstream.hook(pdu)
                (hook or getattr(self, '_' + pdu.name))(*((self, pdu) if hook else (pdu,)))
        except (OSError, ValueError, EOFError, AttributeError):
            pass
        finally:
            self.close()

    def _read(self, count):
        out = b''
        while len(out) < count:
            part = self.socket.recv(count - len(out))
            if not part:
                raise EOFError
            out += part
        return out

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def send(self, name, advance=True, **fields):
        fields = {'statsn': self.statsn, 'expcmdsn': self.cmdsn, 'maxcmdsn': (self.cmdsn + 63) & NONE, **fields}
        if advance:
            self.statsn += 1
        self.socket.sendall(Pdu(name, **fields).encode())

    # --- what a good target does

    def _login(self, pdu):
        offered = dict(pairs(pdu.data))
        self.name = offered.get('InitiatorName', self.name)
        answer = {key: offered[key] for key in ECHOED if key in offered}
        for key in ('HeaderDigest', 'DataDigest', 'AuthMethod'):
            if key in offered:
                answer[key] = 'None'
        if pdu.flags >> 2 & 3 == 1:
            answer['MaxRecvDataSegmentLength'] = 262144
        if 'TargetName' in offered:
            answer['TargetPortalGroupTag'] = 1
        self.send('login_response', flags=pdu.flags, isid=pdu.isid, itt=pdu.itt, tsih=77, data=text(answer))

    def _nop_out(self, pdu):
        if pdu.itt != NONE:
            self.send('nop_in', itt=pdu.itt, ttt=NONE, data=pdu.data)

    def _logout(self, pdu):
        self.send('logout_response', itt=pdu.itt)
        raise EOFError

    def _tmf(self, pdu):
        self.send('tmf_response', itt=pdu.itt)

    def _data_out(self, pdu):
        if pdu.flags & FINAL:
            self.status(pdu)

    def _command(self, pdu):
        code, cdb = pdu.cdb[0], pdu.cdb
        if code == 0x12:
            self.data(pdu, inquiry_data(cdb[2] if cdb[1] & 1 else None), int.from_bytes(cdb[3:5], 'big'))
        elif code == 0x25:
            self.data(pdu, (BLOCKS - 1).to_bytes(4, 'big') + (512).to_bytes(4, 'big'), 8)
        elif code == 0x28:
            self.data(pdu, bytes(512 * int.from_bytes(cdb[7:9], 'big')), 1 << 30)
        elif code == 0x2a and len(pdu.data) < pdu.edtl:
            self.send('r2t', advance=False, itt=pdu.itt, lun=pdu.lun, ttt=5, offset=len(pdu.data),
                      desired=pdu.edtl - len(pdu.data))
        elif code in (0x00, 0x2a, 0x35):
            self.status(pdu)
        elif code == 0xa0:
            self.data(pdu, (8).to_bytes(4, 'big') + bytes(12), 1 << 30)
        else:
            self.sense(pdu, 0x05, 0x2000)

    # --- parts of answers

    def status(self, pdu, status=0, data=b'', **fields):
        self.send('response', itt=pdu.itt, status=status, data=data, **fields)

    def sense(self, pdu, key, code, **fields):
        raw = bytes([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code >> 8, code & 0xff, 0, 0, 0, 0])
        self.status(pdu, 2, len(raw).to_bytes(2, 'big') + raw, **fields)

    def data(self, pdu, data, allocation):
        if data is None:
            return self.sense(pdu, 0x05, 0x2400)
        data = data[:allocation]
        left = pdu.edtl - len(data)
        flags = FINAL | STATUS | (UNDERFLOW if left > 0 else OVERFLOW if left < 0 else 0)
        data = data[:pdu.edtl]
        for n, offset in enumerate(range(0, max(len(data), 1), 8192)):
            last = offset + 8192 >= len(data)
            self.send('data_in', advance=last, itt=pdu.itt, lun=pdu.lun, ttt=NONE, datasn=n, offset=offset,
                      data=data[offset:offset + 8192],
                      flags=flags if last else 0, residual=abs(left) if last else 0)


class Upstream:
    def __init__(self):
        self.hooks, self.links = {}, []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.serving = True
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self):
        return 'iscsi://127.0.0.1:%d/%s/0' % (self.port, NAME)

    def on(self, what, do):
        """what: the first byte of a CDB, or the name of a PDU; do: called with (link, pdu) instead of the good answer."""
        self.hooks[what] = do

    def hook(self, pdu):
        return self.hooks.get(pdu.cdb[0] if pdu.name == 'command' else pdu.name)

    def behave(self):
        self.hooks.clear()

    def _accept(self):
        while self.serving:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            link = Link(self, sock)
            self.links.append(link)
            threading.Thread(target=link.run, daemon=True).start()

    def drop(self):
        for link in self.links:
            link.close()

    def stop(self):
        self.serving = False
        self.listener.close()
        self.drop()
