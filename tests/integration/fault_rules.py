# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules of fault-proxy.py: which PDUs they are about, and how often they fire."""
import random

import fault_pdu as pdus

# What an action takes, beside "do".
ACTIONS = {
    "delay": {"ms"},
    "hold": set(),
    "drop": set(),
    "reset": {"when", "bytes", "side"},
    "close": {"when", "bytes", "side"},
    "truncate": {"bytes"},
    "shorten": {"bytes"},
    "answer": {"status", "response", "sense", "sense_bytes", "descriptor", "deferred",
               "executed", "early", "data", "bytes", "residual", "overflow"},
    "residual": {"count", "overflow"},
    "patch": {"offset", "bytes"},
    "replace": {"bytes"},
    "duplicate": set(),
    "tag": {"tag"},
    "reject": {"reason"},
    "async": {"event", "lun", "parameters", "sense"},
    "nop-in": {"answer"},
    "redirect": {"to"},
    "login-status": {"status"},
}
# These change a PDU, or add to it, and leave it to the rules that follow.
MODIFIERS = {"shorten", "residual", "patch", "replace", "duplicate", "tag", "async", "nop-in"}
KEYS = {"name", "direction", "pdu", "scsi", "vpd", "lun", "lba", "in_flight", "nth",
        "count", "probability", "seed", "action"}
# What only makes sense there.
ON_REQUESTS = {"answer", "reject", "redirect", "login-status"}
ON_RESPONSES = {"residual", "patch", "replace", "duplicate", "tag"}


class Wrong(Exception):
    """What was asked for cannot be done."""


def check_action(action, direction=None):
    name = action.get("do")
    if name not in ACTIONS:
        raise Wrong("no such action: %s" % name)
    strange = set(action) - ACTIONS[name] - {"do"}
    if strange:
        raise Wrong("%s does not take %s" % (name, ", ".join(sorted(strange))))
    if direction == "request" and name in ON_RESPONSES or \
            direction == "response" and name in ON_REQUESTS:
        raise Wrong("%s is not for a %s" % (name, direction))
    for key in "bytes", "sense_bytes":
        if isinstance(action.get(key), str):
            bytes.fromhex(action[key])
    if "sense" in action:
        pdus.sense_data(action["sense"])


def names(value, known, what):
    """One name or a list of them; None takes all."""
    if value is None:
        return None
    wanted = {pdus.ALIASES.get(v, v) for v in ([value] if isinstance(value, str) else value)}
    for name in wanted - set(known):
        raise Wrong("no such %s: %s" % (what, name))
    return wanted


class Rule:
    def __init__(self, rule):
        strange = set(rule) - KEYS
        if strange:
            raise Wrong("a rule has no %s" % ", ".join(sorted(strange)))
        if "name" not in rule or "action" not in rule:
            raise Wrong("a rule has a name and an action")
        self.name = rule["name"]
        self.direction = rule.get("direction", "request")
        if self.direction not in ("request", "response"):
            raise Wrong("direction is request or response")
        self.scsi = names(rule.get("scsi"), pdus.ALL_SCSI, "command")
        self.vpd, self.lun, self.lba = rule.get("vpd"), rule.get("lun"), rule.get("lba")
        self.about_commands = any(x is not None for x in (self.scsi, self.vpd, self.lun, self.lba))
        self.pdu = names(rule.get("pdu", self.default_pdu(rule["action"])),
                         {"status", *pdus.PDU_NAMES.values()}, "PDU")
        self.in_flight = rule.get("in_flight")
        self.nth = rule.get("nth", 1)
        self.count = rule.get("count")          # None: as often as it comes
        self.probability = rule.get("probability", 1)
        self.random = random.Random(rule.get("seed", 1))
        self.action = rule["action"]
        check_action(self.action, self.direction)
        self.matched = self.fired = 0
        self.held = []          # (link, direction, PDU)

    def default_pdu(self, action):
        if action.get("do") in ("redirect", "login-status"):
            return "login"
        if self.direction == "request" and (self.about_commands or action.get("do") == "answer"):
            return "command"
        return None

    def fits(self, pdu, task):
        if self.pdu is not None and pdu.name not in self.pdu and \
                not ("status" in self.pdu and pdu.has_status()):
            return False
        if not self.about_commands:
            return True
        if task is None or self.scsi is not None and task.name not in self.scsi:
            return False
        if self.vpd is not None and task.vpd != self.vpd:
            return False
        if self.lun is not None and task.lun != self.lun:
            return False
        return self.lba is None or task.blocks is not None and \
            task.blocks[0] <= self.lba[1] and self.lba[0] <= task.blocks[1]

    def fires(self, pdu, task, in_flight):
        if self.count is not None and self.fired >= self.count or not self.fits(pdu, task):
            return False
        if self.in_flight is not None and in_flight <= self.in_flight:
            return False
        self.matched += 1
        if self.matched < self.nth:
            return False
        if self.probability < 1 and self.random.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def stats(self):
        return {"matched": self.matched, "fired": self.fired, "held": len(self.held)}
