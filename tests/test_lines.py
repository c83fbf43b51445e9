"""Files of whole lines are read from their end and go on from their last whole line."""

import os
from pathlib import Path
from tempfile import TemporaryFile
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.lines import append_line, backwards, drop_cut_off_line, whole_lines

LINE = st.binary(max_size=12).filter(lambda line: b"\n" not in line)


@given(st.lists(LINE), LINE, st.integers(1, 9))
@settings(deadline=None)
def test_lines_come_backwards_whole_whatever_the_size_of_a_block(
    lines: list[bytes], cut_off: bytes, step: int
) -> None:
    whole = b"".join(line + b"\n" for line in lines)
    with TemporaryFile() as file, patch("cityloom.lines._STEP", step):
        file.write(whole + cut_off)
        file.flush()
        end = whole_lines(file.fileno())
        assert end == len(whole)
        assert list(backwards(file.fileno(), end)) == lines[::-1]
        assert drop_cut_off_line(file.fileno()) == os.fstat(file.fileno()).st_size == len(whole)


def test_the_newest_lines_are_read_without_the_oldest() -> None:
    with TemporaryFile() as file:
        file.write(b"x\n" * 1_000_000)
        file.flush()
        with patch("cityloom.lines.os.pread", wraps=os.pread) as reads:
            assert next(backwards(file.fileno(), 2_000_000)) == b"x"
        ((_, size, start),) = (call.args for call in reads.call_args_list)
        assert (size, start + size) == (65_536, 1_999_999)


def test_a_line_follows_on_the_last_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_line(path, b"one")
    with open(path, "ab") as file:
        file.write(b"tw")
    append_line(path, b"three")
    assert path.read_bytes() == b"one\nthree\n"
