# SPDX-License-Identifier: GPL-2.0-only
"""Boots that are made to fail, each in its own way, have the right verdict."""

import os
import pathlib

from bench import arms, boot
from bench.checks.made import SHORT, qemu_by, run_all, spec_of


def check_lab_verdicts(tap, cell):
    def inject(failure, **other):
        return spec_of(cell, workload=(*SHORT, ("inject", failure)), **other)

    # As somebody who tidies up may ask it to end; as a library of another machine may be refused.
    short_lived = qemu_by("short-lived-qemu", "exec timeout --preserve-status 3")
    not_preloaded = qemu_by("qemu-not-preloaded", "LD_PRELOAD=/none/such.so exec")
    _, _, arm = cell.partition("-")
    # A parameter that only another kernel knows.
    unknown = next(arms.fact(other, "BOOT") for other in arms.names() if arms.fact(other, "BOOT")
                   and arms.fact(other, "KERNEL") != arms.fact(arm, "KERNEL"))
    expected = {
        "panic": ("panic", "Attempted to kill init", inject("panic")),
        "hang": ("hang", "silent", inject("hang", silence=5)),
        "garbage": ("guest-failure", "no JSON", inject("garbage")),
        "fail": ("guest-failure", "as asked", inject("fail")),
        "unknown-parameter": ("guest-failure", "refused by the kernel", spec_of(cell, append=unknown)),
        "unknown-workload": ("guest-failure", "bench.speed", spec_of(cell, workload=(("speed", "1"),))),
        "unknown-class": ("guest-failure", "drain_now does not take", spec_of(cell, workload=(("class", "nothing"),))),
        "unknown-order": ("guest-failure", "order is", spec_of(cell, workload=(("order", "both-first"),))),
        "too-much-dither": ("guest-failure", "metronome less", spec_of(cell, workload=(("metronome_dither", "24"),))),
        "half-a-dose": ("guest-failure", "bench_dose does not take",
                        spec_of(cell, workload=(("storm", "dose"), ("dose", "150")))),
        "tick": ("guest-failure", "nohz_full", spec_of(cell, append="nohz_full=")),
        "no-init": ("boot-failure", "Kernel panic", spec_of(cell, append="rdinit=/none init=/none")),
        "dead-at-boot": ("boot-failure", "Kernel panic",
                         spec_of(cell, append="panic=0 rdinit=/none init=/none", silence=5)),
        "no-image": ("build-failure", "no image", spec_of(cell, image=pathlib.Path("build/images/none-such"))),
        "no-qemu": ("lab-failure", "No such file", spec_of(cell, qemu=pathlib.Path("build/tools/none-such"))),
        "bad-qemu": ("lab-failure", "status 1", spec_of(cell, qemu=pathlib.Path("/bin/false"))),
        "not-preloaded": ("lab-failure", "cannot be preloaded", spec_of(cell, qemu=not_preloaded)),
        "stopped-qemu": ("lab-failure", "terminating on signal", inject("hang", qemu=short_lived)),
    }
    results = run_all({name: spec for name, (_, _, spec) in expected.items()})
    for name, (verdict, text, _) in expected.items():
        got, why = results[name]
        wrong = [] if got == verdict and text in why else [f"got {got}: {why}; expected {verdict}: ... {text} ..."]
        tap.point(f"verdict {verdict}: {name}", wrong)
    left = [str(path) for path in boot.STAGING.glob(f"*-{os.getpid()}-*")]
    tap.point("no half-made folder is left", left)
