#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every row of the table of verdicts, reached by PDUs, for one kind of request.

usage: judgement.py read|write|flush|trim ROWS URI CONTROL LEFT RIGHT DISK

ROWS is what judgement-rows prints, CONTROL the export's control socket, LEFT
and RIGHT those of the fault proxies of its two paths, DISK the file behind the
unit. The export runs with policy=failover-only, the left path preferred, and
retry-count=1: requests go down the left path, and where they go after an answer
is the verdict's doing.

For each row:
  once      one answer of that kind, the target never sees the command: the
            client gets what the verdict says; how often the command was sent,
            and where to, and the path's counters are the verdict's
  executed  the same after the target has executed it, for what changes blocks
  always    that answer to everything: a counted retry ends in the error after
            retry-count, a free one goes on until the answers stop

After each the blocks are compared with a model: nothing lost, nothing invented.
"""
import errno
import json
import os
import socket
import subprocess
import sys
import time

import nbd

NAMES = {"read": "READ", "write": "WRITE", "flush": "SYNCHRONIZE CACHE", "trim": "UNMAP"}
SIZE = 4096
BLOCK = 512
RETRY_COUNT = 1
FREE_ENOUGH = 3         # sent so often, it was not counted
PATIENCE = 20           # seconds
KINDS = {"read": "read", "write": "write", "flush": "flush", "trim": "write"}


class Failed(Exception):
    pass


def check(condition, text, *args):
    if not condition:
        raise Failed(text % args)


class Proxy:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.file = self.sock.makefile()

    def ask(self, op, **what):
        self.sock.sendall(json.dumps({"op": op, **what}).encode() + b"\n")
        answer = json.loads(self.file.readline())
        check("error" not in answer, "proxy: %s", answer.get("error"))
        return answer

    def counts(self, name):
        stats = self.ask("stats")
        return stats["requests"].get(name, 0), stats["forwarded"].get(name, 0)


class Judgement:
    def __init__(self, op, uri, control, left, right, disk):
        self.op = op
        self.name = NAMES[op]
        self.control = control
        self.proxies = [Proxy(left), Proxy(right)]
        self.disk = os.open(disk, os.O_RDONLY)
        self.nbd = nbd.NBD()
        self.nbd.connect_uri(uri)
        self.model = bytearray(os.pread(self.disk, self.nbd.get_size(), 0))
        self.case = 0
        self.at = 0             # offset of this case's blocks
        self.buffer = None

    #
    # What is asked of whom
    #

    def show(self):
        out = subprocess.run(["pathctl", "--socket", self.control, "show", "--json"],
                             check=True, capture_output=True, timeout=PATIENCE).stdout
        return json.loads(out)

    def begin(self, op):
        """The new data are the case's own."""
        if op == "read":
            self.buffer = nbd.Buffer(SIZE)
            return self.nbd.aio_pread(self.buffer, self.at)
        if op == "write":
            self.buffer = nbd.Buffer.from_bytearray(bytearray(self.new_data()))
            return self.nbd.aio_pwrite(self.buffer, self.at)
        if op == "trim":
            return self.nbd.aio_trim(SIZE, self.at)
        return self.nbd.aio_flush()

    def is_done(self, cookie):
        try:
            self.nbd.poll(0)
            return self.nbd.aio_command_completed(cookie)
        except nbd.Error as error:
            raise Failed("the client got %s" % errno.errorcode[error.errnum]) from None

    def finish(self, cookie):
        """"" or the error's name."""
        deadline = time.monotonic() + PATIENCE
        try:
            while not self.nbd.aio_command_completed(cookie):
                self.nbd.poll(100)
                check(time.monotonic() < deadline, "no end after %d s", PATIENCE)
        except nbd.Error as error:
            return errno.errorcode[error.errnum]
        return ""

    def request(self, op):
        return self.finish(self.begin(op))

    def new_data(self):
        return (b"%s %08d " % (self.op.encode(), self.case)).ljust(64, b".") * (SIZE // 64)

    def sent(self):
        """How often each path, how often the target got the command."""
        counts = [proxy.counts(self.name) for proxy in self.proxies]
        return tuple(seen for seen, _ in counts), sum(forwarded for _, forwarded in counts)

    def settle(self):
        """Both paths carry I/O again."""
        for proxy in self.proxies:
            proxy.ask("clear")
        deadline = time.monotonic() + PATIENCE
        while True:
            shown = self.show()
            if all(path["state"] == "active-optimized" for path in shown["paths"]):
                return shown["paths"]
            check(time.monotonic() < deadline, "paths do not return: %s",
                  [(path["state"], path["last_error"]) for path in shown["paths"]])
            time.sleep(0.01)

    #
    # The answer
    #

    def action(self, row, executed):
        if row["delivery"] == "lost":
            return {"do": "reset"}
        action = {"do": "answer", "status": row["status"], "executed": executed}
        if row["status"] == 2:
            if row["sense_valid"]:
                action.update(sense=row["sense"], deferred=row["deferred"],
                              descriptor=bool(self.case & 1))
            else:
                action["sense_bytes"] = bytes(18).hex()
        if executed and row["action"] == "done":
            action["data"] = "all"
        if row["residual"]:
            action.update(executed=True, overflow=row["overflow"], residual=row["residual"],
                          data="all" if row["overflow"] else SIZE - row["residual"])
        return action

    def rule(self, row, executed, **times):
        action = self.action(row, executed)
        rule = {"name": "row", "scsi": self.name, "action": action, **times}
        if self.op != "flush":
            rule["lba"] = [self.at // BLOCK, self.at // BLOCK + SIZE // BLOCK - 1]
        if action["do"] == "reset" and executed:
            rule.update(direction="response", pdu="status")
        return rule

    #
    # The verdict
    #

    def of_op(self, row):
        """The row as it is for this kind of request: a residual of what moves no
        blocks says nothing."""
        if row["residual"] and self.op in ("flush", "trim"):
            return dict(row, action="done", counted=False, fails_path=False,
                        doubts_path=False)
        return row

    def client_error(self, error):
        if error in ("EOPNOTSUPP", "EINVAL"):
            return "EINVAL" if self.op == "trim" else "EIO"
        return {"EROFS": "EPERM"}.get(error, error)

    def changed(self):
        """The command was executed, once at least."""
        if self.op == "write":
            self.model[self.at:self.at + SIZE] = self.new_data()
        elif self.op == "trim":
            self.model[self.at:self.at + SIZE] = bytes(SIZE)

    def compare(self):
        """A neighbour's worth of blocks on either side, too."""
        start = max(0, self.at - SIZE)
        got = os.pread(self.disk, 3 * SIZE, start)
        check(got == self.model[start:start + len(got)], "the medium is not what it should be")

    def compare_buffer(self):
        if self.op == "read":
            check(self.buffer.to_bytearray() == self.model[self.at:self.at + SIZE],
                  "the client read what is not there")

    def check_lost_write(self, row):
        if row["loses_write"]:
            check(self.request("flush") == "EIO", "a flush after a lost write was good")
            check(self.request("flush") == "", "the flush after that failed, too")

    #
    # The cases
    #

    def next_case(self):
        self.case += 1
        self.at = self.case * 2 * SIZE % (len(self.model) - 2 * SIZE)
        before = self.settle()
        for proxy in self.proxies:
            proxy.ask("forget")
        return before

    def once(self, row, executed):
        before = self.next_case()
        self.proxies[0].ask("add", rule=self.rule(row, executed, count=1))
        verdict = self.of_op(row)
        began = time.monotonic()
        error = self.request(self.op)
        took_ms = (time.monotonic() - began) * 1000
        seen, forwarded = self.sent()
        self.check_once(row, verdict, error, took_ms, seen)
        reached = executed or row["residual"] != 0
        check(forwarded == reached + (verdict["action"] in ("same", "other")),
              "the target got it %d times", forwarded)
        if reached or not error:
            self.changed()
        self.compare()
        if not error:
            self.compare_buffer()
        self.check_lost_write(row)
        self.check_counters(row, verdict, before, self.settle())

    def check_once(self, row, verdict, error, took_ms, seen):
        action = verdict["action"]
        if action in ("done", "return"):
            wanted = self.client_error(verdict["error"]) if action == "return" else ""
            check(error == wanted, "the client got '%s', not '%s'", error, wanted)
            check(seen == (1, 0), "it was sent %s", seen)
            return
        check(error == "", "the client got %s, not success", error)
        # A path in doubt is none to stay on.
        stays = action == "same" and not row["doubts_path"]
        check(seen == ((2, 0) if stays else (1, 1)), "it was sent %s", seen)
        if stays:
            # A quarter of jitter either way.
            check(took_ms >= row["delay_ms"] * 0.74, "again after %.0f ms", took_ms)

    @staticmethod
    def check_counters(row, verdict, before, after):
        delta = {key: [b[key] - a[key] for a, b in zip(before, after)]
                 for key in ("retries", "errors", "failures")}
        is_retried = verdict["action"] in ("same", "other")
        is_lost = row["delivery"] == "lost"
        wanted = {"retries": [int(is_retried), 0],
                  "errors": [int(not is_lost and row["status"] != 0), 0],
                  "failures": [int(verdict["fails_path"]), 0]}
        check(delta == wanted, "counters grew by %s, not %s", delta, wanted)

    def always(self, row):
        self.next_case()
        verdict = self.of_op(row)
        for proxy in self.proxies:
            proxy.ask("add", rule=self.rule(row, False))
        cookie = self.begin(self.op)
        if verdict["counted"]:
            error = self.finish(cookie)
            seen, _ = self.sent()
            check(error == self.client_error(verdict["error"] or "EIO"),
                  "the client got '%s'", error)
            check(sum(seen) == RETRY_COUNT + 1, "it was sent %s", seen)
            for proxy in self.proxies:
                proxy.ask("clear")
        else:
            self.goes_on(cookie)
            error = ""
            self.compare_buffer()
        if not error or row["residual"]:
            self.changed()
        self.compare()
        self.check_lost_write(row)

    def goes_on(self, cookie):
        deadline = time.monotonic() + PATIENCE
        while sum(self.sent()[0]) < FREE_ENOUGH:
            check(not self.is_done(cookie), "it ended after %s", self.sent()[0])
            check(time.monotonic() < deadline, "it was sent %s in all", self.sent()[0])
            time.sleep(0.005)
        for proxy in self.proxies:
            proxy.ask("clear")
        error = self.finish(cookie)
        check(error == "", "the client got %s in the end", error)

    def judge(self, row):
        is_whole = row["residual"] == 0
        if row["action"] == "done":
            if is_whole:
                self.once(row, True)
            return
        self.once(row, False)
        if is_whole and self.op in ("write", "trim"):
            self.once(row, True)
        if self.of_op(row)["action"] in ("same", "other"):
            self.always(row)

    def compare_all(self):
        self.settle()
        got = os.pread(self.disk, len(self.model), 0)
        check(got == self.model, "the whole medium is not what it should be")


def main():
    op, rows = sys.argv[1], [json.loads(line) for line in open(sys.argv[2])]
    judgement = Judgement(op, *sys.argv[3:])
    done, failed = 0, 0
    for row in rows:
        # No answer of a target's is what was never sent.
        if row["kind"] != KINDS[op] or row["delivery"] == "refused":
            continue
        done += 1
        try:
            judgement.judge(row)
        except Failed as problem:
            failed += 1
            print("row %d, %s (%s %s), case %d: %s" % (
                row["row"], row["reason"], row["status"], row["sense"], judgement.case,
                problem), flush=True)
    judgement.compare_all()
    print("%d rows, %d cases, %d failed" % (done, judgement.case, failed))
    sys.exit(failed != 0)


main()
