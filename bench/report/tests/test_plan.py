# SPDX-License-Identifier: GPL-2.0-only
"""plan.py is whole, and METHOD.md says the same."""

import collections
import itertools
import pathlib
import re
import subprocess

import pytest

from bench import campaign, virtual
from bench.report import plan
from bench.report.facts import metrics, read
from bench.report.rendering import method
from bench.report.tests import synthetic

TESTS = 2 * len(plan.CONTRASTS)
METHOD = pathlib.Path(__file__).parents[2] / "METHOD.md"


@pytest.mark.parametrize("table", [method.metrics_table, method.contrasts_table])
def test_the_method_has_the_plan_s_tables(table):
    assert table() in METHOD.read_text()


@pytest.mark.parametrize("limit", [f"{plan.FIRST_SEED} to {plan.FIRST_SEED + plan.BOOTS - 1};",
                                   f"from {plan.OTHER_SEED} on", f"{plan.SLOPE[0]} .. {plan.SLOPE[1]}",
                                   f"at most {plan.DETECT:,}", f"at most {100 * plan.ALPHA:g} %", f"p < {plan.ALPHA}",
                                   f"over {TESTS} tests leaves at {TESTS * 2 / 2**plan.BOOTS:.3f}",
                                   f"always {TESTS}:", f"{plan.SENSITIVE_SEEDS} seeds each: metronome",
                                   f"{', '.join(str(dose // 1000) for dose in plan.DOSES)} thousand instructions",
                                   f"isolated CPU, {plan.DOSE_SEEDS} seeds each |"])
def test_the_method_has_the_plan_s_limits(limit):
    assert limit in " ".join(METHOD.read_text().split())


DRAWS = """
#include <stdio.h>
#include "params.h"

int main(void)
{
	struct params params = { .order = "drawn", .metronome = %(metronome)s, .metronome_span = %(metronome_span)s,
			.metronome_dither = %(metronome_dither)s };

	for (params.seed = 1; params.seed <= 60; params.seed++)
		printf("%%llu %%llu %%d\\n", params_metronome(&params), params_dither(&params),
			params_storm_first(&params));
	return 0;
}
"""


def test_seeds_in_a_row_share_out_turns_and_order(tmp_path):
    """As the guest draws them: of plan.STRATA, from any on, each has its part; and so far apart they have the same."""
    guest = METHOD.parent / "guest"
    (tmp_path / "draws.c").write_text(DRAWS % virtual.WORKLOAD)
    subprocess.run(["gcc", "-D__noreturn=", "-D__printf(a,b)=", "-D_GNU_SOURCE", "-I", guest, "-o", tmp_path / "draws",
                    tmp_path / "draws.c", *(guest / f"{name}.c" for name in ("params", "random", "files"))], check=True)
    told = subprocess.run([tmp_path / "draws"], capture_output=True, text=True, check=True).stdout
    low, span = int(virtual.WORKLOAD["metronome"]), int(virtual.WORKLOAD["metronome_span"])
    drawn = [((int(count) - low) * plan.STRATA // span, int(dither) > 0, first == "1")
             for count, dither, first in map(str.split, told.splitlines())]
    for begin in range(len(drawn) - plan.STRATA + 1):
        row = sorted(drawn[begin:begin + plan.STRATA])
        assert [part for part, *_ in row] == list(range(plan.STRATA))
        for third in (row[:4], row[4:8], row[8:]):
            assert {tuple(combination) for _, *combination in third} == set(itertools.product((False, True), repeat=2))
    assert drawn[plan.STRATA:] == drawn[:-plan.STRATA]
    assert len(set(told.splitlines())) > 2 * plan.STRATA  # the count within its part is drawn anew


def planned():
    """All boots of a campaign without parameters."""
    return campaign.all_boots(campaign.arguments("--seeds", str(plan.BOOTS)))


def test_the_campaign_runs_what_is_planned():
    names = {folder.name.rpartition("-")[0] for folder in planned()}
    assert {name.removeprefix("sensitivity-") for name in names if name.startswith("sens")} == set(plan.SETS)
    assert set(plan.run_settings()) == set(plan.SETS)
    assert {name.removeprefix("dose-") for name in names if name.startswith("dose-")} == set(map(str, plan.DOSES))


def test_the_pages_say_how_many_boots_there_are():
    boots = planned()
    first, second = ((METHOD.parents[up] / "README.md").read_text() for up in (1, 0))
    assert re.findall(r"(\d+)\sboots \d+", first) == [str(len(boots))]
    assert f"A campaign of {len(boots)} boots" in second
    kinds = collections.Counter(re.match("[a-z]+", folder.name)[0] for folder in boots)
    named = " ".join(second.split("A campaign of ")[1].split("\n\n")[0].split())
    said = (f"workload ({kinds['seed']} boots, `rebuilt` among them), 2 for `aa` ({kinds['aa']}), 3 for `dose` "
            f"({kinds['dose']}), 18 for `sensitivity` ({kinds['sensitivity']}), 11 for hot paths ({kinds['hotpath']}), "
            f"1 for anatomies ({kinds['anatomy']}).")
    assert said in named and sum(kinds.values()) == len(boots)


def test_every_metric_is_measured(tmp_path):
    figures = metrics.measure(read.read_boot(synthetic.boot(tmp_path)))
    assert {metric.key for metric in plan.METRICS} <= figures.keys()


def test_settings_are_run_with_all_that_a_contrast_names():
    cells = plan.sensitive_cells()
    assert {cell for contrast in plan.CONTRASTS for cell in ((contrast.model, contrast.arm),
                                                             (contrast.model, contrast.base))} == set(cells)
    assert ("lazy", "qpw0") in cells and len(set(cells)) == len(cells)


def test_every_contrast_has_a_metric_with_a_margin():
    assert all(plan.BY_KEY[contrast.key].margin > 0 for contrast in plan.CONTRASTS)
    assert len(set(plan.CONTRASTS)) == len(plan.CONTRASTS) and len(plan.BY_KEY) == len(plan.METRICS)


def test_the_dose_vouches_for_nothing_that_it_cannot_move(tmp_path):
    """An interrupt of user mode in the storm adds to neither the quiet phase nor what tasks ask for themselves."""
    calm, dosed = (metrics.measure(read.read_boot(synthetic.boot(tmp_path, seed=seed, per_drain=cost)))
                   for seed, cost in ((1, 0), (2, 5000)))
    still = {metric.key for metric in plan.METRICS if calm[metric.key] == dosed[metric.key]}
    assert {"fill/quiet", "fill/quiet_own", "owner/own"} <= still
    assert not still & {metric.key for metric in plan.METRICS if metric.dose}
