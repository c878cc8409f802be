# SPDX-License-Identifier: GPL-2.0-only
"""One drain under each arm that is compared, one above the other: what each does to the owner."""

import dataclasses

from bench import arms
from bench.report.facts import anatomy, read
from bench.report.rendering import documents, plots

MODEL = "rt"
SCENE = "user mode"
FILE = "timeline.svg"

# In CSS pixels, of which GitHub gives a figure some 900. A row's parts are measured from its top.
WIDTH, LEFT, RIGHT = 880, 74, 788
HEAD, ROW, FOOT = 28, 92, 84
RULE, NAME, LABEL, OWNER, BETWEEN, REQUESTER = 3, 14, 32, 48, 65, 78
OWNER_HEIGHT, REQUESTER_HEIGHT = 17, 8
SAYS = 118  # where an arm's own words begin
BREAKS = 22, 150, 120  # what is shortened: between fill and request, from there to the owner's call, after that
LEAST = 2.5  # of what would be too narrow to see
CHARACTER = 6.7  # of a label
PIXEL = 72 / 96  # points

# Of different lightness, so that they differ in grey too; orange and blue are Okabe and Ito's.
USER, OWN, OTHER, DRAIN, ASKS = "#e3e9ee", "#f0a830", "#0072b2", "#000000", "#777777"
WORKS = {"color": ASKS}
WAITS = {"facecolor": "white", "edgecolor": ASKS, "hatch": "/////", "linewidth": 0.6}
INTERRUPTS = {"local_timer": "tick", "call_function_single": "IPI", "call_function": "IPI", "reschedule": "IPI",
              "irq_work": "IPI"}
BEFORE, AFTER = 2000, 3000  # ns that are shown before a moment, and after the last of what belongs to it
TAIL = 3000000  # ns after all is done that are looked at, if the owner goes on so long


@dataclasses.dataclass(frozen=True)
class Look:
    """What is drawn of a scene: its pauses and drains from the fill to some time after the owner's call."""

    of: anatomy.Scene
    pauses: list
    drains: list

    def busy_until(self, moment, at):
        """When the last pause ends that begins between a moment and this time; or this time."""
        return max([at, *(pause.end for pause in self.pauses if self.of.moments[moment] <= pause.begin <= at)])


def tail_of(of):
    """ns after the owner's call that can be looked at: while the owner goes on, and no longer than after the request.
    """
    last = max(end for _, end, name in of.spans[of.isolated] if name == "owner, user mode")
    return min(last - of.moments["call"], of.moments["call"] - of.moments["request"])


def looks(scenes):
    """({arm: Look}, ns after the call that all of them look at); scenes: {arm: scene}."""
    tail = min(map(tail_of, scenes.values()))

    def seen(of, at):
        return of.moments["fill"] <= at < of.moments["call"] + tail

    return {arm: Look(of, [pause for pause in anatomy.pauses(of) if seen(of, pause.begin)],
                      [drain for drain in anatomy.drain_bars(of) if seen(of, drain[0])])
            for arm, of in scenes.items()}, tail


# ---- Time to place ----


@dataclasses.dataclass(frozen=True)
class Stretch:
    """A part of the axis. left, right: pixels; begin, end: ns since a moment, no end: up to the next stretch."""

    moment: str
    left: float
    right: float
    begin: int
    end: int | None
    to_scale: bool


def length_after(seen, moment, until, less_than):
    """ns that are shown to scale after a moment, in all looks until until(look) or the end of a pause; less than these.
    """
    longest = max(look.busy_until(moment, until(look)) - look.of.moments[moment] for look in seen) + AFTER
    return min(longest, less_than - 2 * BEFORE)


def axis_of(seen, tail):
    """The stretches of the axis that all share: to scale around three moments, shortened in between and after them."""
    def between(one, other):
        return min(look.of.moments[other] - look.of.moments[one] for look in seen)

    def filled(look):
        return next((pause.end for pause in look.pauses if pause.own), look.of.moments["fill"])

    lengths = {"fill": length_after(seen, "fill", filled, between("fill", "request")),
               "request": length_after(seen, "request", lambda look: look.of.moments["request_end"],
                                       between("request", "call")),
               "call": length_after(seen, "call", lambda look: look.of.moments["call_end"], tail)}
    scale = (RIGHT - LEFT - sum(BREAKS)) / sum(BEFORE + length for length in lengths.values())
    found, left = [], LEFT
    for (moment, length), gap in zip(lengths.items(), BREAKS, strict=True):
        right = left + scale * (BEFORE + length)
        found += [Stretch(moment, left, right, -BEFORE, length, True),
                  Stretch(moment, right, right + gap, length, tail if moment == "call" else None, False)]
        left = right + gap
    return found


def place_of(of, stretches):
    """What gives the pixel of a time of this scene."""
    edges = [(of.moments[s.moment] + ns, pixel) for s in stretches if s.end is not None
             for ns, pixel in ((s.begin, s.left), (s.end, s.right))]
    times, pixels = zip(*edges, strict=True)
    return lambda at: float(plots.numpy.interp(at, times, pixels))


# ---- What is said ----


def number(ns):
    """A length in guest µs."""
    return f"{ns / 1000:.1f}" if ns < 9950 else f"{ns / 1000:.0f}"


def cause(look, pause):
    """What interrupted the owner, in a word or two; or that its own entry holds the drain."""
    if pause.own:
        drained = any(pause.begin <= begin < pause.end and who != "requester" for begin, _, who in look.drains)
        return "with the drain" if drained else ""
    words = [INTERRUPTS.get(name, "interrupt") for name in pause.interrupts[:1]]
    return " + ".join(dict.fromkeys([*words, *(name for _, _, name in pause.spans if name == "kworker")]))


def text(alike, why):
    """A label of pauses of one cause."""
    lengths = ", ".join(number(pause.end - pause.begin) for pause in alike) + " µs"
    if alike[0].own:
        return f"{lengths} {why}".strip()
    return f"{why}{'s' if why == 'tick' and len(alike) > 1 else ''} {lengths}"


def labels(look, place):
    """What stands above the owner's row: [(pixel of its middle, text, is it an interruption?)].

    Pauses of one cause share a label where two would overlap; other labels make room.
    """
    def middle(pause):
        return (place(pause.begin) + place(pause.end)) / 2

    groups = []
    for pause in look.pauses:
        kind = (pause.own, cause(look, pause))
        room = CHARACTER * (2 + len(text([pause], kind[1])))
        if groups and groups[-1][0] == kind and middle(pause) - middle(groups[-1][1][-1]) < room:
            groups[-1][1].append(pause)
        else:
            groups.append((kind, [pause]))
    found, free = [], LEFT
    for (own, why), alike in groups:
        said = text(alike, why)
        half = CHARACTER * len(said) / 2
        at = min(max((middle(alike[0]) + middle(alike[-1])) / 2, free + half), WIDTH - half)
        free = at + half + CHARACTER
        found.append((at, said, not own))
    return found


def times(count):
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def outcome(look):
    """What becomes of the request, as far as the trace says it."""
    begin, end = look.of.moments["request"], look.of.moments["request_end"]
    served = [e for e in look.of.events if e.name == "pcd_served" and begin <= e.at <= end]
    if any(e.arg("posted") != "0" for e in served):
        return "returns, the drain is only posted"
    if any(begin <= since and until <= end for since, until, _ in look.drains):
        return "returns, the cache is drained"
    return "returns, nothing was left to drain" if served and all(e.arg("left") == "0" for e in served) else "returns"


# ---- Drawing ----


def write(axis, x, y, said, size=11.5, **how):
    """Text on white; size in pixels."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    axis.text(x, y, said, fontsize=size * PIXEL, **({"va": "center", "bbox": ground} | how))


def block(axis, left, right, middle, height, **style):
    """A rectangle, wide enough to be seen."""
    wide = max(right - left, LEAST)
    axis.barh(middle, wide, left=(left + right - wide) / 2, height=height, **({"linewidth": 0} | style))


def line(axis, across, down, **style):
    axis.plot(across, down, **({"color": "black", "linewidth": 0.8} | style))


def draw_owner(axis, look, place, top):
    """The owner's row: user mode, its pauses, and how long each is."""
    middle = top + OWNER
    block(axis, LEFT, RIGHT, middle, OWNER_HEIGHT, color=USER)
    for pause in look.pauses:
        block(axis, place(pause.begin), place(pause.end), middle, OWNER_HEIGHT, color=OWN if pause.own else OTHER)
        for begin, end, _ in (span for span in pause.spans if pause.own and span[2] != "owner, kernel"):
            block(axis, place(begin), place(end), middle, OWNER_HEIGHT, color=OTHER)
    for at, said, unasked in labels(look, place):
        write(axis, at, top + LABEL, said, ha="center", weight="bold" if unasked else "normal")
    write(axis, RIGHT + 12, middle, times(sum(not pause.own for pause in look.pauses)), 14, weight="bold")


def draw_requester(axis, look, place, top):
    """The requester's row: the request from begin to return."""
    first, last = look.of.moments["request"], look.of.moments["request_end"]
    for begin, end, mode in anatomy.requester_spans(look.of):
        if begin < last and end > first:
            block(axis, place(max(begin, first)), place(min(end, last)), top + REQUESTER, REQUESTER_HEIGHT,
                  **(WORKS if mode else WAITS))
    write(axis, place(last) + 8, top + REQUESTER, outcome(look))


def draw_drains(axis, look, place, top):
    """Where the owner's cache is drained, and by whom."""
    for begin, end, who in look.drains:
        left, right = place(begin), place(end)
        below = who == "requester"
        block(axis, left, right, top + (REQUESTER if below else OWNER), REQUESTER_HEIGHT if below else OWNER_HEIGHT,
              color=DRAIN)
        write(axis, (left + right) / 2, top + BETWEEN, "▼" if below else "▲", ha="center")
        write(axis, (left + right) / 2 + 7, top + BETWEEN, "drain")


def draw_row(axis, arm, look, stretches, top):
    """One arm."""
    place = place_of(look.of, stretches)
    line(axis, [0, WIDTH], [top + RULE] * 2, color="#bbbbbb")
    write(axis, 0, top + NAME, arm, 12.5, weight="bold")
    write(axis, SAYS, top + NAME, arms.fact(arm, "SAYS"), color="#333333")
    write(axis, 0, top + OWNER, "owner")
    write(axis, 0, top + REQUESTER, "requester")
    draw_owner(axis, look, place, top)
    draw_requester(axis, look, place, top)
    draw_drains(axis, look, place, top)
    for x in (x for stretch in stretches for x in breaks(stretch)):
        write(axis, x, top + OWNER, "//", 16, color="white", ha="center", weight="bold", bbox=None)


def breaks(stretch):
    """Where a reader must see that the axis is not to scale: at both ends of what is shortened, if it is that wide."""
    if stretch.to_scale:
        return ()
    if stretch.right - stretch.left < 40:
        return ((stretch.left + stretch.right) / 2,)
    return (stretch.left + 5,) if stretch.end else (stretch.left + 5, stretch.right - 5)


HEADS = {"fill": "owner fills its cache", "request": "requester asks for a drain", "call": "owner's next system call"}


def tick(axis, x, y, said):
    line(axis, [x, x], [y, y + 4])
    write(axis, x, y + 12, said, ha="center")


def draw_axis(axis, of, stretches, bottom):
    """Above all rows what happens at a moment, below them the time since then; of: any of the scenes."""
    place = place_of(of, stretches)
    for stretch in stretches:
        moment, step = of.moments[stretch.moment], 10000 if stretch.to_scale else 1000000
        line(axis, [stretch.left, stretch.right], [bottom] * 2, linestyle="-" if stretch.to_scale else (0, (1, 2)))
        if stretch.to_scale:
            line(axis, [place(moment)] * 2, [20, bottom], linestyle=(0, (4, 3)), zorder=0)
            write(axis, place(moment), 12, HEADS[stretch.moment], 12, weight="bold")
            write(axis, place(moment), bottom + 27, f"µs since the {stretch.moment}")
        end = stretch.end or min(at for at in of.moments.values() if at - moment > stretch.begin) - moment
        for since in range(-(-max(stretch.begin, 0) // step) * step, end, step):
            tick(axis, place(moment + since), bottom, f"{since // 1000:,}")
    write(axis, RIGHT + 12, 12, "interrupted", 12, weight="bold")


KEY = {"owner in user mode": {"color": USER}, "owner in the kernel, by its own fault or call": {"color": OWN},
       "others on its CPU: interrupt, kworker": {"color": OTHER}, "requester at work on its request": WORKS,
       "requester waits": WAITS, "the drain itself": {"color": DRAIN}}


def draw(path, scenes):
    """Write the figure; scenes: {arm: the scene}, in the order of rows."""
    seen, tail = looks(scenes)
    stretches, bottom = axis_of(seen.values(), tail), HEAD + ROW * len(seen)
    height = bottom + FOOT
    with plots.matplotlib.rc_context({"hatch.linewidth": 0.8}):
        figure = plots.plt.figure(figsize=(WIDTH / 96, height / 96))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set(xlim=(0, WIDTH), ylim=(height, 0))
        axis.axis("off")
        draw_axis(axis, next(iter(scenes.values())), stretches, bottom)
        for row, (arm, look) in enumerate(seen.items()):
            draw_row(axis, arm, look, stretches, HEAD + ROW * row)
        axis.legend([plots.matplotlib.patches.Patch(**({"linewidth": 0} | style)) for style in KEY.values()], KEY,
                    loc="lower left", bbox_to_anchor=(0, 0), ncol=3, fontsize=11.5 * PIXEL, borderaxespad=0)
        plots.save(figure, path, "One drain under each strategy: what it takes from the owner")


# ---- The part of a page ----


CAPTION = """\
![One drain under {arms}: what runs on the owner's CPU when, and for how long]({figure})

*One drain under each strategy (virtual lab, PREEMPT_RT): the owner computes on the isolated CPU when the requester, on
another CPU, asks for a drain. In bold: what takes the owner out of user mode unasked, looked at until {after} ms after
its next call. One traced boot each: who runs and in what order is right, but lengths, in guest µs (1,000 instructions
of all CPUs), contain the tracing's own and are not those without a trace. [Event by event]({page}).*
"""


def scenes_of(cells):
    """({arm: its scene}, {arm: why it has none}) of the arms that are compared, in their order; cells: as in part().
    """
    found, without = {}, {}
    for arm in (arm for arm in arms.names() if arms.fact(arm, "COMPARED")):
        try:
            found[arm] = next(of for of in anatomy.read_scenes(cells[MODEL, arm], TAIL) if of.name == SCENE)
        except KeyError:
            without[arm] = "no trace"
        except read.Unreadable as error:
            without[arm] = str(error)
    return found, without


def part(folder, cells):
    """The figure, drawn into folder, and what its reader must know; nothing if there is no trace.

    cells: {(model, arm): the folder of its traced boot}.
    """
    scenes, without = scenes_of(cells)
    if not scenes:
        return ""
    _, tail = looks(scenes)
    draw(folder / FILE, scenes)
    said = CAPTION.format(arms=", ".join(scenes), figure=documents.FIGURES / FILE, after=f"{tail / 1e6:.2g}",
                          page=documents.place("anatomy"))
    return said + "".join(f"\nNot in it: {arm} ({why}).\n" for arm, why in without.items())
