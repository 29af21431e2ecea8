#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `meson install` leaves is enough for others: headers that compile alone, in C and C++; a library that shows what
they declare and nothing else; a pkg-config file by which the example of the manual is built and runs; man pages.

usage: installed.py --build DIR --source DIR [--sanitize LIST]
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

OPTIONS = None


def run(*command, **kwargs):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs).stdout


def declared(header):
    """The functions that a header declares, by a compiler's own view of it."""
    with open(header) as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    text = re.sub(r'static inline[^{;]*\{.*?\n\}', '', text, flags=re.S)
    return set(re.findall(r'\b(spt_\w+)\(', text))


class TestInstalled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix='sptgt-installed-')
        cls.dest = cls.directory.name
        run('meson', 'install', '-C', OPTIONS.build, '--no-rebuild', '--destdir', cls.dest)
        cls.prefix = cls.dest + OPTIONS.prefix
        found = [os.path.join(d, 'sptgt.pc') for d, _, names in os.walk(cls.dest) if 'sptgt.pc' in names]
        assert len(found) == 1, found
        cls.pc = found[0]
        cls.libdir = os.path.dirname(os.path.dirname(cls.pc))
        cls.include = os.path.join(cls.prefix, 'include')
        cls.headers = sorted(os.listdir(os.path.join(cls.include, 'spt')))
        cls.env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(cls.pc), PKG_CONFIG_SYSROOT_DIR=cls.dest,
                       LD_LIBRARY_PATH=cls.libdir, ASAN_OPTIONS='detect_leaks=1')

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_every_header_is_installed(self):
        self.assertEqual(self.headers, sorted(os.listdir(os.path.join(OPTIONS.source, 'lib/include/spt'))))

    def check_headers(self, compiler, suffix, *flags):
        for header in self.headers:
            source = os.path.join(self.dest, 'alone.' + suffix)
            with open(source, 'w') as f:
                f.write('#include <spt/%s>\n#include <spt/%s>\nint alone;\n' % (header, header))
            with self.subTest(compiler=compiler, header=header):
                run(compiler, '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-I', self.include, *flags, '-fsyntax-only',
                    source)

    def test_headers_compile_alone_in_c(self):
        self.check_headers(OPTIONS.cc, 'c', '-std=c11', '-pedantic')

    def test_headers_compile_alone_in_cxx(self):
        self.check_headers(OPTIONS.cxx, 'cc', '-std=c++11')

    def test_symbols_are_what_the_headers_declare(self):
        library = os.path.join(self.libdir, 'libsptgt.so')
        shown = {}
        for line in run('readelf', '--dyn-syms', '-W', library).splitlines():
            fields = line.split()
            if len(fields) >= 8 and fields[4] in ('GLOBAL', 'WEAK') and fields[6] != 'UND' and fields[3] != 'NOTYPE':
                name, _, version = fields[7].partition('@')
                shown[name] = version.strip('@')
        shown = {name: version for name, version in shown.items() if fields_of_interest(name)}
        wanted = set().union(*(declared(os.path.join(self.include, 'spt', h)) for h in self.headers))
        self.assertEqual(set(shown), wanted)
        self.assertEqual(set(shown.values()), {'SPTGT_0.1'})

    def test_soname(self):
        self.assertIn('[libsptgt.so.0]', run('readelf', '-d', os.path.join(self.libdir, 'libsptgt.so')))

    def build_example(self):
        program = os.path.join(self.dest, 'inquiry')
        flags = shlex.split(run('pkg-config', '--cflags', '--libs', 'sptgt', env=self.env))
        sanitize = ['-fsanitize=' + OPTIONS.sanitize] if OPTIONS.sanitize not in ('', 'none') else []
        run(OPTIONS.cc, '-std=c11', '-Wall', '-Wextra', '-Werror', os.path.join(OPTIONS.source, 'docs/examples/inquiry.c'),
            *sanitize, *flags, '-o', program)
        return program

    def test_example(self):
        program = self.build_example()
        image = os.path.join(self.dest, 'disk.img')
        with open(image, 'wb') as f:
            f.truncate(1 << 20)
        for device in 'mem:size=1M,product=OF MEMORY', 'file:product=OF A FILE,path=' + image:
            with self.subTest(device=device):
                out = run(program, device, env=self.env)
                self.assertRegex(out, r'^type 0: SPTGT    OF (MEMORY|A FILE) +0001\n$')
        failed = subprocess.run([program, 'mem:size=none'], env=self.env, stderr=subprocess.PIPE, text=True)
        self.assertEqual(failed.returncode, 1)
        self.assertIn('size', failed.stderr)

    def test_sptraw_finds_the_library(self):
        program = os.path.join(self.prefix, 'bin', 'sptraw')
        out = run(program, '--device', 'mem:size=1M', '-r', '36', '12', '0', '0', '0', '24', '0', env=self.env)
        self.assertIn('SPTGT', out)

    def test_man_pages(self):
        """Those that there shall be, and a formatter has nothing to say about any of them."""
        man = os.path.join(self.prefix, 'share/man')
        pages = {os.path.relpath(os.path.join(d, name), man) for d, _, names in os.walk(man) for name in names}
        self.assertEqual(pages, {'man1/sptraw.1', 'man3/libsptgt.3', 'man3/spt_pass_through.3', 'man3/spt_session_start.3',
                                 'man3/spt_task_enter.3', 'man3/spt_tmf.3', 'man3/spt_device_open.3', 'man5/sptgt.conf.5',
                                 'man8/sptgtd.8', 'man8/sptgtctl.8'})
        for page in pages if shutil.which('groff') else ():
            with self.subTest(page=page):
                self.assertEqual(run('groff', '-t', '-man', '-Tutf8', '-ww', '-z', os.path.join(man, page)), '')


def fields_of_interest(name):
    """Not what a sanitizer or a coverage tool adds by itself."""
    return not name.startswith(('__asan', '__ubsan', '__odr_asan', '__start_', '__stop_', 'SPTGT_'))


def main():
    global OPTIONS
    parser = argparse.ArgumentParser()
    for option in '--build', '--source', '--prefix', '--sanitize', '--cc', '--cxx':
        parser.add_argument(option, default='')
    OPTIONS = parser.parse_args()
    return 0 if unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
