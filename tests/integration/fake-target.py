#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An iSCSI target that misbehaves on purpose (RFC 7143), for test-nexus.sh.

    fake-target.py SCENARIO [ARGUMENT] prints "port N" and serves 127.0.0.1
    until it is killed.

It has a LUN that answers every command with GOOD and zeros, except:

    redirect ADDRESS   sends every login to ADDRESS
    moved ADDRESS      the same, for good (0102h)
    redirect-self      sends every login to itself
    chap-first         selects CHAP if it is offered, and then refuses; takes
                       those who do not ask for a security stage
    early-error        answers WRITE with CHECK CONDITION after its header,
                       without having read the data
    r2t-error          asks for the rest of a WRITE's data and answers it with
                       CHECK CONDITION in the same breath
    long-sense         CHECK CONDITION whose sense length is beyond the segment
    no-sense           CHECK CONDITION without any data
    short-read         READ brings half the data and says so
    too-much           READ brings more than was asked for
    reject             rejects every command
    busy-login         refuses logins, 0301h
    hang-login         takes the connection and says nothing
    close-login        closes the connection after the first login request
    logout             asks for logout when the first command comes
    garbage            answers the first command with random bytes
    drop-command       closes the connection when the first command comes

and in a discovery session it answers SendTargets with a list of everything
that portals can look like.
"""
import os
import socket
import struct
import sys
import threading
import time

NOP_OUT, COMMAND, LOGIN, TEXT, DATA_OUT, LOGOUT = 0x00, 0x01, 0x03, 0x04, 0x05, 0x06
NOP_IN, RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, DATA_IN, LOGOUT_RESPONSE = \
    0x20, 0x21, 0x23, 0x24, 0x25, 0x26
R2T, ASYNC, REJECT = 0x31, 0x32, 0x3f
GOOD, CHECK_CONDITION = 0x00, 0x02
WRITE_PROTECTED = bytes([0x70, 0, 7, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x27, 0, 0, 0, 0, 0])
SENSE = struct.pack(">H", len(WRITE_PROTECTED)) + WRITE_PROTECTED
FIRST_BURST = 65536
SCRIBBLE = 0xee
TARGETS = [
    "TargetName=iqn.2026-11.org.example:first",
    "TargetAddress=192.0.2.1:3260,1",
    "TargetAddress=192.0.2.1:3260,2",
    "TargetAddress=[2001:db8::1]:3261,2",
    "TargetAddress=[fe80::1]:3260,2",
    "TargetAddress=169.254.1.1:3260,2",
    "TargetAddress=not a portal,2",
    "TargetAddress=san.example:3260,3",
    "TargetName=iqn.2026-11.org.example:local",
    "TargetAddress=[fe80::2]:3260,1",
    "TargetName=iqn.2026-11.org.example:here",
    "TargetName=not an iSCSI name",
    "TargetAddress=192.0.2.9:3260,1",
]


class Gone(Exception):
    pass


class Write:
    def __init__(self, header, expected, awaited):
        self.header = header
        self.expected = expected
        self.awaited = awaited
        self.got = 0


class Session:
    def __init__(self, sock, scenario, argument):
        self.sock = sock
        self.scenario = scenario
        self.argument = argument
        self.stat_sn = 1
        self.exp_cmd_sn = 0
        self.unread = 0         # bytes of a data segment left on the wire
        self.writes = {}        # by initiator task tag: Write

    def receive(self, count):
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise Gone
            data += part
        return data

    def request(self):
        self.receive(self.unread)
        header = self.receive(48)
        length = int.from_bytes(header[5:8], "big")
        self.unread = (length + 3) & ~3
        if header[0] & 0x3f != LOGIN and not header[0] & 0x40 and \
                header[0] & 0x3f not in (DATA_OUT,):
            self.exp_cmd_sn = (int.from_bytes(header[24:28], "big") + 1) & 0xffffffff
        return header

    def data(self):
        length, self.unread = self.unread, 0
        return self.receive(length)

    def send(self, opcode, flags, itt, data=b"", byte2=0, byte3=0, specific=None,
             counts=True):
        header = bytearray(48)
        header[0], header[1], header[2], header[3] = opcode, flags, byte2, byte3
        header[5:8] = len(data).to_bytes(3, "big")
        header[16:20] = itt
        header[24:28] = self.stat_sn.to_bytes(4, "big")
        header[28:32] = self.exp_cmd_sn.to_bytes(4, "big")
        header[32:36] = ((self.exp_cmd_sn + 64) & 0xffffffff).to_bytes(4, "big")
        for offset, value in (specific or {}).items():
            header[offset:offset + len(value)] = value
        self.sock.sendall(bytes(header) + data + b"\0" * (-len(data) % 4))
        if counts:
            self.stat_sn += 1

    def respond(self, header, status, data=b"", residual=0):
        flags = 0x80 | (0x02 if residual else 0)
        self.send(RESPONSE, flags, header[16:20], data, byte3=status,
                  specific={44: struct.pack(">I", residual)})

    # Login

    def login_reply(self, header, status, text=(), transit=True):
        flags = (header[1] & 0x8f) if transit and status == 0 else header[1] & 0x0c
        data = b"".join(key.encode() + b"\0" for key in text)
        self.send(LOGIN_RESPONSE, flags, header[16:20], data,
                  specific={8: header[8:14], 36: struct.pack(">H", status)})

    def login(self):
        """Returns when the session is in its full feature phase."""
        while True:
            header = self.request()
            if header[0] & 0x3f != LOGIN:
                raise Gone
            text = self.data()
            self.exp_cmd_sn = int.from_bytes(header[24:28], "big")
            in_security = header[1] & 0x0c == 0
            if self.scenario == "hang-login":
                time.sleep(3600)
            if self.scenario == "close-login":
                raise Gone
            if self.scenario == "busy-login":
                self.login_reply(header, 0x0301)
                raise Gone
            if self.scenario in ("redirect", "moved"):
                self.login_reply(header, 0x0101 if self.scenario == "redirect" else 0x0102,
                                 [f"TargetAddress={self.argument},1"])
                raise Gone
            if self.scenario == "redirect-self":
                host, port = self.sock.getsockname()
                self.login_reply(header, 0x0101, [f"TargetAddress={host}:{port},1"])
                raise Gone
            if in_security and self.scenario == "chap-first" and b"CHAP" in text:
                self.login_reply(header, 0x0201)
                raise Gone
            if in_security:
                self.login_reply(header, 0, ["AuthMethod=None", "TargetPortalGroupTag=1"])
                continue
            self.login_reply(header, 0, [
                "TargetPortalGroupTag=1", "HeaderDigest=None", "DataDigest=None",
                "InitialR2T=No", "ImmediateData=Yes", "MaxRecvDataSegmentLength=65536",
                "FirstBurstLength=65536", "MaxBurstLength=262144", "MaxConnections=1",
                "MaxOutstandingR2T=1", "ErrorRecoveryLevel=0"])
            return

    # Commands

    def command(self, header):
        expected = int.from_bytes(header[20:24], "big")
        cdb = header[32:48]
        is_write = header[1] & 0x20
        is_read = header[1] & 0x40

        if self.scenario == "early-error" and is_write:
            self.respond(header, CHECK_CONDITION, SENSE)
            return
        if self.scenario == "drop-command":
            raise Gone
        if self.scenario == "garbage":
            self.sock.sendall(os.urandom(4096))
            time.sleep(1)
            raise Gone
        if self.scenario == "logout":
            self.send(ASYNC, 0x80, b"\xff\xff\xff\xff",
                      specific={36: b"\1", 42: struct.pack(">H", 1)}, counts=False)
            return
        if is_write:
            self.write(header, expected)
        elif self.scenario == "reject":
            self.send(REJECT, 0x80, b"\xff\xff\xff\xff", header, byte2=0x09)
        elif self.scenario == "long-sense":
            self.respond(header, CHECK_CONDITION, b"\xff\xff" + WRITE_PROTECTED)
        elif self.scenario == "no-sense":
            self.respond(header, CHECK_CONDITION)
        elif is_read and cdb[0] in (0x88, 0x12):
            self.read(header, expected)
        else:
            self.respond(header, GOOD)

    def read(self, header, expected):
        flags, residual = 0x81, 0
        if self.scenario == "short-read":
            residual = expected // 2
            flags |= 0x02
        count = expected - residual
        if self.scenario == "too-much":
            count += 512
        if count > 65536 + 512:
            self.fail("reads of this size are not served")
        self.send(DATA_IN, flags, header[16:20], b"\0" * count,
                  specific={20: b"\xff\xff\xff\xff", 44: struct.pack(">I", residual)})

    # Writes: what is unsolicited comes by itself, the rest is asked for.

    def write(self, header, expected):
        write = Write(header, expected, min(expected, FIRST_BURST))
        self.writes[header[16:20]] = write
        self.write_data(write)

    def data_out(self, header):
        write = self.writes.get(header[16:20])
        if write:
            self.write_data(write)
        else:
            # Of a write that was answered early; nexus-smoke scribbles over a
            # buffer as soon as it gets it back.
            if SCRIBBLE in self.data():
                self.fail("data of a buffer that was given back")

    def write_data(self, write):
        write.got += len(self.data())
        if write.got < write.awaited:
            return
        tag = write.header[16:20]
        if self.scenario == "reject":
            self.send(REJECT, 0x80, b"\xff\xff\xff\xff", write.header, byte2=0x09)
        elif write.got == write.expected:
            self.respond(write.header, GOOD)
        else:
            count = min(write.expected - write.got, 262144)
            write.awaited += count
            self.send(R2T, 0x80, tag, counts=False,
                      specific={20: b"\0\0\0\1", 40: struct.pack(">II", write.got, count)})
            if self.scenario != "r2t-error":
                return
            self.respond(write.header, CHECK_CONDITION, SENSE)
        del self.writes[tag]

    def fail(self, why):
        print(why, file=sys.stderr, flush=True)
        os._exit(1)

    def serve(self):
        try:
            self.login()
            while True:
                header = self.request()
                opcode = header[0] & 0x3f
                if opcode == COMMAND:
                    self.command(header)
                elif opcode == NOP_OUT and header[16:20] != b"\xff\xff\xff\xff":
                    self.send(NOP_IN, 0x80, header[16:20],
                              specific={20: b"\xff\xff\xff\xff"})
                elif opcode == TEXT:
                    self.send(TEXT_RESPONSE, 0x80, header[16:20],
                              b"".join(key.encode() + b"\0" for key in TARGETS),
                              specific={20: b"\xff\xff\xff\xff"})
                elif opcode == LOGOUT:
                    self.send(LOGOUT_RESPONSE, 0x80, header[16:20])
                elif opcode == DATA_OUT:
                    self.data_out(header)
                elif opcode != NOP_OUT:
                    self.fail(f"not a PDU of this initiator: opcode {opcode:#x}")
        except (Gone, ConnectionError, BrokenPipeError):
            pass
        finally:
            self.sock.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(sock, sys.argv[1], (sys.argv + [None])[2])
        threading.Thread(target=session.serve, daemon=True).start()


main()
