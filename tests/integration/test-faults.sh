#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sessions that end in the middle of anything, answers that are short, doubled or
# somebody else's, units that turn into others: clients notice nothing, or the
# error, and never wrong data.

DISK_SIZE=16M
TEST_TIMEOUT=240
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd fio qemu-img

# faults [-n EXPORT] SCRIPT [ARG...]: Python with h as in nbdsh_export, rule() and ask() for the
# proxies "left" and "right", show() and paths() for what pathctl says, and
# exchange(), which must see its own data.
faults()
{
	local name=main script
	if [ "$1" = -n ]; then
		name=$2
		shift 2
	fi
	script=$1
	shift
	nbdsh_export -n "$name" '
import json, socket, subprocess
DIR, CONTROL, DIRECT = sys.argv[3:6]
SEED = 1

def ask(proxy, op, **what):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("%s/%s.proxy" % (DIR, proxy))
        s.sendall(json.dumps({"op": op, **what}).encode() + b"\n")
        answer = json.loads(s.makefile().readline())
    assert "error" not in answer, answer
    return answer

def rule(proxy, name, action, **match):
    ask(proxy, "add", rule={"name": name, "action": action, **match})

def fired(proxy, name):
    return ask(proxy, "stats")["rules"][name]["fired"]

def show():
    return json.loads(subprocess.check_output(
        ["pathctl", "--socket", CONTROL, "show", "--json"], timeout=20))

def until(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "%s: not within %d s: %s" % (
            what, seconds, [(p["state"], p["last_error"]) for p in show()["paths"]])
        time.sleep(0.02)

def is_up(n):
    return show()["paths"][n]["state"] == "active-optimized"

def settle(what="both paths are up"):
    for proxy in "left", "right":
        ask(proxy, "clear")
    until(lambda: is_up(0) and is_up(1), what)

def exchange(what, size=300 * 1024, offset=1 << 20):
    """A write that needs R2Ts, and what is then read."""
    global SEED
    SEED += 1
    data = random.Random(SEED).randbytes(size)
    h.pwrite(data, offset)
    h.flush()
    assert h.pread(size, offset) == data, what + ": wrong data"

settle()
for proxy in "left", "right":
    ask(proxy, "forget")
exec(sys.argv[6])
settle("both paths are up after it")
exchange("after it")' "$TESTDIR" "$(export_control_socket "$name")" "$(array_portal a)" "$script" "$@"
}

# Every kind of PDU, cut in its header, right behind it, in its data, with a reset
# or an orderly end.
a_session_that_ends_inside_a_pdu_costs_nothing()
{
	faults '
number = 0
for direction, pdu in (("request", "command"), ("request", "data-out"),
                       ("response", "r2t"), ("response", "response"),
                       ("response", "data-in")):
    for where in (10, 48, 1000, None):
        if where == 1000 and pdu in ("r2t", "response"):
            continue
        number += 1
        action = {"do": ("reset", "close")[number % 2], "when": "middle", "bytes": where}
        if where is None:
            action = {"do": action["do"], "when": "after"}
        what = "%s %s" % (pdu, action)
        rule("left", "cut", action, direction=direction, pdu=pdu, nth=2 if where else 1,
             count=1, **({"scsi": ["READ", "WRITE"]} if pdu == "command" else {}))
        exchange(what)
        exchange(what)
        assert fired("left", "cut") == 1, what
        settle(what)
'
}

a_login_may_fail_at_every_step()
{
	faults '
for direction in "request", "response":
    for nth in 1, 2:
        for action in ({"do": "reset"}, {"do": "close", "when": "middle", "bytes": 30},
                       {"do": "reset", "when": "after"}):
            what = "login %s %d: %s" % (direction, nth, action)
            pdu = "login" if direction == "request" else "login-response"
            rule("left", "no", action, direction=direction, pdu=pdu, nth=nth, count=1)
            ask("left", "cut")
            ask("left", "wait", rule="no", fired=1)
            exchange(what, 8192)
            settle(what)
for status in "0201", "0203", "0301", "0302":
    rule("left", "no", {"do": "login-status", "status": status}, count=2)
    ask("left", "cut")
    ask("left", "wait", rule="no", fired=2)
    exchange(status, 8192)
    assert status in show()["paths"][0]["last_error"], show()["paths"][0]
    settle(status)
rule("left", "away", {"do": "redirect", "to": DIRECT}, count=1)
ask("left", "cut")
until(lambda: fired("left", "away") == 1 and is_up(0), "it follows a redirection")
before = ask("left", "stats")["forwarded"].get("WRITE", 0)
exchange("redirected")
assert ask("left", "stats")["forwarded"].get("WRITE", 0) == before
'
	# The session is not behind the proxy now.
	array_drop_sessions a
}

a_verification_may_be_cut_at_every_step()
{
	faults '
steps = {"scsi": ["TUR", "INQUIRY", "READ CAPACITY", "MODE SENSE"]}
for nth in range(1, 9):
    for direction in "request", "response":
        what = "step %d, %s" % (nth, direction)
        pdu = {} if direction == "request" else {"pdu": "status"}
        rule("left", "no", {"do": "reset"}, direction=direction, nth=nth, count=1, **steps, **pdu)
        ask("left", "cut")
        ask("left", "wait", rule="no", fired=1)
        exchange(what, 8192)
        settle(what)
'
}

# Nothing ends, nothing comes: the time-outs of the export are short.
silence_in_the_middle_of_anything_is_waited_out()
{
	faults '
answer = {"direction": "response"}
for what, action, match in (
        ("torn data", {"do": "truncate", "bytes": 700}, {"pdu": "data-in", "scsi": "READ", **answer}),
        ("torn write", {"do": "truncate", "bytes": 700}, {"pdu": "data-out"}),
        ("no answer", {"do": "drop"}, {"pdu": "status", "scsi": "WRITE", **answer}),
        ("no command", {"do": "drop"}, {"scsi": "READ"}),
        ("no R2T", {"do": "drop"}, {"pdu": "r2t", **answer}),
        ("wrong tag", {"do": "tag"}, {"pdu": "status", "scsi": "WRITE", **answer}),
        ("dead half", {"do": "reset", "side": "target"}, {"scsi": "WRITE"})):
    rule("left", "silent", action, count=1, **match)
    exchange(what)
    exchange(what)
    assert fired("left", "silent") == 1, what
    settle(what)
'
}

strange_answers_do_no_harm()
{
	faults '
for what, action, match in (
        ("reject", {"do": "reject", "reason": 9}, {"scsi": "WRITE"}),
        ("reject", {"do": "reject", "reason": 4}, {"scsi": "READ"}),
        ("twice", {"do": "duplicate"},
         {"pdu": "status", "scsi": "WRITE", "direction": "response"}),
        ("twice", {"do": "duplicate"},
         {"pdu": "data-in", "scsi": "READ", "direction": "response"}),
        ("unknown status", {"do": "answer", "status": 0x22}, {"scsi": "WRITE"}),
        ("empty sense data", {"do": "answer", "status": 2, "sense_bytes": "00" * 18},
         {"scsi": "WRITE"}),
        ("before the data", {"do": "answer", "status": 8, "early": True}, {"scsi": "WRITE"})):
    rule("left", "strange", action, count=1, **match)
    exchange(what)
    exchange(what)
    assert fired("left", "strange") == 1, what
    settle(what)
'
}

short_and_long_transfers_are_done_again()
{
	faults '
for what, action in (
        ("short", {"do": "answer", "status": 0, "executed": True, "data": 2048}),
        ("nothing", {"do": "answer", "status": 0}),
        ("too much", {"do": "answer", "status": 0, "executed": True, "data": "all",
                      "residual": 512, "overflow": True})):
    for command in "READ", "WRITE":
        rule("left", "short", action, scsi=command, count=1)
        exchange(what + " " + command)
        exchange(what + " " + command)
        assert fired("left", "short") == 1, what
        settle(what)
'
}

# 1 MiB is several commands side by side: one of them is answered with an error, the
# others are executed.
an_error_in_part_of_a_request_is_that_of_all_of_it()
{
	faults '
size, part = 1 << 20, 256 << 10
def answered(what, n, act, **match):
    rule("left", "part", {"do": "answer", **what}, count=1,
         lba=[n * part // 512, (n + 1) * part // 512 - 1], **match)
    try:
        act()
        result = 0
    except nbd.Error as error:
        result = error.errnum
    assert fired("left", "part") == 1
    return result
for seed, n in enumerate((0, 1, 3)):
    old, new = (random.Random(seed + m).randbytes(size) for m in (100, 200))
    h.pwrite(old, 0)
    got = []
    for executed in False, True:
        h.pwrite(old, 0)
        assert answered({"status": 2, "sense": "3/0c/00", "executed": executed}, n,
                        lambda: h.pwrite(new, 0), scsi="WRITE") == errno.EIO
        whole = h.pread(size, 0)
        kept = old if not executed else new
        assert whole[n * part:(n + 1) * part] == kept[n * part:(n + 1) * part]
        for m in set(range(4)) - {n}:
            chunk = whole[m * part:(m + 1) * part]
            assert chunk in (old[m * part:(m + 1) * part], new[m * part:(m + 1) * part])
    for what in {"status": 2, "sense": "6/2a/09"}, {"status": 0x28}, {"status": 2, "sense": "b/47/00"}:
        h.pwrite(old, 0)
        assert answered(what, n, lambda: h.pwrite(new, 0), scsi="WRITE") == 0
        settle()
        assert answered(what, n, lambda: got.append(h.pread(size, 0)), scsi="READ") == 0
        assert got.pop() == new
        settle()
    assert answered({"status": 2, "sense": "3/11/00"}, n, lambda: h.pread(size, 0),
                    scsi="READ") == errno.EIO
'
}

# Nor is it said: no residual. CONDITION MET, and an iSCSI response that is none of
# the unit's, have no data either.
a_read_that_is_good_without_its_data_is_done_again()
{
	faults '
for what, action in (
        ("nothing", {"status": 0}),
        ("condition met", {"status": 4}),
        ("target failure", {"status": 0, "response": 1}),
        ("half", {"status": 0, "executed": True, "data": 150 * 1024})):
    rule("left", "bare", dict(action, do="answer", residual=0), scsi="READ", count=1)
    exchange(what)
    exchange(what)
    assert fired("left", "bare") == 1, what
    settle(what)
'
}

a_target_that_speaks_up_is_obeyed()
{
	faults '
rule("left", "nop", {"do": "nop-in", "answer": True}, scsi="READ", direction="response", count=3)
exchange("NOP-In"), exchange("NOP-In"), exchange("NOP-In")
ask("left", "wait", requests="nop-answer", count=3)
assert ask("left", "stats")["requests"].get("login", 0) == 0, "the session did not last"
for event in 1, 3, 4:
    before = ask("left", "stats")["requests"].get("session", 0)
    assert ask("left", "inject", action={"do": "async", "event": event,
                                         "parameters": [0, 0, 1]}) == {"sessions": 1}
    exchange("async %d" % event)
    if event == 3:
        ask("left", "cut", how="close")
    until(lambda: ask("left", "stats")["requests"].get("session", 0) > before,
          "a new session after message %d" % event)
    settle("async %d" % event)
'
}

a_unit_that_became_another_gets_no_io()
{
	faults '
other = {"do": "patch", "offset": 75, "bytes": "5a"}         # the end of the NAA designator
def no_blocks():
    counts = ask("left", "stats")["forwarded"]
    return not any(counts.get(name) for name in ("READ", "WRITE", "SYNCHRONIZE CACHE"))

# While its session was away.
rule("left", "other", other, vpd=0x83, direction="response")
ask("left", "cut")
until(lambda: "wrong unit" in (show()["paths"][0]["last_error"] or ""), "it is refused")
ask("left", "forget")
exchange("other unit")
assert no_blocks() and show()["paths"][0]["state"] == "failed"
settle("it is the right one again")

# While a write was under way: only the unit attention says so.
rule("left", "other", other, vpd=0x83, direction="response")
rule("left", "attention", {"do": "answer", "status": 2, "sense": "6/3f/0e"}, scsi="WRITE", count=1)
ask("left", "forget")
exchange("other unit under a live session", 4096)     # one command
assert fired("left", "attention") == 1 and no_blocks()
until(lambda: "wrong unit" in show()["paths"][0]["last_error"], "it is refused")
settle("it is the right one again")
'
}

a_unit_of_another_size_is_asked_about()
{
	faults '
def size(proxy, last):
    rule(proxy, "size", {"do": "patch", "bytes": "%016x" % last}, scsi="READ CAPACITY",
         direction="response")
blocks = show()["size"] // 512
size("left", blocks // 2 - 1)
ask("left", "cut")
until(lambda: "blocks" in (show()["paths"][0]["last_error"] or ""), "half a unit is refused")
exchange("half of it")
assert show()["size"] == blocks * 512
settle("whole again")

# Both have grown, and say so.
for proxy in "left", "right":
    size(proxy, 2 * blocks - 1)
    rule(proxy, "attention", {"do": "answer", "status": 2, "sense": "6/2a/09"}, scsi="READ", count=1)
exchange("grown"), exchange("grown"), exchange("grown")
until(lambda: show()["size"] == 2 * blocks * 512, "the new size")
for proxy in "left", "right":
    ask(proxy, "clear")
    ask(proxy, "cut")
until(lambda: show()["size"] == blocks * 512, "the old size")
'
}

a_unit_that_is_gone_fails_its_path()
{
	faults '
gone = {"do": "answer", "status": 2, "sense": "5/25/00"}
rule("left", "gone", gone, pdu="command")
exchange("gone")
until(lambda: show()["paths"][0]["state"] == "failed", "the path fails")
seen = fired("left", "gone")
until(lambda: fired("left", "gone") > seen, "it is asked again")
exchange("gone")
assert show()["paths"][0]["state"] == "failed"
'
}

# discovers_after WHAT MATCH ACTION: the portal does that to the first discovery, and
# is asked again.
discovers_after()
{
	say "$1"
	proxy_rule right once "$2, \"count\": 1" "$3"
	export_start -n found "portal=$(proxy_portal right)" "target=$ARRAY_IQN" lun=1 \
		login-timeout=500ms
	proxy_wait right '"rule": "once", "fired": 1'
	assert_eq "$(show -n found 'd["paths"][0]["portal"]')" "$(proxy_portal right)"
	proxy_clear right
	nbdsh_export -n found 'h.pwrite(b"f" * 8192, 0); assert h.pread(8192, 0) == b"f" * 8192'
	export_stop found
}

a_discovery_may_fail_at_every_step()
{
	local answer='"direction": "response", "pdu": "text-response"'
	discovers_after "its login is reset" '"pdu": "login"' '"do": "reset"'
	discovers_after "its login is refused" '"pdu": "login"' '"do": "login-status", "status": "0301"'
	discovers_after "its question is rejected" '"pdu": "text"' '"do": "reject", "reason": 5'
	discovers_after "its question ends the session" '"pdu": "text"' '"do": "close"'
	discovers_after "half an answer, and the end" "$answer" '"do": "reset", "when": "middle"'
	discovers_after "half an answer, and silence" "$answer" '"do": "truncate", "bytes": 60'
	discovers_after "no answer" '"pdu": "text"' '"do": "drop"'
}

# TEST UNIT READY is answered well, and I/O never. With nothing else left the path
# is tried all the same.
a_path_that_is_well_only_when_asked_is_held_back()
{
	export_start -n held "$(proxy_url left),preferred" "$(proxy_url right)" \
		policy=failover-only failback=immediate path-recovery-interval=100ms
	faults -n held '
rule("left", "ill", {"do": "answer", "status": 2, "sense": "4/67/0a"}, scsi=["READ", "WRITE"])
until_then = time.monotonic() + 3
while time.monotonic() < until_then:
    exchange("ill", 4096)
assert 3 <= fired("left", "ill") <= 12, fired("left", "ill")
assert "held back" in show()["paths"][0]["last_error"], show()["paths"][0]
before = fired("left", "ill")
ask("right", "listen", on=False)
ask("right", "cut")
cookie = h.aio_pread(nbd.Buffer(512), 0)
until(lambda: fired("left", "ill") > before + 1, "it is tried")
ask("left", "clear")
until(lambda: h.poll(0) >= 0 and h.aio_command_completed(cookie), "it works")
ask("right", "listen", on=True)
'
	export_stop held
}

# TASK SET FULL for every command beyond the fourth: the export finds out how many
# the unit takes, instead of asking for all of them again and again.
a_full_unit_is_given_less_at_a_time()
{
	faults '
rule("left", "slow", {"do": "delay", "ms": 5}, direction="response", pdu="status")
rule("left", "full", {"do": "answer", "status": 0x28}, scsi="WRITE", in_flight=4)
total, left, cookies = 1500, 1500, {}
data = random.Random(3).randbytes(total * 4096)
def wait():
    h.poll(1000)
    for cookie in [c for c in cookies if h.aio_command_completed(c)]:
        del cookies[cookie]
while left:
    while left and len(cookies) < 32:
        left -= 1
        at = left * 4096
        buffer = nbd.Buffer.from_bytearray(bytearray(data[at:at + 4096]))
        cookies[h.aio_pwrite(buffer, at)] = buffer
    wait()
while cookies:
    wait()
refused = fired("left", "full")
print("%d of %d writes were refused" % (refused, total))
ask("left", "clear")
assert 10 < refused < total / 5, "%d of %d were refused" % (refused, total)
assert h.pread(len(data), 0) == data
'
}

# Both paths at once, at random, for as long as the model runs.
random_faults_lose_and_invent_nothing()
{
	local seed=${MPIO_SEED:-7}
	say "seed $seed"
	fio_command --bsrange=4k-256k --size=12m --io_size=48m --iodepth=16 "--randseed=$seed"
	faults '
seed = int(sys.argv[7])
sense = lambda what: {"do": "answer", "status": 2, "sense": what}
for n, proxy in enumerate(("left", "right")):
    for m, (action, match, probability) in enumerate((
            ({"do": "reset"}, {"pdu": "command"}, 0.002),
            ({"do": "reset", "when": "middle"}, {"pdu": ["command", "data-out"]}, 0.002),
            ({"do": "reset"}, {"direction": "response", "pdu": "status"}, 0.002),
            ({"do": "close", "when": "middle"}, {"direction": "response"}, 0.002),
            ({"do": "answer", "status": 0x28}, {"pdu": "command"}, 0.02),
            ({"do": "answer", "status": 0x28, "executed": True}, {"pdu": "command"}, 0.02),
            (sense("6/29/00"), {"pdu": "command"}, 0.005),
            (sense("6/2a/09"), {"scsi": ["READ", "WRITE"]}, 0.002),
            ({"do": "delay", "ms": 20}, {"direction": "response"}, 0.02))):
        rule(proxy, "random-%d" % m, action, probability=probability,
             seed=seed + 10 * n + m, **match)
size = 4 << 20
h.zero(size, 0)
done = subprocess.run(["/usr/bin/python3", "-B", sys.argv[8], sys.argv[1], str(seed), "700", str(size)],
                      timeout=100).returncode
assert done == 0, "the model differs"
done = subprocess.run(sys.argv[9:], timeout=100).returncode
assert done == 0, "fio says " + str(done)
for proxy in "left", "right":
    print(proxy, {name: r["fired"] for name, r in ask(proxy, "stats")["rules"].items()})
' "$seed" "$HARNESS_DIR/nbd-model.py" "${FIO_COMMAND[@]}"
}

head -c "$DISK_SIZE" /dev/zero >"$DISK"
array_start a --thin
proxy_array left a --own-address
proxy_array right a --own-address
export_start "$(proxy_url left),preferred" "$(proxy_url right)" policy=failover-only \
	failback=immediate path-recovery-interval=100ms flap-window=0 retry-interval=50ms retry-count=10 \
	nop-interval=300ms nop-timeout=300ms io-timeout=1s
behaviours a_session_that_ends_inside_a_pdu_costs_nothing \
	a_login_may_fail_at_every_step \
	a_verification_may_be_cut_at_every_step \
	silence_in_the_middle_of_anything_is_waited_out \
	strange_answers_do_no_harm \
	short_and_long_transfers_are_done_again \
	an_error_in_part_of_a_request_is_that_of_all_of_it \
	a_read_that_is_good_without_its_data_is_done_again \
	a_target_that_speaks_up_is_obeyed \
	a_unit_that_became_another_gets_no_io \
	a_unit_of_another_size_is_asked_about \
	a_unit_that_is_gone_fails_its_path \
	a_discovery_may_fail_at_every_step \
	a_path_that_is_well_only_when_asked_is_held_back \
	a_full_unit_is_given_less_at_a_time \
	random_faults_lose_and_invent_nothing
client qemu-img compare -f raw -F raw "$(array_url a)" "$DISK"
export_stop
