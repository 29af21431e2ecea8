#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of clauses: what the standards demand of a target, where the code keeps it, which test tries to break it.

The demands are rows of the *.must files here: CLAUSE | demand | TEST, TEST... A TEST is conversation.function of tests/talk/,
unit/area/file.c:function, isns.method of tests/isns/, or programs.method of tests/unit/control/test_programs.py. The code's places are found by its citations ("RFC 7143 11.7.4"), so a demand whose clause no
code cites, whose test is not there, or whose test does not cite the clause, is a fault.

The *.without files name the clauses that have no row though there is a MUST in them, and why: CLAUSE, CLAUSE... | why.

usage: clauses.py ROOT            judge, and compare docs/clauses.md with what it should be
       clauses.py ROOT --write    write docs/clauses.md
"""

import collections
import os
import re
import sys

CITATION = re.compile(r'\b(RFC (\d{4})) ((?:\d+\.)*\d+|[A-E](?:\.\d+)*)(?!\w|\.\w)')
MORE = re.compile(r'(?: [a-h])?(?:,| and| to) ((?:\d+\.)*\d+|[A-E](?:\.\d+)*)(?!\w|\.\w)')
CONVERSATION = re.compile(r'@conversation\((.*?)\)\ndef (\w+)\(', re.DOTALL)
METHOD = re.compile(r'^    def (test_\w+)\(self', re.MULTILINE)
TARGET = os.path.join('docs', 'clauses.md')

HEAD = """# Clauses, code and tests

What the standards demand of a target, clause by clause; the files that cite the clause where they keep it; and the tests
that try to break it. Written by `tests/clauses/clauses.py` from the demands in `tests/clauses/*.must` and the citations in code
and tests; a demand without code or without a test is a fault of the test suite. A talk test is named
`conversation.function` (`tests/talk/conversations/`), one of the iSNS client `isns.method` (`tests/isns/`), one of the programs
`programs.method` (`tests/unit/control/test_programs.py`), a unit test by its file below `tests/`.
"""

Row = collections.namedtuple('Row', 'where standard clause demand tests')


def cited(text):
    """The clauses that a text cites: (standard, clause); "RFC 7143 11.3, 11.7.4" is two."""
    found = set()
    for m in CITATION.finditer(text):
        clause = m.group(3).rstrip('.')
        found.add((m.group(1), clause))
        rest = text[m.end():]
        while (more := MORE.match(rest)):
            found.add((m.group(1), more.group(1)))
            rest = rest[more.end():]
    return found


def files(root, *directories, ending):
    for directory in directories:
        for at, _, names in os.walk(os.path.join(root, directory)):
            for name in sorted(names):
                if name.endswith(ending):
                    path = os.path.join(at, name)
                    with open(path, encoding='utf-8', errors='replace') as f:
                        yield os.path.relpath(path, root), f.read()


def code(root):
    """Clause -> the files that cite it."""
    found = collections.defaultdict(list)
    for path, text in files(root, 'daemon', 'lib', ending=('.c', '.h', '.def')):
        # A comment may break between the standard's number and the clause.
        for clause in cited(re.sub(r'\s*\n\s*\*?\s*', ' ', text)):
            found[clause].append(path)
    return {clause: sorted(paths) for clause, paths in found.items()}


def tests(root):
    """Name of a test -> the clauses that it cites."""
    found = {}
    base = os.path.join('tests', 'talk', 'conversations')
    for path, text in files(root, base, ending='.py'):
        subject = os.path.basename(path)[:-3]
        general = cited(text[:text.find('@conversation')])
        for m in CONVERSATION.finditer(text):
            body = text[m.end():].split('\n@conversation', 1)[0]
            found['%s.%s' % (subject, m.group(2))] = cited(m.group(1)) | cited(body) | general
    for _, text in files(root, os.path.join('tests', 'isns'), ending='test_isns.py'):
        for m in METHOD.finditer(text):
            found['isns.%s' % m.group(1)] = cited(METHOD.split(text[m.end():], 1)[0])
    for _, text in files(root, os.path.join('tests', 'unit', 'control'), ending='test_programs.py'):
        for m in METHOD.finditer(text):
            found['programs.%s' % m.group(1)] = cited(METHOD.split(text[m.end():], 1)[0])
    for path, text in files(root, os.path.join('tests', 'unit'), ending='.c'):
        head = cited(text.split('*/', 2)[1] if text.count('*/') > 1 else '')
        for m in re.finditer(r'^static void (\w+)\(void \*\*state\)', text, re.MULTILINE):
            before = text[:m.start()].rstrip()
            comment = before[before.rfind('/*'):] if before.endswith('*/') else ''
            body = text[m.end():].split('\n}', 1)[0]
            name = '%s:%s' % (os.path.relpath(path, os.path.join('tests')), m.group(1))
            found[name] = head | cited(comment) | cited(body)
    return found


def rows(root):
    base = os.path.join(root, 'tests', 'clauses')
    for name in sorted(os.listdir(base)):
        if not name.endswith('.must'):
            continue
        standard = 'RFC ' + re.sub(r'\D', '', name)
        with open(os.path.join(base, name), encoding='utf-8') as f:
            for number, line in enumerate(f, 1):
                if not line.strip() or line.startswith('#'):
                    continue
                where = '%s:%d' % (name, number)
                parts = [p.strip() for p in line.split('|')]
                if len(parts) != 3:
                    raise SystemExit('%s: not CLAUSE | demand | tests' % where)
                yield Row(where, standard, parts[0], parts[1],
                          [t.strip() for t in parts[2].split(',') if t.strip()])


def without(root, standard):
    """The clauses of a standard that need no row: [(clause, why)]."""
    path = os.path.join(root, 'tests', 'clauses', standard.lower().replace(' ', '') + '.without')
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as f:
        return [tuple(p.strip() for p in line.split('|')) for line in f if line.strip() and not line.startswith('#')]


def judge_without(root, demands):
    for standard in sorted({r.standard for r in demands}):
        for clause, why in without(root, standard):
            if not why:
                yield '%s %s: no reason' % (standard, clause)
            for r in demands:
                if r.standard == standard and r.clause in clause.split(', '):
                    yield '%s %s has a row, and a reason to have none' % (standard, r.clause)
                    break


def judge(demands, places, known):
    for row in demands:
        what = '%s: %s %s' % (row.where, row.standard, row.clause)
        if (row.standard, row.clause) not in places:
            yield '%s: no code cites it' % what
        if not row.tests:
            yield '%s: no test' % what
        for test in row.tests:
            if test not in known:
                yield '%s: there is no test %s' % (what, test)
            elif (row.standard, row.clause) not in known[test]:
                yield '%s: %s does not cite it' % (what, test)


def table(root, demands, places):
    out = [HEAD]
    for standard in sorted({r.standard for r in demands}):
        out.append('\n## %s\n\n| clause | demand | code | tests |\n|---|---|---|---|' % standard)
        for row in (r for r in demands if r.standard == standard):
            out.append('| %s | %s | %s | %s |' % (
                row.clause, row.demand, ' '.join('`%s`' % p for p in places.get((standard, row.clause), [])),
                ' '.join('`%s`' % t for t in row.tests)))
        reasons = without(root, standard)
        if reasons:
            out.append('\nClauses with a MUST that have no row, and why:\n\n| clause | why |\n|---|---|')
            out += ['| %s | %s |' % reason for reason in reasons]
    return '\n'.join(out) + '\n'


def main():
    root = sys.argv[1]
    demands, places, known = list(rows(root)), code(root), tests(root)
    faults = list(judge(demands, places, known)) + list(judge_without(root, demands))
    for fault in faults:
        print(fault)
    path = os.path.join(root, TARGET)
    wanted = table(root, demands, places)
    if sys.argv[2:] == ['--write']:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(wanted)
    elif not os.path.exists(path) or open(path, encoding='utf-8').read() != wanted:
        print('%s is not what it should be: run tests/clauses/clauses.py . --write' % TARGET)
        faults.append(path)
    print('%d demands, %d faults' % (len(demands), len(faults)))
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
