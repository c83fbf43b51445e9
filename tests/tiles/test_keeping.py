"""Archives are brought up to date, replaced as a whole, and made again where they are damaged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pmtiles.reader import MmapSource, all_tiles

from cityloom.tiles.archive import marks_path, opened
from tests.tiles.making import made
from tests.tiles.reading import header_of

SEVERAL = settings(max_examples=10, deadline=None)


def town(number: int, seed: int = 0) -> list[shapely.Geometry]:
    """Points, lines and areas, a third each."""
    rng = np.random.default_rng(seed)
    at = rng.uniform((114.0, 22.5), (114.2, 22.7), (number, 2))
    reach = rng.uniform(1e-4, 3e-3, (number, 2))
    kinds = [
        shapely.points(at),
        shapely.linestrings(np.stack([at, at + reach], axis=1)),
        shapely.box(at[:, 0], at[:, 1], at[:, 0] + reach[:, 0], at[:, 1] + reach[:, 1]),
    ]
    return [kinds[place % 3][place] for place in range(number)]


def packed(path: Path) -> dict[tuple[int, int, int], bytes]:
    with open(path, "rb") as file:
        return dict(all_tiles(MmapSource(file)))


def test_equal_content_gives_equal_bytes_in_whatever_order(tmp_path: Path) -> None:
    from cityloom.tiles.making import make_archive
    from tests.tiles.making import engine, thing_contract, thing_file

    contract = thing_contract(tmp_path / "contracts")
    source = thing_file(tmp_path / "a.parquet", contract, town(200))
    backward = tmp_path / "b.parquet"
    engine().execute(f"COPY (SELECT * FROM '{source}' ORDER BY thing_no DESC) TO '{backward}'")
    for name, file in (("one", source), ("other", backward)):
        make_archive(engine(), [file], contract, "1", tmp_path / name, tmp_path)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@SEVERAL
@given(st.sets(st.integers(0, 149), max_size=4), st.integers(0, 3), st.data())
def test_a_change_gives_the_bytes_of_making_all_again(
    tmp_path_factory: pytest.TempPathFactory, gone: set[int], new: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("t")
    before = town(150)
    after = [None if n in gone else shape for n, shape in enumerate(before)] + town(new, seed=9)
    made(folder / "kept", before)
    path, report = made(folder / "kept", after, rows="2")
    whole, again = made(folder / "whole", after, rows="2")
    assert path.read_bytes() == whole.read_bytes()
    assert report.tiles == again.tiles == again.computed
    assert report.computed < report.tiles or gone or new


def test_only_the_tiles_that_a_change_touches_are_made(tmp_path: Path) -> None:
    shapes = town(300)
    path, _ = made(tmp_path, shapes)
    before = packed(path)
    moved = [*shapes[:-1], shapely.Point(114.1, 22.6)]
    _, report = made(tmp_path, moved, rows="2")
    after = packed(path)
    differ = {at for at in {*before, *after} if before.get(at) != after.get(at)}
    assert 0 < len(differ) <= report.computed < report.tiles / 2
    copied = sum(len(tile) for at, tile in after.items() if at not in differ)
    assert report.copied_bytes >= copied * 0.9


def test_nothing_new_computes_nothing(tmp_path: Path) -> None:
    made(tmp_path, town(60))
    _, report = made(tmp_path, town(60), rows="2")
    assert report.computed == 0


def test_a_damaged_tile_is_made_again(tmp_path: Path) -> None:
    path, report = made(tmp_path, town(60))
    whole = path.read_bytes()
    spoiled = bytearray(whole)
    spoiled[-30:-20] = b"\0" * 10
    path.write_bytes(bytes(spoiled))
    _, again = made(tmp_path, town(60))
    assert 0 < again.computed < report.tiles
    assert path.read_bytes() == whole


@pytest.mark.parametrize("harm", ["cut", "empty", "not one", "gone"])
def test_a_damaged_archive_is_told_and_made_again(tmp_path: Path, harm: str) -> None:
    path, _ = made(tmp_path, town(60))
    whole = path.read_bytes()
    {
        "cut": lambda: path.write_bytes(whole[:-100]),
        "empty": lambda: path.write_bytes(b""),
        "not one": lambda: path.write_bytes(b"PNG" * 1000),
        "gone": path.unlink,
    }[harm]()
    assert opened(path) is None
    made(tmp_path, town(60))
    assert path.read_bytes() == whole


def test_what_everyone_reads_of_an_archive_is_as_small_however_many_tiles_it_has(
    tmp_path: Path,
) -> None:
    scattered = np.random.default_rng(0).uniform((113.0, 22.0), (115.0, 24.0), (100, 2))
    few, _ = made(tmp_path / "few", list(shapely.points(scattered[:1])))
    many, report = made(tmp_path / "many", list(shapely.points(scattered)))
    assert report.tiles > 300
    lengths = [header_of(path)["metadata_length"] for path in (few, many)]
    assert max(lengths) < min(lengths) + 50


@pytest.mark.parametrize("harm", ["gone", "cut", "those of other tiles"])
def test_tiles_are_made_again_where_what_they_were_made_of_is_not_known(
    tmp_path: Path, harm: str
) -> None:
    path, _ = made(tmp_path, town(60))
    whole, marks = path.read_bytes(), marks_path(path).read_bytes()
    other, _ = made(tmp_path / "other", town(60, seed=3))
    {
        "gone": marks_path(path).unlink,
        "cut": lambda: marks_path(path).write_bytes(marks[:-3]),
        "those of other tiles": lambda: os.replace(marks_path(other), marks_path(path)),
    }[harm]()
    _, again = made(tmp_path, town(60))
    assert again.computed == again.tiles
    assert (path.read_bytes(), marks_path(path).read_bytes()) == (whole, marks)


def test_a_failure_on_the_way_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = made(tmp_path, town(60))
    whole = path.read_bytes()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="space"):
        made(tmp_path, town(90), rows="2")
    assert path.read_bytes() == whole
    assert list((tmp_path / "scratch").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from cityloom.tiles import archive
from tests.tiles.making import made
from tests.tiles.test_keeping import town
left = int(sys.argv[2])
write = archive.ArchiveWriter.write
def counted(self, number, tile):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, number, tile)
archive.ArchiveWriter.write = counted
if left < 0:
    archive.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
made(Path(sys.argv[1]), town(90), rows="2")
"""


@pytest.mark.faults
@pytest.mark.parametrize("tiles", [1, 8, -1])
def test_a_kill_on_the_way_leaves_a_whole_archive(tmp_path: Path, tiles: int) -> None:
    path, _ = made(tmp_path, town(60))
    before = path.read_bytes()
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(tiles)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    made(tmp_path, town(90), rows="2")
    whole, _ = made(tmp_path / "whole", town(90), rows="2")
    assert path.read_bytes() == whole.read_bytes()
