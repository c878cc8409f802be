# SPDX-License-Identifier: GPL-2.0-only
"""Say within 20 s whether this machine can run a lab, by booting a guest in it.

One line: how long the guest took to say hello, or why it did not.

Exit status: 0 if it can, 1 if it cannot, 2 on an error.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from bench import boot, qemu_lab

LIMIT = 12  # s for the guest; QEMU's monitor has 5 more, and all of it 20


def first_image():
    """Some image that is built; UsageError if there is none."""
    for path in sorted(pathlib.Path("build/images").glob("*")):
        if boot.built(path):
            return path
    raise boot.UsageError("no kernel image to boot; build one: make rt-unpatched")


def why_ended(status, errors):
    """One line of how QEMU ended by itself; errors: what it said."""
    lines = [line for line in errors.splitlines() if line.strip()] or ["no message"]
    said = next((line for line in lines if "error" in line.lower()), lines[-1])
    how = f"QEMU died of signal {-status}" if status < 0 else f"QEMU ended with status {status}"
    return f"{how}: {re.sub('^[^ ]*qemu-system-x86_64: (error: )?', '', said)}"


def wait_for_hello(process, folder, limit):
    """Wait until the guest says hello; return why it did not, or None."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        ended = process.poll()
        if boot.read_bytes(folder / "guest.jsonl").startswith(b'{"hello":'):
            return None
        if ended is not None:
            return why_ended(ended, boot.read_bytes(folder / "qemu.err").decode(errors="replace"))
        time.sleep(0.05)
    lines = boot.read_bytes(folder / "console.txt").decode(errors="replace").splitlines()
    if not lines:
        return f"the guest never reached its first line in {limit} s (KVM that is nested, or for its own guests only?)"
    return f"the guest started, but its init said nothing in {limit} s; last line: {lines[-1]}"


def boot_one(lab, image, limit):
    """Boot a guest that says hello and ends; return why it did not, or None."""
    words = [*lab.parameters(True), "bench.inject=fail"]
    with tempfile.TemporaryDirectory(prefix="probe-", dir="build") as name:
        folder = pathlib.Path(name)
        for output in lab.OUTPUTS:
            (folder / output).touch()
        with (folder / "qemu.err").open("w") as err:
            process = subprocess.Popen(lab.command(image, " ".join(words), 1, folder), stdin=subprocess.DEVNULL,
                                       stdout=err, stderr=err, preexec_fn=boot.die_with_parent)
        try:
            with lab.attend(process, folder):
                return wait_for_hello(process, folder, limit)
        except qemu_lab.LabError as error:
            return str(error)
        finally:
            process.kill()
            process.wait()


def why_not(name, limit=LIMIT):
    """Why this machine cannot run a lab, as one line, or None."""
    lab = boot.lab(name)
    return lab.obstacle() or boot_one(lab, first_image(), limit) or lab.shortage()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", default="kvm", help="default: %(default)s")
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    boot.interruptible()
    begin = time.monotonic()
    try:
        why = why_not(args.lab)
    except boot.UsageError as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))
    except KeyboardInterrupt:
        boot.fail("interrupted")
    took = time.monotonic() - begin
    print(f"lab {args.lab} cannot run here: {why} (after {took:.1f} s)" if why else
          f"lab {args.lab} runs here: a guest said hello, all in {took:.1f} s")
    sys.exit(bool(why))


if __name__ == "__main__":
    main()
