#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The fault proxy does what it is told and nothing else, and neither end can tell
# from the sequence numbers that it is there. No plugin: clients are libiscsi's
# tools, qemu, and an initiator that is strict about numbers.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd iscsi-inq iscsi-ls iscsi-readcapacity16 qemu-io qemu-img

# strict SCRIPT [ARG...]: Python with a session i through the proxy and one
# straight to the target, d; ask(OP, ...) asks the proxy.
strict()
{
	client "$PYTHON" -B -c 'import json, socket, sys, threading, time
sys.path.insert(0, sys.argv[1])
import fault_pdu as pdus
from strict_initiator import Initiator, Refused
PORTAL, DIRECT, TARGET, CONTROL = sys.argv[2:6]

def ask(op, **what):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(CONTROL)
        s.sendall(json.dumps({"op": op, **what}).encode() + b"\n")
        answer = json.loads(s.makefile().readline())
    assert "error" not in answer, answer
    return answer

def rule(name, action, **match):
    ask("add", rule={"name": name, "action": action, **match})

def fired(name):
    return ask("stats")["rules"][name]["fired"]

def session():
    new = Initiator(PORTAL, TARGET)
    settle(new)
    return new

def settle(new):
    # A new session begins with unit attentions.
    while new.test_unit_ready().status:
        pass

def seen(name):
    return ask("stats")["requests"].get(name, 0)

def sent(name):
    return ask("stats")["forwarded"].get(name, 0)

ask("clear")
i, d = session(), Initiator(DIRECT, TARGET)
settle(d)
ask("forget")
exec(sys.argv[6])' "$HARNESS_DIR" "$(proxy_portal p)" "$(array_portal a)" "$(array_target a)" \
		"$(proxy_socket p)" "$@"
}

without_rules_nothing_shows()
{
	local url
	url=$(proxy_url p)
	client iscsi-inq -e 1 -c 131 "$(array_url a)" >"$TESTDIR/direct"
	client iscsi-inq -e 1 -c 131 "$url" >"$TESTDIR/through"
	assert_same_data "$TESTDIR/direct" "$TESTDIR/through"
	client qemu-io -f raw "$url" -c 'write -P 0x11 0 8M' -c 'write -P 0x12 3M 512' \
		-c 'read -P 0x11 0 3M' -c 'read -P 0x12 3M 512' -c 'read -P 0x11 4M 4M' \
		-c flush >"$TESTDIR/qio.out"
	assert_not_contains "$TESTDIR/qio.out" failed
	client qemu-img compare -f raw -F raw "$url" "$DISK" >/dev/null
}

discovery_names_the_proxy_if_asked_to()
{
	proxy_kill p
	proxy_start p "$(array_portal a)" --own-address
	client -t 10 iscsi-ls "iscsi://$(proxy_portal p)" >"$TESTDIR/ls.out"
	assert_contains "$TESTDIR/ls.out" "Portal:$(proxy_portal p),1"
}

the_proxy_answers_and_the_target_never_sees_it()
{
	strict '
d.write(0, b"a" * 4096)
rule("no", {"do": "answer", "status": 2, "sense": "3/0c/02"}, scsi="WRITE", count=1)
a = i.write(0, b"b" * 4096)
assert (a.status, a.residual) == (2, 4096) and a.sense.startswith("700003"), vars(a)
assert a.sense[24:28] == "0c02"
assert d.read(0).data == b"a" * 4096 == i.read(0).data
assert sent("WRITE") == 0 and seen("WRITE") == 1
assert i.write(0, b"c" * 4096).status == 0 and d.read(0).data == b"c" * 4096
'
}

the_proxy_answers_after_the_target_did()
{
	strict '
for n in 4096, 300 * 1024:      # with the command, and with R2Ts
    d.write(0, b"a" * n)
    rule("no", {"do": "answer", "status": 2, "sense": "4/44/00", "descriptor": True,
                "deferred": True, "executed": True}, scsi="WRITE", count=1)
    a = i.write(0, b"b" * n)
    assert (a.status, a.residual, a.sense) == (2, 0, "7304440000000000"), vars(a)
    assert d.read(0, n // 512).data == b"b" * n
rule("no", {"do": "answer", "status": 2, "sense": "1/17/00", "executed": True, "data": "all"},
     scsi="READ", count=1)
a = i.read(0, 600)
assert (a.status, a.residual, a.data) == (2, 0, b"b" * n)
rule("no", {"do": "answer", "status": 0, "executed": True, "data": 1000}, scsi="READ", count=1)
a = i.read(0, 600)
assert (a.status, a.residual, a.data) == (0, n - 1000, b"b" * 1000)
rule("no", {"do": "answer", "status": 8, "executed": True}, scsi="READ", count=1)
a = i.read(0, 600)
assert (a.status, a.residual, a.data) == (8, n, b"")
'
}

# A write whose data comes unasked, then on request; more commands than the
# window has, that only one side counts.
numbers_stay_right_whatever_is_swallowed()
{
	strict '
rule("no", {"do": "answer", "status": 8}, scsi="WRITE", count=3)
for n in 4096, 60000 // 512 * 512, 300 * 1024:
    assert i.write(64, b"x" * n).status == 8
    assert i.read(64).status == 0
rule("no", {"do": "answer", "status": 0x28}, scsi="READ", nth=2, count=300)
assert i.read(0).status == 0
for n in range(300):
    assert i.read(0).status == 0x28
assert i.read(0).status == 0 and fired("no") == 300
rule("early", {"do": "answer", "status": 8, "early": True}, scsi="WRITE", count=1)
assert i.write(64, b"x" * 61440).status == 8
assert i.write(64, b"y" * 61440).status == 0 and d.read(64, 120).data == b"y" * 61440
rule("reject", {"do": "reject", "reason": 9}, scsi="TUR", count=1)
i.tag += 1
pdu = pdus.make(pdus.COMMAND, pdus.FINAL, i.tag)
pdu.header[9] = 1
i.send(pdu, takes_number=True)
got = i.receive()
assert got.opcode == pdus.REJECT and got.header[2] == 9 and got.data[16:20] == pdu.header[16:20]
assert i.test_unit_ready().status == 0
'
}

rules_fit_what_they_say()
{
	strict '
def fires(act, **match):
    rule("r", {"do": "delay", "ms": 1}, **match)
    act()
    return fired("r")
read = lambda: i.read(100, 8)
assert fires(read, scsi="READ") == 1 and fires(read, scsi=["WRITE", "TUR"]) == 0
assert fires(read, lba=[107, 200]) == 1 and fires(read, lba=[108, 200]) == 0
assert fires(read, lba=[0, 100]) == 1 and fires(read, lba=[0, 99]) == 0
assert fires(read, lun=1) == 1 and fires(read, lun=0) == 0
assert fires(read, pdu="status", direction="response", scsi="READ") == 1
assert fires(lambda: i.inquiry(0x83), vpd=0x83) == 1
assert fires(lambda: i.inquiry(), scsi="INQUIRY", vpd=0x83) == 0
for n in range(40):
    rule("r", {"do": "delay", "ms": 0}, scsi="READ", probability=0.5, seed=n)
    read(), read(), read(), read()
    if fired("r") in (0, 4):
        continue
    first = fired("r")
    rule("r", {"do": "delay", "ms": 0}, scsi="READ", probability=0.5, seed=n)
    read(), read(), read(), read()
    assert fired("r") == first
    break
rule("r", {"do": "answer", "status": 8}, scsi="READ", nth=2, count=2)
assert [read().status for n in range(5)] == [0, 8, 8, 0, 0]
'
	assert_fails proxy p '{"op": "add", "rule": {"name": "x", "scis": "READ", "action": {"do": "hold"}}}'
	assert_fails proxy p '{"op": "add", "rule": {"name": "x", "scsi": "REED", "action": {"do": "hold"}}}'
	assert_fails proxy p '{"op": "add", "rule": {"name": "x", "action": {"do": "answer", "sence": "1/2/3"}}}'
	assert_fails proxy p '{"op": "wait", "rule": "none"}'
}

data_are_rewritten()
{
	proxy_clear p
	proxy_rule p vendor '"scsi": "INQUIRY", "direction": "response"' \
		'"do": "patch", "offset": 8, "bytes": "4f54484552202020"'
	proxy_rule p size '"scsi": "READ CAPACITY", "direction": "response"' \
		'"do": "patch", "offset": 4, "bytes": "00001000"'
	client iscsi-inq "$(proxy_url p)" >"$TESTDIR/inq.out"
	assert_contains "$TESTDIR/inq.out" 'Vendor:OTHER'
	client iscsi-readcapacity16 "$(proxy_url p)" >"$TESTDIR/capacity.out"
	assert_contains "$TESTDIR/capacity.out" 'RETURNED LOGICAL BLOCK ADDRESS:4096$'
	strict '
rule("id", {"do": "replace", "bytes": "00830004aabbccdd"}, vpd=0x83, direction="response")
a = i.inquiry(0x83)
assert (a.data.hex(), a.residual, a.overflow) == ("00830004aabbccdd", 247, False), vars(a)
rule("rtpg", {"do": "answer", "bytes": "00000008" "0000" "0001" "00000000"}, scsi="RTPG")
a = i.command(bytes([0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0]), 64)
assert (a.status, a.data.hex(), a.residual) == (0, "000000080000000100000000", 52), vars(a)
assert i.read(0).status == 0
d.write(0, bytes(range(256)) * 1200)
rule("byte", {"do": "patch", "offset": 300000, "bytes": "ffff"}, scsi="READ", direction="response")
want = bytearray(bytes(range(256)) * 1200)
want[300000:300002] = b"\xff\xff"
assert i.read(0, 600).data == want
rule("byte", {"do": "residual", "count": 512}, scsi="READ", direction="response")
a = i.read(0)
assert (len(a.data), a.residual, a.overflow) == (4096, 512, False)
rule("byte", {"do": "residual", "count": 512, "overflow": True}, scsi="READ", direction="response")
a = i.read(0)
assert (len(a.data), a.residual, a.overflow) == (4096, 512, True)
rule("byte", {"do": "shorten", "bytes": 100}, scsi="READ", direction="response")
a = i.read(0)
assert (len(a.data), a.residual) == (100, 0)
'
}

pdus_wait_and_others_pass_them()
{
	strict '
rule("late", {"do": "delay", "ms": 300}, scsi="READ", count=1)
began = time.monotonic()
assert i.read(0).status == 0 and time.monotonic() - began >= 0.3
for direction in "request", "response":
    rule("held", {"do": "hold"}, scsi="WRITE", direction=direction)
    result = []
    thread = threading.Thread(target=lambda: result.append(i.write(8, b"h" * 200000)))
    thread.start()
    ask("wait", rule="held", held=1)
    other = session()
    assert other.read(0).status == 0 and not result
    ask("remove", rule="held")
    thread.join()
    assert result[0].status == 0 and d.read(8, 16).data == b"h" * 8192
rule("lost", {"do": "drop"}, scsi="WRITE", count=1)
i.sock.settimeout(0.3)
try:
    i.write(8, b"d" * 61440)
    raise SystemExit("an answer to what was dropped")
except TimeoutError:
    pass
assert i.read(8, 16).data == b"h" * 8192 and sent("WRITE") == 2
'
}

connections_end_where_they_should()
{
	strict '
def ends(how, act, **match):
    i = session()
    rule("end", {"do": how, **act}, count=1, **match)
    before = i.got_bytes
    try:
        i.read(0)
        i.receive()
    except ConnectionResetError:
        return "reset", i.got_bytes - before
    except EOFError:
        return "close", i.got_bytes - before
assert ends("reset", {}, scsi="READ") == ("reset", 0) and sent("READ") == 0
assert ends("close", {}, scsi="READ") == ("close", 0) and sent("READ") == 0
answer = {"scsi": "READ", "direction": "response", "pdu": "data-in"}
assert ends("close", {"when": "middle", "bytes": 1000}, **answer) == ("close", 1000)
assert ends("close", {"when": "middle", "bytes": 20}, **answer) == ("close", 20)
assert ends("close", {"when": "after"}, **answer) == ("close", 48 + 4096)
assert ends("reset", {"side": "client"}, **answer)[0] == "reset"
assert ask("stats")["connections"] == 2         # this one, and the one the target believes in
rule("torn", {"do": "truncate", "bytes": 2000}, count=1, **answer)
i.sock.settimeout(0.3)
before = i.got_bytes
try:
    i.read(0)
except TimeoutError:
    assert i.got_bytes - before == 2000
ask("cut", how="reset")
try:
    i.receive()
except ConnectionResetError:
    ask("wait", live=0)
'
	proxy p '{"op": "listen", "on": false}' >/dev/null
	assert_fails client -t 5 iscsi-inq "$(proxy_url p)"
	proxy p '{"op": "listen", "on": true}' >/dev/null
	client iscsi-inq "$(proxy_url p)" >/dev/null
}

nops_and_async_messages_are_made()
{
	strict '
rule("nop", {"do": "nop-in", "answer": True}, scsi="READ", direction="response", count=1)
assert i.read(0).status == 0
assert [p.opcode for p in i.others] == [pdus.NOP_IN]
ask("wait", requests="nop-answer")
assert sent("nop-out") == 0 and i.read(0).status == 0
i.others.clear()
for event in 1, 2, 3, 4:
    assert ask("inject", action={"do": "async", "event": event, "parameters": [0, 1, 2]}) == \
        {"sessions": 1}
ask("inject", action={"do": "nop-in"})
assert i.read(0).status == 0
assert [p.opcode for p in i.others] == [pdus.ASYNC] * 4 + [pdus.NOP_IN]
assert [p.header[36] for p in i.others[:4]] == [1, 2, 3, 4]
rule("twice", {"do": "duplicate"}, scsi="READ", pdu="status", direction="response", count=1)
first = i.read(0)
stat_sn = i.stat_sn
try:
    i.receive()
    raise SystemExit("no second answer")
except AssertionError as error:
    assert "StatSN %d, not %d" % (stat_sn - 1, stat_sn) in str(error)
assert i.read(0).status == 0
rule("tag", {"do": "tag", "tag": 0x1234}, scsi="TUR", direction="response", count=1)
i.sock.settimeout(0.3)
i.others.clear()
try:
    i.test_unit_ready()
except TimeoutError:
    assert [p.tag for p in i.others] == [0x1234]
'
}

logins_are_refused_and_sent_elsewhere()
{
	strict '
for status in "0201", "0202", "0203", "0301", "0302":
    rule("no", {"do": "login-status", "status": status}, count=1)
    try:
        session()
        raise SystemExit("login with " + status)
    except Refused as refused:
        assert refused.args[0] == status, refused
rule("no", {"do": "redirect", "to": "192.0.2.1:3260"}, count=1)
try:
    session()
except Refused as refused:
    assert refused.args == ("0101", "TargetAddress=192.0.2.1:3260\0"), refused
assert session().read(0).status == 0
'
	proxy_rule p away '"count": 1' "\"do\": \"redirect\", \"to\": \"$(array_portal a)\""
	client iscsi-inq "$(proxy_url p)" >/dev/null
	assert_eq "$(proxy_stat p 'sent("INQUIRY")')" 0 "commands through the proxy"
}

array_start a
proxy_array p a
behaviours without_rules_nothing_shows \
	discovery_names_the_proxy_if_asked_to \
	the_proxy_answers_and_the_target_never_sees_it \
	the_proxy_answers_after_the_target_did \
	numbers_stay_right_whatever_is_swallowed \
	rules_fit_what_they_say \
	data_are_rewritten \
	pdus_wait_and_others_pass_them \
	connections_end_where_they_should \
	nops_and_async_messages_are_made \
	logins_are_refused_and_sent_elsewhere
