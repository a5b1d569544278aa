# SPDX-License-Identifier: LGPL-2.1-or-later
"""Samples in, medians, tables and verdicts on the goals out.  No I/O.

`results` maps each Cell to {contender: [sample of round 1, round 2, ...]}.
"""

import dataclasses
import statistics

# Server CPU of the tgtd's only network thread from which on the target, and
# not the host's side, limits a one-path run (goal 4).
TARGET_LIMITS_AT = 0.9


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of some values, and their least and greatest."""
    median: float
    low: float
    high: float

    def text(self, digits):
        if self.low == self.high:
            return f"{self.median:.{digits}f}"
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}..{self.high:.{digits}f})"


def spread(values):
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def values(results, cell, contender, key):
    """KEY of every round of CONTENDER in CELL; empty if it was not measured."""
    return [s[key] for s in results[cell].get(contender, []) if key in s]


def ratio(results, cell, over, under, key="iops"):
    """The spread of OVER's KEY to UNDER's, round by round.

    The two runs of a round stand seconds apart, so a machine that slows down
    between rounds changes both alike: their ratio is steadier than the ratio
    of the medians.  None where one of them was not measured.
    """
    return spread([a / b for a, b in zip(values(results, cell, over, key),
                                         values(results, cell, under, key)) if b > 0])


def cell_text(value, digits=2):
    return value.text(digits) if value else "–"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |",
             "|" + "---|" + "---:|" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


RATIOS = (("mpio1", "qemu"), ("mpio1", "raw"), ("mpio2", "mpio1"), ("mpio2x2", "mpio1"))
CPU_RATIOS = (("mpio1", "qemu"), ("mpio2", "mpio1"), ("mpio32", "mpio2"))


def known(pairs, contenders):
    return [(a, b) for a, b in pairs if a in contenders and b in contenders]


def throughput_table(results, contenders):
    pairs = known(RATIOS, contenders)
    header = ["1000 requests/s: median (min..max)", *contenders,
              *(f"{a} / {b}" for a, b in pairs)]
    rows = []
    for cell in results:
        row = [cell.id]
        for c in contenders:
            row.append(cell_text(spread([v / 1e3 for v in values(results, cell, c, "iops")])))
        rows.append(row + [cell_text(ratio(results, cell, a, b)) for a, b in pairs])
    return table(header, rows)


def cpu_table(results, contenders):
    """CPU time per request: server, targets, client; for raw the server is
    the client."""
    pairs = known(CPU_RATIOS, contenders)
    header = ["CPU µs per request: server + tgtd + client", *contenders,
              *(f"{a} / {b}" for a, b in pairs)]
    rows = []
    for cell in results:
        row = [cell.id]
        for c in contenders:
            parts = [spread(values(results, cell, c, key))
                     for key in ("server_us", "targets_us", "client_us")]
            row.append(" + ".join(f"{p.median:.1f}" for p in parts if p) or "–")
        rows.append(row + [cell_text(ratio(results, cell, a, b, "server_us"))
                           for a, b in pairs])
    return table(header, rows)


def latency_table(results, contenders):
    header = ["latency µs: mean, p99 (medians)", *contenders]
    rows = []
    for cell in results:
        row = [cell.id]
        for c in contenders:
            parts = [spread(values(results, cell, c, key)) for key in ("mean_us", "p99_us")]
            row.append(", ".join(f"{p.median:.0f}" for p in parts if p) or "–")
        rows.append(row)
    return table(header, rows)


@dataclasses.dataclass(frozen=True)
class Goal:
    """A ratio that must reach (or, with `at_most`, must not pass) a limit in
    every cell that it applies to."""
    number: str
    title: str
    over: str
    under: str
    limit: float
    applies: object
    key: str = "iops"
    at_most: bool = False
    strictly: bool = False

    def holds(self, value):
        """Judged at two decimals, as printed: 0.997 is no shortfall."""
        value = round(value, 2)
        if self.at_most:
            return value <= self.limit
        return value > self.limit if self.strictly else value >= self.limit

    def sign(self):
        return "<=" if self.at_most else ">" if self.strictly else ">="

    def verdict(self, results):
        """{"goal", "cells", "short": [...]}, one entry per cell that falls short."""
        measured, short = 0, []
        for cell in results:
            got = ratio(results, cell, self.over, self.under, self.key)
            if got is None or not self.applies(cell, results):
                continue
            measured += 1
            if not self.holds(got.median):
                best = got.low if self.at_most else got.high
                short.append({"cell": cell.id, "median": got.median, "low": got.low,
                              "high": got.high, "within_spread": self.holds(best)})
        return {"goal": self.number, "title": self.title, "cells": measured, "short": short}


def is_deep(cell):
    return cell.is_random_4k and cell.depth == 32


def target_was_the_limit(cell, results):
    """Asked unpinned only: on one CPU the CPU is the limit."""
    busy = spread(values(results, cell, "mpio1", "target_busy"))
    return cell.placement == "free" and busy is not None and busy.median >= TARGET_LIMITS_AT


GOALS = (
    Goal("1a", "one path is at least as fast as qemu-storage-daemon", "mpio1", "qemu", 1.0,
         lambda cell, results: True),
    Goal("1b", "... and 1.4 times as fast at depth 32 on one CPU", "mpio1", "qemu", 1.4,
         lambda cell, results: is_deep(cell) and cell.placement == "one"),
    Goal("2a", "half of raw libiscsi at depth 32, 4 KiB", "mpio1", "raw", 0.5,
         lambda cell, results: is_deep(cell)),
    Goal("2b", "0.85 of raw libiscsi for 256 KiB sequential", "mpio1", "raw", 0.85,
         lambda cell, results: cell.size == 256 * 1024),
    Goal("3", "CPU per request at most 0.85 of qemu-storage-daemon's at depth 32",
         "mpio1", "qemu", 0.85, lambda cell, results: is_deep(cell), "server_us", True),
    Goal("4a", "two paths to one tgtd are not below one path", "mpio2", "mpio1", 1.0,
         lambda cell, results: True),
    Goal("4b", "two paths to two tgtds are above one path where the tgtd was the limit",
         "mpio2x2", "mpio1", 1.0, target_was_the_limit, strictly=True),
    Goal("5", "32 paths cost at most 10 % more CPU per request than two",
         "mpio32", "mpio2", 1.1, lambda cell, results: True, "server_us", True),
)


def verdicts(results):
    return [goal.verdict(results) for goal in GOALS]


def goals_text(results):
    lines = []
    for goal, verdict in zip(GOALS, verdicts(results)):
        head = (f"{goal.number}. {goal.title} "
                f"({goal.over} / {goal.under} {goal.sign()} {goal.limit:g}): ")
        ncells, nshort = verdict["cells"], len(verdict["short"])
        if ncells == 0:
            lines.append(head + "not measured (no cell applies)")
        elif nshort == 0:
            lines.append(head + f"met in all of {ncells} cells")
        else:
            lines.append(head + f"met in {ncells - nshort} of {ncells} cells")
        for s in verdict["short"]:
            note = ", within the spread" if s["within_spread"] else ""
            got = Spread(s["median"], s["low"], s["high"]).text(2)
            lines.append(f"   short: {s['cell']} = {got} (goal {goal.limit:g}{note})")
    lines.append("6. at most 300 instructions per request in the decision core: "
                 "not measured here, see docs/BENCHMARKING.md")
    return "\n".join(lines)


def render(results, contenders):
    """The whole report as Markdown."""
    if not results:
        return "Nothing was measured."
    shown = [c for c in contenders if any(c in cells for cells in results.values())]
    return "\n\n".join([
        throughput_table(results, shown), cpu_table(results, shown),
        latency_table(results, shown), "Goals:\n\n" + goals_text(results)])
