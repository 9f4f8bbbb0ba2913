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


def _together(cases, arguments, failures, at_once):
    def worker():
        while True:
            try:
                case = cases.pop(0)
            except IndexError:
                return
            _one(case, arguments, failures)

    workers = [threading.Thread(target=worker, daemon=True) for _ in range(at_once)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()


def run(cases, *arguments, alone=(), at_once=3):
    """Each case as case(*arguments), at most so many at a time, then those of `alone` one by one, which do something
    to the broker that all share. Prints how many passed, and fails where one did not."""
    only = [x for x in os.environ.get("CASES", "").split(",") if x]
    together, last = ([c for c in some if not only or c.__name__ in only] for some in (cases, alone))
    count, failures = len(together) + len(last), []
    kit.check(count > 0, f"no case is named so: {only}")
    _together(together, arguments, failures, at_once)
    _together(last, arguments, failures, 1)
    print(f"{count - len(failures)} passed, {len(failures)} failed", flush=True)
    kit.check(not failures, "failed: " + ", ".join(failures))


def together(functions):
    """What comes before the cases: all at once; fails where one did."""
    failures = []
    workers = [threading.Thread(target=_one, args=(f, (), failures), daemon=True) for f in functions]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    kit.check(not failures, "failed: " + ", ".join(failures))
