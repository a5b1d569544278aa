# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: the cells of the matrix and one run of a client in one."""

import dataclasses
import json
import resource
import subprocess

from rig import BenchError, own_child

CONTENDERS = ("qemu", "raw", "mpio1", "mpio2", "mpio2x2", "mpio32", "memory")
DEPTHS = (1, 8, 32, 128)
CLIENT_GRACE_S = 30


@dataclasses.dataclass(frozen=True)
class Cell:
    """A workload on a backing store and a placement of the processes.

    `depth` is the number of requests in flight altogether; the connections
    share it, and each has one at least.
    """
    backing: str
    placement: str
    op: str
    size: int
    depth: int
    connections: int

    @property
    def id(self):
        return (f"{self.backing}/{self.placement}/{self.op}/{self.size // 1024}k/"
                f"d{self.depth}/c{self.connections}")

    @property
    def is_random_4k(self):
        return self.size == 4096 and self.op.startswith("rand")

    @property
    def connection_depth(self):
        return max(1, self.depth // self.connections)

    def takes(self, contender):
        """raw has one session and no NBD connections; the cost of 32 paths is
        asked for at depth 32 only (goal 5)."""
        if contender == "raw":
            return self.connections == 1
        if contender == "mpio32":
            return self.is_random_4k and self.depth == 32 and self.connections == 1
        return True


def matrix():
    """Every cell, ordered so that a rig (backing, placement) is set up once."""
    cells = []
    for backing in ("null", "ram"):
        for placement in ("one", "free"):
            cells += [Cell(backing, placement, op, 4096, depth, connections)
                      for op in ("randread", "randwrite")
                      for depth in DEPTHS for connections in (1, 4)]
            cells += [Cell(backing, placement, op, 256 * 1024, 8, 1)
                      for op in ("read", "write")]
    return cells


def quick():
    return [Cell("null", "one", "randread", 4096, 32, 1),
            Cell("null", "one", "read", 256 * 1024, 8, 1),
            Cell("ram", "free", "randwrite", 4096, 32, 4)]


def run_client(argv, rig, timeout_s):
    """Runs a client to its end; its output and its CPU time in ns."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              cwd=rig.dir, timeout=timeout_s, preexec_fn=own_child(rig.cpus))
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{argv[0]} did not end within {timeout_s} s") from error
    if done.returncode != 0:
        raise BenchError(f"{argv[0]} exited with status {done.returncode}:\n"
                         f"{done.stderr.strip()}\n{done.stdout.strip()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, used_s * 1e9


def run_fio(cell, rig, contender, seconds):
    out, cpu_ns = run_client([
        "fio", "--name=cell", "--ioengine=nbd",
        f"--uri=nbd+unix:///?socket={rig.sock(contender)}",
        f"--rw={cell.op}", f"--bs={cell.size}", f"--iodepth={cell.connection_depth}",
        f"--numjobs={cell.connections}", "--thread", "--group_reporting", "--time_based",
        f"--runtime={seconds}", "--norandommap", "--eta=never", "--output-format=json"],
        rig, seconds + CLIENT_GRACE_S)
    # libnbd's warnings may stand before the JSON
    job = json.loads(out[out.index("{"):])["jobs"][0]
    side = job["write" if cell.op.endswith("write") else "read"]
    if job["error"] != 0 or side["total_ios"] == 0:
        raise BenchError(f"fio: error {job['error']} after {side['total_ios']} requests")
    return {"ios": side["total_ios"], "seconds": side["runtime"] / 1e3, "iops": side["iops"],
            "mean_us": side["lat_ns"]["mean"] / 1e3,
            "p99_us": side["clat_ns"]["percentile"]["99.000000"] / 1e3,
            "client_us": cpu_ns / side["total_ios"] / 1e3}


def run_raw(cell, rig, program, seconds):
    out, _ = run_client([
        program, f"--depth={cell.depth}", f"--size={cell.size}",
        "--rw=" + ("write" if cell.op.endswith("write") else "read"),
        "--random" if cell.op.startswith("rand") else "--seq",
        f"--seconds={seconds}", rig.targets[0].url()], rig, seconds + CLIENT_GRACE_S)
    figures = json.loads(out)
    sample = {key: figures[key] for key in ("ios", "seconds", "iops", "mean_us", "p99_us")}
    return sample | {"server_us": figures["cpu_us_per_io"]}


def measure(cell, rig, contender, options, seconds):
    """One run of CONTENDER in CELL.  All *_us of CPU are per request, over the
    whole life of the client (its connecting included, the same for all)."""
    when = f"in {cell.id}, contender {contender}"
    server = rig.servers.get(contender)
    rig.check(f"before {contender} ran {cell.id}")
    server_ns = server.cpu_ns() if server else 0
    targets_ns = sum(t.cpu_ns() for t in rig.targets)
    main_ns = [t.main_thread_cpu_ns() for t in rig.targets]
    try:
        if contender == "raw":
            sample = run_raw(cell, rig, options.raw, seconds)
        else:
            sample = run_fio(cell, rig, contender, seconds)
    except BenchError as error:
        rig.check(when)  # a dead server explains more than its client does
        raise BenchError(f"{when}: {error}") from error
    rig.check(when)
    ios = sample["ios"]
    if server:
        sample["server_us"] = (server.cpu_ns() - server_ns) / ios / 1e3
    sample["targets_us"] = (sum(t.cpu_ns() for t in rig.targets) - targets_ns) / ios / 1e3
    max_main = max(t.main_thread_cpu_ns() - was for t, was in zip(rig.targets, main_ns))
    sample["target_busy"] = max_main / (sample["seconds"] * 1e9)
    return sample
