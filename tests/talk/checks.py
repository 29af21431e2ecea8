# SPDX-License-Identifier: MIT
"""What is said of a target that does what it must not."""


class Wrong(Exception):
    """The target did what it must not do."""


class Late(Wrong):
    """Nothing came in time."""


class Gone(Exception):
    """The target closed the connection."""


class Refused(Exception):
    """The login was refused: status is class and detail in one number, 11.13.5."""

    def __init__(self, pdu):
        super().__init__('login refused with status %02x%02x' % (pdu.status_class, pdu.status_detail))
        self.status = pdu.status_class << 8 | pdu.status_detail
        self.pdu = pdu


def check(condition, what, *args):
    if not condition:
        raise Wrong(what % args if args else what)


def equal(got, want, what):
    check(got == want, '%s is %s and must be %s', what, _show(got), _show(want))


def one_of(got, allowed, what):
    check(got in allowed, '%s is %s and must be one of %s', what, _show(got),
          ', '.join(_show(a) for a in allowed))


def _show(value):
    if isinstance(value, (bytes, bytearray)):
        return '%d bytes %s' % (len(value), value[:40].hex())
    return '%#x' % value if isinstance(value, int) and not isinstance(value, bool) else repr(value)
