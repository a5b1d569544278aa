# SPDX-License-Identifier: LGPL-2.1-or-later
"""One connection through fault-proxy.py, from an initiator to the target.

PDUs are passed on in order, but for those a rule keeps back, and those of the
same task behind them. What the proxy swallows and adds must not show in the
sequence numbers, so both sides are given numbers of the proxy's own, when a PDU
is sent (RFC 7143 4.2.2).
"""
import asyncio
import re
import socket
import struct

import fault_pdu as pdus
from fault_pdu import get32, put32
from fault_rules import MODIFIERS

TO_TARGET, TO_INITIATOR = "request", "response"


class Numbers:
    def __init__(self):
        self.cmd_next = None            # CmdSN, as the target knows them
        self.swallowed = 0              # commands that only the initiator counts
        self.stat_next = None           # StatSN, as the initiator knows them
        self.target_stat_next = None
        self.expected, self.window = 0, 0       # the target's last ExpCmdSN, MaxCmdSN

    def request(self, pdu):
        header = pdu.header
        if pdu.opcode == pdus.LOGIN:
            self.cmd_next = get32(header, 24)
        elif pdu.opcode not in (pdus.DATA_OUT, pdus.SNACK):
            put32(header, 24, self.cmd_next)
            if not header[0] & pdus.IMMEDIATE:
                self.cmd_next = self.cmd_next + 1 & 0xffffffff
        if self.target_stat_next is not None:
            put32(header, 28, self.target_stat_next)

    def swallow(self, pdu):
        if pdu.opcode not in (pdus.DATA_OUT, pdus.SNACK) and \
                not pdu.header[0] & pdus.IMMEDIATE:
            self.swallowed += 1

    @staticmethod
    def counts(pdu):
        """It takes a StatSN of its own."""
        if pdu.opcode == pdus.DATA_IN:
            return bool(pdu.header[1] & pdus.STATUS)
        return pdu.opcode != pdus.R2T and \
            not (pdu.opcode == pdus.NOP_IN and pdu.tag == pdus.NO_TAG)

    def received(self, pdu):
        """From the target, whatever becomes of it."""
        if pdu.opcode == pdus.LOGIN_RESPONSE and pdu.header[36]:
            return                      # refused: the numbers mean nothing
        self.expected, self.window = get32(pdu.header, 28), get32(pdu.header, 32)
        if self.counts(pdu):
            number = get32(pdu.header, 24)
            self.target_stat_next = number + 1 & 0xffffffff
            if self.stat_next is None:
                self.stat_next = number

    def response(self, pdu, is_ours=False):
        header = pdu.header
        if pdu.opcode == pdus.LOGIN_RESPONSE and header[36]:
            return
        if is_ours:
            put32(header, 28, self.expected)
            put32(header, 32, self.window)
        put32(header, 28, get32(header, 28) + self.swallowed)
        put32(header, 32, get32(header, 32) + self.swallowed)
        if pdu.opcode == pdus.DATA_IN and not self.counts(pdu):
            return
        put32(header, 24, self.stat_next or 0)
        if self.counts(pdu) and self.stat_next is not None:
            self.stat_next = self.stat_next + 1 & 0xffffffff


class End(asyncio.Protocol):
    """One of the two sockets."""

    def __init__(self, link, direction):
        self.link = link
        self.direction = direction      # of what it reads
        self.stream = pdus.Stream()
        self.transport = None
        self.unsent = []                # until it is connected

    def connection_made(self, transport):
        self.transport = transport
        for data in self.unsent:
            transport.write(data)
        self.link.connected(self)

    def data_received(self, data):
        for pdu in self.stream.feed(data):
            self.link.received(self.direction, pdu)

    def pause_writing(self):
        self.link.other(self).pause()

    def resume_writing(self):
        self.link.other(self).resume()

    def pause(self):
        if self.transport:
            self.transport.pause_reading()

    def resume(self):
        if self.transport:
            self.transport.resume_reading()

    def connection_lost(self, error):
        self.link.lost(self, error)

    def write(self, data):
        if not self.transport:
            self.unsent.append(data)    # or it is over
        elif not self.transport.is_closing():
            self.transport.write(data)

    def reset(self):
        if self.transport and not self.transport.is_closing():
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def close(self):
        if self.transport:
            self.transport.close()


class Link:
    def __init__(self, proxy, number):
        self.proxy = proxy
        self.number = number
        self.client = End(self, TO_TARGET)
        self.target = End(self, TO_INITIATOR)
        self.numbers = Numbers()
        self.tasks = {}
        self.blocked = {}       # (direction, tag): PDUs behind one that is kept back
        self.muted = set()      # directions in which nothing goes any more
        self.nops = set()       # target tags of NOP-Ins of ours
        self.is_up = False      # full feature phase
        self.is_cut = False

    def other(self, end):
        return self.target if end is self.client else self.client

    def log(self, text, *args):
        self.proxy.log("%d: " % self.number + text % args)

    #
    # The sockets
    #

    def connected(self, end):
        if end is self.client:
            asyncio.ensure_future(self.connect())
        elif not self.client.transport or self.client.transport.is_closing():
            end.close()

    async def connect(self):
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self.target, *self.proxy.portal)
        except OSError as error:
            self.log("the target: %s", error)
            self.client.reset()

    def lost(self, end, error):
        self.is_up = False
        self.proxy.gone(self, end)
        if self.is_cut:
            return
        if error:
            self.other(end).reset()
        else:
            self.other(end).close()

    def cut(self, how, side="both"):
        """The end that is left is kept: its host does not know."""
        self.is_cut = True
        self.is_up = False
        self.muted |= {TO_TARGET, TO_INITIATOR}
        for name, end in ("client", self.client), ("target", self.target):
            if side in (name, "both"):
                getattr(end, how)()

    #
    # PDUs
    #

    def received(self, direction, pdu):
        if direction == TO_INITIATOR:
            self.numbers.received(pdu)
        if self.is_cut:
            return
        if pdu.opcode == pdus.COMMAND:
            self.tasks[pdu.tag] = pdus.Task(pdu)
        task = self.tasks.get(pdu.tag)
        if direction == TO_TARGET:
            self.proxy.count("requests", task.name if pdu.opcode == pdus.COMMAND else pdu.name)
            if self.is_ours(pdu, task):
                return
        for rule in self.proxy.rules.values():
            if rule.direction != direction or not rule.fires(pdu, task, len(self.tasks)):
                continue
            self.log("%s: %s %s", rule.name, rule.action["do"],
                     task.name if task else pdu.name)
            act = getattr(self, "do_" + rule.action["do"].replace("-", "_"))
            act(rule, direction, pdu, task)
            self.proxy.changed()
            if rule.action["do"] not in MODIFIERS:
                return
        self.deliver(direction, pdu)

    def is_ours(self, pdu, task):
        """Belongs to what the target does not know of."""
        if pdu.opcode == pdus.NOP_OUT and get32(pdu.header, 20) in self.nops:
            self.nops.discard(get32(pdu.header, 20))
            self.proxy.count("requests", "nop-answer")
            return True
        if not task or pdu.opcode != pdus.DATA_OUT or not task.is_swallowed:
            return False
        if task.is_open and pdu.header[1] & pdus.FINAL:
            task.is_open = False
            if task.answer:
                self.answer(task)
            else:
                self.tasks.pop(pdu.tag)         # answered early, or never
        return True

    def deliver(self, direction, pdu):
        behind = self.blocked.get((direction, pdu.tag))
        if behind is None:
            self.send(direction, pdu)
        else:
            behind.append(pdu)

    def keep(self, direction, pdu):
        """False where it is behind another that is kept."""
        behind = self.blocked.get((direction, pdu.tag))
        if behind is None:
            self.blocked[direction, pdu.tag] = []
            return True
        behind.append(pdu)
        return False

    def release(self, direction, pdu):
        behind = self.blocked.pop((direction, pdu.tag), [])
        for each in [pdu] + behind:
            self.send(direction, each)

    def send(self, direction, pdu):
        if direction in self.muted:
            return
        if direction == TO_INITIATOR:
            self.send_response(pdu)
            return
        self.numbers.request(pdu)
        if pdu.opcode == pdus.COMMAND:
            self.proxy.count("forwarded", self.tasks[pdu.tag].name)
        self.target.write(pdu.encode())
        self.proxy.changed()

    def send_response(self, pdu):
        task = self.tasks.get(pdu.tag)
        if task:
            pdu = self.of_task(pdu, task)
            if pdu is None:
                return
        if pdu.opcode == pdus.LOGIN_RESPONSE:
            self.watch_login(pdu)
        elif pdu.opcode == pdus.TEXT_RESPONSE and self.proxy.own_address:
            pdu.data = re.sub(rb"TargetAddress=[^,\0]*", b"TargetAddress=" +
                              self.proxy.own_address.encode(), pdu.data)
        self.numbers.response(pdu)
        self.put(pdu)

    def put(self, pdu):
        self.client.write(pdu.encode())
        task = self.tasks.get(pdu.tag)
        if task and pdu.has_status() and not (task.is_swallowed and task.is_open):
            self.tasks.pop(pdu.tag)
        self.proxy.changed()

    def put_ours(self, pdu):
        if TO_INITIATOR not in self.muted:
            self.numbers.response(pdu, is_ours=True)
            self.put(pdu)

    def watch_login(self, pdu):
        if re.search(rb"(Header|Data)Digest=CRC32C", pdu.data):
            self.log("digests are not understood")
            self.cut("reset")
        # T, and full feature phase next.
        if not pdu.header[36] and pdu.header[1] & 0x83 == 0x83:
            self.is_up = True
            self.proxy.count("requests", "session")

    #
    # Data and status of a task, as they are passed on
    #

    def of_task(self, pdu, task):
        ours = task.answer
        if pdu.opcode == pdus.DATA_IN:
            if ours:
                return self.cut_data(pdu, task, ours)
            task.moved += len(pdu.data)
            task.data_sn += 1
        if pdu.has_status():
            if ours:
                self.answer(task)
                return None
            if task.residual:
                count, overflow = task.residual
                pdu.header[1] &= ~(pdus.OVERFLOW | pdus.UNDERFLOW)
                if count:
                    pdu.header[1] |= pdus.OVERFLOW if overflow else pdus.UNDERFLOW
                put32(pdu.header, 44, count)
        return pdu

    def cut_data(self, pdu, task, ours):
        """The target's data in front of our status: all, the first bytes, none."""
        allowed = ours.get("data", 0)
        if allowed != "all":
            pdu.data = pdu.data[:max(0, allowed - get32(pdu.header, 40))]
        is_last = pdu.header[1] & pdus.STATUS
        if pdu.data:
            pdu.header[1] &= pdus.FINAL
            put32(pdu.header, 44, 0)
            pdu.header[3] = 0
            task.moved += len(pdu.data)
            task.data_sn += 1
            self.numbers.response(pdu)
            self.put(pdu)
        if is_last:
            self.answer(task)

    def answer(self, task):
        ours = task.answer
        task.answer = None
        if "bytes" in ours and not task.moved:
            data = bytes.fromhex(ours["bytes"])[:task.expected]
            if data:
                self.put_ours(pdus.data_in(task, data))
        if task.writes and ours.get("executed"):
            task.moved = task.expected
        sense = bytes.fromhex(ours.get("sense_bytes", ""))
        if "sense" in ours:
            sense = pdus.sense_data(ours["sense"], ours.get("descriptor", False),
                                    ours.get("deferred", False))
        status = ours.get("status", pdus.CHECK_CONDITION if sense else pdus.GOOD)
        residual = ours.get("residual", max(0, task.expected - task.moved))
        self.put_ours(pdus.scsi_response(task, status, sense, residual,
                                         ours.get("overflow", False),
                                         ours.get("response", 0)))

    #
    # Actions
    #

    def swallow(self, direction, pdu, task):
        if direction == TO_TARGET:
            self.numbers.swallow(pdu)
            if task and pdu.opcode == pdus.COMMAND:
                task.is_swallowed = True
        elif pdu.has_status():
            self.tasks.pop(pdu.tag, None)

    def do_delay(self, rule, direction, pdu, _task):
        if self.keep(direction, pdu):
            asyncio.get_running_loop().call_later(rule.action["ms"] / 1000, self.release,
                                                  direction, pdu)

    def do_hold(self, rule, direction, pdu, _task):
        if self.keep(direction, pdu):
            rule.held.append((self, direction, pdu))

    def do_drop(self, _rule, direction, pdu, task):
        self.swallow(direction, pdu, task)

    def do_cut(self, rule, direction, pdu, _task):
        action = rule.action
        when = action.get("when", "before")
        end = self.target if direction == TO_TARGET else self.client
        if when == "after":
            self.send(direction, pdu)
        elif when == "middle":
            end.write(self.beginning(action, direction, pdu))
        self.cut(action["do"], action.get("side", "both"))

    do_reset = do_close = do_cut

    def beginning(self, action, direction, pdu):
        if direction == TO_TARGET:
            self.numbers.request(pdu)
        else:
            self.numbers.response(pdu)
        whole = pdu.encode()
        return whole[:action.get("bytes", 48 + len(pdu.data) // 2)]

    def do_truncate(self, rule, direction, pdu, _task):
        end = self.target if direction == TO_TARGET else self.client
        end.write(self.beginning(rule.action, direction, pdu))
        self.muted.add(direction)

    def do_shorten(self, rule, _direction, pdu, _task):
        pdu.data = pdu.data[:rule.action["bytes"]]

    def do_answer(self, rule, direction, pdu, task):
        action = task.answer = rule.action
        if action.get("executed"):
            self.deliver(direction, pdu)
            return
        self.swallow(direction, pdu, task)
        # A target takes the data that comes unasked before it answers.
        if not task.is_open or action.get("early"):
            self.answer(task)

    def do_residual(self, rule, _direction, _pdu, task):
        if task:
            task.residual = rule.action["count"], rule.action.get("overflow", False)

    def do_patch(self, rule, _direction, pdu, _task):
        patch = bytes.fromhex(rule.action["bytes"])
        if pdu.opcode == pdus.DATA_IN:
            data = bytearray(pdu.data)
            start = get32(pdu.header, 40)
            for at, byte in enumerate(patch, rule.action.get("offset", 0) - start):
                if 0 <= at < len(data):
                    data[at] = byte
            pdu.data = bytes(data)

    def do_replace(self, rule, _direction, pdu, task):
        if pdu.opcode != pdus.DATA_IN or not task:
            return
        if task.is_replaced:
            pdu.data = b""
            return
        task.is_replaced = True
        pdu.data = bytes.fromhex(rule.action["bytes"])[:task.expected]
        task.residual = task.expected - len(pdu.data), False

    def do_duplicate(self, _rule, direction, pdu, _task):
        asyncio.get_running_loop().call_soon(
            lambda: self.client.write(pdu.encode()) if direction not in self.muted else None)

    def do_tag(self, rule, _direction, pdu, _task):
        # The task is not over for the target's own further answers.
        put32(pdu.header, 16, rule.action.get("tag", 0x7fffffff))

    def do_reject(self, rule, direction, pdu, task):
        self.swallow(direction, pdu, task)
        self.put_ours(pdus.reject(pdu.header, rule.action.get("reason", 4)))

    def do_async(self, rule, _direction=None, _pdu=None, _task=None):
        action = rule.action
        sense = pdus.sense_data(action["sense"]) if "sense" in action else b""
        self.put_ours(pdus.async_message(action["event"], action.get("lun", 0),
                                         action.get("parameters", (0, 0, 0)), sense))

    def do_nop_in(self, rule, _direction=None, _pdu=None, _task=None):
        nop = pdus.make(pdus.NOP_IN)
        tag = pdus.NO_TAG
        if rule.action.get("answer"):
            tag = 0xf0000000 + self.proxy.next_number()
            self.nops.add(tag)
        put32(nop.header, 20, tag)
        self.put_ours(nop)

    def do_redirect(self, rule, direction, pdu, task):
        self.swallow(direction, pdu, task)
        self.put_ours(pdus.login_answer(pdu, "0101",
                                        b"TargetAddress=%s\0" % rule.action["to"].encode()))

    def do_login_status(self, rule, direction, pdu, task):
        self.swallow(direction, pdu, task)
        self.put_ours(pdus.login_answer(pdu, rule.action["status"]))
        self.cut("close")
