#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The laws of the tree that a compiler does not hold.

Dependencies point one way: who may include whom is LAYERS. Each third-party library is included by one file: LIBRARIES.
Installed headers include only each other and libc. Sources begin with their licence and stay short. Nothing names the
directory it happens to be developed in.

usage: laws.py ROOT
"""

import os
import re
import sys

LENGTH_MAX = 600

# Directory -> the directories whose headers it may include (its own always), lowest floor first. SPT: <spt/...>.
LIB_COMMON = {'base', 'scsi', 'SPT'}
WIRE = {'base', 'log'}
LOGIN = WIRE | {'wire', 'SPT'}
SESSION = LOGIN | {'login'}
FULLFEATURE = SESSION | {'session'}
TARGET = FULLFEATURE | {'fullfeature', 'config', 'loop'}
LAYERS = {
    'lib/include': {'SPT'},
    'lib/base': {'SPT'},
    'lib/scsi': {'base', 'SPT'},
    'lib/core': LIB_COMMON,
    'lib/store': LIB_COMMON,
    'lib/disk': LIB_COMMON | {'store'},
    'lib/passthrough': LIB_COMMON,
    'lib/layer': LIB_COMMON,
    'lib/backends': {'SPT'},
    'lib/sync': LIB_COMMON,
    'lib/tools': {'base', 'SPT'},
    'daemon/log': {'base'},
    'daemon/wire': {'base'},
    'daemon/loop': {'base', 'log', 'SPT'},
    'daemon/isns': {'base', 'log', 'SPT'},
    'daemon/login': LOGIN,
    'daemon/session': SESSION,
    'daemon/fullfeature': FULLFEATURE,
    'daemon/config': {'base', 'log', 'wire', 'SPT'},
    'daemon/target': TARGET,
    'daemon/service': {'base', 'log', 'SPT'},
    'daemon/control': {'base', 'log', 'SPT'},
    'daemon/cli': {'base', 'log', 'SPT', 'control'},
    'daemon': TARGET | {'target', 'service', 'control', 'isns'},
}
# Where <spt/...> is allowed but not all of it: the daemon's lower floors know what they need of the library, no more.
SPT_ONLY = {
    'lib/base': {'link.h'},
    'daemon/config': {'device.h', 'error.h', 'layer.h', 'option.h'},
    'daemon/isns': {'host.h'},
    'daemon/service': {'error.h', 'host.h'},
    'daemon/control': {'error.h', 'host.h'},
    'daemon/cli': {'error.h'},
}
# Of control, sptgtctl shares what is said on the socket.
CONTROL_PROTOCOL = {'fields.h', 'json.h', 'snapshot.h'}

# Third-party headers -> the one file that includes them.
LIBRARIES = [
    (r'event2/(http|buffer)\.h', 'daemon/control/http.c'),
    (r'event2/.*', 'daemon/loop/loop.c'),
    (r'iniparser/.*', 'daemon/config/ini.c'),
    (r'systemd/.*', 'daemon/service/systemd.c'),
    (r'jansson\.h', 'daemon/control/json.c'),
    (r'isa-l.*', 'daemon/wire/digest.c'),
    (r'emmintrin\.h', 'lib/store/stream.c'),
    (r'liburing\.h', 'lib/store/uring.c'),
    (r'iscsi/.*', 'lib/passthrough/up_engine.c'),
    (r'openssl/.*', 'daemon/login/hash.c'),
]
# What libc and the kernel's headers are known by; anything else wants a row in LIBRARIES.
LIBC = re.compile(r'^((linux|scsi|sys|net|netinet|arpa|asm)/[\w./-]+|(assert|ctype|dirent|endian|errno|fcntl|fnmatch|getopt|glob|grp|'
                  r'ifaddrs|inttypes|limits|locale|malloc|math|netdb|poll|pthread|pwd|sched|semaphore|setjmp|signal|stdalign|stdarg|'
                  r'stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|syslog|time|unistd)\.h)$')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SPDX = {
    '.c': '/* SPDX-License-Identifier: MIT */',
    '.h': '/* SPDX-License-Identifier: MIT */',
}
SKIPPED = re.compile(r'^(\.git|build.*|__pycache__|.*\.pyc)$')


def files(root):
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = sorted(d for d in subdirectories if not SKIPPED.match(d))
        for name in sorted(names):
            if not SKIPPED.match(name):
                yield os.path.relpath(os.path.join(directory, name), root)


def layer_of(path):
    """The floor a source stands on: 'lib/core', 'daemon/wire', 'daemon' for main.c; None outside lib and daemon."""
    parts = path.split('/')
    if parts[0] not in ('lib', 'daemon') or len(parts) < 2:
        return None
    return '/'.join(parts[:2]) if len(parts) > 2 else parts[0]


def check_quoted(path, layer, header):
    """What is wrong with #include "header" in path, or None."""
    parts = header.split('/')
    own = layer.split('/')[-1]
    if len(parts) == 1:
        return None if header.endswith('.def') or '/' not in layer else 'name the directory: "%s/%s"' % (own, header)
    if layer == 'lib/include':
        return 'an installed header includes only <spt/...> and libc'
    if parts[0] == own:
        return None
    if parts[0] not in LAYERS[layer]:
        return '%s may not include %s' % (layer, parts[0])
    if layer == 'daemon/cli' and parts[0] == 'control' and parts[1] not in CONTROL_PROTOCOL:
        return 'sptgtctl shares only the protocol with control: ' + ', '.join(sorted(CONTROL_PROTOCOL))
    return None


def check_angled(path, layer, header):
    if header.startswith('spt/'):
        if 'SPT' not in LAYERS[layer]:
            return '%s may not include the library' % layer
        only = SPT_ONLY.get(layer)
        if only is not None and header[4:] not in only:
            return '%s may include of the library: %s' % (layer, ', '.join(sorted(only)))
        return None
    if LIBC.match(header):
        return None
    for pattern, owner in LIBRARIES:
        if re.fullmatch(pattern, header):
            return None if path == owner else 'that library is included by %s and nobody else' % owner
    return 'a library without a row in LIBRARIES'


def check_includes(path, lines):
    layer = layer_of(path)
    if layer is None:
        return
    if layer not in LAYERS:
        yield 1, 'a directory without a row in LAYERS'
        return
    for number, line in enumerate(lines, 1):
        m = INCLUDE.match(line)
        if m:
            check = check_quoted if m.group(1) == '"' else check_angled
            wrong = check(path, layer, m.group(2))
            if wrong:
                yield number, '%s: %s' % (line.strip(), wrong)


def check_source(path, lines):
    if not lines or lines[0] != SPDX[os.path.splitext(path)[1]]:
        yield 1, 'the first line is not the SPDX line'
    if len(lines) > LENGTH_MAX:
        yield len(lines), 'longer than %d lines' % LENGTH_MAX
    yield from check_includes(path, lines)


def check_place(root, lines):
    """The tree must not know where it is: a path of one component is too short a word to look for."""
    place = os.path.realpath(root)
    if place.count('/') < 2:
        return
    pattern = re.compile(re.escape(place) + r'(?![\w-])')
    for number, line in enumerate(lines, 1):
        if pattern.search(line):
            yield number, 'names the directory the tree is in'


def check_tree(root):
    """Yields (path, line, text) of every breach."""
    for path in files(root):
        full = os.path.join(root, path)
        if os.path.islink(full) or not os.path.isfile(full):
            continue
        with open(full, 'rb') as f:
            data = f.read()
        if b'\0' in data:
            continue
        lines = data.decode('utf-8', 'replace').split('\n')
        if lines and not lines[-1]:
            lines.pop()
        if os.path.splitext(path)[1] in SPDX:
            yield from ((path, n, text) for n, text in check_source(path, lines))
        yield from ((path, n, text) for n, text in check_place(root, lines))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    breaches = list(check_tree(sys.argv[1]))
    for path, number, text in breaches:
        print('%s:%d: %s' % (path, number, text))
    sys.exit(1 if breaches else 0)


if __name__ == '__main__':
    main()
