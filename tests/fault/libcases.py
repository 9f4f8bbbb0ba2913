# SPDX-License-Identifier: Apache-2.0
"""A fault story of several cases on one broker, some at a time: what the integration stories have in common, and
how cases are run, counted and told. CASES=name,... in the environment runs only these; FULL=1 asks for the long
form where a story has one."""
import os
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))
import libkit as kit

FULL = bool(os.environ.get("FULL"))


def _one(case, arguments, failures):
    began = time.monotonic()
    try:
        case(*arguments)
    except Exception as e:
        why = str(e) if isinstance(e, kit.Failed) else traceback.format_exc()
        kit.say(f"{case.__name__}: FAILED: {why}")
        failures.append(case.__name__)
    else:
        kit.say(f"{case.__name__}: as it should be ({time.monotonic() - began:.0f} s)")


def _worker(waiting, arguments, failures):
    while True:
        try:
            case = waiting.pop(0)
        except IndexError:
            return
        _one(case, arguments, failures)


def run(cases, *arguments, at_once=3):
    """Each case as case(*arguments), at most so many at a time; prints how many passed, and fails where one did."""
    only = [x for x in os.environ.get("CASES", "").split(",") if x]
    waiting = [c for c in cases if not only or c.__name__ in only]
    kit.check(waiting, f"no case is named so: {only}")
    count, failures = len(waiting), []
    workers = [threading.Thread(target=_worker, args=(waiting, arguments, failures), daemon=True)
               for _ in range(at_once)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    print(f"{count - len(failures)} passed, {len(failures)} failed", flush=True)
    kit.check(not failures, "failed: " + ", ".join(failures))
