# SPDX-License-Identifier: MIT
"""An initiator's side of a session: logins, further connections, SCSI commands."""

from checks import Refused, Wrong, check, equal
from connection import Connection
from task import BLOCK, CHECK_CONDITION, GOOD, READ10, TEST_UNIT_READY, WRITE10, Task
from wire import CONTINUE, FINAL, NONE, READ, SIMPLE, WRITE, pairs, text


class Initiator(Connection):
    """A connection to the target and, after a login, the session on it; add() makes a further connection of the session."""

    # --- login

    def login_request(self, keys=b'', csg=1, nsg=3, transit=True, more=False, **fields):
        flags = (FINAL if transit else 0) | (CONTINUE if more else 0) | csg << 2 | (nsg if transit else 0)
        for field in ('isid', 'tsih', 'cid', 'cmdsn'):
            fields.setdefault(field, getattr(self, field))
        fields.setdefault('expstatsn', self.expstatsn or 0)
        fields.setdefault('flags', flags)
        if not isinstance(keys, bytes):
            keys = dict(keys)
            self.offered.update(keys)
            keys.update(self.owed)
            self.owed = {}
        return self.send('login', data=text(keys), immediate=True, **fields)

    def names(self, target=True):
        out = {'InitiatorName': self.name, 'SessionType': 'Normal' if target else 'Discovery'}
        if target:
            out['TargetName'] = self.talk.target if target is True else target
        return out

    def login_response(self, seconds=8):
        """The next Login Response; its keys are added to answers. Raises Refused."""
        pdu = self.expect('login_response', seconds)
        if pdu.status_class:
            raise Refused(pdu)
        equal(pdu.isid, self.isid, 'ISID of the Login Response (11.13)')
        if not (pdu.has(FINAL) and pdu.flags & 3 == 3):
            equal(pdu.tsih, self.tsih, 'TSIH of a Login Response that is not the last (11.13.3)')
        if not pdu.has(CONTINUE):
            try:
                for key, value in pairs(pdu.data):
                    check(key not in self.answers or self.full_feature, 'the target answers %s twice (6.2)',
                          key)
                    self.answers[key] = value
                    if key in self.params and key not in self.offered and key != 'MaxRecvDataSegmentLength':
                        self.owed[key] = self.params[key] = value      # we take what it offers
            except ValueError as e:
                raise Wrong('the text of a Login Response: %s' % e)
        return pdu

    def advance(self, keys, csg=1, nsg=3):
        """Requests with T until the target lets us into the next stage: the first with keys, then what we owe. Its response."""
        for _ in range(8):
            self.login_request(keys, csg, nsg)
            pdu = self.login_response()
            equal(pdu.flags >> 2 & 3, csg, 'CSG of the Login Response')
            if pdu.has(FINAL):
                equal(pdu.flags & 3, nsg, 'NSG of the Login Response')
                return pdu
            keys = {}
        raise Wrong('the target never leaves stage %d' % csg)

    def log_in(self, keys=None, target=True, stages=((1, 3),)):
        """Through the stages; keys go with the last."""
        mine = self.names(target)
        for n, (csg, nsg) in enumerate(stages):
            if n == len(stages) - 1 and keys:
                mine.update(keys)
            pdu = self.advance(mine, csg, nsg)
            mine = {}
        self.enter(pdu)
        return self

    def enter(self, pdu):
        """Full feature phase, after the last Login Response."""
        check(pdu.tsih != 0, 'TSIH of the last Login Response is 0 (11.13.3)')
        self.tsih = pdu.tsih
        self.full_feature = True
        for key in self.params:
            if key in self.offered:
                answer = self.answers.get(key, self.offered[key])
                declared = key == 'MaxRecvDataSegmentLength' or answer == 'Irrelevant'
                self.params[key] = self.offered[key] if declared else answer
        self.header_digest = self.params['HeaderDigest'] == 'CRC32C'
        self.data_digest = self.params['DataDigest'] == 'CRC32C'
        self.max_send = int(self.answers.get('MaxRecvDataSegmentLength', 8192))

    # --- further connections

    def beside(self, cid, portal=None):
        """A connection with the names and the TSIH of this session, which has said nothing yet."""
        other = self.talk.connect(portal)
        other.session, other.name, other.isid = self.session, self.name, self.isid
        other.tsih, other.cid = self.tsih, cid
        return other

    def add(self, cid, keys=None, portal=None):
        """A further connection of the session (6.3.1), or with the CID of one that there is its reinstatement (6.3.4)."""
        other = self.beside(cid, portal)
        other.params.update((key, value) for key, value in self.params.items()
                            if key not in ('HeaderDigest', 'DataDigest', 'MaxRecvDataSegmentLength'))
        return other.log_in(keys)

    # --- SCSI commands

    def start(self, cdb, read=0, write=b'', lun=None, edtl=None, attribute=SIMPLE, immediate=False, itt=None,
              immediate_bytes=None, unsolicited_bytes=None, cmdsn=None, ahs=b''):
        """Send a SCSI Command with as much immediate and unsolicited data as was agreed, or as much as is asked for."""
        room = min(self.number('FirstBurstLength'), len(write))
        if immediate_bytes is None:
            immediate_bytes = min(room, self.max_send) if self.yes('ImmediateData') else 0
        if unsolicited_bytes is None:
            unsolicited_bytes = 0 if self.yes('InitialR2T') else room - immediate_bytes
        flags = attribute | (READ if read else 0) | (WRITE if write or edtl and not read else 0) | (0 if unsolicited_bytes else FINAL)
        more = {} if cmdsn is None else {'cmdsn': cmdsn}
        pdu = self.pdu('command', flags=flags, itt=self.new_itt() if itt is None else itt,
                       lun=self.talk.lun if lun is None else lun,
                       edtl=len(write) or read if edtl is None else edtl, cdb=cdb,
                       data=write[:immediate_bytes], immediate=immediate,
                       ahs=ahs, **more)
        task = self.tasks[pdu.itt] = Task(pdu, write, read)
        self.send(pdu)
        if unsolicited_bytes:
            self.data_out(task, NONE, immediate_bytes, unsolicited_bytes)
        return task

    def data_out(self, task, ttt, offset, length, step=None):
        """One data sequence."""
        step = min(step or self.max_send, self.max_send)
        datasn, end = 0, offset + length
        while offset < end:
            size = min(step, end - offset)
            self.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=ttt, datasn=datasn, offset=offset,
                      flags=FINAL if offset + size == end else 0, data=task.write[offset:offset + size])
            offset, datasn = offset + size, datasn + 1

    def step(self, answer=True, seconds=8):
        """Take one PDU that belongs to a task; R2Ts are answered unless told otherwise. Returns the task."""
        pdu = self.recv(seconds)
        task = self.take(pdu)
        if pdu.name == 'r2t' and answer:
            self.answer_r2t(task, pdu)
        return task

    def take(self, pdu):
        """What has come must belong to a task, which is returned."""
        check(pdu.name in ('r2t', 'data_in', 'response'),
              'this came instead of an answer to a SCSI command: %s', pdu)
        check(pdu.itt in self.tasks, 'a %s for a task that there is not: %x', pdu.name, pdu.itt)
        task = self.tasks[pdu.itt]
        task.take(self, pdu)
        if task.status is not None:
            del self.tasks[pdu.itt]
        return task

    def answer_r2t(self, task, r2t):
        task.outstanding_r2ts -= 1
        self.data_out(task, r2t.ttt, r2t.offset, r2t.desired)

    def finish(self, task, seconds=8):
        while task.status is None:
            self.step(seconds=seconds)
        return task

    def command(self, cdb, read=0, write=b'', **more):
        return self.finish(self.start(cdb, read, write, **more))

    def good(self, cdb, read=0, write=b'', **more):
        """A command that must end with GOOD; returns its task."""
        task = self.command(cdb, read, write, **more)
        check(task.status == GOOD, 'status %02x with sense %s, and GOOD was expected', task.status,
              task.sense.hex())
        return task

    def write(self, lba, data, **more):
        return self.good(WRITE10(lba, len(data) // BLOCK), write=data, **more)

    def read(self, lba, blocks, **more):
        return bytes(self.good(READ10(lba, blocks), read=blocks * BLOCK, **more).data)

    def failed(self, cdb, code, read=0, write=b'', **more):
        """A command that must end with CHECK CONDITION and this sense (key, code, qualifier: 0x052400)."""
        task = self.command(cdb, read, write, **more)
        equal(task.status, CHECK_CONDITION, 'the status')
        equal(task.sense_code(), code, 'the sense')
        return task

    def settle(self):
        """Take the unit attentions that a new session may find (SAM-5 5.14); any other trouble is one."""
        for _ in range(4):
            task = self.command(TEST_UNIT_READY)
            if task.status == GOOD:
                return self
            equal(task.sense_code() >> 16, 6, 'the sense key of a new session')
        raise Wrong('unit attentions without end')

    def no_acknowledgement(self):
        """From here on we say to have received nothing."""
        self.acknowledged = self.expstatsn

    def snack(self, kind, begin=0, length=0, itt=NONE, ttt=NONE, lun=0):
        """11.16: 0 Data/R2T, 1 Status, 2 DataACK, 3 R-Data."""
        self.send('snack', flags=FINAL | kind, itt=itt, ttt=ttt, lun=lun, begrun=begin, runlength=length)

    def ask(self, function, lun=None, task=None, immediate=True, **fields):
        """For a task management function, of a task or of all; the request's tag."""
        itt, about = self.new_itt(), dict(rtt=task.itt, refcmdsn=task.pdu.cmdsn) if task else dict(rtt=NONE)
        self.send('tmf', flags=FINAL | function, itt=itt, lun=self.talk.lun if lun is None else lun, immediate=immediate,
                  **{**about, **fields})
        return itt

    def reassign(self, task, expdatasn=0, response=0, immediate=True, itt=None):
        """TASK REASSIGN; the task is this connection's afterwards."""
        mine = self.ask(8, 0, immediate=immediate, rtt=task.itt if itt is None else itt, expdatasn=expdatasn)
        self.expect('tmf_response', itt=mine, response=response)
        if response == 0:
            self.tasks[task.itt] = task

    def ping(self):
        """The connection works."""
        itt = self.new_itt()
        self.send('nop_out', itt=itt, immediate=True, data=b'still there?')
        self.expect('nop_in', itt=itt, data=b'still there?')

    def log_out(self, reason=0):
        itt = self.new_itt()
        self.send('logout', flags=FINAL | reason, itt=itt, cid=self.cid)
        pdu = self.expect('logout_response', itt=itt)
        self.gone(allowed=())
        return pdu
