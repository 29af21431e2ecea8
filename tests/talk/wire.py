# SPDX-License-Identifier: MIT
"""The PDUs of RFC 7143 11 as data: one table row a field, for building, parsing and printing, and for building wrongly.

A Pdu has a name, its fields as attributes, an AHS, a data segment. Whatever the tables would fill in can be set by hand:
opcode, total_ahs_length (in words), data_segment_length, and any byte by patch={offset: value}; so a malformed PDU is as
easy to send as a good one.
"""

import struct

NONE = 0xffffffff                                # the reserved value of a tag

FINAL, CONTINUE = 0x80, 0x40
READ, WRITE, SIMPLE = 0x40, 0x20, 0x01           # SCSI Command, 11.3.1
OVERFLOW, UNDERFLOW = 0x04, 0x02                 # SCSI Response and Data-In
STATUS, ACKNOWLEDGE = 0x01, 0x40                 # Data-In, 11.7.1

_SN = {'statsn': (24, 4), 'expcmdsn': (28, 4), 'maxcmdsn': (32, 4)}
_ASK = {'cmdsn': (24, 4), 'expstatsn': (28, 4)}
_LOGIN = {'isid': (8, 6), 'tsih': (14, 2), 'itt': (16, 4)}
_TASK = {'lun': (8, 8), 'itt': (16, 4)}
_TAGS = {'lun': (8, 8), 'itt': (16, 4), 'ttt': (20, 4)}

# name: (opcode, flags as usual, {field: (offset, length)})
FORMATS = {
    'nop_out': (0x00, 0x80, {**_TAGS, **_ASK}),
    'command': (0x01, 0x80, {**_TASK, 'edtl': (20, 4), **_ASK, 'cdb': (32, 16)}),
    'tmf': (0x02, 0x80, {**_TASK, 'rtt': (20, 4), **_ASK, 'refcmdsn': (32, 4), 'expdatasn': (36, 4)}),
    'login': (0x03, 0x00, {'version_max': (2, 1), 'version_min': (3, 1), **_LOGIN, 'cid': (20, 2), **_ASK}),
    'text': (0x04, 0x80, {**_TAGS, **_ASK}),
    'data_out': (0x05, 0x80, {**_TAGS, 'expstatsn': (28, 4), 'datasn': (36, 4), 'offset': (40, 4)}),
    'logout': (0x06, 0x80, {'itt': (16, 4), 'cid': (20, 2), **_ASK}),
    'snack': (0x10, 0x80, {**_TAGS, 'expstatsn': (28, 4), 'begrun': (40, 4), 'runlength': (44, 4)}),
    'nop_in': (0x20, 0x80, {**_TAGS, **_SN}),
    'response': (0x21, 0x80, {'response': (2, 1), 'status': (3, 1), 'itt': (16, 4), 'snack_tag': (20, 4), **_SN,
                              'expdatasn': (36, 4), 'bidi_residual': (40, 4), 'residual': (44, 4)}),
    'tmf_response': (0x22, 0x80, {'response': (2, 1), 'additional': (8, 3), 'itt': (16, 4), **_SN}),
    'login_response': (0x23, 0x00, {'version_max': (2, 1), 'version_active': (3, 1), **_LOGIN, **_SN,
                                    'status_class': (36, 1), 'status_detail': (37, 1)}),
    'text_response': (0x24, 0x80, {**_TAGS, **_SN}),
    'data_in': (0x25, 0x80, {'status': (3, 1), **_TAGS, **_SN, 'datasn': (36, 4), 'offset': (40, 4),
                             'residual': (44, 4)}),
    'logout_response': (0x26, 0x80, {'response': (2, 1), 'itt': (16, 4), **_SN, 'time2wait': (40, 2),
                                     'time2retain': (42, 2)}),
    'r2t': (0x31, 0x80, {**_TAGS, **_SN, 'r2tsn': (36, 4), 'offset': (40, 4), 'desired': (44, 4)}),
    'async': (0x32, 0x80, {**_TASK, **_SN, 'event': (36, 1), 'vcode': (37, 1), 'p1': (38, 2), 'p2': (40, 2),
                           'p3': (42, 2)}),
    'reject': (0x3f, 0x80, {'reason': (2, 1), 'itt': (16, 4), **_SN, 'datasn': (36, 4)}),
}
# What may be 1 in byte 1 of what a target sends.
FLAGS = {'response': 0x9e, 'text_response': 0xc0, 'data_in': 0xc7, 'login_response': 0xcf}
NO_DATA = ('tmf_response', 'logout_response', 'r2t')
BY_OPCODE = {row[0]: name for name, row in FORMATS.items()}
FROM_TARGET = {name for name, row in FORMATS.items() if row[0] >= 0x20}
BYTES_FIELDS = ('cdb', 'isid')
TAGS = ('ttt', 'rtt')

_CRC = []
for _i in range(256):
    for _ in range(8):
        _i = (_i >> 1) ^ (0x82f63b78 if _i & 1 else 0)
    _CRC.append(_i)


def crc32c(data):
    """RFC 7143 13.1: the digest, as the four bytes that go on the wire."""
    crc = 0xffffffff
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xff]
    return struct.pack('<I', crc ^ 0xffffffff)


def pad(data):
    return data + bytes(-len(data) % 4)


def lun_field(lun):
    """SAM-5 4.7: single level; flat space addressing from 256 on."""
    return (lun << 48 if lun < 256 else (0x4000 | lun) << 48) if lun < 16384 else lun


class Pdu:
    def __init__(self, name, data=b'', ahs=b'', immediate=False, flags=None, opcode=None, total_ahs_length=None,
                 data_segment_length=None, patch=None, **fields):
        row = FORMATS[name]
        unknown = set(fields) - set(row[2])
        if unknown:
            raise TypeError('%s has no field %s' % (name, ', '.join(unknown)))
        self.name, self.data, self.ahs, self.immediate = name, data, ahs, immediate
        self.flags = row[1] if flags is None else flags
        self.opcode = row[0] if opcode is None else opcode
        self.total_ahs_length, self.data_segment_length = total_ahs_length, data_segment_length
        self.patch = patch or {}
        for field in row[2]:
            default = bytes(row[2][field][1]) if field in BYTES_FIELDS else NONE if field in TAGS else 0
            setattr(self, field, fields.get(field, default))

    def header(self):
        bhs = bytearray(48)
        bhs[0] = self.opcode | (0x40 if self.immediate else 0)
        bhs[1] = self.flags
        ahs = pad(self.ahs)
        bhs[4] = len(ahs) // 4 if self.total_ahs_length is None else self.total_ahs_length
        length = len(self.data) if self.data_segment_length is None else self.data_segment_length
        bhs[5:8] = length.to_bytes(3, 'big')
        for field, (offset, size) in FORMATS[self.name][2].items():
            value = getattr(self, field)
            if field not in BYTES_FIELDS:
                value = (value & ((1 << 8 * size) - 1)).to_bytes(size, 'big')
            bhs[offset:offset + size] = value[:size].ljust(size, b'\0')
        for offset, value in self.patch.items():
            bhs[offset] = value
        return bytes(bhs) + ahs

    def encode(self, header_digest=False, data_digest=False, spoil=None):
        """spoil: 'header' or 'data' makes that digest wrong."""
        header, data = self.header(), pad(self.data)
        out = [header]
        if header_digest:
            out.append(_digest(header, spoil == 'header'))
        if data:
            out.append(data)
            if data_digest:
                out.append(_digest(data, spoil == 'data'))
        return b''.join(out)

    @classmethod
    def decode(cls, header, data):
        opcode = header[0] & 0x3f
        name = BY_OPCODE.get(opcode)
        if name is None:
            raise ValueError('opcode %02x' % opcode)
        pdu = cls(name, data=data, ahs=header[48:], immediate=bool(header[0] & 0x40), flags=header[1])
        pdu.raw = header
        for field, (offset, size) in FORMATS[name][2].items():
            raw = header[offset:offset + size]
            setattr(pdu, field, raw if field in BYTES_FIELDS else int.from_bytes(raw, 'big'))
        return pdu

    def stray(self):
        """What of a PDU from a target is not 0 though it is reserved (11), as text; None: nothing. The reserved tag is all ones."""
        fields = FORMATS[self.name][2]
        used = {0, 1, 4, 5, 6, 7}.union(*(range(at, at + size) for at, size in fields.values()))
        if self.name == 'response':
            used |= {8, 9}                       # the Status Qualifier, RFC 7144 5.2.1
        stray = ['byte %d' % n for n in range(48) if n not in used and self.raw[n]]
        if self.raw[0] & 0xc0:
            stray.append('the first two bits')
        if self.flags & ~FLAGS.get(self.name, 0x80):
            stray.append('flags %02x' % self.flags)
        if self.raw[4]:
            stray.append('an AHS')
        if self.data and (self.name in NO_DATA or self.name == 'nop_in' and self.itt == NONE):
            stray.append('a data segment')
        if self.name == 'login_response' and not self.flags & FINAL and self.flags & 3:
            stray.append('NSG without T')
        if self.name == 'data_in' and not self.flags & STATUS and (
                self.status or self.residual or self.statsn or self.flags & (OVERFLOW | UNDERFLOW)):
            stray.append('Status, StatSN or residual without S')
        if self.name == 'data_in' and not self.flags & ACKNOWLEDGE and (self.ttt != NONE or self.lun):
            stray.append('Target Transfer Tag or LUN without A')
        if self.name in ('reject', 'async') and self.itt != NONE:
            stray.append('Initiator Task Tag')
        return ', '.join(stray) or None

    def has(self, bits):
        return self.flags & bits == bits

    def __str__(self):
        words = [self.name + ('(immediate)' if self.immediate else ''), 'flags=%02x' % self.flags]
        for field in FORMATS[self.name][2]:
            value = getattr(self, field)
            if field in BYTES_FIELDS:
                words.append('%s=%s' % (field, value.hex()))
            elif value:
                words.append('%s=%x' % (field, value))
        if self.data:
            words.append('data=%d:%s%s' % (len(self.data), printable(self.data[:60]),
                                           '...' if len(self.data) > 60 else ''))
        return ' '.join(words)


def printable(data):
    return ''.join(chr(b) if 32 < b < 127 else '.' for b in data)


def _digest(data, spoil):
    digest = crc32c(data)
    return bytes([digest[0] ^ 1]) + digest[1:] if spoil else digest


def text(keys):
    """Key=value pairs as they travel; keys is a dict, a list of pairs, or bytes that are sent as they are."""
    if isinstance(keys, bytes):
        return keys
    pairs = keys.items() if isinstance(keys, dict) else keys
    return b''.join(b'%s=%s\0' % (_bytes(k), _bytes(v)) for k, v in pairs)


def _bytes(value):
    return value if isinstance(value, bytes) else str(value).encode()


def pairs(data):
    """The pairs of a text in order. Raises ValueError on what is not a text (6.1)."""
    if data and not data.endswith(b'\0'):
        raise ValueError('a text without its last NUL')
    out = []
    for item in data.split(b'\0')[:-1]:
        key, equals, value = item.partition(b'=')
        if not equals or not key:
            raise ValueError('no key=value: %r' % item)
        out.append((key.decode(), value.decode()))
    return out
