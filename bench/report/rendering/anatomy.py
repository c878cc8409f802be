# SPDX-License-Identifier: GPL-2.0-only
"""The page of timelines: of each arm one drain, as a figure and a listing.

As a command (`make anatomy`) it draws one cell, and prints the listing.
"""

import argparse
import sys

from bench import archive, arms
from bench.report.facts import frame, read
from bench.report.facts.anatomy import (
    LANES,
    MOMENTS,
    UPSTREAM_WORK,
    drain_bars,
    is_interrupt,
    read_scenes,
    requester_spans,
)
from bench.report.rendering import documents, markdown, plots

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
    return markdown.minus(f"{(at - scene_of.moments['request']) / 1000:+.1f}")


def listing(title, scenes):
    """All events as text."""
    lines = [title, "Times in guest µs (1000 instructions of all CPUs) since the request, tracing included."]
    for of in scenes:
        lines += ["", f"Owner in {'user mode' if of.name == 'user mode' else 'a system call'} at the request", ""]
        lines += [f"{since_request(of, e.at):>9}  CPU {e.cpu}  {e.task:<14} {words(e)}".rstrip() for e in of.events]
    return "\n".join(lines) + "\n"


# ---- Drawing ----


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


def part(folder, lab, cells):
    """The timelines of one drain each, and links to their listings; cells: {(model, arm): folder}."""
    if not cells:
        return ""
    order = frame.in_order({arm for _, arm in cells})
    text = [f"## One drain, who ran what when (lab: {lab})\n",
            "One request under each arm, from the kernel's trace events: the owner caches one folio, then the "
            "requester asks once. Time is guest time with tracing on, stretches without events are shortened. "
            f"`make anatomy VARIANT={arms.example()} MODEL=rt` makes one figure.\n"]
    for model, arm in sorted(cells, key=lambda cell: (cell[0] != "rt", cell[0], order.index(cell[1]))):
        name = f"{model}-{arm}"
        try:
            write(cells[model, arm], folder, model, arm)
        except read.Unreadable as error:
            text.append(f"- {name}: no timeline: {error}\n")
            continue
        where = f"{documents.FIGURES}/anatomy-{name}"
        text.append(f"![One drain under {name}]({where}.svg)\n\n*{name}. [All events]({where}.txt).*\n" if model == "rt"
                    else f"- {name}: [timeline]({where}.svg), [all events]({where}.txt)\n")
    return "\n".join(text)


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
