#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The keeper of the laws sees every kind of breach, and nothing where there is none: on trees made for it."""

import os
import tempfile
import unittest

import laws

HEAD = '/* SPDX-License-Identifier: MIT */\n'

ALLOWED = [
    ('lib/include/spt/a.h', HEAD + '#include <stdint.h>\n#include <spt/b.h>\n'),
    ('lib/core/a.c', HEAD + '#include "core/a.h"\n#include "scsi/sense.h"\n#include "base/be.h"\n#include <spt/task.h>\n'),
    ('lib/disk/a.c', HEAD + '#include "store/store.h"\n'),
    ('lib/scsi/a.c', HEAD + '#include "asc.def"\n'),
    ('lib/passthrough/a.c', HEAD + '#include <scsi/sg.h>\n#include <linux/fs.h>\n'),
    ('daemon/loop/loop.c', HEAD + '#include <event2/event.h>\n'),
    ('daemon/control/http.c', HEAD + '#include <event2/http.h>\n#include <event2/buffer.h>\n'),
    ('daemon/config/load.c', HEAD + '#include <spt/option.h>\n#include "wire/names.h"\n'),
    ('daemon/cli/main.c', HEAD + '#include "control/json.h"\n'),
    ('daemon/main.c', HEAD + '#include "control/control.h"\n#include "target/target.h"\n#include "show.h"\n#include <spt/device.h>\n'),
    ('tests/unit/a.c', HEAD + '#include <event2/event.h>\n#include "daemon/anything.h"\n'),
    ('docs/a.bin', 'x\0/nonsense'),
]

BREACHES = [
    ('lib/base/a.c', HEAD + '#include "scsi/sense.h"\n', 2, 'lib/base may not include scsi'),
    ('lib/base/a.h', HEAD + '#include <spt/task.h>\n', 2, 'lib/base may include of the library: link.h'),
    ('lib/include/spt/a.h', HEAD + '#include "base/be.h"\n', 2, 'an installed header'),
    ('lib/scsi/a.c', HEAD + '#include "core/core.h"\n', 2, 'lib/scsi may not include core'),
    ('lib/disk/a.c', HEAD + '#include "core/core.h"\n', 2, 'lib/disk may not include core'),
    ('lib/core/a.c', HEAD + '#include "disk/disk.h"\n', 2, 'lib/core may not include disk'),
    ('lib/core/a.c', HEAD + '#include "core.h"\n', 2, 'name the directory'),
    ('lib/core/a.c', HEAD + '#include <event2/event.h>\n', 2, 'daemon/loop/loop.c and nobody else'),
    ('daemon/session/a.c', HEAD + '\n#include "fullfeature/x.h"\n', 3, 'daemon/session may not include fullfeature'),
    ('daemon/session/a.c', HEAD + '#include "core/core.h"\n', 2, 'daemon/session may not include core'),
    ('daemon/wire/a.c', HEAD + '#include <spt/task.h>\n', 2, 'daemon/wire may not include the library'),
    ('daemon/control/a.c', HEAD + '#include "session/session.h"\n', 2, 'daemon/control may not include session'),
    ('daemon/control/http.c', HEAD + '#include <event2/event.h>\n', 2, 'daemon/loop/loop.c and nobody else'),
    ('daemon/control/a.c', HEAD + '#include <jansson.h>\n', 2, 'daemon/control/json.c and nobody else'),
    ('daemon/config/a.c', HEAD + '#include <spt/task.h>\n', 2, 'daemon/config may include of the library'),
    ('daemon/cli/a.c', HEAD + '#include "control/control.h"\n', 2, 'shares only the protocol'),
    ('daemon/main.c', HEAD + '#include "core/core.h"\n', 2, 'daemon may not include core'),
    ('daemon/wire/a.c', HEAD + '#  include <zlib.h>\n', 2, 'a library without a row'),
    ('daemon/new/a.c', HEAD, 1, 'a directory without a row'),
    ('tests/unit/a.c', 'int x;\n', 1, 'SPDX'),
    ('lib/core/a.c', '', 1, 'SPDX'),
    ('lib/core/a.h', '\n' + HEAD, 1, 'SPDX'),
    ('tests/unit/a.c', HEAD + '\n' * 600, 601, 'longer than 600'),
    ('README.md', 'one\nbuild in {root}/build\n', 2, 'names the directory'),
]


def breaches_of(path, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), 'w') as f:
            f.write(text.replace('{root}', os.path.realpath(root)))
        return list(laws.check_tree(root))


class TestLaws(unittest.TestCase):
    def test_allowed(self):
        for path, text in ALLOWED:
            with self.subTest(path=path, text=text):
                self.assertEqual(breaches_of(path, text), [])

    def test_breaches(self):
        for path, text, line, words in BREACHES:
            with self.subTest(path=path, words=words):
                found = breaches_of(path, text)
                self.assertEqual([(p, n) for p, n, _ in found], [(path, line)])
                self.assertIn(words, found[0][2])

    def test_length_kept(self):
        self.assertEqual(breaches_of('tests/unit/a.c', HEAD + '\n' * 599), [])

    def test_build_directories_are_not_looked_at(self):
        self.assertEqual(breaches_of('build-x/a.c', 'int x;\n'), [])


if __name__ == '__main__':
    unittest.main()
