# SPDX-License-Identifier: LGPL-2.1-or-later
"""An iSCSI initiator that holds the target to its sequence numbers (RFC 7143
4.2.2), for test-fault-proxy.sh: what the proxy swallows and adds must not show
in them. One command at a time."""
import socket

import fault_pdu as pdus
from fault_pdu import get32, put32

SEGMENT = 8192          # tgtd's MaxRecvDataSegmentLength
FIRST_BURST = 65536
KEYS = ("InitiatorName=iqn.2026-11.org.example:strict\0SessionType=Normal\0"
        "TargetName=%s\0HeaderDigest=None\0DataDigest=None\0InitialR2T=No\0"
        "ImmediateData=Yes\0MaxRecvDataSegmentLength=262144\0MaxBurstLength=262144\0"
        "FirstBurstLength=65536\0ErrorRecoveryLevel=0\0")


class Refused(Exception):
    """Login status, as "0301", and the keys that came with it."""


class Answer:
    def __init__(self, status, sense, data, residual, flags):
        self.status = status
        self.sense = sense.hex()
        self.data = data
        self.residual = residual
        self.overflow = bool(flags & pdus.OVERFLOW)


class Initiator:
    def __init__(self, portal, target, lun=1):
        self.sock = socket.create_connection((portal.rsplit(":", 1)[0],
                                              int(portal.rsplit(":", 1)[1])), 20)
        self.stream = pdus.Stream()
        self.pdus = []
        self.lun = lun
        self.tag = 0
        self.cmd_sn = 1
        self.stat_sn = None     # expected next
        self.max_cmd_sn = 0
        self.others = []        # what came that nobody asked for
        self.got_bytes = 0
        self.login(target)

    def login(self, target):
        pdu = pdus.make(pdus.LOGIN | pdus.IMMEDIATE, 0x87, 0, (KEYS % target).encode())
        pdu.header[8:14] = bytes([0x80, 0, 0, 1, 0, self.sock.getsockname()[1] & 0xff])
        self.send(pdu)
        answer = self.receive()
        if answer.header[36]:
            raise Refused(answer.header[36:38].hex(), answer.data.decode())

    def send(self, pdu, takes_number=False):
        if pdu.opcode != pdus.DATA_OUT:
            put32(pdu.header, 24, self.cmd_sn)
        if takes_number:
            assert self.cmd_sn <= self.max_cmd_sn, "no room in the command window"
            self.cmd_sn += 1
        put32(pdu.header, 28, self.stat_sn or 0)
        self.sock.sendall(pdu.encode())

    def receive(self):
        while not self.pdus:
            data = self.sock.recv(1 << 18)
            if not data:
                raise EOFError
            self.got_bytes += len(data)
            self.pdus += self.stream.feed(data)
        pdu = self.pdus.pop(0)
        self.check(pdu)
        return pdu

    def check(self, pdu):
        header = pdu.header
        if pdu.opcode == pdus.LOGIN_RESPONSE and header[36]:
            return
        if pdu.opcode != pdus.DATA_IN or header[1] & pdus.STATUS:
            number = get32(header, 24)
            assert self.stat_sn in (None, number), "%s: StatSN %d, not %s" % (
                pdu.name, number, self.stat_sn)
            is_counted = pdu.opcode != pdus.R2T and \
                not (pdu.opcode == pdus.NOP_IN and pdu.tag == pdus.NO_TAG)
            self.stat_sn = number + is_counted
        expected, window = get32(header, 28), get32(header, 32)
        assert expected <= self.cmd_sn, "%s: ExpCmdSN %d beyond CmdSN %d" % (
            pdu.name, expected, self.cmd_sn)
        if not pdu.has_status() or pdu.opcode != pdus.LOGIN_RESPONSE:
            assert window >= self.max_cmd_sn, "MaxCmdSN went back"
        self.max_cmd_sn = window

    def command(self, cdb, expect=0, write=b"", lun=None):
        self.tag += 1
        flags = (pdus.READS if expect else 0) | (pdus.WRITES if write else 0)
        now, burst = write[:SEGMENT], write[SEGMENT:FIRST_BURST]
        pdu = pdus.make(pdus.COMMAND, flags | (0 if burst else pdus.FINAL), self.tag, now)
        pdu.header[9] = self.lun if lun is None else lun
        put32(pdu.header, 20, expect or len(write))
        pdu.header[32:32 + len(cdb)] = cdb
        self.send(pdu, takes_number=True)
        self.data_out(self.tag, pdus.NO_TAG, write, len(now), len(burst))
        return self.finish(self.tag, write)

    def data_out(self, tag, target_tag, data, start, count):
        for number, at in enumerate(range(start, start + count, SEGMENT)):
            part = data[at:min(at + SEGMENT, start + count)]
            is_last = at + len(part) == start + count
            pdu = pdus.make(pdus.DATA_OUT, pdus.FINAL if is_last else 0, tag, part)
            put32(pdu.header, 20, target_tag)
            put32(pdu.header, 36, number)
            put32(pdu.header, 40, at)
            self.send(pdu)

    def finish(self, tag, write=b""):
        got = bytearray()
        while True:
            pdu = self.receive()
            if pdu.tag != tag:
                self.other(pdu)
                continue
            header = pdu.header
            if pdu.opcode == pdus.R2T:
                self.data_out(tag, get32(header, 20), write, get32(header, 40),
                              get32(header, 44))
                continue
            if pdu.opcode == pdus.DATA_IN:
                assert get32(header, 40) == len(got), "Data-In out of order"
                got += pdu.data
            if pdu.has_status():
                sense = pdu.data[2:] if pdu.opcode == pdus.RESPONSE else b""
                return Answer(header[3], sense, bytes(got), get32(header, 44), header[1])

    def other(self, pdu):
        self.others.append(pdu)
        if pdu.opcode == pdus.NOP_IN and get32(pdu.header, 20) != pdus.NO_TAG:
            answer = pdus.make(pdus.NOP_OUT | pdus.IMMEDIATE)
            answer.header[20:24] = pdu.header[20:24]
            self.send(answer)

    def read(self, lba, count=8, size=512):
        return self.command(b"\x88\0" + lba.to_bytes(8, "big") + count.to_bytes(4, "big"),
                            count * size)

    def write(self, lba, data, size=512):
        return self.command(b"\x8a\0" + lba.to_bytes(8, "big") +
                            (len(data) // size).to_bytes(4, "big"), write=data)

    def inquiry(self, page=None, length=255):
        return self.command(bytes([0x12, page is not None, page or 0, 0, length]), length)

    def test_unit_ready(self):
        return self.command(bytes(6))
