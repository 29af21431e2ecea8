#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seed-* files of the corpora: good inputs, and the holes that other targets had.

    tests/fuzz/seeds.py            writes them beside this script
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
OPCODES = [0, 1, 2, 3, 4, 5, 6, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f]
WHO = b"InitiatorName=iqn.1994-05.com.redhat:b1\0TargetName=iqn.2026-11.org.sptgt:demo\0"
DISCOVERY = b"InitiatorName=iqn.1994-05.com.redhat:b1\0SessionType=Discovery\0"
KEYS = (b"HeaderDigest=CRC32C,None\0DataDigest=None\0MaxConnections=1\0InitialR2T=No\0"
        b"ImmediateData=Yes\0MaxRecvDataSegmentLength=262144\0MaxBurstLength=16776192\0"
        b"FirstBurstLength=262144\0DefaultTime2Wait=2\0DefaultTime2Retain=0\0"
        b"MaxOutstandingR2T=1\0DataPDUInOrder=Yes\0DataSequenceInOrder=Yes\0"
        b"ErrorRecoveryLevel=0\0TaskReporting=RFC3720\0iSCSIProtocolLevel=1\0"
        b"IFMarker=No\0OFMarker=No\0X#NodeArchitecture=x\0")


def write(corpus, name, data):
    path = os.path.join(HERE, "corpus", corpus)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "seed-" + name), "wb") as f:
        f.write(data)


def bhs(opcode, flags=0x80, ahs=0, data=0, lun=0, itt=3, rest=b""):
    head = struct.pack(">BBHBBHQI", opcode, flags, 0, ahs // 4, data >> 16, data & 0xffff, lun, itt)
    return (head + rest).ljust(48, b"\0")


def pdus():
    for op in OPCODES:
        write("pdu", "plain-%02x" % op, bhs(op))
        write("pdu", "immediate-%02x" % op, bhs(op | 0x40, 0x80, rest=b"\xff" * 4))
        write("pdu", "ones-%02x" % op, bytes([op]) + b"\xff" * 47 + b"\xff" * 1020)
    for name, flags, ahs in [
            ("cdb", 0xc1, b"\0\x11\x01\0" + bytes(16)),
            ("cdb-longest", 0xc1, b"\0\xf5\x01\0" + bytes(244)),
            ("bidi", 0xe1, b"\0\x05\x02\0\0\0\x10\0"),
            ("both", 0xe1, b"\0\x02\x01\0\x11\0\0\0\0\x05\x02\0\0\0\x10\0"),
            ("zero-length", 0xc1, b"\0\0\x01\0"),
            ("length-255", 0xc1, b"\0\xff\x01\0"),
            ("length-65535", 0xc1, b"\xff\xff\x01\0" + bytes(1016)),
            ("unknown-type", 0xc1, b"\0\x05\x3f\0\0\0\0\0"),
            ("twice", 0xe1, b"\0\x05\x02\0\0\0\0\0" * 2),
            ("all-zero", 0xe1, bytes(1020))]:
        write("pdu", "ahs-" + name, bhs(1, flags, ahs=len(ahs), rest=struct.pack(">I", 4096)) + ahs)
    write("pdu", "data-giant", bhs(5, 0x80, data=0xffffff))
    write("pdu", "read10", bhs(1, 0xc1, rest=struct.pack(">III", 512, 1, 2) + b"\x28" + bytes(9)))
    write("pdu", "write16", bhs(1, 0xa1, data=512, rest=struct.pack(">III", 512, 1, 2) + b"\x8a"))
    write("pdu", "short", bytes(47))
    write("pdu", "ahs-missing", bhs(1, ahs=4))


def texts():
    write("keys", "login", WHO + KEYS)
    write("keys", "send-targets", b"SendTargets=All\0MaxRecvDataSegmentLength=65536\0")
    write("keys", "chap", b"AuthMethod=CHAP,None\0CHAP_A=7,6,5\0CHAP_I=1\0CHAP_C=0x0123\0"
                          b"CHAP_N=me\0CHAP_R=0bQUJDRA==\0")
    write("keys", "names", b"A=eui.02004567A425678D\0B=naa.52004567BA64678D\0"
                           b"C=iqn.2001-04.com.example:\xc3\xa9\0D=iqn.2001-04.com.example:%n\0"
                           b"E=iqn.2001-04.com.example:../..\0F=*\0G=iqn.*:?\0")
    write("keys", "name-224", b"InitiatorName=iqn.2001-04.com.example:" + b"x" * 200 + b"\0")
    write("keys", "utf8-bad", b"A=iqn.2001-04.com.example:\xed\xa0\x80\0B=\xf4\x90\x80\x80\0"
                              b"C=\xc0\xaf\0")
    write("keys", "numbers", b"A=0x10\0B=18446744073709551616\0C=-1\0D=0x\0E=1~2\0F=007\0")
    write("keys", "no-equals", b"A=1\0garbage\0")
    write("keys", "no-nul", b"A=1\0B=2")
    write("keys", "empty-key", b"=1\0")
    write("keys", "key-64", b"K" * 64 + b"=1\0")
    write("keys", "value-256", b"X-k=" + b"v" * 256 + b"\0")
    write("keys", "value-8193", b"X-k=" + b"v" * 8193 + b"\0")
    write("keys", "unknown-2048", b"".join(b"K%d=\0" % i for i in range(2048)))
    write("keys", "nuls", bytes(64))
    write("keys", "obsolete", b"IFMarkInt=2048~8192\0OFMarkInt=Reject\0IFMarker=Yes\0")


def request(flags, text, stray=0):
    return struct.pack(">BBH", stray, flags, len(text)) + text


def login(name, *requests, owner=b"\0\x04\0\0"):
    """@owner: limits, methods and tag, the answer about the target, and about the session."""
    write("login", name, owner + b"".join(requests))


def logins():
    none, word, both = b"\0\x06\0\0", b"\0\x02\0\0", b"\0\x04\0\0"
    login("one-request", request(0x87, WHO + KEYS))
    login("discovery", request(0x87, DISCOVERY + KEYS))
    login("two-stages", request(0x81, WHO + b"AuthMethod=None\0"), request(0x87, KEYS), owner=none)
    login("chap", request(0x81, WHO + b"AuthMethod=CHAP,None\0"), request(0x01, b"CHAP_A=5\0"),
          request(0x81, b"CHAP_N=me\0CHAP_R=d\0"), request(0x81, b"CHAP_A=done\0"),
          request(0x87, KEYS), owner=word)
    login("chap-fails", request(0x81, WHO + b"AuthMethod=CHAP\0"), request(0x81, b"CHAP_A=f\0"),
          owner=word)
    login("chap-skipped", request(0x87, WHO), owner=word)
    login("chap-skipped-late", request(0x81, WHO + b"AuthMethod=CHAP\0"), request(0x87, b""),
          owner=both)
    login("chap-long", request(0x81, WHO + b"AuthMethod=CHAP\0"),
          request(0x01, b"CHAP_A=" + b"x" * 8000 + b"\0"), request(0x01, b""), request(0x81, b""),
          owner=word)
    login("pieces", *[request(0x44, WHO[i:i + 1]) for i in range(20)], request(0x87, WHO[20:]))
    login("endless", *[request(0x44, b"A" * 8192)] * 3)
    login("many-requests", request(0x04, WHO), *[request(0x04, b"")] * 70)
    login("our-offers", request(0x87, WHO),
          request(0x87, b"ImmediateData=No\0FirstBurstLength=512\0MaxBurstLength=1024\0"
                        b"HeaderDigest=CRC32C\0DefaultTime2Wait=10\0"),
          owner=b"\x2f\x04\0\0")
    login("our-offers-ignored", request(0x87, WHO), request(0x87, b""), owner=b"\x0d\x04\0\0")
    login("redirected", request(0x87, WHO), owner=b"\0\x04\xc0\0")
    login("forbidden", request(0x87, WHO), owner=b"\0\x04\x80\0")
    login("no-resources", request(0x87, WHO), owner=b"\0\x04\0\x01")
    login("joins", request(0x87, WHO + KEYS, 0x08))
    login("unanswered", request(0x87, WHO, 0x40), request(0x87, b""))
    login("unanswered-session", request(0x87, WHO, 0x80), request(0x87, b""))
    for bit in range(6):
        login("stray-%d" % bit, request(0x04, WHO), request(0x87, b"", 1 << bit))
    for stages in range(16):
        login("flags-%02x" % (0x80 | stages), request(0x80 | stages, WHO))
    login("t-and-c", request(0xc7, WHO))
    login("unknown-2048", request(0x87, WHO + b"".join(b"K%d=\0" % i for i in range(1000))))
    login("duplicate", request(0x87, WHO + WHO))
    login("no-names", request(0x87, KEYS))
    login("over-8192", request(0x04, WHO + b"X" * 9000))
    login("empty", request(0x00, b""))


def chap(name, *texts):
    write("chap", name, b"".join(struct.pack(">H", len(t)) + t for t in texts))


def chaps():
    for a in (b"5", b"6", b"7", b"8", b"8,7,6,5", b"0x5", b"9", b"", b"5,,x"):
        chap("one-way-" + a.decode().replace(",", "-"), b"CHAP_A=" + a + b"\0",
             b"CHAP_N=plain\0CHAP_R=@R@\0")
    ask = b"CHAP_A=5\0"
    right = b"CHAP_N=one\0CHAP_R=@R@\0"
    chap("mutual", ask, right + b"CHAP_I=1\0CHAP_C=0x00112233445566778899aabbccddeeff\0")
    chap("mutual-base64", ask, right + b"CHAP_I=0xff\0CHAP_C=0bABEiM0RVZneImaq7zN3u/w==\0")
    chap("reflected", ask, right + b"CHAP_I=1\0CHAP_C=@C@\0")
    chap("mirror", ask, b"CHAP_N=mirror\0CHAP_R=@R@\0CHAP_I=1\0CHAP_C=0x01\0")
    chap("elsewhere", ask, b"CHAP_N=there\0CHAP_R=@R@\0")
    chap("nobody", ask, b"CHAP_N=nobody\0CHAP_R=@R@\0")
    chap("again", ask, right, right, ask)
    chap("ask-twice", ask, ask, right)
    chap("response-first", right, ask)
    chap("all-at-once", ask + right)
    for name, c in (("empty", b"0x"), ("odd", b"0x123"), ("1024", b"0x" + b"5a" * 1024),
                    ("1025", b"0x" + b"5a" * 1025), ("giant", b"0b" + b"AAAA" * 2000),
                    ("none", b""), ("base64-bad", b"0bAA=A"), ("base64-short", b"0bAAA")):
        chap("challenge-" + name, ask, right + b"CHAP_I=1\0CHAP_C=" + c + b"\0")
        chap("response-" + name, ask, b"CHAP_N=one\0CHAP_R=" + c + b"\0")
    chap("identifier-256", ask, right + b"CHAP_I=256\0CHAP_C=0x01\0")
    chap("name-long", ask, b"CHAP_N=" + b"n" * 300 + b"\0CHAP_R=@R@\0")
    chap("twice", ask, right + b"CHAP_R=@R@\0CHAP_N=one\0")


def secrets():
    write("secrets", "good", b"""# users
backup  "a long secret, with blanks"
vmhost  0x6b1dd9ed8c1a4b7ea80d1b5e3c2f4a90
cluster Ahn7ohs9quie mutual storage eiF4ahph6ooz from iqn.1994-05.com.redhat:* eui.02004567A425678D
both 0bZm9vYmFyZm9vYmFy from iqn.*
""")
    for name, text in (("empty", b""), ("one-word", b"name\n"), ("quote-open", b'name "secret\n'),
                       ("quote-more", b'name "secret"more\n'), ("quote-empty", b'"" ""\n'),
                       ("odd", b"name 0x123\n"), ("long-line", b"n " + b"s" * 2000),
                       ("words", b"a " * 80), ("nul", b"a\0b c\0d\n"), ("again", b"a b\na b\n"),
                       ("faults", b"a\n\"\" x\nb 0xz\nb c\n"), ("mutual", b"a b mutual c\n"),
                       ("from", b"a b from\n"), ("pattern", b"a b from ]\n"),
                       ("crlf", b"a bbbbbbbbbbbbb\r\n"), ("no-end", b"a b")):
        write("secrets", name, text)


def tlv(tag, value=b""):
    if isinstance(value, int):
        value = struct.pack(">I", value)
    value += bytes(-len(value) % 4)
    return struct.pack(">II", tag, len(value)) + value


def isns(name, *pdus):
    """Each: function, flags, payload and perhaps a length that is not its own."""
    write("isns", name, b"".join(struct.pack(">6H", 1, f, len(p) if not more else more[0], flags, 1, 0) + p
                                 for f, flags, p, *more in pdus))


def isnses():
    ok, echo = struct.pack(">I", 0), tlv(1, b"entity\0") + tlv(0)
    whole = echo + tlv(1, b"entity\0") + tlv(6, 600) + tlv(32, b"iqn.x:a\0") + tlv(32, b"iqn.x:b\0")
    isns("registered", (0x8001, 0x4c00, ok + whole))
    isns("found", (0x8002, 0x4c00, ok + whole))
    isns("not-found", (0x8002, 0x4c00, ok + echo))
    isns("first-of-two", (0x8002, 0x4400, ok + whole[:-5] + b"\0"), (0x8002, 0x4800, bytes(8)))
    for status in (3, 9, 21, 23, 0xffffffff):
        isns("status-%x" % status, (0x8001, 0x4c00, struct.pack(">I", status)))
    isns("no-status", (0x8001, 0x4c00, b""))
    portal = tlv(16, bytes(10) + b"\xff\xff\x7f\0\0\1") + tlv(17, 3260)
    isns("esi", (13, 0x4c00, tlv(4, bytes(8)) + tlv(1, b"entity\0") + portal))
    isns("esi-other", (13, 0x4c00, tlv(4, bytes(8)) + tlv(1, b"other\0") + portal))
    isns("esi-giant", (13, 0x4c00, tlv(1, b"entity\0") + tlv(18, bytes(65532 - 24))))
    me = tlv(32, b"iqn.x:a\0") + tlv(4, bytes(8))
    isns("scn", (8, 0x4c00, me + tlv(35, 8) + tlv(32, b"iqn.x:host\0") + tlv(35, 16) + tlv(32, b"iqn.x:b\0")))
    isns("scn-first", (8, 0x4400, me + tlv(35, 8) + tlv(32, b"iqn.x:host\0")[:-4]))
    isns("scn-bitmap-8", (8, 0x4c00, me + tlv(35, bytes(8))))
    isns("scn-elsewhere", (8, 0x4c00, tlv(32, b"iqn.y\0")))
    isns("scn-no-nul", (8, 0x4c00, me + tlv(35, 8) + tlv(32, b"x" * 256)))
    isns("attribute-beyond", (13, 0x4c00, struct.pack(">II", 1, 0xfffffffc)), (8, 0x4c00, struct.pack(">II", 32, 8)))
    isns("attribute-odd", (13, 0x4c00, struct.pack(">III", 1, 3, 0)))
    isns("other", (14, 0x4c00, ok), (0xffff, 0, ok), (0x7fff, 0, b""))
    isns("length-odd", (13, 0x4c00, b"\0", 1))


def pr(action, kind=0, key=0, action_key=0, nexus=0, flags=0, more=b"", delta=0, head=None):
    """A command of PERSISTENT RESERVE OUT: @flags are bytes 20 to 23, or @head all 24."""
    parameters = (head or struct.pack(">QQ4xI", key, action_key, flags)) + more
    return struct.pack(">BBBbH", nexus, action, kind, delta, len(parameters)) + parameters


def transport_id(name, isid=None, protocol=5):
    text = name + (b",i,0x%012x" % isid if isid is not None else b"") + b"\0"
    text = text.ljust(20, b"\0")
    text += bytes(-len(text) % 4)
    return struct.pack(">BBH", (0x40 if isid is not None else 0) | protocol, 0, len(text)) + text


def with_ids(ids):
    return struct.pack(">I", len(ids)) + ids


def reserves():
    register, reserve, release, clear, preempt, abort, ignore, move = range(8)
    a, b, port = b"iqn.2026-11.org.example:a", b"iqn.2026-11.org.example:b", 0x800000000000
    everybody = b"".join(pr(register, 0, 0, n + 1, n) for n in range(3))
    for kind in (1, 3, 5, 6, 7, 8):
        write("reserve", "type-%d" % kind, everybody + pr(reserve, kind, 1) + pr(reserve, kind, 2, nexus=1) +
              pr(release, kind, 2, nexus=1) + pr(release, kind ^ 2, 1) + pr(register, 0, 2, 0, 1) + pr(release, kind, 1))
        write("reserve", "preempt-%d" % kind, everybody + pr(reserve, kind, 1) + pr(preempt, kind, 2, 1, 1) +
              pr(abort, 1, 3, 2, 2) + pr(preempt, kind, 3, 0, 2) + pr(clear, 0, 3, nexus=2))
        write("reserve", "unregister-%d" % kind, everybody + pr(reserve, kind, 1) + pr(register, 0, 1, 0) +
              pr(register, 0, 2, 0, 1) + pr(register, 0, 3, 0, 2))
    write("reserve", "ignore", pr(ignore, 0, 9, 5) + pr(ignore, 0, 9, 6) + pr(ignore, 0, 0, 0) + pr(register, 0, 1, 2))
    write("reserve", "lost", everybody + pr(reserve, 5, 1) + pr(register, 0, 1, 4, 0x40) + pr(clear, 0, 4, nexus=0x40))
    write("reserve", "spec-i-pt", pr(register, 0, 0, 7, 0, 0x08000000,
          with_ids(transport_id(a, port + 1) + transport_id(b))) + pr(reserve, 6, 7, nexus=1) + pr(preempt, 6, 7, 7))
    write("reserve", "all-tg-pt", pr(register, 0, 0, 7, 0, 0x04000000) + pr(register, 0, 7, 0, 0, 0x04000000))
    write("reserve", "aptpl", pr(register, 0, 0, 7, 0, 0x01000000))
    to = transport_id(b, port)
    write("reserve", "move", everybody + pr(reserve, 3, 1) + pr(move, 0, more=to, head=struct.pack(
          ">QQBBHI", 1, 9, 0, 2, 2, len(to))) + pr(release, 3, 9, nexus=2))
    many = b"".join(transport_id(b, port + n) for n in range(300))
    for name, ids in (("twice", transport_id(b) * 2), ("fibre", transport_id(b, protocol=0)), ("cut", to[:-4]),
                      ("self", transport_id(a, port)), ("many", many), ("none", b""), ("name", transport_id(b"x" * 223)),
                      ("long", transport_id(b"iqn.2026-11.org.example:" + b"y" * 300)), ("zeros", bytes(24))):
        write("reserve", "ids-" + name, pr(register, 0, 0, 7, 0, 0x08000000, with_ids(ids)))
        write("reserve", "move-" + name, everybody + pr(reserve, 5, 1) + pr(move, 0, more=ids, head=struct.pack(
              ">QQBBHI", 1, 9, 0, 0, 1, len(ids))))
    for delta in (-24, -1, 1, 100):
        write("reserve", "length%+d" % delta, pr(register, 0, 0, 1, delta=delta) + pr(register, 0, 1, 2))
    for action in range(8, 32):
        write("reserve", "action-%02x" % action, pr(register, 0, 0, 1) + pr(action, 1, 1, 2))
    write("reserve", "scopes", pr(register, 0, 0, 1) + pr(reserve, 0x15, 1) + pr(reserve, 0x05, 1) + pr(release, 0x15, 1))


INI = b"""; a target
[daemon]
workers = auto
control-socket = /run/sptgt/control.sock
[portal-main]
listen = [::]:3260, 127.0.0.1:3261
[device-scratch]
backend = mem
size = 1G
[target-backup]
name = iqn.2026-11.org.example:backup
portal = main
lun.0 = scratch
initiators = iqn.1994-05.com.redhat:b1, iqn.*
"""


def inis():
    write("ini", "good", INI)
    write("ini", "crlf", INI.replace(b"\n", b"\r\n"))
    write("ini", "no-newline", INI[:-1])
    write("ini", "empty", b"")
    write("ini", "nul", INI.replace(b"auto", b"au\0to"))
    write("ini", "long-line", b"[daemon]\nworkers = " + b"1" * 1100 + b"\n")
    write("ini", "long-name", b"[" + b"s" * 200 + b"]\n" + b"k" * 200 + b" = 1\n")
    write("ini", "duplicate", INI + INI)
    write("ini", "quotes", b"[a]\nb = \"x;y\" ; z\nc = 'it''s\nd = \"open\n")
    write("ini", "continued", b"[a]\nb = one \\\n two \\\n\nc = \\")
    write("ini", "no-section", b"a = b\n[]\nc = d\n")
    write("ini", "junk", b"[a\nb\n= c\n]]\n[a]b = c\n\xff\xfe[\n")
    write("ini", "percent", b"[%n%s]\n%s = %n%n%n\n")
    write("ini", "colon", b"[target:iqn]\na:b = c\na = b:c\n")
    write("ini", "sections", b"".join(b"[s%d]\n" % i for i in range(300)))


if __name__ == "__main__":
    pdus()
    texts()
    logins()
    inis()
    chaps()
    secrets()
    isnses()
    reserves()
