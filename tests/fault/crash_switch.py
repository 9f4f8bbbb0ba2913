#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Point 13 of PROTOCOL.md section 7: kill -9 around a switch of the configuration, which then is the same file,
another one or no valid one. The switch comes where the daemon stands still, so that an undisturbed daemon's comes
at the same place."""
import copy
import signal
import sys

sys.dont_write_bytecode = True
import libcases
from libcases import kit
from libcrash import CHUNKS, Scene, check_calm, log_of, named

LEFT = CHUNKS // 2  # of the log, at the switch


def change_b(config):
    """One rule is edited."""
    next(r for r in config["funnels"]["shop"]["rules"] if r["id"] == "noisy")["target"] = 0.58


def change_c(config):
    """Another is removed, a third is edited."""
    rules = config["funnels"]["shop"]["rules"]
    config["funnels"]["shop"]["rules"] = [r for r in rules if r["id"] != "paid-change"]
    config["funnels"]["shop"]["rules"][1]["min_entries"] = 30


def change_bad(config):
    config["funnels"]["shop"]["rules"][0]["step"] = "checkout>nowhere"


class Switched(Scene):
    def __init__(self, *arguments, **over):
        super().__init__(*arguments, **over)
        self.first = copy.deepcopy(self.daemon.config)

    def file(self, change):
        """The first settings with one change."""
        self.daemon.config = copy.deepcopy(self.first)
        change(self.daemon.config)
        self.daemon.write()

    def half(self, orders=None):
        self.begin(orders)
        self.feed(LEFT)
        kit.check(not self.ended(), f"{self.name}: funneld has ended, see {self.daemon.log}")
        self.daemon.wait_ready()

    def switch(self, change):
        self.file(change)
        before = self.said()
        self.daemon.signal(signal.SIGHUP)
        self.wait_said(before + 1)

    def said(self):
        return self.daemon.text().count('msg="the new configuration is committed"')

    def wait_said(self, count):
        kit.wait_for(f"{self.name}: another switch", 30, lambda: self.daemon.check_alive() or self.said() >= count)

    def killed_by_switch(self, point):
        self.half(point)
        self.file(change_b)
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait_fault(point)


def calm(folder, broker, name, *changes):
    scene = Switched(folder, broker, name, RECORDS)

    def run():
        scene.half()
        for change in changes:
            scene.switch(change)
        scene.finish()

    return named(name, run)


# --- what is done to it


def before(scene):
    scene.killed_by_switch("switch.before")
    scene.begin()
    scene.wait_said(1)


def after(scene):
    scene.killed_by_switch("switch.after")
    scene.begin()
    scene.daemon.wait_ready()


def before_then_another(scene):
    scene.killed_by_switch("switch.before")
    scene.file(change_c)
    scene.begin()
    scene.wait_said(1)


def after_then_another(scene):
    scene.killed_by_switch("switch.after")
    scene.file(change_c)
    scene.begin()
    scene.wait_said(1)


def after_then_none(scene):
    """A file with an error: no reload, and no start."""
    scene.half()
    scene.file(change_bad)
    scene.daemon.signal(signal.SIGHUP)
    scene.wait_metric("funneld_reloads_refused_total", 1)
    kit.same("switches", 0, scene.said())
    scene.daemon.kill()
    scene.file(lambda config: None)
    scene.killed_by_switch("switch.after")
    scene.file(change_bad)
    scene.begin()
    kit.same("exit status with an invalid file", 78, scene.daemon.wait())
    scene.file(change_b)
    scene.begin()
    scene.daemon.wait_ready()


def over_the_cut(scene):
    """No snapshot after the switch: the replay begins with the old settings and goes on with the new ones."""
    scene.half()
    scene.switch(change_b)
    scene.feed(1)
    scene.daemon.kill()
    scene.begin()
    scene.daemon.wait_ready()
    kit.same("machines come from", ("snapshot", 1), scene.made_from())
    records = int(scene.last_said(r'msg="reading the log again[^"]*" records=(\d+)'))
    kit.check(records > len(RECORDS) // CHUNKS, f"only {records} records were replayed")


CASES = {"13-before": (before, "calm-b", {}), "13-after": (after, "calm-b", {}),
         "13-before-other-file": (before_then_another, "calm-c", {}),
         "13-after-other-file": (after_then_another, "calm-bc", {}),
         "13-after-invalid-file": (after_then_none, "calm-b", {}),
         "13-over-the-cut": (over_the_cut, "calm-b", {"state": {"snapshot": "1h"}})}


def case_of(folder, broker, name):
    disturb, expected, over = CASES[name]
    scene = Switched(folder, broker, name, RECORDS, **over)

    def run():
        disturb(scene)
        scene.finish()
        kit.say(f"{name}: {check_calm(name, expected, 20)} alert records, as {expected}")

    return named(name, run)


def story(folder, broker):
    calms = [calm(folder, broker, "calm-b", change_b), calm(folder, broker, "calm-c", change_c),
             calm(folder, broker, "calm-bc", change_b, change_c)]
    libcases.together(calms)
    values = [sorted(kit.comparable(kit.alerts_of(c.__name__ + ".alerts")).items()) for c in calms]
    kit.check(values[0] != values[1] != values[2] != values[0], "it makes no difference which settings: too weak")
    libcases.run([case_of(folder, broker, n) for n in CASES])


RECORDS = log_of(5)
kit.story(story)
