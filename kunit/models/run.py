# SPDX-License-Identifier: GPL-2.0-only
"""Search the models completely with spin, and see each twin rejected; write one TAP file.

A test point per line of runs(). What spin leaves (the verifier's source, the trail
of an error) is in build/models/<number>/; `spin -t -p -g model.pml` there, with the
switches of the run, shows a trail. A search that is cut short is a failure.
"""

import argparse
import concurrent.futures
import dataclasses
import pathlib
import re
import subprocess
import sys
import time

from check import tapfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Both at once stay below 2 GB.
JOBS = 2
MEGABYTES = 950
DEPTH = {"deferred_wq": 50_000, "gate": 10_000, "task_work": 1_000_000}


@dataclasses.dataclass
class Run:
    """One search.

    switches: of the model, without -D; claim: a liveness property of it, else its
    assertions are checked; error: what spin says of a twin, None if it is to find none.
    """

    model: str
    switches: str
    claim: str | None = None
    error: str | None = None

    def __str__(self):
        return ", ".join([f"{self.model}: {self.claim or 'safety'}", *self.switches.split()])


def runs():
    """All searches: first what must hold, then the twins."""
    for form in ("", "EAGER ", "RUN ", "EAGER RUN "):
        # Of what is large, less.
        strict = "" if "EAGER" in form else " STRICT"
        largest = form == "EAGER RUN "
        yield Run("deferred_wq", f"{form}OWNERS=1 CLASSES=2{strict}")
        yield Run("deferred_wq", f"{form}CACHE{'' if largest else ' STRICT'}")
        yield Run("deferred_wq", f"{form}OWNERS=1 REQUESTS=2 HELP{strict}")
        yield Run("deferred_wq", f"{form}OWNERS=1 UNPLUG{strict}")
        yield Run("deferred_wq", f"LIVE {form}OWNERS=1 UNPLUG KWORKER_FIRST", "lives")
        yield Run("deferred_wq", f"LIVE {form}CACHE", "lives")
        yield Run("deferred_wq", f"LIVE {form}{'OWNERS=1 ' if largest else ''}CACHE KWORKER_FIRST", "lives")
        for order in ("", " KWORKER_FIRST"):
            yield Run("deferred_wq", f"LIVE {form}OWNERS=1 REQUESTS=2 INTERRUPTS=2 STRICT{order}", "lives")
    for switches in (
        "CACHE",
        "TASKS=1 CACHE HELP",
        "TASKS=1 UNPLUG INTERRUPTS=1",
        "TASKS=1 UNPLUG REQUESTS=0 CACHE MIGRATE",
        "REQUESTS=0 CLASSES=2 CACHE LOCAL",
        "REQUESTS=0 MIGRATE CACHE LOCAL",
    ):
        yield Run("task_work", switches)
    yield Run("task_work", "LIVE TASKS=1 UNPLUG KWORKER_FIRST", "lives")
    for order in ("", " KWORKER_FIRST"):
        yield Run("task_work", f"LIVE TASKS=1 INTERRUPTS=2{order}", "lives")
    yield Run("task_work", "LIVE CACHE", "lives")
    yield Run("task_work", "LIVE TASKS=1 CACHE KWORKER_FIRST", "lives")
    for switches in (
        "REQUESTERS=2",
        "RT NMI",
        "RT MCE",
        "REQUESTERS=2 ROUNDS=1 NMI",
        "REQUESTERS=2 ROUNDS=1 MCE",
        "REQUESTERS=2 ROUNDS=1 RT UNPLUG",
    ):
        yield Run("gate", switches)

    for model, switches, error in (
        ("deferred_wq", "BROKEN_LATE", r"assertion violated .*word&1"),
        ("deferred_wq", "BROKEN_WAKING RUN", r"assertion violated .*in_user"),
        ("deferred_wq", "BROKEN_WAKING EAGER REQUESTS=2", r"assertion violated .*in_user"),
        ("deferred_wq", "BROKEN_CLEAR", r"assertion violated .*(word&4|pending)"),
        ("deferred_wq", "BROKEN_ENTRY", r"assertion violated .*posted"),
        ("deferred_wq", "BROKEN_LOCAL", r"assertion violated .*posted"),
        ("deferred_wq", "BROKEN_TICKET", r"assertion violated .*marked"),
        ("deferred_wq", "BROKEN_BIT EAGER", r"assertion violated .*cache"),
        ("deferred_wq", "BROKEN_LOOK EAGER", r"assertion violated .*pending"),
        ("deferred_wq", "BROKEN_RIDE EAGER", r"assertion violated .*pending"),
        ("deferred_wq", "BROKEN_WORD EAGER REQUESTS=0", r"assertion violated .*cache"),
        ("deferred_wq", "BROKEN_UNASKED EAGER CACHE", r"assertion violated .*posted"),
        ("deferred_wq", "BROKEN_TRY CACHE", r"assertion violated .*posted"),
        ("deferred_wq", "BROKEN_PAYS EAGER OWNERS=1 HELP", r"assertion violated .*cache"),
        ("deferred_wq", "BROKEN_AWAIT OWNERS=1 STRICT", r"assertion violated .*marked"),
        ("deferred_wq", "BROKEN_PREEMPT OWNERS=1 UNPLUG STRICT", r"assertion violated .*cpu_online"),
        ("deferred_wq", "BROKEN_FORGET OWNERS=1 UNPLUG", r"assertion violated .*(posted|pending)"),
        ("deferred_wq", "BROKEN_DEAD OWNERS=1 UNPLUG", r"assertion violated .*cache"),
        ("task_work", "BROKEN_SWITCH", r"assertion violated .*pending"),
        ("task_work", "BROKEN_DRAINING", r"assertion violated .*cache"),
        ("task_work", "BROKEN_ARMED", r"assertion violated .*cache"),
        ("task_work", "BROKEN_UNSAID CACHE", r"assertion violated .*cache"),
        ("task_work", "BROKEN_LOOK", r"assertion violated .*pending"),
        ("task_work", "BROKEN_SAID CACHE", r"assertion violated .*marked"),
        ("task_work", "BROKEN_IRQS CACHE", r"assertion violated .*queued"),
        ("task_work", "BROKEN_FLAG", r"assertion violated .*queued"),
        ("task_work", "BROKEN_STAYS REQUESTS=0", r"assertion violated .*pending"),
        ("task_work", "BROKEN_DYING TASKS=1 UNPLUG REQUESTS=0", r"assertion violated .*cpu_online"),
        ("gate", "BROKEN_DOOR", r"assertion violated .*inside"),
        ("gate", "BROKEN_CMPXCHG", r"assertion violated .*inside"),
        ("gate", "BROKEN_HOLDERS REQUESTERS=2", r"assertion violated .*inside"),
        ("gate", "BROKEN_WATCHING NMI", r"assertion violated .*inside"),
        ("gate", "BROKEN_LOCK RT", r"assertion violated .*inside"),
        ("gate", "BROKEN_ONLINE UNPLUG", r"assertion violated .*inside"),
        ("gate", "BROKEN_DEAD UNPLUG", r"assertion violated .*inside"),
        ("gate", "BROKEN_HALF", r"assertion violated .*cache"),
        ("gate", "BROKEN_MCE MCE", r"invalid end state"),
        ("gate", "BROKEN_MCE_END MCE", r"assertion violated .*inside"),
        ("gate", "BROKEN_CARRY", r"invalid end state|assertion violated .*holders"),
    ):
        yield Run(model, switches, error=error)
    for model, switches, claim in (
        ("deferred_wq", "RUN BROKEN_TAKE", "leaves"),
        ("deferred_wq", "RUN BROKEN_CANCEL", "leaves"),
        ("deferred_wq", "BROKEN_SPIN CACHE KWORKER_FIRST", "leaves"),
        ("deferred_wq", "BROKEN_DONE INTERRUPTS=2 KWORKER_FIRST", "served"),
        ("deferred_wq", "BROKEN_NUMBER OWNERS=1 INTERRUPTS=2", "served"),
        ("deferred_wq", "BROKEN_KICK OWNERS=1 STRICT", "served"),
        ("deferred_wq", "BROKEN_EARLY OWNERS=1 STRICT", "served"),
        ("deferred_wq", "BROKEN_FIRST OWNERS=1 REQUESTS=2 STRICT", "served"),
        ("deferred_wq", "BROKEN_ELSEWHERE OWNERS=1 UNPLUG", "leaves"),
        ("deferred_wq", "BROKEN_PROGRESS OWNERS=1 UNPLUG KWORKER_FIRST", "served"),
        ("task_work", "BROKEN_EMPTY", "served"),
        ("task_work", "BROKEN_IDLE", "served"),
        ("task_work", "BROKEN_AGAIN", "leaves"),
        ("task_work", "BROKEN_SPIN CACHE", "leaves"),
        ("task_work", "BROKEN_PROGRESS TASKS=1 UNPLUG KWORKER_FIRST", "served"),
    ):
        yield Run(model, f"LIVE {switches}", claim, "acceptance cycle")


def search(run, folder):
    """Do one search in a folder of its own; return what was printed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.pml").write_text((HERE / f"{run.model}.pml").read_text(encoding="utf-8"), encoding="utf-8")
    if run.claim:
        # Fair to this many processes, three for each of NFAIR; assertions are for the other runs.
        compiled, how = ["-DNFAIR=3"], ["-a", "-f", "-A", "-N", run.claim]
    else:
        compiled, how = ["-DSAFETY"], []
    text = ""
    for command in (
        ["spin", *(f"-D{switch}" for switch in run.switches.split()), "-a", "model.pml"],
        # A twin is rejected before optimised code has paid for being made.
        ["gcc", "-O0" if run.error else "-O1", "-w", f"-DMEMLIM={MEGABYTES}", *compiled, "-o", "pan", "pan.c"],
        # A small table to begin with, which grows.
        ["./pan", f"-m{DEPTH[run.model]}", "-w20", *how],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        text += done.stdout + done.stderr
        if done.returncode:
            return f"{text}\n{command[0]}: ended with status {done.returncode}"
    return text


def complaints(run, text):
    """What is wrong with a search, in lines."""
    found = re.findall(r"^pan:\d+: (.*) \(at depth", text, re.MULTILINE)
    if run.error:
        if not any(re.search(run.error, error) for error in found):
            yield f"spin did not reject the twin for {run.error!r}, but: {found or last_line(text)}"
    elif found or "errors: 0" not in text:
        yield found[0] if found else last_line(text)
    elif cut := re.search(r"Search not completed|max search depth too small|-DMEMLIM bound", text):
        yield f"the search was cut short: {cut[0]}"


def last_line(text):
    return text.strip().splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="words: only runs that have all of them")
    args = parser.parse_args()

    chosen = [run for run in runs() if set(args.only) <= {run.model, run.claim, *run.switches.split()}]
    if not chosen:
        known = sorted({word for run in runs() for word in (run.model, run.claim, *run.switches.split()) if word})
        parser.error(f"no run has all of {' '.join(args.only)}; known words: {' '.join(known)}")
    folders = [ROOT / f"build/models/{number}" for number, _ in enumerate(chosen, 1)]
    begin = time.monotonic()
    with tapfile.Writer("models") as tap, concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for run, text in zip(chosen, pool.map(search, chosen, folders), strict=True):
            states = re.search(r"^\s*([\d.e+]+) states, stored", text, re.MULTILINE)
            print(f"[{tap.points + 1}/{len(chosen)}] {run}: {float(states[1]) if states else 0:.0f} states "
                  f"({time.monotonic() - begin:.0f} s so far)", flush=True)
            verdict = "is rejected" if run.error else "no error in a complete search"
            tap.point(f"{run}: {verdict}", complaints(run, text))
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
