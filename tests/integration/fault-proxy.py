#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands between an initiator and an iSCSI target, and does to the PDUs that
pass what it is told to. All else is real.

usage: fault-proxy.py [--own-address] ADDRESS:PORT TARGET-ADDRESS:PORT CONTROL
       fault-proxy.py --ask CONTROL JSON

With --own-address the portals that SendTargets names become ADDRESS:PORT. On
the Unix socket CONTROL a line is a question, a JSON object with "op", and its
answer a line with a JSON object, {"error": TEXT} where it went wrong:

  add {"rule": RULE}        behind the others; replaces one of that name
  remove {"rule": NAME}     and lets go what it holds
  clear                     removes all
  release {"rule": NAME}    lets go what it holds
  stats                     what has passed: requests by name, those forwarded,
                            sessions, and each rule's matched, fired, held
  forget                    starts counting anew
  wait {"rule": NAME, "fired": N}           until then, "timeout" s [15]
  wait {"rule": NAME, "held": N}
  wait {"live": N}          until so many sessions are up
  wait {"requests"|"forwarded": NAME, "count": N}
  inject {"action": ACTION}                 async or nop-in, into all sessions
  cut {"how": "reset"|"close", "side": "client"|"target"|"both"}    all of them
  listen {"on": false}      refuses connections; true: takes them again

RULE: {"name", "direction": "request"|"response", "pdu", "scsi", "vpd", "lun",
"lba": [FIRST, LAST], "in_flight": N, "nth": N, "count": N, "probability": P,
"seed": N, "action": ACTION}. All but name and action may be left out and then
fit anything. in_flight: only while more commands of the session are. pdu is a name of fault_pdu.PDU_NAMES, or "status", what ends a
command; scsi "READ", "WRITE", "INQUIRY", "RTPG"...; both may be lists. A rule
fires from the nth PDU that fits, count times. The first rule that fires decides,
but for actions marked *, which leave the PDU to the rules behind.

ACTION: {"do":
  "delay", "ms"     later; all of the same task waits, the rest passes it
  "hold"            until it is released
  "drop"            it was never there; a command with all its data
  "reset", "close"  ends the connection "when": "before" the PDU, "after" it or
                    in the "middle" (after "bytes"); a reset or a FIN, on both
                    sides or one "side", the other then believes in it
  "truncate"        its first "bytes", then silence in that direction
  "shorten" *       its data is so many "bytes"
  "answer"          the proxy answers the command: "status", "sense" "K/ASC/ASCQ"
                    in hex ("descriptor", "deferred": true; or "sense_bytes"),
                    "response", "residual" [what was not moved], "overflow".
                    The target never sees it, or, if "executed", answers first;
                    then "data" bytes of its data go in front, or "all". "bytes"
                    are the proxy's own data. "early": before a write's data came
  "residual" *      "count", "overflow" instead of the target's
  "patch" *         "bytes" in hex at "offset" of the data
  "replace" *       all of the data is "bytes"
  "duplicate" *     it comes twice
  "tag" *           with another initiator task tag
  "reject"          with "reason"
  "async" *         before it: "event", "lun", "parameters" [3], "sense"
  "nop-in" *        before it; with "answer": true one is asked for
  "redirect"        a login, "to" ADDRESS:PORT
  "login-status"    "status" "0301" }
"""
import asyncio
import json
import os
import socket
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from fault_link import Link             # noqa: E402
from fault_rules import Rule, Wrong     # noqa: E402


def address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


class Proxy:
    def __init__(self, listen, portal, own_address):
        self.listen = listen
        self.portal = portal
        self.own_address = own_address
        self.server = None
        self.rules = {}
        self.links = set()
        self.number = 0
        self.waiting = []       # (condition, future)
        self.counts = {"requests": {}, "forwarded": {}}

    @staticmethod
    def log(text):
        print(text, flush=True)

    def next_number(self):
        self.number += 1
        return self.number

    def count(self, where, name):
        counts = self.counts[where]
        counts[name] = counts.get(name, 0) + 1

    def changed(self):
        for condition, future in self.waiting:
            if not future.done() and condition():
                future.set_result(None)

    #
    # Connections
    #

    async def open(self):
        self.server = await asyncio.get_running_loop().create_server(
            self.accept, *self.listen, backlog=64)

    def accept(self):
        link = Link(self, self.next_number())
        self.links.add(link)
        return link.client

    def gone(self, link, end):
        end.transport = None
        if not link.client.transport and not link.target.transport:
            self.links.discard(link)
        self.changed()

    def live(self):
        return sum(link.is_up for link in self.links)

    #
    # Control
    #

    async def control(self, reader, writer):
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self.answer(line)).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def answer(self, line):
        try:
            asked = json.loads(line)
            act = getattr(self, "op_" + asked.pop("op"), None)
            if not act:
                raise Wrong("no such op")
            result = act(**asked)
            if asyncio.iscoroutine(result):
                result = await result
            return result or {}
        except (Wrong, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            return {"error": "%s: %s" % (type(error).__name__, error)}

    def rule(self, name):
        if name not in self.rules:
            raise Wrong("no rule %s" % name)
        return self.rules[name]

    def op_add(self, rule):
        new = Rule(rule)
        if new.name in self.rules:
            self.op_remove(new.name)
        self.rules[new.name] = new

    def op_release(self, rule):
        held, self.rule(rule).held = self.rule(rule).held, []
        for link, direction, pdu in held:
            link.release(direction, pdu)
        return {"released": len(held)}

    def op_remove(self, rule):
        self.op_release(rule)
        return self.rules.pop(rule).stats()

    def op_clear(self):
        for name in list(self.rules):
            self.op_remove(name)

    def op_stats(self):
        return {"connections": len(self.links), "live": self.live(), **self.counts,
                "rules": {name: rule.stats() for name, rule in self.rules.items()}}

    def op_forget(self):
        for counts in self.counts.values():
            counts.clear()

    async def op_wait(self, timeout=15, **what):
        condition = self.condition(**what)
        if not condition():
            waiting = condition, asyncio.get_running_loop().create_future()
            self.waiting.append(waiting)
            try:
                await asyncio.wait_for(waiting[1], timeout)
            except asyncio.TimeoutError:
                raise Wrong("after %s s still not: %s" % (timeout, what)) from None
            finally:
                self.waiting.remove(waiting)
        return self.op_stats()

    def condition(self, rule=None, fired=None, held=None, live=None, count=1, **named):
        if rule is not None:
            watched = self.rule(rule)
            if held is not None:
                return lambda: len(watched.held) >= held
            return lambda: watched.fired >= (1 if fired is None else fired)
        if live is not None:
            return lambda: self.live() == live
        (where, name), = named.items()
        counts = self.counts[where]
        return lambda: counts.get(name, 0) >= count

    def op_inject(self, action):
        if action.get("do") not in ("async", "nop-in"):
            raise Wrong("only async and nop-in come out of nothing")
        rule = Rule({"name": "inject", "action": action})
        links = [link for link in self.links if link.is_up]
        for link in links:
            getattr(link, "do_" + action["do"].replace("-", "_"))(rule)
        return {"sessions": len(links)}

    def op_cut(self, how="reset", side="both"):
        if how not in ("reset", "close") or side not in ("client", "target", "both"):
            raise Wrong("how is reset or close, side client, target or both")
        for link in list(self.links):
            link.cut(how, side)

    async def op_listen(self, on):
        if self.server:
            self.server.close()
            self.server = None
        if on:
            await self.open()


async def serve(listen, portal, control, own_address):
    proxy = Proxy(address(listen), address(portal), listen if own_address else None)
    await proxy.open()
    await asyncio.start_unix_server(proxy.control, control + ".new")
    os.rename(control + ".new", control)        # there only once it answers
    await asyncio.Event().wait()


def ask(control, question):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(control)
        sock.sendall(json.dumps(json.loads(question)).encode() + b"\n")
        answer = json.loads(sock.makefile().readline())
    if "error" in answer:
        sys.exit("fault-proxy: %s: %s" % (question, answer["error"]))
    print(json.dumps(answer))


def main():
    args = sys.argv[1:]
    if len(args) == 3 and args[0] == "--ask":
        ask(args[1], args[2])
        return
    own_address = args[:1] == ["--own-address"]
    if len(args) - own_address != 3:
        sys.exit(__doc__)
    asyncio.run(serve(*args[own_address:], own_address))


main()
