#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts what a program writes in the place of the line @KEYS@: merge.py TEMPLATE OUTPUT PROGRAM ARGUMENT..."""

import subprocess
import sys


def main():
    template, output, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    keys = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    with open(template, encoding='utf-8') as f:
        text = f.read()
    if text.count('\n@KEYS@\n') != 1:
        sys.exit('%s: one line @KEYS@ is wanted' % template)
    with open(output, 'w', encoding='utf-8') as f:
        f.write(text.replace('@KEYS@\n', keys))


if __name__ == '__main__':
    main()
