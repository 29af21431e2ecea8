# SPDX-License-Identifier: MIT
"""
The targets that can be compared: each knows how to export one memory-backed logical unit to
everybody on a loopback port of its own, and how to end. A target owns its directory and its medium.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess

from process import Daemon, free_port, place, port_answers
from sptgt_config import NAMES, configuration, device, section, target

IQN, MORE_IQN, FAR_IQN = (NAMES + name for name in ("bench", "more", "far"))


class Target:
    polls = False  # uses its core even when idle: stopped while others are measured

    def __init__(self, name, directory, size_mib):
        self.name = name
        self.directory = directory
        self.size_mib = size_mib
        self.daemon = None
        self.url = None
        self.urls = {}  # of LUNs beside it

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o600)
        return self.path(name)

    def spawn(self, argv):
        self.daemon = Daemon(argv, self.path("log"))

    @property
    def pid(self):
        return self.daemon.pid

    def place(self, cpus):
        if not self.polls:
            place(self.pid, cpus)

    def pause(self):
        if self.polls:
            os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        if self.polls:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self):
        if self.daemon:
            self.daemon.end()


class FileMedium:
    """A file on tmpfs for the targets that have no memory store of their own."""

    def __init__(self, size_mib):
        self.path = f"/dev/shm/sptgt-bench-{os.getpid()}-{free_port()}"
        with open(self.path, "wb") as f:
            f.truncate(size_mib << 20)

    def remove(self):
        os.unlink(self.path)


FILE_MIB = 256  # of the stores that are measured beside memory


class Sptgtd(Target):
    """Beside the disk in memory it has the LUNs of matrix.py: files, and a disk of another sptgtd."""

    def __init__(self, name, directory, size_mib, program, daemon_keys=()):
        super().__init__(name, directory, size_mib)
        self.program = program
        self.daemon_keys = daemon_keys
        self.far = None

    def far_config(self):
        return configuration(device("disk", size=f"{FILE_MIB}M"), target("far"), workers=0, control="none")

    def file(self, name, *lines):
        return section("device-" + name, "backend = file", "path = {dir}/" + name, f"size = {FILE_MIB}M", *lines)

    def config(self):
        return configuration(
            device("disk", size=f"{self.size_mib}M"), self.file("cached"), self.file("direct", "direct = yes"),
            section("device-far", "backend = iscsi", f"url = iscsi://127.0.0.1:{self.far_port}/{FAR_IQN}/0"),
            target("bench", "max-sessions = 2048"),
            # Of their own: a login to the first must not be one to the far target as well.
            target("more", luns="lun.1 = cached\nlun.2 = direct\nlun.3 = far"),
            workers=0, daemon="\n".join(("max-connections = 4096", "max-logins = 2048", *self.daemon_keys)))

    def start_one(self, name, config):
        """A daemon with this configuration, and its port."""
        path = self.write(name + ".conf", config.replace("{dir}", self.directory))
        daemon = Daemon([self.program, "--config", path, "--log", "stderr"], self.path(name + ".log"))
        daemon.wait_for("ready line", lambda: "ready" in daemon.log())
        return daemon, int(re.search(r"listening on 127\.0\.0\.1:(\d+)", daemon.log()).group(1))

    def start(self):
        self.far, self.far_port = self.start_one("far", self.far_config())
        self.daemon, port = self.start_one("sptgt", self.config())
        self.urls = {lun: f"iscsi://127.0.0.1:{port}/{MORE_IQN}/{lun}" for lun in (1, 2, 3)}
        self.url = f"iscsi://127.0.0.1:{port}/{IQN}/0"

    def stop(self):
        super().stop()
        if self.far:
            self.far.end()


class Tgtd(Target):
    def __init__(self, name, directory, size_mib, program, store):
        super().__init__(name, directory, size_mib)
        self.program = program
        self.store = store
        self.port = free_port()
        self.control = self.port % 32768
        self.medium = None

    def admin(self, *args):
        return subprocess.run(["tgtadm", "-C", str(self.control), *args],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def admin_or_raise(self, *args):
        done = self.admin(*args)
        if done.returncode:
            raise RuntimeError(f"tgtadm {' '.join(args)}: {done.stderr.strip()}")

    def start(self):
        self.medium = FileMedium(self.size_mib)
        self.spawn([self.program, "-f", "-C", str(self.control),
                    "--iscsi", f"portal=127.0.0.1:{self.port}"])
        self.daemon.wait_for("tgtd control port", lambda: port_answers(self.port) and not
                             self.admin("--op", "show", "--mode", "system").returncode)
        iscsi = ["--lld", "iscsi"]
        self.admin_or_raise(*iscsi, "--op", "new", "--mode", "target", "--tid", "1", "-T", IQN)
        self.admin_or_raise(*iscsi, "--op", "new", "--mode", "logicalunit", "--tid", "1",
                            "--lun", "1", "-b", self.medium.path, "--bstype", self.store)
        self.admin_or_raise(*iscsi, "--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL")
        self.url = f"iscsi://127.0.0.1:{self.port}/{IQN}/1"

    def stop(self):
        # With a target left, SIGTERM does not end it.
        if self.daemon:
            self.admin("--lld", "iscsi", "--op", "delete", "--force", "--mode", "target",
                       "--tid", "1")
            self.admin("--op", "delete", "--mode", "system")
            self.daemon.ended(3)
        super().stop()
        if self.medium:
            self.medium.remove()


ISTGT_CONF = """\
[Global]
  NodeBase "iqn.2026-11.org.sptgt"
  PidFile {directory}/pid
  AuthFile {directory}/auth.conf
  MediaDirectory {directory}
  LogFacility "local7"
  Timeout 30
  NopInInterval 20
  DiscoveryAuthMethod None
  MaxSessions 128
  MaxConnections 4
  MaxR2T 32
  MaxOutstandingR2T 16
  FirstBurstLength 262144
  MaxBurstLength 1048576
  MaxRecvDataSegmentLength 262144
  InitialR2T Yes
  ImmediateData Yes
[UnitControl]
  AuthMethod None
[PortalGroup1]
  Portal DA1 127.0.0.1:{port}
[InitiatorGroup1]
  InitiatorName "ALL"
  Netmask 127.0.0.1
[LogicalUnit1]
  TargetName bench
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod None
  UseDigest Auto
  UnitType Disk
  QueueDepth 255
  LUN0 Storage {medium} Auto
"""


class Istgt(Target):
    def __init__(self, name, directory, size_mib, program):
        super().__init__(name, directory, size_mib)
        self.program = program
        self.port = free_port()
        self.medium = None

    def start(self):
        self.medium = FileMedium(self.size_mib)
        self.write("auth.conf", "")
        config = self.write("istgt.conf", ISTGT_CONF.format(
            directory=self.directory, port=self.port, medium=self.medium.path))
        self.spawn([self.program, "-D", "-c", config, "-p", self.path("pid")])
        self.daemon.wait_for("istgt port", lambda: port_answers(self.port))
        self.url = f"iscsi://127.0.0.1:{self.port}/{IQN}/0"

    def stop(self):
        super().stop()
        if self.medium:
            self.medium.remove()


class Spdk(Target):
    """One reactor, malloc bdev, no huge pages; the configuration is its own JSON of RPC calls."""

    polls = True

    def __init__(self, name, directory, size_mib, program):
        super().__init__(name, directory, size_mib)
        self.program = program
        self.port = free_port()

    def has_target_node(self):
        """It listens before it has anything to offer: its RPC socket tells."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "iscsi_get_target_nodes"}
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(self.path("spdk.sock"))
                s.sendall(json.dumps(request).encode())
                return IQN.encode() in s.recv(65536)
        except OSError:
            return False

    def config(self):
        def call(method, **params):
            return {"method": method, "params": params}

        bdev = call("bdev_malloc_create", name="Malloc0", num_blocks=self.size_mib << 11,
                    block_size=512)
        iscsi = [
            call("iscsi_set_options", max_sessions=2048),
            call("iscsi_create_portal_group", tag=1,
                 portals=[{"host": "127.0.0.1", "port": str(self.port)}]),
            call("iscsi_create_initiator_group", tag=1, initiators=["ANY"], netmasks=["ANY"]),
            call("iscsi_create_target_node", name=IQN, alias_name="bench", queue_depth=64,
                 disable_chap=True, luns=[{"lun_id": 0, "bdev_name": "Malloc0"}],
                 pg_ig_maps=[{"pg_tag": 1, "ig_tag": 1}]),
        ]
        return json.dumps({"subsystems": [{"subsystem": "bdev", "config": [bdev]},
                                          {"subsystem": "iscsi", "config": iscsi}]})

    def start(self):
        config = self.write("spdk.json", self.config())
        self.spawn([self.program, "-m", "0x2", "--no-huge", "-s", str(self.size_mib + 1024),
                    "--no-pci", "-r", self.path("spdk.sock"), "-c", config])
        self.daemon.wait_for("target node of iscsi_tgt", self.has_target_node, seconds=60)
        self.url = f"iscsi://127.0.0.1:{self.port}/{IQN}/0"


def built(build):
    """sptgtd of a build directory, or None."""
    path = build and os.path.join(build, "daemon", "sptgtd")
    return path if path and os.access(path, os.X_OK) else None


def installed(directory, size_mib, build, before=None, spdk=None, daemon_keys=(), before_keys=(), only=None):
    """One object for each target that can be started here, ours first."""
    tgtd, istgt = shutil.which("tgtd"), shutil.which("istgt")
    sptgtd, earlier = built(build), built(before)
    makers = [
        ("sptgtd", sptgtd, lambda *a: Sptgtd(*a, sptgtd, daemon_keys)),
        ("before", earlier, lambda *a: Sptgtd(*a, earlier, before_keys)),
        ("tgtd-rdwr", tgtd, lambda *a: Tgtd(*a, tgtd, "rdwr")),
        ("tgtd-aio", tgtd, lambda *a: Tgtd(*a, tgtd, "aio")),
        ("istgt", istgt, lambda *a: Istgt(*a, istgt)),
        ("spdk", spdk, lambda *a: Spdk(*a, spdk)),
    ]
    found = []
    for name, there, make in makers:
        if there and (not only or name in only):
            own = os.path.join(directory, name)
            os.mkdir(own)
            found.append(make(name, own, size_mib))
    return found
