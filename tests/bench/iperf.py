# SPDX-License-Identifier: MIT
"""One TCP stream as iperf3 measures it, if it is there: what bulk data over the loopback can reach at all."""

import json
import os
import shutil
import subprocess

from process import Daemon, free_port, place, wait_until

MIB = 1 << 20


class Iperf:
    def __init__(self, program):
        self.program = program

    @classmethod
    def installed(cls):
        program = shutil.which("iperf3")
        return cls(program) if program else None

    def run(self, seconds, processors=None):
        """As a result of the load generator, of 1 MiB units; who else used the processors is not known. processors:
        those of client and server."""
        port = free_port()
        server = Daemon([self.program, "--server", "--one-off", "--port", str(port)], os.devnull)
        try:
            if processors:
                place(server.pid, processors[1])
            wait_until("iperf3", lambda: listens(port))
            client = subprocess.run([self.program, "--client", "127.0.0.1", "--port", str(port), "--json", "--length", "1M",
                                     "--time", str(max(1, round(seconds)))],
                                    stdout=subprocess.PIPE, text=True, timeout=seconds + 30,
                                    preexec_fn=processors and (lambda: os.sched_setaffinity(0, processors[0])))
        finally:
            server.end()
        if client.returncode:
            raise RuntimeError(f"iperf3: {json.loads(client.stdout).get('error', client.returncode)}")
        total = json.loads(client.stdout)["end"]["sum_received"]
        bytes_per_s = total["bits_per_second"] / 8
        return {"seconds": total["seconds"], "iops": bytes_per_s / MIB, "mb_per_s": bytes_per_s / 1e6, "all": {},
                "stolen_seconds": 0, "foreign_cpu_seconds": 0}


def listens(port):
    """Without a connection: it serves one and ends."""
    with open("/proc/net/tcp6") as six, open("/proc/net/tcp") as four:
        return any(f":{port:04X} " in line and " 0A " in line for line in six.read().splitlines() + four.read().splitlines())
