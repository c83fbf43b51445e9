"""Facts as a table: what a program reads is whole, what a person reads keeps names and numbers."""

import pytest

from cityloom.cli.options import print_facts

ROW = {"dataset": "population_by_subdistrict", "rows_read": 1234567, "owner": "office " * 20}


def test_a_table_that_no_screen_shows_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts([ROW], ROW, as_json=False)
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["dataset", "read", "owner"]
    assert line.split() == ["population_by_subdistrict", "1,234,567", *["office"] * 20]


def test_a_narrow_screen_keeps_the_name_and_the_numbers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    print_facts([ROW], ROW, as_json=False)
    assert "population_by_subdistrict  1,234,567  office" in capsys.readouterr().out


def test_control_characters_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts([{"dataset": "tree", "error": "it has \x1b[31mq"}], ("dataset", "error"), False)
    assert "it has \\x1b[31mq" in capsys.readouterr().out
