# SPDX-License-Identifier: GPL-2.0-only
"""What check/compile.py makes of compilers' words."""

import compile as look


def test_upstream_complaints_do_not_count():
    usual = ["kernel/fork.c:10:2: warning: space", "kernel/fork.c:20:2: warning: space"]
    found = ["kernel/fork.c:11:2: warning: space", "kernel/fork.c:21:2: warning: space"]
    assert look.beyond(found, usual) == []


def test_one_more_of_a_kind_counts():
    usual = ["kernel/fork.c:10:2: warning: space"]
    found = [*usual, "kernel/fork.c:30:2: warning: space", "mm/folio.c:10:2: warning: space"]
    assert look.beyond(found, usual) == found[1:]


def test_objects_that_a_configuration_does_not_build(tmp_path, monkeypatch):
    (tmp_path / "Makefile").write_text("obj-y += core.o\nobj-$(CONFIG_A)\t+= a.o\nobj-$(CONFIG_AB) += ab.o\n")
    (tmp_path / ".config").write_text("CONFIG_AB=y\n# CONFIG_A is not set\n")
    monkeypatch.setattr(look, "MAKEFILE", tmp_path / "Makefile")
    assert look.left_out(tmp_path) == {"mm/pcpu_drain/a.o"}


def test_a_command_that_fails_silently_complains():
    assert look.complaints(2, []) == ["make ended with status 2: "]
    assert look.complaints(0, ["  CC      mm/folio.o"]) == []
