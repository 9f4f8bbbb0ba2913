# SPDX-License-Identifier: Apache-2.0
"""What fault stories do to a disk: small file systems that fill up, snapshots that are cut and flipped."""
import ctypes
import os
import re
import shutil
import struct
import subprocess
import sys

from libcases import kit

# Of src/shell/state_file_layout.h.
ENTRY_BYTES, TRAILER_BYTES = 56, 40


# --- a file system of its own ------------------------------------------------------------------------


def enter_namespace():
    """Again in a mount namespace of its own, where that is allowed: what is mounted there ends with the process."""
    if os.environ.get("FAULT_NAMESPACE") or not shutil.which("unshare"):
        return
    unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ["FAULT_NAMESPACE"] = "1"
        os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


class SmallDisk:
    """.path is None where nothing can be mounted."""

    def __init__(self, folder, size):
        self.path = folder + "/disk"
        os.mkdir(self.path)
        done = os.environ.get("FAULT_NAMESPACE") and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.path], stderr=subprocess.DEVNULL)
        if not done or done.returncode != 0:
            self.path = None

    def fill(self):
        """Until not a byte more goes in."""
        with open(self.path + "/ballast", "ab", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(65536))
            except OSError:
                pass

    def free(self):
        os.unlink(self.path + "/ballast")


def as_nobody_special():
    """In the child: root that may not write where the mode says no."""
    kit.with_parent()
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


# --- snapshots ---------------------------------------------------------------------------------------


def snapshots(folder):
    """Generations there, newest first."""
    found = [re.fullmatch(r"snapshot-(\d+)", name) for name in os.listdir(folder)]
    return sorted((int(m[1]) for m in found if m), reverse=True)


def layout(path):
    """(name, begin, end) of a snapshot's parts in order: its header, each section, its directory, its trailer."""
    with open(path, "rb") as f:
        data = f.read()
    directory, count = struct.unpack_from("<QI", data, len(data) - TRAILER_BYTES)
    parts = []
    for i in range(count):
        name, begin, length = struct.unpack_from("<32sQQ", data, directory + i * ENTRY_BYTES)
        parts.append((name.rstrip(b"\0").decode(), begin, begin + length))
    kit.same(f"{path}: its sections end where the directory begins", directory, parts[-1][2])
    return [("header", 0, parts[0][1]), *parts, ("directory", directory, len(data) - TRAILER_BYTES),
            ("trailer", len(data) - TRAILER_BYTES, len(data))]


def truncate(path, size):
    os.truncate(path, size)


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 0x10]))


def state(daemon, verb, *options, codes=(0,)):
    """What `funneld state` says of its folder."""
    done = subprocess.run([kit.FUNNELD, "state", verb, "-c", daemon.file, *options], capture_output=True, timeout=60)
    kit.check(done.returncode in codes, f"state {verb} ended with {done.returncode}: {done.stderr.decode()[-400:]}")
    return done.stdout.decode()


def places(daemon, generation):
    """S: where a snapshot stands in each partition."""
    line = state(daemon, "export", "-g", str(generation)).splitlines()[0]
    return {p["partition"]: p["next"] for p in kit.json.loads(line)["snapshot"]["partitions"]}
