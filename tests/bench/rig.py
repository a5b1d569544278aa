# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines under measurement: private tgtds, NBD servers, their clocks.

Everything a Rig starts dies with it, also when the benchmark itself is killed
(each child asks the kernel for SIGKILL at its parent's death).  The disk in
RAM is a memfd, so nothing is left behind in a file system either.
"""

import ctypes
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

IQN = "iqn.2026-11.org.nbdkit-mpio:bench"
MAX_PATHS = 32
READY_S = 20
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class BenchError(Exception):
    """A measurement that cannot go on; the text is for the user."""


def own_child(cpus):
    """A preexec function: run on CPUS only, die with the parent."""
    def setup():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, cpus)
    return setup


class Process:
    """A server in the background, with its log and its CPU clock."""

    def __init__(self, name, argv, directory, cpus, env=None):
        self.name = name
        self.log = os.path.join(directory, name + ".log")
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, cwd=directory, env=env,
                                          preexec_fn=own_child(cpus))

    @property
    def pid(self):
        return self.popen.pid

    def check(self, when):
        """Raises if the process is gone, with the end of its log."""
        status = self.popen.poll()
        if status is None:
            return
        how = (f"was killed by {signal.Signals(-status).name}" if status < 0
               else f"exited with status {status}")
        raise BenchError(f"{self.name} (pid {self.pid}) {how} {when}; "
                         f"its log ends:\n{self.log_tail()}")

    def log_tail(self):
        with open(self.log, errors="replace") as log:
            return "".join("    " + line for line in log.readlines()[-15:])

    def cpu_ns(self):
        """CPU time of all threads, ended ones too: the process's own clock,
        because /proc/PID/stat counts in ticks of 10 ms and task/*/schedstat
        forgets the worker threads of closed connections."""
        return time.clock_gettime_ns((~self.pid << 3) | 2)

    def main_thread_cpu_ns(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/schedstat") as stat:
            return int(stat.read().split()[0])

    def kill(self, gracefully):
        if gracefully and self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(3)
            except subprocess.TimeoutExpired:
                pass
        self.popen.kill()
        self.popen.wait()


class Target(Process):
    """One tgtd: target 1, LUN 1, 32 portals 127.0.0.1-32 on one free port."""

    def __init__(self, name, directory, cpus, backing):
        self.dir = os.path.join(directory, name)
        os.mkdir(self.dir)
        self.port = free_port()
        self.env = dict(os.environ, TGT_IPC_SOCKET=os.path.join(self.dir, "ctl"))
        portals = ",".join(f"portal={self.portal(i)}" for i in range(MAX_PATHS))
        super().__init__(name, ["tgtd", "-f", "-C", "1", "-t", "8", "--iscsi", portals],
                         self.dir, cpus, self.env)
        try:
            self.set_up(backing)
        except BaseException:
            self.kill(gracefully=False)
            raise

    def portal(self, i):
        return f"127.0.0.{i % MAX_PATHS + 1}:{self.port}"

    def url(self, i=0):
        return f"iscsi://{self.portal(i)}/{IQN}/1"

    def tgtadm(self, *args):
        done = subprocess.run(["tgtadm", "-C", "1", "--lld", "iscsi", *args], text=True,
                              env=self.env, capture_output=True, timeout=READY_S)
        if done.returncode != 0:
            raise BenchError(f"tgtadm {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def set_up(self, backing):
        wait_for(f"{self.name} to answer", self.answers, self)
        shown = self.tgtadm("-m", "portal", "-o", "show").count(f":{self.port},")
        if shown < MAX_PATHS:
            raise BenchError(f"{self.name} listens on {shown} of {MAX_PATHS} portals")
        self.tgtadm("-m", "target", "-o", "new", "-t", "1", "-T", IQN)
        self.tgtadm("-m", "logicalunit", "-o", "new", "-t", "1", "-l", "1", *backing)
        # the same identity from every tgtd: they stand for one array's controllers
        self.tgtadm("-m", "logicalunit", "-o", "update", "-t", "1", "-l", "1", "-P",
                    "vendor_id=ACME,product_id=BENCH,scsi_sn=BENCH0001,"
                    "scsi_id=60014050000000000000000000000b1d")
        self.tgtadm("-m", "target", "-o", "bind", "-t", "1", "-I", "ALL")

    def answers(self):
        try:
            self.tgtadm("-m", "system", "-o", "show")
        except BenchError:
            return False
        return True

    def nsessions(self):
        return self.tgtadm("-m", "conn", "-o", "show", "-t", "1").count("Session:")


def free_port():
    """A port that nobody listens on at any local address."""
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        return s.getsockname()[1]


def wait_for(what, condition, process):
    deadline = time.monotonic() + READY_S
    while not condition():
        process.check("while starting")
        if time.monotonic() > deadline:
            raise BenchError(f"waited {READY_S} s for {what}; the log of {process.name} "
                             f"ends:\n{process.log_tail()}")
        time.sleep(0.02)


def nbd_answers(path):
    """True if an NBD server greets on the Unix socket PATH; leaves politely."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(READY_S)
        try:
            s.connect(path)
            greeting = s.recv(18, socket.MSG_WAITALL)
            if greeting[:8] != b"NBDMAGIC":
                return False
            flags = struct.unpack(">H", greeting[16:])[0]
            s.sendall(struct.pack(">I", flags & 1))
            s.sendall(struct.pack(">8sII", b"IHAVEOPT", 2, 0))  # NBD_OPT_ABORT
            s.recv(20, socket.MSG_WAITALL)
        except (FileNotFoundError, ConnectionError, TimeoutError):
            return False
    return True


class Rig:
    """Two targets on one backing store, and every contender's server."""

    def __init__(self, options, placement, backing_args):
        self.options = options
        self.cpus = placement_cpus(placement)
        self.dir = tempfile.mkdtemp(prefix="mpio-bench.", dir="/tmp")
        self.targets = []
        self.servers = {}
        try:
            self.targets = [self.start_target(i, backing_args) for i in (1, 2)]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        for server in self.servers.values():
            server.kill(gracefully=True)
        for target in self.targets:
            target.kill(gracefully=False)  # it ignores SIGTERM while sessions exist
        shutil.rmtree(self.dir, ignore_errors=True)

    def start_target(self, i, backing_args):
        """Somebody may take the free port before tgtd does: try again."""
        for attempt in range(5):
            try:
                return Target(f"tgtd{i}.{attempt}", self.dir, self.cpus, backing_args)
            except BenchError as error:
                last = error
        raise last

    def sock(self, name):
        return os.path.join(self.dir, name + ".sock")

    def start_server(self, name, argv, npaths):
        """Starts an NBD server and waits for its greeting and its sessions."""
        before = sum(t.nsessions() for t in self.targets)
        server = Process(name, argv, self.dir, self.cpus)
        self.servers[name] = server
        wait_for(f"{name}'s NBD greeting", lambda: nbd_answers(self.sock(name)), server)
        wait_for(f"{name}'s {npaths} iSCSI sessions", lambda: npaths <=
                 sum(t.nsessions() for t in self.targets) - before, server)

    def start_qemu(self):
        self.start_server("qemu", [
            "qemu-storage-daemon",
            "--blockdev", "driver=iscsi,node-name=disk,transport=tcp,"
            f"portal={self.targets[0].portal(0)},target={IQN},lun=1,"
            f"initiator-name={IQN}-qemu",
            "--nbd-server", f"addr.type=unix,addr.path={self.sock('qemu')}",
            "--export", "type=nbd,id=export,node-name=disk,name=,writable=on"], 1)

    def start_nbdkit(self, name, plugin_argv, npaths):
        self.start_server(name, ["nbdkit", "-f", "-U", self.sock(name),
                                 *shlex.split(self.options.nbdkit_args), *plugin_argv], npaths)

    def start_mpio(self, name, urls):
        """An initiator name of its own keeps each contender's sessions apart:
        their ISIDs are deterministic and would reinstate each other."""
        self.start_nbdkit(name, [
            os.path.abspath(self.options.plugin), *urls,
            f"initiator={IQN}-{name}", f"runtime-dir={self.dir}/{name}",
            *shlex.split(self.options.plugin_args)], len(urls))

    def start_contender(self, name):
        """The servers behind the names of --contenders; raw has none."""
        first, second = self.targets
        if name == "qemu":
            self.start_qemu()
        elif name == "memory":
            self.start_nbdkit(name, ["memory", "size=256M"], 0)
        elif name == "mpio2x2":
            self.start_mpio(name, [first.url(), second.url()])
        elif name.startswith("mpio"):
            self.start_mpio(name, [first.url(i) for i in range(int(name[4:]))])

    def check(self, when):
        for process in (*self.targets, *self.servers.values()):
            process.check(when)


def placement_cpus(placement):
    """The CPUs of all processes: `one` pins them together on the last one."""
    allowed = os.sched_getaffinity(0)
    return {max(allowed)} if placement == "one" else allowed
