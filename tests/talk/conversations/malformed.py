# SPDX-License-Identifier: MIT
"""PDUs that are none, or not here: RFC 7143 7.3, 7.7, 11.17. Each gets a Reject, an answer or the end; nobody else is harmed."""

import random

from talk import *  # noqa: F403


def after(t, s, what, answers=('reject', 'response', 'nop_in', 'tmf_response', 'text_response',
                               'logout_response')):
    """The connection ends, or answers one of these and then still answers a ping."""
    try:
        s.send('nop_out', itt=0x9999, immediate=True)
        for _ in range(4):
            pdu = s.recv(5)
            if pdu.name == 'nop_in' and pdu.itt == 0x9999:
                return
            one_of(pdu.name, answers, what + ': the answer')
        raise Wrong(what + ': no answer to a ping behind it')
    except Gone:
        pass


def format_error(s, what):
    """RFC 7143 7.7: all connections of the session end at once, without an answer."""
    try:
        said = s.gone(allowed=())
    except Wrong as e:
        raise Wrong('%s: %s' % (what, e))
    return said


@conversation('RFC 7143 7.13, 11.2.1.2, 11.17.1', 'opcodes that there are not, or only a target may send')
def opcodes(t):
    witness = t.log_in().settle()
    for opcode in [op for op in range(0x40) if op not in (0, 1, 2, 3, 4, 5, 6)]:
        s = t.connect()
        s.isid = b'\x80\x00\x00\x00\x00\x09'
        s.log_in()
        s.send('nop_out', itt=3, opcode=opcode, immediate=True)
        after(t, s, 'opcode %02x' % opcode)
    witness.ping()


@conversation('RFC 7143 7.7, 11.2.1.5, 11.2.2',
              'AHS: every length in words, unknown types, lengths that lead out of the header: a format error')
def additional_header_segments(t):
    witness = t.log_in().settle()
    for words, ahs in ((1, b'\0\0\0\0'), (1, b'\0\1\x01\0'), (1, b'\xff\xff\x01\0'),
                       (2, b'\0\x05\x03\0' + bytes(4)), (255, bytes(1020)),
                       (255, b'\xff' * 1020), (1, b'\0\1\x3f\0'),
                       (5, b'\0\x12\x01\0' + bytes(16)), (2, b'\0\x04\x02\0' + bytes(4)),
                       (6, b'\0\x11\x01\0' + bytes(16) + b'\0\x09\x01\0'), (2, b'\0\0\x01\0\0\0\x01\0'),
                       (3, b'\0\x05\x02\0\0\0\x10\0\0\x01\x01\0'),
                       (64, b'\0\xfd\x01\0' + bytes(252))):
        s = t.connect()
        s.isid = b'\x80\x00\x00\x00\x00\x09'
        s.log_in().settle()
        s.send('command', flags=FINAL | SIMPLE, itt=5, lun=t.lun, cdb=TEST_UNIT_READY, ahs=ahs,
               total_ahs_length=words)
        format_error(s, 'AHS %s' % ahs[:12].hex())
    s = t.connect()
    s.isid = b'\x80\x00\x00\x00\x00\x09'
    s.log_in().settle()
    for words, ahs in ((2, b'\0\x05\x02\0' + bytes(4)), (5, b'\0\x11\x01\0' + bytes(16))):    # these are well formed
        s.send('command', flags=FINAL | SIMPLE, itt=5, lun=t.lun, cdb=TEST_UNIT_READY, ahs=ahs, total_ahs_length=words)
        one_of(s.recv().name, ('reject', 'response'), 'the answer')
        s.ping()
    witness.ping()


@conversation('RFC 7143 7.7, 11.2.1.5, 11.2.2, 11.5.2, 11.14.2', 'an AHS where there may be none')
def ahs_elsewhere(t):
    for name in ('nop_out', 'tmf', 'text', 'logout', 'data_out', 'snack'):
        s = t.connect()
        s.isid = b'\x80\x00\x00\x00\x00\x09'
        s.log_in()
        s.send(name, itt=5, ahs=b'\0\x01\x01\0', immediate=name not in ('data_out', 'snack'), **({'flags': 0x81} if name == 'tmf' else {}))
        format_error(s, 'an AHS on a %s' % name)


@conversation('RFC 7143 7.7', 'a format error ends every connection of its session, and what was under way; at every ErrorRecoveryLevel, and no other session')
def format_errors(t):
    witness = t.connect()
    witness.name = t.name + '-witness'
    witness.log_in().settle()
    for level in (0, 1, 2):
        s = t.log_in({'ErrorRecoveryLevel': level, 'MaxConnections': 2, 'InitialR2T': 'Yes', 'ImmediateData': 'No'}).settle()
        other = s.add(1)
        other.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
        other.step(answer=False)
        s.send('nop_out', itt=NONE, cmdsn=s.cmdsn)                # without a tag it must be immediate
        format_error(s, 'a NOP-Out')
        format_error(other, 'the other connection')
        try:
            s.beside(0).log_in()
        except Refused as e:
            equal(e.status, 0x020a, 'the login to the session that there was')
        else:
            raise Wrong('the session is still there')
        witness.ping()
    check(t.metrics()['sptgt_connections_closed_total{reason="format_error"}'] >= 6, 'it is not counted')


@conversation('RFC 7143 7.7, 11.2.1.5, 11.12', 'an AHS on a Login Request, and one of 1020 bytes that never comes')
def ahs_on_login(t):
    s = t.connect()
    s.login_request(s.names())
    s.login_response()
    for words, ahs in ((1, b'\0\x01\x01\0'), (255, bytes(1020))):
        s = t.connect()
        s.send('login', flags=FINAL | 1 << 2 | 3, immediate=True, isid=s.isid, cmdsn=1, data=text(s.names()),
               ahs=ahs, total_ahs_length=words)
        try:
            s.login_response()
        except (Gone, Refused):
            pass


@conversation('RFC 7143 11.2.1.6, 13.12', 'data segments over what was declared are not waited for')
def giant_segments(t):
    witness = t.log_in().settle()
    for name in ('nop_out', 'command', 'tmf', 'text', 'data_out', 'logout', 'snack'):
        s = t.connect()
        s.isid = b'\x80\x00\x00\x00\x00\x09'
        s.log_in().settle()
        s.send(name, itt=5, immediate=True, data_segment_length=0xffffff)
        s.gone()
        witness.ping()


@conversation('RFC 7143 11.2.1.6, 13.12', 'a Login Request with a data segment over 8192 bytes')
def giant_login(t):
    for length in (8196, 100000, 0xffffff):
        s = t.connect()
        s.send('login', flags=FINAL | 1 << 2 | 3, immediate=True, isid=s.isid, cmdsn=1,
               data_segment_length=length)
        s.gone(allowed=('login_response', 'reject'))


@conversation('RFC 7143 7.7, 11.5.2, 11.14.2', 'data on PDUs that have none')
def data_where_none_belongs(t):
    for name, fields in (('tmf', {'flags': 0x81, 'rtt': 99}), ('logout', {}), ('snack', {'flags': FINAL}),
                         ('command', {'flags': FINAL | SIMPLE, 'cdb': TEST_UNIT_READY}),
                         ('command', {'flags': FINAL | READ | SIMPLE, 'edtl': BLOCK, 'cdb': READ10(0, 1)})):
        s = t.log_in().settle()
        s.send(name, itt=5, immediate=name != 'snack', data=b'x' * 100, **fields)
        if name != 'command':                 # RFC 7143 7.7; what a command transfers is another matter
            format_error(s, 'data on a %s' % name)
            continue
        after(t, s, 'data on a %s' % name, ('reject', 'response', 'tmf_response', 'logout_response', 'data_in'))
        s.close()


@conversation('RFC 7143 4.2.5.3, 11.2.1.8', 'an Initiator Task Tag that is in use, and the reserved one')
def task_tags(t):
    s = t.log_in({'InitialR2T': 'Yes', 'ImmediateData': 'No'}).settle()
    task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    s.step(answer=False)
    try:
        s.send('command', flags=FINAL | READ | SIMPLE, itt=task.itt, lun=t.lun, edtl=BLOCK,
               cdb=READ10(t.region, 1))
        pdu = s.recv(5)
        one_of(pdu.name, ('reject', 'response'), 'the answer to a tag in use')
    except Gone:
        pass
    s = t.log_in().settle()
    s.send('command', flags=FINAL | SIMPLE, itt=NONE, lun=t.lun, cdb=TEST_UNIT_READY, cmdsn=s.cmdsn)
    after(t, s, 'the reserved tag')


@conversation('RFC 7143 11.16, 7.2', 'SNACK at ErrorRecoveryLevel 0')
def snack(t):
    for kind in (0, 1, 2, 3, 9):
        s = t.log_in().settle()
        s.send('snack', flags=FINAL | kind, itt=5, ttt=NONE, begrun=0, runlength=0)
        after(t, s, 'SNACK type %d' % kind)


@conversation('RFC 7143 11, 11.3.1, 11.14.1, 11.16', 'reserved codes are protocol errors: task attributes, types of SNACK, reasons of a Logout (7.7 is what has another layout)')
def reserved_codes(t):
    s = t.log_in({'ErrorRecoveryLevel': 1}).settle()
    wrong = [('command', {'flags': FINAL | attribute}) for attribute in (5, 6, 7)]
    wrong += [('snack', {'flags': FINAL | kind}) for kind in range(4, 16)]
    wrong += [('logout', {'flags': FINAL | reason}) for reason in (3, 4, 127)]
    for name, fields in wrong:
        more = {} if name == 'snack' else {'immediate': True}
        s.send(name, itt=s.new_itt(), **more, **fields)
        s.expect('reject', reason=4)
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.3.1', 'R and W where nothing moves, and neither of them where something should')
def directions(t):
    s = t.log_in().settle()
    nothing = b'\0\5\2\0' + bytes(4)                      # a Bidirectional Read Expected Data Transfer Length of 0
    for flags, ahs in ((0, b''), (READ, b''), (WRITE, b''), (READ | WRITE, nothing)):
        itt = s.new_itt()
        s.send('command', flags=FINAL | SIMPLE | flags, itt=itt, lun=t.lun, cdb=TEST_UNIT_READY, ahs=ahs)
        s.expect('response', itt=itt, status=GOOD)
    for flags, edtl, ahs in ((0, 512, b''), (0, 0, b'\0\5\2\0\0\0\2\0'), (0, 512, nothing), (READ | WRITE, 512, b''), (READ | WRITE, 0, b'')):
        s.send('command', flags=FINAL | SIMPLE | flags, itt=s.new_itt(), lun=t.lun, edtl=edtl, cdb=TEST_UNIT_READY, ahs=ahs)
        s.expect('reject', reason=9)
    for flags in (0, READ):                                 # neither W nor F
        s.send('command', flags=SIMPLE | flags, itt=s.new_itt(), lun=t.lun, cdb=TEST_UNIT_READY)
        s.expect('reject', reason=4)
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.3.1, 11.4.1', 'a SCSI Command without the F bit that moves no data out')
def no_final_bit(t):
    s = t.log_in().settle()
    for flags in (SIMPLE, READ | SIMPLE):
        s.send('command', flags=flags, itt=s.new_itt(), lun=t.lun, edtl=0, cdb=TEST_UNIT_READY)
        after(t, s, 'flags %02x' % flags)
        if s.socket.fileno() < 0:
            return
        s.close()
        s = t.log_in().settle()


@conversation('RFC 7143 11', 'reserved bits are ignored (11: their value is not checked)')
def reserved_bits(t):
    s = t.log_in().settle()
    s.send('nop_out', itt=5, immediate=True, flags=0xff, patch={2: 0xff, 3: 0xff, 40: 0xff, 47: 0xff})
    after(t, s, 'reserved bits')


@conversation('RFC 7143 7.7', 'bytes of chance in place of PDUs, before and after the login', seconds=40)
def noise(t):
    chance = random.Random(7143)
    witness = t.log_in().settle()
    for n in range(60):
        s = t.connect()
        s.isid = b'\x80\x00\x00\x00\x00\x09'
        if n % 2:
            s.log_in()
        try:
            s.send_bytes(bytes(chance.randrange(256) for _ in range(chance.randrange(1, 3000))))
        except Gone:
            pass
        s.close()
        if n % 10 == 9:
            witness.ping()


@conversation('RFC 7143 7.7', 'good PDUs with a byte of the header changed by chance', seconds=60)
def changed_headers(t):
    chance = random.Random(48)
    witness = t.connect()
    witness.name = t.name + '-witness'
    witness.log_in().settle()
    for n in range(400):
        s = t.connect()
        s.log_in({'MaxRecvDataSegmentLength': 65536})
        name = chance.choice(['nop_out', 'command', 'tmf', 'text', 'data_out', 'logout', 'snack', 'login'])
        fields = {'itt': chance.choice([1, 2, NONE]), 'immediate': chance.random() < .5,
                  'data': bytes(chance.choice([0, 4, 100]))}
        if name == 'command':
            fields.update(flags=chance.choice([0x80, 0xc1, 0xa1, 0x21]), cdb=READ10(t.region, 1),
                          edtl=chance.choice([0, 512, 4096]))
        patch = {chance.randrange(48): chance.randrange(256) for _ in range(chance.randrange(1, 4))}
        if 5 in patch:
            patch[5] = 0                      # not megabytes that will never come
        try:
            for _ in range(3):
                s.send(name, patch=patch, **fields)
        except Gone:
            pass
        s.close()
        if n % 20 == 19:
            witness.ping()
