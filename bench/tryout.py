# SPDX-License-Identifier: GPL-2.0-only
"""The quick try: boot unpatched and one strategy, once each, and say what one drain took of the isolated CPU.

The boots lie under build/try/ and enter no report: one boot shows what a drain
is, and is no evidence. What is there already is not booted again.

Exit status: 0 if both boots gave figures, 1 if one failed, 2 on an error.
"""

import argparse
import os
import pathlib
import sys

from bench import boot
from bench.report import plan
from bench.report.facts import metrics
from bench.report.rendering import markdown

PLACE = pathlib.Path("build/try")
LAB = "virtual"

# What a row of the table shows, as {figure: words}; below the first, its causes.
UNASKED = {"owner/interruptions": "it leaves user mode unasked, times"}
REST = {"owner/switches": "context switches",
        "owner/imposed": "kernel instructions imposed on it",
        "request/own": "the requester's own kernel instructions"}

WORDS = """
A drain: another CPU asks once that all per-CPU caches be emptied. The storm of a boot has {drains} drains; its quiet
phase, which is as long, has none. Each figure is storm less quiet, per drain: chance leaves a little above or below 0.
Unasked: by an interrupt, and not by a system call or a fault of its own task. An IPI wakes the kworker that drains.
The tick comes back because the CPU then has two tasks.
Context switches: to the kworker, and back to the task that it displaced.
Imposed: all that the isolated CPU executes in the kernel, less what its own tasks asked for.
One boot of each arm shows what a drain is, and proves nothing: RESULTS.md has twelve.
"""


def specs(model, arm):
    """The boots of the try, as {folder: spec}."""
    return {PLACE / LAB / f"{model}-{one}" / f"seed-{plan.FIRST_SEED}":
            boot.Spec(lab=LAB, model=model, arm=one, seed=plan.FIRST_SEED, image=boot.image_of(model, one))
            for one in (plan.BASE, arm)}


def run(boots):
    """Boot what is not there; return why a boot failed, as lines."""
    for folder, spec in boots.items():
        if boot.is_done(spec, folder):
            continue
        verdict, why = boot.boot(spec, folder)
        if verdict != "ok":
            yield f"{spec}: {verdict}: {why}; {folder}/console.txt has its console"


def rows(boots):
    """{figure: words} of the table: causes are those that some boot has."""
    causes = {key for one in boots for key, value in one.figures.items() if key.startswith("user/") and value}
    return UNASKED | {key: f"    {markdown.cause(key.removeprefix('user/'))}" for key in sorted(causes)} | REST


def table(boots):
    """What a drain took, a column per boot, as lines; boots: with their figures."""
    first = boots[0]
    yield f"{f'A drain takes of the isolated CPU ({first.model}):':<44}" + "".join(f"{one.arm:>20}" for one in boots)
    for key, words in rows(boots).items():
        yield f"{words:<44}" + "".join(f"{markdown.number(one.figures.get(key, 0)):>20}" for one in boots)


def say(found):
    """The table and what it means; found: the boots, with their figures. UsageError if one has none."""
    for one in found:
        if one.verdict != "ok":
            raise boot.UsageError(f"{one.path}: {one.verdict}: {one.why}; remove that folder and run this again")
    return "\n".join(table(found)) + "\n" + WORDS.format(drains=found[0].figures["drains"])


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("boot", "say"), help="boot both, or say what they gave")
    parser.add_argument("--model", required=True, choices=boot.MODELS, help="preemption model")
    parser.add_argument("--arm", required=True, help="the arm beside unpatched, one of bench/arms.sh")
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    boot.interruptible()
    try:
        boots = specs(args.model, args.arm)
        if args.what == "say":
            by_folder = {one.path: one for one in metrics.boots(PLACE)}
            print(say([by_folder[folder] for folder in boots]), end="")
            return
        faults = list(run(boots))
    except boot.UsageError as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))
    except KeyboardInterrupt:
        boot.fail("interrupted; the same command goes on from here")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
