"""Names and texts in SQL, and connections that leave nothing behind."""

from pathlib import Path
from tempfile import gettempdir

import pytest

from cityloom.sql import connect, literal, quoted

LARGE = "CREATE TABLE large AS SELECT hash(i) AS h, md5(i::VARCHAR) AS m FROM range(1000000) t(i)"


@pytest.mark.parametrize("text", ["plain", "select", "it's", 'a "b"', "树 木", "", "--", "\\"])
def test_any_text_stands_in_sql_as_a_name_and_as_a_value(text: str) -> None:
    name = text or "x"
    row = connect().execute(f"SELECT {literal(text)} AS {quoted(name)}")
    assert (row.description[0][0], row.fetchone()) == (name, (text,))


def test_what_memory_cannot_hold_goes_below_scratch_and_is_gone_with_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    first, second = connect(scratch), connect(scratch)
    for connection in (first, second):
        connection.execute("SET memory_limit = '30MB'")
        connection.execute(LARGE)
    assert len(list(scratch.iterdir())) == 2
    first.close()
    found = second.execute("SELECT count(m) FROM large WHERE length(m) = 32").fetchone()
    assert found == (1_000_000,)
    second.close()
    assert list(tmp_path.iterdir()) == [scratch]
    assert list(scratch.iterdir()) == []


def test_a_connection_without_scratch_uses_the_systems_temporary_folder() -> None:
    setting = "SELECT current_setting('temp_directory'), current_setting('TimeZone')"
    folder, zone = connect(threads=1).execute(setting).fetchone() or ("", "")
    assert (Path(folder).parent, zone) == (Path(gettempdir()), "UTC")
