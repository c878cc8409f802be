# SPDX-License-Identifier: GPL-2.0-only
"""One drain as a timeline: who ran what when, from the kernel's trace events.

Reads the boot LAB/CELL/anatomy, writes a figure and a listing of it. As a
command (`make anatomy`) it does so for one cell, and prints the listing.
"""

import argparse
import dataclasses
import re
import sys

from bench import archive
from bench.report import plots, read

LINE = re.compile(r"\s*(?P<task>.+)-\d+\s+\[(?P<cpu>\d+)\]\s+\S+\s+(?P<at>\d+): (?P<name>\w+): ?(?P<args>.*)")
SCENES = ("user mode", "system call")
MOMENTS = ("fill", "call", "call_end", "request", "request_end")
REQUESTERS_CPU = 0
BEFORE, AFTER = 4000, 6000  # ns that are shown before the fill and after the last thing of interest
SETTLED = 100000  # ns after the owner's call; what the facade does later is for the end of the processes


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


# ---- Reading ----


def event(line):
    """The event of a line of the trace; None for a comment."""
    if line.startswith("#") or not line.strip():
        return None
    found = LINE.fullmatch(line.rstrip())
    if not found:
        raise read.Unreadable(f"guest.jsonl: a line of the trace that is no event: {line.strip()[:80]}")
    return Event(int(found["at"]), int(found["cpu"]), found["task"].strip(), found["name"], found["args"].strip())


def cut(events, moments):
    """The events from a little before the fill to a little after all is done."""
    last = max(moments["call_end"], moments["request_end"],
               *(e.at for e in events if e.name.startswith("pcd_") and e.at < moments["call_end"] + SETTLED))
    return [e for e in events if moments["fill"] - BEFORE <= e.at <= last + AFTER]


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


def scene(name, isolated, lines, moments):
    """The scene of a part of the guest's lines."""
    if missing := [moment for moment in MOMENTS if not moments.get(moment)]:
        raise read.Unreadable(f"guest.jsonl: scene {name!r} has no {', '.join(missing)}")
    traced = [e for e in map(event, lines) if e]
    if not traced or traced[0].at > moments["fill"] or traced[-1].at < moments["call_end"]:
        raise read.Unreadable(f"guest.jsonl: the trace of scene {name!r} does not cover it")
    events = with_moments(cut(traced, moments), moments, isolated)
    return Scene(name, isolated, events, moments, {cpu: spans(events, cpu) for cpu in (REQUESTERS_CPU, isolated)})


def read_scenes(folder):
    """The scenes of an anatomy's folder; read.Unreadable if it is not whole, or the boot failed."""
    verdict = read.load(folder / "verdict.json")
    if verdict.get("verdict") != "ok":
        raise read.Unreadable(f"{verdict.get('verdict')}: {verdict.get('why')}")
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
    return [scene(name, isolated, lines[name], moments[name]) for name in SCENES]


# ---- Words ----


MOMENT_WORDS = {"fill": "owner is about to touch a new page, which caches its folio",
                "request": "requester asks for a drain", "request_end": "requester goes on",
                "call": "owner makes a system call", "call_end": "it has returned"}


def words(e):
    """An event in plain words, or as it is."""
    if e.name in MOMENT_WORDS:
        return MOMENT_WORDS[e.name]
    if e.name == "sched_switch":
        return f"switch: {e.arg('prev_comm')} to {e.arg('next_comm')}"
    if e.name == "sched_waking":
        return f"wakes {e.arg('comm')}"
    if e.name == "workqueue_queue_work":
        return f"queues work {e.arg('function')} on CPU {e.arg('cpu')}"
    if e.name.startswith("workqueue_execute"):
        verb = "begins" if e.name.endswith("start") else "ends"
        return f"work {verb}: {e.args.rpartition('function ')[2].strip() or e.args}"
    if e.name in ("user_enter", "user_exit"):
        return "to user mode" if e.name == "user_enter" else "into the kernel"
    if is_interrupt(e):
        return f"interrupt {e.name.replace('_entry', ' begins').replace('_exit', ' ends').replace('_', ' ')}"
    return f"{e.name.removeprefix('pcd_').replace('_', ' ')}: {e.args}" if e.name.startswith("pcd_") else \
        f"{e.name} {e.args}"


def is_key(e, isolated):
    """Is an event one of those that tell the story, and get a number?"""
    if e.name.startswith("pcd_"):
        return e.arg("cpu") in (None, str(isolated))
    if UPSTREAM_WORK in e.args and e.name.startswith("workqueue_execute"):
        return True
    if e.cpu == isolated and (e.name == "sched_switch" or (e.name.endswith("_entry") and "timer" not in e.name)):
        return True
    return e.name in (*MOMENTS, "workqueue_queue_work")


def since_request(scene_of, at):
    return f"{(at - scene_of.moments['request']) / 1000:+.1f}".replace("-", "−")


def listing(title, scenes):
    """All events as text."""
    lines = [title, "Times in guest µs (1000 instructions of all CPUs) since the request, tracing included."]
    for of in scenes:
        lines += ["", f"Owner in {'user mode' if of.name == 'user mode' else 'a system call'} at the request", ""]
        lines += [f"{since_request(of, e.at):>9}  CPU {e.cpu}  {e.task:<14} {words(e)}".rstrip() for e in of.events]
    return "\n".join(lines) + "\n"


# ---- Drawing ----


UPSTREAM_WORK = "lru_add_drain_per_cpu"  # what drains where there is no facade to say so
LANES = ("requester", "owner, user mode", "owner, kernel", "kworker", "interrupt", "others")
LANE_COLOURS = dict(zip(LANES, ("#56b4e9", "#009e73", "#e69f00", "#d55e00", "#000000", "#999999"), strict=True))
DRAIN = "#cc79a7"
PLAIN = 3000  # ns; a longer stretch in which nothing happens is drawn shorter


class Axis:
    """Time to place: stretches without events are shortened, ever more the longer they are."""

    def __init__(self, times):
        self.times = sorted(set(times))
        self.places = [0.0]
        for begin, end in zip(self.times, self.times[1:], strict=False):
            gap = end - begin
            self.places.append(self.places[-1] + min(gap, PLAIN * (1 + max(gap / PLAIN, 1) ** 0.15 - 1)))

    def __call__(self, at):
        return plots.numpy.interp(at, self.times, self.places)

    def gaps(self, least=20000):
        """The shortened stretches worth a word: [(place of its middle, ns)]."""
        pairs = zip(self.times, self.times[1:], self.places, self.places[1:], strict=False)
        return [((a + b) / 2, end - begin) for begin, end, a, b in pairs if end - begin >= least]


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


REQUESTER_STYLES = {
    "user mode": ("requester in user mode", {"color": "#bfe3f7", "linewidth": 0}),
    "kernel": ("requester in the kernel", {"color": LANE_COLOURS["requester"], "linewidth": 0}),
    None: ("requester waits", {"facecolor": "white", "hatch": "////", "edgecolor": "#999999", "linewidth": 0}),
}


def draw_lanes(axis, of, place, lanes):
    level = {name: -number for number, name in enumerate(lanes)}

    def bar(begin, end, name, height=0.6, shift=0, **style):
        axis.barh(level[name] + shift, place(end) - place(begin), left=place(begin), height=height, **style)

    for begin, end, mode in requester_spans(of):
        label, style = REQUESTER_STYLES[mode]
        bar(begin, end, "requester", label=label, **style)
    for begin, end, name in of.spans[of.isolated]:
        if name in lanes:
            bar(begin, end, name, color=LANE_COLOURS[name], linewidth=0)
    for begin, end, name in drain_bars(of):
        bar(begin, end, name, 0.16, 0.38, color=DRAIN, edgecolor=DRAIN, linewidth=0.8, label="the cache is drained")
    bottom = 0.2 - len(lanes)
    axis.set(yticks=list(level.values()), ylim=(bottom, 2.1), xticks=[], xlim=(place.places[0], place.places[-1]),
             yticklabels=["requester, CPU 0", *(f"{name}, CPU {of.isolated}" for name in lanes[1:])])
    for middle, length in place.gaps():
        axis.text(middle, bottom + 0.05, f"{length / 1000:,.0f} µs", ha="center", fontsize=6, color="#777777",
                  rotation=90, va="bottom")


def number_events(axis, beside, of, place):
    """Numbers above the lanes, and beside them what they mean."""
    keys = [e for e in of.events if is_key(e, of.isolated)]
    width, last = place.places[-1], [float("-inf")] * 4
    for number, e in enumerate(keys, 1):
        at = place(e.at)
        row = next((row for row, end in enumerate(last) if at - end > 0.02 * width), 0)
        last[row] = at
        axis.axvline(at, color="#cccccc", linewidth=0.5, zorder=0)
        axis.text(at, 0.5 + 0.37 * row, str(number), fontsize=7, ha="center", va="bottom")
    beside.axis("off")
    for column, texts in ((0, [str(number) for number in range(1, len(keys) + 1)]),
                          (0.14, [since_request(of, e.at) for e in keys]),
                          (0.17, [f"CPU {e.cpu} {e.task}: {words(e)}" for e in keys])):
        beside.text(column, 1, "\n".join(texts), transform=beside.transAxes, fontsize=7, va="top", linespacing=1.3,
                    ha="left" if column == 0.17 else "right")


def draw(path, title, scenes):
    """Write the figure, a panel per scene."""
    used = {name for of in scenes for _, _, name in (*of.spans[of.isolated], *drain_bars(of))} | {"requester"}
    lanes = [name for name in LANES if name in used or name != "others"]
    with plots.matplotlib.rc_context({"svg.fonttype": "none", "axes.grid": False}):
        figure, axes = plots.plt.subplots(len(scenes), 2, figsize=(14, 3.5 * len(scenes)), width_ratios=(2, 1),
                                          layout="constrained")
        for (axis, beside), of in zip(axes, scenes, strict=True):
            place = Axis([e.at for e in of.events])
            draw_lanes(axis, of, place, lanes)
            number_events(axis, beside, of, place)
            axis.set_title(f"{title}: owner in {'user mode' if of.name == 'user mode' else 'a system call'} "
                           "at the request", fontsize=10, loc="left")
        found = {}
        for axis, _ in axes:
            found |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
        figure.legend(found.values(), found.keys(), loc="upper left", bbox_to_anchor=(0, 0), ncol=4, fontsize=8)
        plots.save(figure, path, f"{title}: one drain, who ran what when")


def write(folder, figures, model, arm):
    """Make figure and listing of one cell from its folder; returns the listing."""
    scenes = read_scenes(folder)
    figures.mkdir(parents=True, exist_ok=True)
    text = listing(f"One drain under {model}-{arm}, from its trace events", scenes)
    draw(figures / f"anatomy-{model}-{arm}.svg", f"{model}-{arm}", scenes)
    (figures / f"anatomy-{model}-{arm}.txt").write_text(text)
    return text


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", default="virtual")
    parser.add_argument("cell", help="MODEL-ARM")
    args = parser.parse_args()
    model, _, arm = args.cell.partition("-")
    try:
        mine = archive.MINE / args.lab / args.cell / "anatomy"
        folder = mine if mine.exists() else archive.unpacked() / args.lab / args.cell / "anatomy"
        print(write(folder, archive.KEPT / "figures", model, arm), end="")
    except read.Unreadable as error:
        print(f"error: anatomy of {args.cell}: {error}", file=sys.stderr)
        return 1
    print(f"\nfigure: results/figures/anatomy-{args.cell}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
