#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what `meson test` wrote into the logs that are named, as one closing line. A run of no test has no log."""

import json
import os
import sys

PASSED = ('OK', 'EXPECTEDFAIL')
counts = {'passed': 0, 'failed': 0, 'skipped': 0}
for path in filter(os.path.exists, sys.argv[1:]):
    with open(path, encoding='utf-8') as log:
        for line in log:
            result = json.loads(line)['result']
            kind = 'passed' if result in PASSED else 'skipped' if result == 'SKIP' else 'failed'
            counts[kind] += 1
print('{passed} passed, {failed} failed, {skipped} skipped'.format(**counts))
sys.exit(1 if counts['failed'] or not counts['passed'] else 0)
