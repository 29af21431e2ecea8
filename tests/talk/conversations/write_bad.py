# SPDX-License-Identifier: MIT
"""Data-Out that must not be: out of bounds, out of order, too much, for nobody. RFC 7143 7.7, 11.7; and nobody else is harmed."""

from talk import *  # noqa: F403

KEYS = {'InitialR2T': 'Yes', 'ImmediateData': 'No', 'FirstBurstLength': 4096, 'MaxBurstLength': 8192,
        'MaxOutstandingR2T': 1}
FREE = {**KEYS, 'InitialR2T': 'No', 'ImmediateData': 'Yes'}


def answered(s):
    """A ping still comes back, with or without a Reject before it."""
    itt = s.new_itt()
    s.send('nop_out', itt=itt, immediate=True)
    pdu = s.recv()
    if pdu.name == 'reject':
        pdu = s.recv()
    equal((pdu.name, pdu.itt), ('nop_in', itt), 'the answer')


class Scene:
    """Two sessions: one that writes wrongly into blocks of its own, one that must not notice. The blocks around the write
    hold a pattern that must stay."""

    def __init__(self, t, keys):
        self.t = t
        self.witness = t.connect()
        self.witness.name = t.name + '-witness'
        self.witness.log_in().settle()
        self.around = pattern(64 * BLOCK, t.number)
        self.witness.write(t.region, self.around)
        self.s = t.log_in(keys).settle()

    def start(self, blocks=16, unsolicited=False):
        """A write of blocks in the middle of the pattern; with R2T, that is taken and returned."""
        s = self.s
        self.itt = s.new_itt()
        s.send('command', flags=(0 if unsolicited else FINAL) | WRITE | SIMPLE, itt=self.itt, lun=self.t.lun,
               edtl=blocks * BLOCK,
               cdb=WRITE10(self.t.region + 16, blocks))
        self.ttt = NONE
        if not unsolicited:
            r2t = s.expect('r2t', itt=self.itt, offset=0)
            self.ttt = r2t.ttt
            return r2t

    def data(self, data=b'W' * 512, **fields):
        fields = {'itt': self.itt, 'ttt': self.ttt, 'lun': self.t.lun, 'flags': FINAL, **fields}
        self.s.send('data_out', data=data, **fields)

    def judge(self, what, may_be_good=False):
        """Reject, CHECK CONDITION or the end of the connection: never GOOD, never a hang; the neighbours are as they were."""
        answer = self._answer(what)
        if answer == 'good' and not may_be_good:
            raise Wrong('%s: the write ends with GOOD' % what)
        self.witness.ping()
        t = self.t
        equal(self.witness.read(t.region, 16), self.around[:16 * BLOCK],
              '%s: the blocks before the write' % what)
        equal(self.witness.read(t.region + 32, 32), self.around[32 * BLOCK:],
              '%s: the blocks behind the write' % what)
        return answer

    def _answer(self, what):
        try:
            for _ in range(40):
                pdu = self.s.recv(seconds=3)
                if pdu.name == 'response' and pdu.itt == self.itt:
                    return 'good' if pdu.status == GOOD else 'status %02x' % pdu.status
                if pdu.name == 'reject':
                    return 'reject'
                if pdu.name == 'async':
                    continue
                equal(pdu.name, 'r2t', '%s: the answer' % what)
            raise Wrong('%s: R2Ts without end' % what)
        except Gone:
            return 'gone'


SOLICITED = {
    'offset beyond the R2T': dict(offset=8192, data=b'W' * 512),
    'offset beyond the command': dict(offset=16 * BLOCK, data=b'W' * 512),
    'offset far away': dict(offset=0x7ffffe00, data=b'W' * 512),
    'offset that wraps': dict(offset=0xfffffe00, data=b'W' * 1024),
    'offset in the middle, with a hole before it': dict(offset=2048, data=b'W' * 512),
    'more than the R2T asks for': dict(offset=0, data=b'W' * 8704),
    'more than the R2T asks for, and no F': dict(offset=0, flags=0, data=b'W' * 8704),
    'more than the command has': dict(offset=0, data=b'W' * (16 * BLOCK + 512)),
    'much more than everything': dict(offset=0, data=b'W' * 200000),
    'DataSN that is not 0': dict(offset=0, datasn=1, data=b'W' * 8192),
    'DataSN far off': dict(offset=0, datasn=0xffffffff, data=b'W' * 8192),
    'F before everything came': dict(offset=0, data=b'W' * 512),
}


@conversation('RFC 7143 4.2.2.4, 7.7, 11.7.1, 11.7.5, 11.7.6', 'solicited Data-Out with a wrong offset, length or DataSN', seconds=60)
def solicited(t):
    for what, fields in SOLICITED.items():
        scene = Scene(t, KEYS)
        scene.start()
        scene.data(**fields)
        scene.judge(what)


@conversation('RFC 7143 4.2.5.3, 11.7.4, 11.8.5',
              'a Target Transfer Tag that was never given out, that of another task, or none', seconds=60)
def wrong_ttt(t):
    for what, wrong in (('unknown', lambda ttt: ttt ^ 0x12345678), ('the next', lambda ttt: ttt + 1),
                        ('none', lambda ttt: NONE)):
        scene = Scene(t, KEYS)
        r2t = scene.start()
        scene.data(b'W' * 8192, ttt=wrong(r2t.ttt))
        scene.judge('TTT ' + what)


@conversation('RFC 7143 4.2.5.3, 11.7.4, 11.17.1', 'solicited Data-Out for another LUN than its command: Reject, and the task ends', seconds=30)
def wrong_lun(t):
    for lun in (5, 300):
        scene = Scene(t, KEYS)
        scene.start()
        scene.data(b'W' * 8192, lun=lun)
        scene.s.expect('reject', reason=9)                 # invalid LUN of a TTT (11.17.1, note 2)
        pdu = scene.s.expect('response', itt=scene.itt)
        equal((pdu.status, pdu.data[4] & 0xf), (CHECK_CONDITION, 0xb), 'the status and the sense key')
        equal(scene.witness.read(t.region, 64), scene.around, 'the blocks')
    scene = Scene(t, FREE)
    scene.start(blocks=8, unsolicited=True)
    scene.data(b'W' * 4096, lun=5)                         # reserved where nothing was asked for
    scene.s.expect('response', itt=scene.itt, status=GOOD)


@conversation('RFC 7143 11.3.4', 'all data comes with the command, or there is none, and F says that more follows: Reject', seconds=30)
def more_than_all(t):
    for blocks in (8, 0):
        scene = Scene(t, FREE)
        scene.itt = scene.s.new_itt()
        scene.s.send('command', flags=WRITE | SIMPLE, itt=scene.itt, lun=t.lun, edtl=blocks * BLOCK,
                     cdb=WRITE10(t.region + 16, blocks), data=b'W' * blocks * BLOCK)
        scene.s.expect('reject', reason=4)
        scene.witness.ping()
        equal(scene.witness.read(t.region, 64), scene.around, 'the blocks')


@conversation('RFC 7143 7.13, 11.7', 'Data-Out for a task that there is not: Reject, silence or the end', seconds=30)
def no_task(t):
    s = t.log_in(KEYS).settle()
    for ttt in (NONE, 7):
        try:
            s.send('data_out', itt=0x7777, ttt=ttt, lun=t.lun, flags=FINAL, data=b'W' * 512)
            answered(s)
        except Gone:
            s = t.log_in(KEYS).settle()


@conversation('RFC 7143 7.13, 11.7', 'Data-Out for a task that reads', seconds=30)
def data_out_for_a_read(t):
    scene = Scene(t, KEYS)
    scene.itt = scene.s.new_itt()
    scene.s.send('command', flags=FINAL | READ | SIMPLE, itt=scene.itt, lun=t.lun, edtl=BLOCK,
                 cdb=READ10(t.region, 1))
    scene.ttt = NONE
    scene.data(b'W' * 512)
    try:
        for _ in range(2):
            if scene.s.recv(1).name == 'reject':
                break
    except (Gone, Late):
        pass
    scene.witness.ping()
    equal(scene.witness.read(t.region, 64), scene.around, 'the medium')


@conversation('RFC 7143 4.2.5.2, 13.14', 'more unsolicited data than FirstBurstLength', seconds=30)
def over_first_burst(t):
    scene = Scene(t, FREE)
    scene.start(unsolicited=True)
    for n in range(3):
        scene.data(b'W' * 2048, offset=n * 2048, datasn=n, flags=FINAL if n == 2 else 0)
    scene.judge('6144 bytes in PDUs of 2048')
    scene = Scene(t, FREE)
    scene.start(unsolicited=True)
    scene.data(b'W' * 8192)
    scene.judge('8192 bytes in one PDU')


@conversation('RFC 7143 4.2.5.2, 13.10, 13.11, 13.14',
              'immediate data beyond FirstBurstLength, beyond the command, or where there may be none',
              seconds=30)
def immediate(t):
    for what, keys, size, edtl in (('over FirstBurstLength', FREE, 8192, 16 * BLOCK),
                                   ('over the command', FREE, 4096, 2048),
                                   ('though ImmediateData=No', KEYS, 512, 16 * BLOCK)):
        scene = Scene(t, keys)
        scene.itt = scene.s.new_itt()
        scene.s.send('command', flags=FINAL | WRITE | SIMPLE, itt=scene.itt, lun=t.lun, edtl=edtl,
                     cdb=WRITE10(t.region + 16, edtl // BLOCK), data=b'W' * size)
        scene.judge('immediate data ' + what)


@conversation('RFC 7143 13.10, 13.11', 'unsolicited Data-Out though InitialR2T=Yes', seconds=30)
def unsolicited_not_allowed(t):
    scene = Scene(t, KEYS)
    scene.itt = scene.s.new_itt()
    scene.s.send('command', flags=WRITE | SIMPLE, itt=scene.itt, lun=t.lun, edtl=16 * BLOCK,
                 cdb=WRITE10(t.region + 16, 16))
    scene.ttt = NONE
    scene.data(b'W' * 512)
    scene.judge('unsolicited data')


@conversation('RFC 7143 13.18', 'the data of one sequence out of order', seconds=30)
def out_of_order(t):
    scene = Scene(t, KEYS)
    scene.start()
    scene.data(b'W' * 4096, offset=4096, datasn=0, flags=0)
    scene.data(b'W' * 4096, offset=0, datasn=1)
    scene.judge('second half first')
    scene = Scene(t, KEYS)
    scene.start()
    scene.data(b'W' * 4096, offset=0, datasn=0, flags=0)
    scene.data(b'W' * 4096, offset=0, datasn=1)
    scene.judge('first half twice')


@conversation('RFC 7143 11.7.5, 13.18',
              'unsolicited data with a hole, twice, beyond the command, or with a wrong DataSN', seconds=30)
def unsolicited(t):
    for what, parts in (('with a hole', ((0, 0), (1, 1024))), ('twice', ((0, 0), (1, 0))),
                        ('from the middle', ((0, 1024), (1, 1536))),
                        ('with DataSN 0 again', ((0, 0), (0, 512))), ('with DataSN 5', ((5, 0), (6, 512)))):
        scene = Scene(t, FREE)
        scene.start(blocks=2, unsolicited=True)
        for n, (datasn, offset) in enumerate(parts):
            scene.data(b'W' * 512, offset=offset, datasn=datasn, flags=FINAL if n else 0)
        scene.judge('unsolicited data ' + what)


@conversation('RFC 7143 11.7', 'Data-Out PDUs without any data', seconds=30)
def empty_data(t):
    scene = Scene(t, KEYS)
    scene.start()
    for n in range(200):
        try:
            scene.data(b'', offset=0, datasn=n, flags=0)
        except Gone:
            break
    scene.witness.ping()
    scene.s.close()


@conversation('RFC 7143 13.12', 'a data segment longer than what the target declared', seconds=30)
def oversize_segment(t):
    scene = Scene(t, KEYS)
    scene.start()
    scene.data(b'W' * 512, data_segment_length=scene.s.max_send + 4)
    scene.s.send_bytes(bytes(1000))
    scene.witness.ping()
    scene.s.gone()
    equal(scene.witness.read(t.region, 64), scene.around, 'the medium')
