# SPDX-License-Identifier: GPL-2.0-only
"""Each rule of check/style.py sees a planted defect, and nothing else."""

import subprocess

import pytest

from check import style

SPDX = "SPDX-License-Identifier: GPL-2.0-only\n"


@pytest.fixture
def repository(tmp_path):
    """Make a repository of the files given and return its style.Tree."""

    def make(files, *subjects):
        def git(*args):
            subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t", *args], cwd=tmp_path, check=True,
                           capture_output=True)

        git("init")
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        git("add", ".")
        for subject in subjects or ("area: add files",):
            git("commit", "--allow-empty", "-m", subject)
        return style.Tree(tmp_path)

    return make


def test_licence_line(repository):
    tree = repository({"good.sh": f"#!/bin/sh\n# {SPDX}", "bad.c": "int a;\n", "late.c": "\n\n\n// " + SPDX,
                       "results/raw.txt": "raw", "results/f.svg": "<svg/>", "a.patch": "From"})
    assert [line.split(":")[0] for line in style.spdx(tree)] == ["bad.c", "late.c", "results/f.svg"]


@pytest.mark.parametrize("text, bad", [
    ("cd /" + "work/main", True),
    ("tar=/" + "home/me/x", True),
    ("build/work/x", False),
    ("$CACHE/work/x", False),
    ("ftp2.de." + "debian.org", True),
    ("see packages.debian.org", False),
    ("http://mirror.example/debian", True),
    ("mirror-example", False),
])
def test_machine(repository, text, bad):
    tree = repository({"a.txt": f"fine\n{text}\n"})
    found = list(style.machine(tree, ["mirror.example"]))
    assert bool(found) == bad
    assert all(line.startswith("a.txt:2:") for line in found)


def test_apt_hosts(tmp_path):
    (tmp_path / "sources.list").write_text("deb [x=y] http://one.example/debian a b\n")
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/x.sources").write_text("URIs: https://two.example:80/x\n")
    assert style.apt_hosts(tmp_path) == ["one.example", "two.example"]


def test_subjects(repository):
    tree = repository({}, "area: do it", "variants/qpw: do it", "README: do it", "No area", "area: ends with a stop.",
                      "area:none", "area: " + "long" * 20, "Merge branch 'x'")
    assert sorted(line.split("characters: ")[1] for line in style.subjects(tree)) == sorted(
        ["No area", "area: ends with a stop.", "area:none", "area: " + "long" * 20])


def test_links(repository):
    tree = repository({"a.md": "[a](b.md) [b](none.md)\n[c](https://x/none) [d](#top) ![e](pic.svg)\n",
                       "b.md": "[up](../none) [here](a.md#part) <img alt='' src=\"gone.svg\">\n", "pic.svg": "",
                       "sub/c.md": "[good](../b.md) [bad](b.md)\n"})
    assert [line.split(", ")[0] for line in style.links(tree)] == [
        "a.md:1: link to none.md", "b.md:1: link to ../none", "b.md:1: link to gone.svg", "sub/c.md:1: link to b.md"]


def test_names(repository):
    tree = repository({
        "variants/qpw/qpw.c": "qpw", "variants/qpw/arms/qpw1": "", "variants/task_work/README.md": "",
        "variants/none/arms/none": "", "variants/spinlock/arms/spinlock": "", "common/README.md": "qpw\n",
        "common/mm/Kconfig": "config PCPU_DRAIN_QPW\n",
        "common/mm/core.c": "spinlock_t x; /* none */\nif (pcd_qpw_on())\n",
        "common/patches/1.patch": "@@ task_work\n qpw\n+qpw\n",
        "bench/guest/owner.c": "/* eqpws, TCGs and likvm are no names, QEMU is */\n",
        "kernel/kernel.mk": "x: rt-qpw1\n",
        "kunit/suite.c": "pcd_task_work\n/* after exit_task_work() */\n", "bench/virtual.py": "qemu, qpw\n",
        "kunit/mutants/1.patch": "+qpw\n", "kunit/models/run.py": "qpw\n", "bench/tests/test_x.py": "qpw1\n",
        "results/virtual/x": "qpw\n"})
    assert {line.split(":", 1)[0] + line.split(":")[1] for line in style.names(tree)} == {
        "common/mm/Kconfig1", "common/mm/core.c2", "common/patches/1.patch3", "bench/guest/owner.c1",
        "kernel/kernel.mk1", "kunit/suite.c1", "bench/virtual.py1"}


def test_listed(repository):
    tree = repository({"check/README.md": "`check-a`, check-b\n", "x.mk": "check-a check-b: all\n\tmake check-d\n",
                       "Makefile": "check-c:\n"})
    assert [line.split("list ")[1] for line in style.listed(tree)] == ["check-c of Makefile", "check-b of x.mk"]


def test_scripts_by_suffix_and_first_line(repository):
    tree = repository({"a.sh": "", "b": "#!/bin/bash\n", "c": "#!/usr/bin/env sh\n", "d": "#!/usr/bin/python3\n",
                       "e.txt": "sh\n", "f.py": ""})
    assert tree.scripts(".sh", r"(ba|da|)sh\b") == ["a.sh", "b", "c"]
    assert tree.scripts(".py", "python") == ["d", "f.py"]


def test_tool_that_complains_and_tool_that_is_missing(repository):
    tree = repository({"bad.sh": "#!/bin/sh\necho $1\n", "good.sh": "#!/bin/sh\necho \"$1\"\n"})
    assert any("SC2086" in line for line in tree.run("shellcheck", "bad.sh"))
    assert tree.run("shellcheck", "good.sh") == []
    assert "not found" in tree.run("no-such-tool")[0]


def test_checkpatch_without_a_kernel(repository, tmp_path):
    assert "no such file" in style.checkpatch(repository({}), tmp_path)[0]


@pytest.fixture
def kernel():
    """A kernel tree with checkpatch."""
    return style.ROOT / "build/source"


PATCH = """From 0 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Subject: [PATCH] mm: Say what

A reason.

Signed-off-by: A <a@example.org>
---
diff --git a/mm/a.c b/mm/a.c
index 1111111..2222222 100644
--- a/mm/a.c
+++ b/mm/a.c
@@ -1,2 +1,3 @@
 // SPDX-License-Identifier: GPL-2.0-only

+{line}
"""


def test_checkpatch(repository, kernel):
    tree = repository({"a.c": f"// {SPDX}\nint a=1;\n", "b.c": f"// {SPDX}\nint a = 1;\n",
                       "bad.patch": PATCH.format(line="int a=1;"), "good.patch": PATCH.format(line="int a = 1;")})
    found = style.checkpatch(tree, kernel)
    assert [line.split(":")[0] for line in found] == ["a.c", "bad.patch"]
