# SPDX-License-Identifier: GPL-2.0-only
"""What check/compile.py makes of compilers' words."""

from check import compile as look


def test_upstream_complaints_do_not_count():
    usual = ["kernel/fork.c:10:2: warning: space", "kernel/fork.c:20:2: warning: space"]
    found = ["kernel/fork.c:11:2: warning: space", "kernel/fork.c:21:2: warning: space"]
    assert look.beyond(found, usual) == []


def test_one_more_of_a_kind_counts():
    usual = ["kernel/fork.c:10:2: warning: space"]
    found = [*usual, "kernel/fork.c:30:2: warning: space", "mm/folio.c:10:2: warning: space"]
    assert look.beyond(found, usual) == found[1:]


def test_objects_that_a_configuration_builds(tmp_path):
    """Wherever in a line of the Makefile they stand."""
    (tmp_path / "mm").mkdir()
    (tmp_path / "mm/Makefile").write_text("obj-y += core.o\nobj-$(CONFIG_A)\t+= a.o b.o\n"
                                           "obj-$(CONFIG_AB) += aa.o ab.o\n")
    (tmp_path / ".config").write_text("CONFIG_AB=y\n# CONFIG_A is not set\n")
    names = [f"mm/{name}.o" for name in ("core", "a", "b", "aa", "ab", "c")]
    assert list(look.built(names, tmp_path, tmp_path)) == ["mm/core.o", "mm/aa.o", "mm/ab.o", "mm/c.o"]


def test_what_is_in_a_folder_is_built_with_the_folder(tmp_path):
    (tmp_path / "cpu/mce/more").mkdir(parents=True)
    (tmp_path / "cpu/Makefile").write_text("obj-$(CONFIG_MCE)\t\t+= mce/\nobj-$(CONFIG_A) += a.o\n")
    (tmp_path / "cpu/mce/Makefile").write_text("obj-y += core.o more/\n")
    (tmp_path / "cpu/mce/more/Makefile").write_text("obj-y += it.o\n")
    names = ["cpu/mce/core.o", "cpu/mce/more/it.o"]
    for said, built in (("# CONFIG_MCE is not set", []), ("CONFIG_MCE=y", names)):
        (tmp_path / ".config").write_text(f"{said}\n")
        assert list(look.built(names, tmp_path, tmp_path)) == built


def test_a_command_that_fails_silently_complains():
    assert look.complaints(2, []) == ["make ended with status 2: "]
    assert look.complaints(0, ["  CC      mm/folio.o"]) == []
