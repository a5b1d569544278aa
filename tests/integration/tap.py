#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A relay in front of an iSCSI portal that writes down what the initiator sends.

usage: tap.py ADDRESS:PORT PORTAL-ADDRESS:PORT LOG

A line in LOG for each SCSI command, before it is passed on:
CONNECTION LUN CDB, the last two in hex; and for each login request
CONNECTION login ISID. Answers are passed on unread.

After SIGUSR1 the connections there are pass nothing on, not even their end, as
if the initiator's host had died; new ones are served.
"""
import signal
import socket
import struct
import sys
import threading

SCSI_COMMAND = 0x01
LOGIN_REQUEST = 0x03

frozen = 0      # connections up to this number
kept = []       # sockets: what nobody refers to is closed

def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


class Pdus:
    """Finds the basic header segments in a stream (RFC 7143 11.2, no digests)."""

    def __init__(self, on_header):
        self.on_header = on_header
        self.header = bytearray()
        self.skip = 0

    def feed(self, data):
        at = 0
        while at < len(data):
            if self.skip:
                step = min(self.skip, len(data) - at)
                self.skip -= step
                at += step
                continue
            part = data[at:at + 48 - len(self.header)]
            self.header += part
            at += len(part)
            if len(self.header) < 48:
                return
            payload = int.from_bytes(self.header[5:8], "big")
            self.skip = self.header[4] * 4 + (payload + 3 & ~3)
            self.on_header(bytes(self.header))
            self.header.clear()


def relay(source, sink, number, seen):
    try:
        while True:
            data = source.recv(1 << 18)
            if not data or number <= frozen:
                break
            if seen:
                seen(data)
            sink.sendall(data)
    except OSError:
        pass
    if number <= frozen:
        return          # serve() keeps the sockets
    for end in source, sink:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, number, portal, log):
    def note(header):
        operation = header[0] & 0x3f
        if operation == SCSI_COMMAND:
            log.write("%d %s %s\n" % (number, header[8:16].hex(), header[32:48].hex()))
        elif operation == LOGIN_REQUEST:
            log.write("%d login %s\n" % (number, header[8:14].hex()))

    try:
        server = socket.create_connection(portal)
    except OSError:
        # As if the portal itself had been knocked at: a reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        return
    for end in client, server:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    kept.append((client, server))
    threading.Thread(target=relay, args=(server, client, number, None), daemon=True).start()
    relay(client, server, number, Pdus(note).feed)


def main():
    listen, portal, name = sys.argv[1:]
    log = open(name, "a", buffering=1)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address(listen))
    listener.listen(64)
    number = 0

    def freeze(*_):
        global frozen
        frozen = number
        print("frozen", flush=True)

    signal.signal(signal.SIGUSR1, freeze)
    while True:
        client, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(client, number, address(portal), log),
                         daemon=True).start()


main()
