# SPDX-License-Identifier: MIT
"""NOP-Out and NOP-In, RFC 7143 11.18 and 11.19."""

from talk import *  # noqa: F403


@conversation('RFC 7143 4.2.2.2, 11.1, 11.18.1, 11.18.3, 11.19, 11.19.1', 'a NOP-Out with a tag is answered with its tag and data')
def ping(t):
    s = t.log_in()
    for data in (b'', b'x', b'hello', pattern(4096), pattern(8192)):
        itt = s.new_itt()
        s.send('nop_out', itt=itt, ttt=NONE, data=data)
        s.expect('nop_in', itt=itt, ttt=NONE, data=data)


@conversation('RFC 7143 11.18.1',
              'a NOP-Out without a tag is not answered; it must be immediate and takes no CmdSN')
def ping_without_tag(t):
    s = t.log_in()
    s.send('nop_out', itt=NONE, ttt=NONE, immediate=True)
    s.silent()
    s.ping()


@conversation('RFC 7143 4.2.2.1, 11.19', 'an immediate NOP-Out is answered and ExpCmdSN stays')
def immediate_ping(t):
    s = t.log_in()
    before = s.expcmdsn
    s.ping()
    equal(s.expcmdsn, before, 'ExpCmdSN')
    s.send('nop_out', itt=s.new_itt())
    s.expect('nop_in')
    equal(s.expcmdsn, before + 1, 'ExpCmdSN after a NOP-Out that is not immediate')


@conversation('RFC 7143 11.18.2, 11.18.3', 'ping data longer than our MaxRecvDataSegmentLength is cut to it')
def ping_cut(t):
    s = t.log_in({'MaxRecvDataSegmentLength': 512})
    itt = s.new_itt()
    s.send('nop_out', itt=itt, data=pattern(2000))
    s.expect('nop_in', itt=itt, data=pattern(2000)[:512])


@conversation('RFC 7143 4.2.2.1, 11.18', 'many pings at once are answered, each once and in order')
def many_pings(t):
    s = t.log_in()
    itts = [s.new_itt() for _ in range(64)]
    for itt in itts:
        s.send('nop_out', itt=itt, immediate=True, data=b'%d' % itt)
    for itt in itts:
        s.expect('nop_in', itt=itt, data=b'%d' % itt)
