# SPDX-License-Identifier: MIT
"""Header and data digests, good and spoilt, RFC 7143 7.8, 13.1."""

from talk import *  # noqa: F403

BOTH = {'HeaderDigest': 'CRC32C', 'DataDigest': 'CRC32C', 'InitialR2T': 'Yes', 'ImmediateData': 'No',
        'MaxBurstLength': 8192,
        'FirstBurstLength': 4096}
CHOICES = [(header, data) for header in ('None', 'CRC32C') for data in ('None', 'CRC32C')]


@conversation('RFC 7143 11.2.3, 13.1',
              'every combination of digests: commands, data both ways, sense, pings, texts, logout', seconds=40)
def combinations(t):
    for header, data in CHOICES:
        for immediate in ('Yes', 'No'):
            s = t.log_in({**BOTH, 'HeaderDigest': header, 'DataDigest': data, 'ImmediateData': immediate,
                          'InitialR2T': 'No'}).settle()
            for blocks in (1, 3, 40):
                payload = pattern(blocks * BLOCK, blocks)
                s.write(t.region, payload)
                equal(s.read(t.region, blocks), payload, 'what was written')
            s.failed(bytes([0xc1]) + bytes(9), 0x052000)
            for length in (0, 1, 2, 3, 4, 5):
                itt = s.new_itt()
                s.send('nop_out', itt=itt, data=b'12345'[:length])
                s.expect('nop_in', itt=itt, data=b'12345'[:length])
            itt = s.new_itt()
            s.send('text', itt=itt, data=text({'SendTargets': ''}))
            s.expect('text_response', itt=itt)
            s.log_out()


@conversation('RFC 7143 7.8',
              'a header digest that is wrong ends the connection (the length cannot be trusted), and no other')
def bad_header_digest(t):
    witness = t.log_in().settle()
    for name, fields in (('nop_out', {'itt': 5}), ('command', {'itt': 5, 'flags': FINAL | READ, 'edtl': BLOCK,
                                                               'cdb': READ10(0, 1)})):
        s = t.connect()
        s.isid = b'\x80\x00\x00\x00\x00\x05'
        s.log_in(BOTH).settle()
        s.send(name, spoil='header', **fields)
        s.gone()
        witness.ping()


@conversation('RFC 7143 7.8',
              'a data digest that is wrong: the PDU is rejected (reason 2) or the connection ends; its data is never used')
def bad_data_digest(t):
    witness = t.log_in().settle()
    keep = pattern(16 * BLOCK, 4)
    witness.write(t.region, keep)
    s = t.connect()
    s.isid = b'\x80\x00\x00\x00\x00\x05'
    s.log_in(BOTH).settle()
    itt = s.new_itt()
    s.send('command', flags=FINAL | WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=8 * BLOCK,
           cdb=WRITE10(t.region, 8))
    r2t = s.expect('r2t', itt=itt)
    s.send('data_out', itt=itt, ttt=r2t.ttt, lun=t.lun, flags=FINAL, data=b'W' * 8 * BLOCK, spoil='data')
    try:
        while True:
            pdu = s.recv(3)
            if pdu.name == 'reject':
                equal(pdu.reason, 2, 'the reason of the Reject (11.17.1)')
            elif pdu.name == 'response':
                equal(pdu.status, CHECK_CONDITION, 'the status of a write whose data was bad')
                break
            else:
                equal(pdu.name, 'r2t', 'the answer')           # asked for again
                s.send('data_out', itt=itt, ttt=pdu.ttt, lun=t.lun, flags=FINAL, offset=pdu.offset,
                       data=keep[pdu.offset:pdu.offset + pdu.desired])
    except Gone:
        pass
    witness.ping()
    equal(witness.read(t.region, 16), keep, 'the medium')


@conversation('RFC 7143 7.8, 4.2.2.1', 'immediate data with a wrong digest is never written')
def bad_immediate_data(t):
    witness = t.log_in().settle()
    keep = pattern(16 * BLOCK, 4)
    witness.write(t.region, keep)
    s = t.connect()
    s.isid = b'\x80\x00\x00\x00\x00\x05'
    s.log_in({**BOTH, 'ImmediateData': 'Yes'}).settle()
    s.send('command', flags=FINAL | WRITE | SIMPLE, itt=s.new_itt(), lun=t.lun, edtl=2 * BLOCK,
           cdb=WRITE10(t.region, 2),
           data=b'W' * 2 * BLOCK, spoil='data')
    try:
        pdu = s.recv(3)
        check(pdu.name == 'reject' or pdu.name == 'response' and pdu.status == CHECK_CONDITION,
              'the answer: %s', pdu)
    except Gone:
        pass
    witness.ping()
    equal(witness.read(t.region, 16), keep, 'the medium')


@conversation('RFC 7143 7.8', 'a ping whose data has a wrong digest')
def bad_ping_data(t):
    s = t.log_in(BOTH).settle()
    s.send('nop_out', itt=s.new_itt(), data=b'data', spoil='data', immediate=True)
    try:
        equal(s.recv(3).name, 'reject', 'the answer')
        s.ping()
    except Gone:
        pass


@conversation('RFC 7143 7.8, 13.1', 'what is written while a read is on its way leaves the digests of its data good', seconds=60,
              alone=True)
def written_meanwhile(t):
    blocks = 16384                                             # more than the sockets hold
    s = t.log_in({**BOTH, 'MaxRecvDataSegmentLength': 65536}).settle()
    writer = t.connect()
    writer.isid = b'\x80\x00\x00\x00\x00\x05'
    writer.log_in().settle()
    task = s.start(READ10(0, blocks), read=blocks * BLOCK)
    writer.ping()
    write_same = b'\x41\0' + bytes(5) + blocks.to_bytes(2, 'big') + b'\0'
    writer.good(write_same, write=b'\x5a' * BLOCK)
    s.finish(task, 40)
    equal(task.status, GOOD, 'the status')
