# SPDX-License-Identifier: GPL-2.0-only
"""One drain as a timeline: who ran what when, from the kernel's trace events.

Reads the boot LAB/CELL/anatomy.
"""

import dataclasses
import re

from bench.report.facts import read

LINE = re.compile(r"\s*(?P<task>.+)-\d+\s+\[(?P<cpu>\d+)\]\s+\S+\s+(?P<at>\d+): (?P<name>\w+): ?(?P<args>.*)")
SCENES = ("user mode", "system call")
MOMENTS = ("fill", "call", "call_end", "request", "request_end")
REQUESTERS_CPU = 0
BEFORE, AFTER = 4000, 6000  # ns that are shown before the fill and after the last thing of interest
SETTLED = 100000  # ns after the owner's call; what the facade does later is for the end of the processes
UPSTREAM_WORK = "lru_add_drain_per_cpu"  # what drains where there is no facade to say so
LANES = ("requester", "owner, user mode", "owner, kernel", "kworker", "interrupt", "others")


@dataclasses.dataclass(frozen=True)
class Event:
    """A trace event, or a moment that a program noted itself (args is empty then). at: ns, the TSC of a 1 GHz guest."""

    at: int
    cpu: int
    task: str
    name: str
    args: str = ""

    def arg(self, key):
        """A value of "key=value", or None."""
        found = re.search(rf"\b{key}=(\S+)", self.args)
        return found[1] if found else None


@dataclasses.dataclass
class Scene:
    """One request. events: in order of time, moments included; spans: [(begin, end, lane)] of a CPU's time."""

    name: str
    isolated: int
    events: list
    moments: dict
    spans: dict


def event(line):
    """The event of a line of the trace; None for a comment."""
    if line.startswith("#") or not line.strip():
        return None
    found = LINE.fullmatch(line.rstrip())
    if not found:
        raise read.Unreadable(f"guest.jsonl: a line of the trace that is no event: {line.strip()[:80]}")
    return Event(int(found["at"]), int(found["cpu"]), found["task"].strip(), found["name"], found["args"].strip())


def cut(events, moments, after):
    """The events from a little before the fill to some time, in ns, after all is done."""
    last = max(moments["call_end"], moments["request_end"],
               *(e.at for e in events if e.name.startswith("pcd_") and e.at < moments["call_end"] + SETTLED))
    return [e for e in events if moments["fill"] - BEFORE <= e.at <= last + after]


def with_moments(events, moments, isolated):
    """The events, and what the programs noted between them."""
    noted = [Event(at, REQUESTERS_CPU if name.startswith("request") else isolated,
                   "requester" if name.startswith("request") else "owner", name) for name, at in moments.items()]
    return sorted([*events, *noted], key=lambda e: e.at)


def lane(task, mode):
    """Where a CPU's time is drawn."""
    if task.startswith(("kworker", "requester", "owner")):
        task = task.partition("/")[0]
        return f"{task}, {mode}" if task != "kworker" else task
    return "idle" if task.startswith(("swapper", "<idle>")) else "others"


def is_interrupt(e):
    return e.name.endswith(("_entry", "_exit")) and e.name not in ("user_exit",)


def spans(events, cpu):
    """What a CPU did, as [(begin, end, lane)].

    Only the isolated CPU's entries from and returns to user mode are traced; of
    the other one the requester noted when it asked, and interrupts are left out.
    """
    here = [e for e in events if e.cpu == cpu and (cpu != REQUESTERS_CPU or not is_interrupt(e))]
    task, mode, interrupts, since = here[0].task, "user mode", 0, events[0].at
    found = []

    def now_at(at):
        nonlocal since
        name = "interrupt" if interrupts else lane(task, mode)
        if found and found[-1][2] == name and found[-1][1] == since:
            found[-1] = (found[-1][0], at, name)
        elif at > since:
            found.append((since, at, name))
        since = at

    for e in here:
        now_at(e.at)
        if e.name == "sched_switch":
            task, mode = e.arg("next_comm"), "kernel"
        elif e.name in ("user_enter", "request_end"):
            mode = "user mode"
        elif e.name in ("user_exit", "request"):
            mode = "kernel"
        elif is_interrupt(e):
            interrupts = max(interrupts + (1 if e.name.endswith("_entry") else -1), 0)
    now_at(events[-1].at)
    return found


def scene(name, isolated, lines, moments, after=AFTER):
    """The scene of a part of the guest's lines; after: as for cut()."""
    if missing := [moment for moment in MOMENTS if not moments.get(moment)]:
        raise read.Unreadable(f"guest.jsonl: scene {name!r} has no {', '.join(missing)}")
    traced = [e for e in map(event, lines) if e]
    if not traced or traced[0].at > moments["fill"] or traced[-1].at < moments["call_end"]:
        raise read.Unreadable(f"guest.jsonl: the trace of scene {name!r} does not cover it")
    events = with_moments(cut(traced, moments, after), moments, isolated)
    return Scene(name, isolated, events, moments, {cpu: spans(events, cpu) for cpu in (REQUESTERS_CPU, isolated)})


def read_scenes(folder, after=AFTER):
    """The scenes of an anatomy's folder; read.Unreadable if it is not whole, or the boot failed. after: for cut()."""
    read.check_good(folder)
    isolated, lines, moments = None, {}, {}
    for line in read.json_lines(folder / "guest.jsonl"):
        if "isolated" in line:
            isolated = line["isolated"]
        elif "scene" in line:
            current = line["scene"]
            moments.setdefault(current, {})[line["moment"]] = line["at"]
        elif "trace" in line:
            lines.setdefault(current, []).append(line["trace"])
    if tuple(lines) != SCENES:
        raise read.Unreadable(f"guest.jsonl: scenes {list(lines)}, not {list(SCENES)}")
    return [scene(name, isolated, lines[name], moments[name], after) for name in SCENES]


@dataclasses.dataclass(frozen=True)
class Pause:
    """A stretch in which the isolated CPU is not in the owner's user mode.

    own: the owner's fault or system call began it, else it is an interruption. spans: as in Scene; interrupts: the
    names of those that came meanwhile, in order.
    """

    begin: int
    end: int
    own: bool
    spans: list
    interrupts: list


def pauses(of):
    """All pauses of the owner's user mode that the trace shows from begin to end."""
    away = [span for span in of.spans[of.isolated] if span[2] != "owner, user mode"]
    found = []
    for span in away:
        if found and found[-1][-1][1] == span[0]:
            found[-1].append(span)
        else:
            found.append([span])
    first, last = of.events[0].at, of.events[-1].at
    whole = [(spans[0][0], spans[-1][1], spans) for spans in found if first < spans[0][0] and spans[-1][1] < last]
    own = {next((begin for begin, _, _ in whole if begin >= of.moments[moment]), None) for moment in ("fill", "call")}
    return [Pause(begin, end, begin in own, spans,
                  [e.name.removesuffix("_entry") for e in of.events if e.cpu == of.isolated and begin <= e.at <= end
                   and is_interrupt(e) and e.name.endswith("_entry")]) for begin, end, spans in whole]


def requester_spans(of):
    """The requester's time: in user mode, in the kernel, or (None) waiting for something."""
    for begin, end, name in of.spans[REQUESTERS_CPU]:
        if name.startswith("requester"):
            yield begin, end, name.partition(", ")[2]
        elif of.moments["request"] <= begin <= of.moments["request_end"]:
            yield begin, end, None


def drain_bars(of):
    """Who drained the isolated CPU's cache: [(begin, end, lane of the one who did)]."""
    found, begun = [], None
    for e in of.events:
        ours = e.arg("cpu") == str(of.isolated) or (UPSTREAM_WORK in e.args and e.cpu == of.isolated)
        if ours and e.name in ("pcd_drain_begin", "workqueue_execute_start"):
            begun = e
        elif ours and begun and e.name in ("pcd_drain_end", "workqueue_execute_end"):
            where = "requester" if begun.cpu != of.isolated else lane(begun.task, "kernel")
            found.append((begun.at, e.at, where if where in LANES else "others"))
            begun = None
    return found
