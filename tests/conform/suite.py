# SPDX-License-Identifier: MIT
"""libiscsi's conformance suite (iscsi-test-cu), one process a test, so that a test that hangs or dies harms no other; or
one a family, where a process and its logins cost more than its tests.

A test's outcome is one of: pass, skip (it says that the target lacks what it needs), fail (an assertion), hang (ended by
its timeout), crash (the suite itself died, or did not run the test at all).
"""

import re
import subprocess
import time

RANK = {'pass': 4, 'skip': 3, 'fail': 2, 'crash': 1, 'hang': 0}
TWO_PATHS = ('MultipathIO.',)          # suites that want a second path to the same logical unit


def names(program='iscsi-test-cu'):
    """SUITE.TEST of every test; the list repeats each one in every family it belongs to."""
    listing = subprocess.run([program, '--list'], stdout=subprocess.PIPE, text=True, check=True,
                             timeout=30).stdout
    words = [line.strip().split('.', 1) for line in listing.splitlines()]
    return [word[1] for word in words if len(word) == 2 and word[0] == 'ALL' and '.' in word[1]]


class Outcome:
    def __init__(self, word, seconds, text):
        self.word = word
        self.seconds = seconds
        self.text = text

    def reason(self):
        """The first line by which the suite explains a skip or a failure."""
        lines = _of_the_test(self.text).splitlines() + [line for line in self.text.splitlines() if '- CU_' in line]
        return next((' '.join(line.split()) for line in lines
                     if '[SKIPPED]' in line or '[FAILED]' in line or '- CU_' in line), '')


def run(name, urls, timeout, program='iscsi-test-cu', initiator=None):
    """Run one test against the first of urls; the others are further paths, given to the suites that use them."""
    command = [program, '--dataloss', '--allow-sanitize', '--test=ALL.' + name]
    if initiator:
        command += ['-i', initiator, '-I', initiator + '-2']
    command += urls[:2] if name.startswith(TWO_PATHS) else urls[:1]
    start = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              timeout=timeout)
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as e:
        output, status = e.stdout or b'', None
    text = output.decode('utf-8', 'replace')
    return Outcome(_word(name, text, status), time.monotonic() - start, text)


def passed_together(selected, url, timeout, program='iscsi-test-cu'):
    """Runs each family of which all tests are selected in one process: name -> Outcome of those that pass there. What does
    not, whatever the reason, is to be run again by itself."""
    families = {}
    for name in names(program):
        families.setdefault(name.split('.')[0], []).append(name)
    passed = {}
    for family, members in families.items():
        if len(members) > 1 and set(members) <= set(selected):
            outcome = run(family + '.*', [url], timeout * len(members), program)
            passed.update(_passes(members, outcome))
    return passed


def _passes(members, outcome):
    parts = outcome.text.split('\n  Test: ')
    texts = {part.split(' ', 1)[0]: '\n  Test: ' + part for part in parts[1:]}
    passes = {}
    for name in members:
        text = texts.get(name.split('.', 1)[1], '')
        if re.search(r'(\.\.\.|\n)\s*passed\b', text) and _word(name, text, 0) == 'pass':
            passes[name] = Outcome('pass', outcome.seconds / len(members), text)
    return passes


def _of_the_test(text):
    """Without what the suite says while it looks at the logical unit before a test and cleans up behind it."""
    text = text[max(text.find('\n  Test: '), 0):]
    end = re.search(r'(\.\.\.|\n)\s*(passed|FAILED)\b', text)
    return text[:end.end()] if end else text


def _word(name, text, status):
    if status is None:
        return 'hang'
    if status < 0 or 'Test: ' + name.split('.', 1)[1] not in text:
        return 'crash'
    if status != 0:
        return 'fail'
    return 'skip' if '[SKIPPED]' in _of_the_test(text) else 'pass'
