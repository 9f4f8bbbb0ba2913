#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Points 4 to 8 of PROTOCOL.md section 7 again, with the broker's own kill -9 and restart before the daemon starts
again: what was half done is the broker's to end."""
import sys

sys.dont_write_bytecode = True
import libcases
from libcases import kit
from libcrash import POINTS, Scene, again, check_calm, log_of, named

NAMES = ["5-before-offsets", "8-resend"]
if libcases.FULL:
    NAMES = [n for n in POINTS if n[0] in "45678"]


def killed(scenes):
    """All stand at their points when the broker ends."""
    libcases.together([named(n, lambda n=n: again(scenes[n], POINTS[n])) for n in NAMES])


def ended_well(scene):
    def run():
        scene.begin()
        scene.finish()
        kit.say(f"{scene.name}: {check_calm(scene.name)} alert records, each once")

    return named(scene.name, run)


def story(folder, broker):
    calm = Scene(folder, broker, "calm", RECORDS)
    calm.begin()
    calm.finish()
    scenes = {n: Scene(folder, broker, n, RECORDS, state={"snapshot": "1h"}) for n in NAMES}
    killed(scenes)
    broker.kill()
    broker.start()
    kit.say("the broker was killed and is back")
    libcases.run([ended_well(s) for s in scenes.values()])


RECORDS = log_of(5)
kit.story(story)
