#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benchmark's statistics and verdicts, on figures made by hand."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import cells  # noqa: E402
import report  # noqa: E402

DEEP = cells.Cell("null", "one", "randread", 4096, 32, 1)
DEEP_FREE = cells.Cell("null", "free", "randread", 4096, 32, 1)
SEQUENTIAL = cells.Cell("ram", "free", "write", 256 * 1024, 8, 1)


def samples(key, *figures):
    return [{key: f} for f in figures]


def verdict(number, results):
    goal = next(g for g in report.GOALS if g.number == number)
    return goal.verdict(results)


class Statistics(unittest.TestCase):
    def test_spread_is_median_least_and_greatest(self):
        self.assertEqual(report.spread([5, 1, 9, 2, 3]), report.Spread(3, 1, 9))
        self.assertIsNone(report.spread([]))

    def test_ratio_is_taken_round_by_round(self):
        # the machine halves its speed from round to round; the ratio stays 2
        results = {DEEP: {"mpio1": samples("iops", 80, 40, 20),
                          "qemu": samples("iops", 40, 20, 10)}}
        self.assertEqual(report.ratio(results, DEEP, "mpio1", "qemu"), report.Spread(2, 2, 2))

    def test_ratio_with_an_absent_contender_is_none(self):
        self.assertIsNone(report.ratio({DEEP: {"mpio1": samples("iops", 1)}}, DEEP,
                                       "mpio1", "raw"))


class Verdicts(unittest.TestCase):
    def test_cell_below_the_goal_is_named(self):
        results = {DEEP: {"mpio1": samples("iops", 9), "qemu": samples("iops", 10)},
                   SEQUENTIAL: {"mpio1": samples("iops", 11), "qemu": samples("iops", 10)}}
        got = verdict("1a", results)
        self.assertEqual(got["cells"], 2)
        self.assertEqual([s["cell"] for s in got["short"]], ["null/one/randread/4k/d32/c1"])
        self.assertIn("short: null/one/randread/4k/d32/c1 = 0.90", report.goals_text(results))

    def test_shortfall_within_the_spread_is_said_to_be(self):
        results = {DEEP: {"mpio1": samples("iops", 9, 9, 11),
                          "qemu": samples("iops", 10, 10, 10)}}
        self.assertTrue(verdict("1a", results)["short"][0]["within_spread"])

    def test_cost_above_its_limit_falls_short(self):
        results = {DEEP: {"mpio1": samples("server_us", 9), "qemu": samples("server_us", 10)}}
        self.assertEqual(len(verdict("3", results)["short"]), 1)
        results[DEEP]["mpio1"] = samples("server_us", 8.5)
        self.assertEqual(verdict("3", results)["short"], [])

    def test_goal_of_1_4_is_asked_at_depth_32_on_one_cpu_only(self):
        slow = {"mpio1": samples("iops", 12), "qemu": samples("iops", 10)}
        got = verdict("1b", {DEEP: slow, DEEP_FREE: slow, SEQUENTIAL: slow})
        self.assertEqual((got["cells"], len(got["short"])), (1, 1))

    def test_second_target_must_help_only_where_the_first_was_the_limit(self):
        def results(busy):
            return {DEEP_FREE: {"mpio1": [{"iops": 10, "target_busy": busy}],
                                "mpio2x2": [{"iops": 10, "target_busy": busy}]}}
        self.assertEqual(verdict("4b", results(0.5))["cells"], 0)
        self.assertEqual(len(verdict("4b", results(0.95))["short"]), 1)

    def test_unmeasured_goal_is_not_called_met(self):
        self.assertIn("not measured", report.goals_text({DEEP: {"qemu": samples("iops", 1)}}))


class Matrix(unittest.TestCase):
    def test_every_workload_on_every_backing_and_placement(self):
        ids = {c.id for c in cells.matrix()}
        self.assertEqual(len(ids), 2 * 2 * (2 * 4 * 2 + 2))
        self.assertIn("ram/free/randwrite/4k/d128/c4", ids)

    def test_connections_share_the_depth_and_have_one_at_least(self):
        shares = {d: cells.Cell("null", "one", "randread", 4096, d, 4).connection_depth
                  for d in cells.DEPTHS}
        self.assertEqual(shares, {1: 1, 8: 2, 32: 8, 128: 32})


if __name__ == "__main__":
    unittest.main()
