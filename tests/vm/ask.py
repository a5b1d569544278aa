#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ask.py SOCKET SECONDS COMMAND

Has the agent of a virtual machine (see init) run a line of shell, prints what
that prints, and exits as that exits: 124 where no answer comes in time, 125
where the machine goes away.
"""

import os
import socket
import sys
import time


def answer_to(data, token):
    """(output, status) once DATA holds the whole answer. Before it there may be
    the rest of one that nobody waited for."""
    begin = data.find(token + b" begin\n")
    end = data.rfind(b"\n" + token + b" ")
    if begin < 0 or end < begin or not data.endswith(b"\n"):
        return None
    output = data[begin + len(token) + len(b" begin\n"):end]
    return output, int(data[end:].split()[1])


def ask(path, seconds, command):
    deadline = time.monotonic() + seconds
    token = b"%d.%d" % (os.getpid(), time.monotonic_ns())
    data = b""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(b"%s %s\n" % (token, command.encode()))
        while True:
            s.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = s.recv(65536)
            if not chunk:
                raise ConnectionError("the machine is gone")
            data += chunk
            answer = answer_to(data, token)
            if answer:
                return answer


def main():
    path, seconds, command = sys.argv[1:]
    if "\n" in command:
        sys.exit("ask.py: one line at a time")
    try:
        output, status = ask(path, float(seconds), command)
    except socket.timeout:
        print("ask.py: no answer after %s s: %s" % (seconds, command), file=sys.stderr)
        sys.exit(124)
    except OSError as e:
        print("ask.py: %s: %s" % (e, command), file=sys.stderr)
        sys.exit(125)
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    sys.exit(status)


main()
