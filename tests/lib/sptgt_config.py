# SPDX-License-Identifier: MIT
"""Configurations for sptgtd in a test, put together from what nearly all of them have and the lines that are special."""

NAMES = 'iqn.2026-11.org.sptgt:'


def section(name, *lines):
    """Lines may be several in one text, with the indentation of where they stand."""
    lines = [line.strip() for text in lines for line in text.strip().split('\n')]
    return '\n'.join(['[%s]' % name] + [line for line in lines if line]) + '\n'


def device(name, *lines, size='64M'):
    """A disk of memory."""
    return section('device-' + name, 'backend = mem', 'size = ' + size, *lines)


def target(name, *lines, portal='main', luns='lun.0 = disk', initiators='*'):
    return section('target-' + name, 'name = ' + NAMES + name, 'portal = ' + portal, 'initiators = ' + initiators, luns, *lines)


def configuration(*sections, daemon='', portals=('main',), workers=2, control='{dir}/control.sock'):
    """workers: 0 leaves it to the daemon. daemon: lines more of its section. portals: a name, or the text of its section's lines behind it."""
    out = [section('daemon', 'workers = %s' % workers if workers else '', 'control-socket = ' + control, 'state-dir = {dir}', daemon)]
    for portal in portals:
        name, _, lines = portal.partition('\n')
        out.append(section('portal-' + name, '' if 'listen =' in lines else 'listen = 127.0.0.1:0', lines))
    return ''.join(out) + ''.join(sections)
