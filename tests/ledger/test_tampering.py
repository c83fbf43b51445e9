"""Ten thousand random edits of a ledger: each is found by the guard that is there to find it."""

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cityloom.errors import UsageError
from cityloom.ledger import Entry, Head, Ledger, Published
from cityloom.ledger.head import as_text

OLD, NEW = 8, 32
EDITS = 10_000
MORE: dict[str, Any] = {"roles": ("ward",), "filter": "district = '北'", "masked": ("phone",)}


@dataclass
class Files:
    """A ledger's lines, each with its line feed, and the head beside it."""

    lines: list[bytes]
    head: bytes | None

    def write(self, folder: Path) -> Ledger:
        written_over(folder / "ledger.ndjson", b"".join(self.lines))
        if self.head is None:
            (folder / "ledger.head").unlink(missing_ok=True)
        else:
            written_over(folder / "ledger.head", self.head)
        return Ledger(folder / "ledger.ndjson")


def written_over(path: Path, content: bytes) -> None:
    """Write a file without emptying it first, which some disks are slow at."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT), "wb") as file:
        file.write(content)
        file.truncate()


Edit = Callable[[random.Random, Files], Files]


def old_lines(count: int) -> list[bytes]:
    """Lines as the first version wrote them: without a number."""
    lines: list[bytes] = []
    previous = "0" * 64
    for number in range(count):
        said = {"at": f"2024-01-0{number + 1}T00:00:00.000+00:00", "principal": "王芳",
                "purpose": "care", "dataset": "visit", "granted": True, "reason": "public data",
                "rows": number, "previous": previous}  # fmt: skip
        line = json.dumps(said, ensure_ascii=False).encode()
        previous = sha256(line).hexdigest()
        lines.append(line + b"\n")
    return lines


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A ledger that the first version began and this one goes on with."""
    folder = tmp_path_factory.mktemp("sound")
    path = folder / "ledger.ndjson"
    path.write_bytes(b"".join(old_lines(OLD)))
    ledger = Ledger(path)
    for number in range(NEW):
        granted = number % 3 > 0
        ledger.record(Entry("nurse", "care", "patient", granted, "personal data", number, **MORE))
    return Files(path.read_bytes().splitlines(keepends=True), (folder / "ledger.head").read_bytes())


@pytest.fixture(scope="module")
def published(sound: Files) -> list[Published]:
    """Heads that were published on the way, the last when the ledger was as it is."""
    return [
        Published(number, digest(sound.lines[number - 1]), "Harbour", f"2024-02-{number}T00:00")
        for number in (10, 20, 30, OLD + NEW)
    ]


def digest(line: bytes) -> str:
    return sha256(line.rstrip(b"\n")).hexdigest()


def said(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found


def written(found: dict[str, Any]) -> bytes:
    return json.dumps(found, ensure_ascii=False).encode() + b"\n"


def chained(lines: list[bytes], start: int) -> list[bytes]:
    """The lines with numbers and hashes that fit, from one on: what an able forger does."""
    done = lines[:start]
    for line in lines[start:]:
        found = said(line)
        if "number" in found:
            found["number"] = len(done) + 1
        found["previous"] = digest(done[-1]) if done else "0" * 64
        done.append(written(found))
    return done


def head_of(lines: list[bytes]) -> bytes | None:
    return as_text(Head(len(lines), digest(lines[-1]))) if lines else None


# What the chain and the head beside it find


def bit_flipped(rng: random.Random, files: Files) -> Files:
    whole = bytearray(b"".join(files.lines))
    whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    return Files([bytes(whole)], files.head)


def field_changed(rng: random.Random, files: Files) -> Files:
    place = rng.randrange(len(files.lines))
    fields = [name for name in said(files.lines[place]) if name != "number"]
    return Files(with_changed_field(rng, files.lines, place, fields), files.head)


def with_changed_field(
    rng: random.Random,
    lines: list[bytes],
    place: int,
    fields: Sequence[str] = ("principal", "dataset", "granted", "rows", "at"),
) -> list[bytes]:
    found = said(lines[place])
    field = rng.choice(fields)
    value = found[field]
    found[field] = not value if isinstance(value, bool) else f"{value} {rng.random()}"
    if field == "rows":
        found[field] = value + 1
    elif isinstance(value, list):
        found[field] = [*value, "more"]
    return [*lines[:place], written(found), *lines[place + 1 :]]


def number_changed(rng: random.Random, files: Files) -> Files:
    place = rng.randrange(OLD, len(files.lines))
    found = said(files.lines[place])
    found["number"] = rng.choice([None, 0, found["number"] + rng.choice([-1, 1, 7])])
    return Files([*files.lines[:place], written(found), *files.lines[place + 1 :]], files.head)


def line_deleted(rng: random.Random, files: Files) -> Files:
    place = rng.randrange(len(files.lines))
    return Files(files.lines[:place] + files.lines[place + 1 :], files.head)


def range_deleted(rng: random.Random, files: Files) -> Files:
    first, last = sorted(rng.sample(range(len(files.lines) + 1), 2))
    return Files(files.lines[:first] + files.lines[last:], files.head)


def truncated(rng: random.Random, files: Files) -> Files:
    whole = b"".join(files.lines)
    return Files([whole[: rng.randrange(len(whole))]], files.head)


def swapped(rng: random.Random, files: Files) -> Files:
    lines = list(files.lines)
    one, other = rng.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return Files(lines, files.head)


def duplicated(rng: random.Random, files: Files) -> Files:
    line, place = rng.choice(files.lines), rng.randrange(len(files.lines) + 1)
    return Files([*files.lines[:place], line, *files.lines[place:]], files.head)


def forged(rng: random.Random, files: Files, place: int) -> bytes:
    """A line of one's own that carries the hash of the line before its place, and its number."""
    found = said(rng.choice(files.lines[OLD:])) | {"principal": "nobody", "number": place + 1}
    found["previous"] = digest(files.lines[place - 1]) if place else "0" * 64
    return written(found)


def forged_line_put_in(rng: random.Random, files: Files) -> Files:
    place = rng.randrange(len(files.lines))
    lines = [*files.lines[:place], forged(rng, files, place), *files.lines[place:]]
    return Files(lines, files.head)


def forged_line_put_at_the_end(rng: random.Random, files: Files) -> Files:
    return Files([*files.lines, forged(rng, files, len(files.lines))], files.head)


def forged_lines_put_at_the_end(rng: random.Random, files: Files) -> Files:
    more = rng.choices(files.lines[OLD:], k=rng.randint(2, 5))
    return Files(chained([*files.lines, *more], len(files.lines)), files.head)


def tail_rewritten(rng: random.Random, files: Files) -> Files:
    place = rng.randrange(len(files.lines))
    return Files(chained(with_changed_field(rng, files.lines, place), place), files.head)


def head_removed_with_the_end(rng: random.Random, files: Files) -> Files:
    return Files(files.lines[: rng.randint(OLD + 2, len(files.lines) - 1)], None)


# What published heads alone find: whoever can write to the ledger can write the head beside it


def end_cut_off_and_its_head_made_to_fit(rng: random.Random, files: Files) -> Files:
    lines = files.lines[: rng.randrange(len(files.lines))]
    return Files(lines, head_of(lines))


def tail_rewritten_and_its_head(rng: random.Random, files: Files) -> Files:
    lines = tail_rewritten(rng, files).lines
    return Files(lines, head_of(lines))


def range_deleted_and_all_made_to_fit(rng: random.Random, files: Files) -> Files:
    first, last = sorted(rng.sample(range(len(files.lines) + 1), 2))
    lines = chained(files.lines[:first] + files.lines[last:], first)
    return Files(lines, head_of(lines))


def forged_line_put_in_and_all_made_to_fit(rng: random.Random, files: Files) -> Files:
    place = rng.randrange(len(files.lines))
    lines = [*files.lines[:place], forged(rng, files, max(place, OLD)), *files.lines[place:]]
    if place < OLD:
        lines[place] = written({k: v for k, v in said(lines[place]).items() if k != "number"})
    lines = chained(lines, place)
    return Files(lines, head_of(lines))


def written_anew_as_the_first_version_would(rng: random.Random, files: Files) -> Files:
    lines = with_changed_field(rng, files.lines, rng.randrange(len(files.lines)))
    bare = [written({k: v for k, v in said(line).items() if k != "number"}) for line in lines]
    return Files(chained(bare, 0), None)


BY_THE_HEAD: list[Edit] = [
    bit_flipped, field_changed, number_changed, line_deleted, range_deleted, truncated, swapped,
    duplicated, forged_line_put_in, forged_lines_put_at_the_end, tail_rewritten,
    head_removed_with_the_end,
]  # fmt: skip
BY_PUBLISHED_HEADS: list[Edit] = [
    end_cut_off_and_its_head_made_to_fit, tail_rewritten_and_its_head,
    range_deleted_and_all_made_to_fit, forged_line_put_in_and_all_made_to_fit,
    written_anew_as_the_first_version_would,
]  # fmt: skip
EACH = EDITS // (len(BY_THE_HEAD) + len(BY_PUBLISHED_HEADS)) + 1


def is_found(ledger: Ledger, published: list[Published]) -> bool:
    try:
        ledger.verify(published)
    except UsageError:
        return True
    return False


def test_what_was_not_edited_is_whole(
    sound: Files, published: list[Published], tmp_path: Path
) -> None:
    ledger = sound.write(tmp_path)
    assert ledger.verify(published) == ledger.verify() == OLD + NEW
    assert ledger.unsettled() is None


@pytest.mark.parametrize("edit", BY_THE_HEAD)
def test_an_edit_is_found_by_the_chain_and_the_head_beside_it(
    edit: Edit, sound: Files, tmp_path: Path
) -> None:
    rng = random.Random(edit.__name__)
    for number in range(EACH):
        ledger = edit(rng, sound).write(tmp_path)
        assert is_found(ledger, []), f"edit {number}"


@pytest.mark.parametrize("edit", BY_PUBLISHED_HEADS)
def test_an_edit_that_reaches_the_head_is_found_by_published_heads_alone(
    edit: Edit, sound: Files, published: list[Published], tmp_path: Path
) -> None:
    rng = random.Random(edit.__name__)
    for number in range(EACH):
        ledger = edit(rng, sound).write(tmp_path)
        assert is_found(ledger, published), f"edit {number}"
        assert not is_found(ledger, []), f"edit {number}: the head beside it finds it already"


def test_a_single_line_put_at_the_end_looks_like_a_crash_and_is_told(
    sound: Files, published: list[Published], tmp_path: Path
) -> None:
    ledger = forged_line_put_at_the_end(random.Random(1), sound).write(tmp_path)
    assert ledger.verify(published) == OLD + NEW + 1
    assert ledger.unsettled() == OLD + NEW + 1


def test_what_is_newer_than_the_last_published_head_can_be_written_anew(
    sound: Files, published: list[Published], tmp_path: Path
) -> None:
    lines = chained(with_changed_field(random.Random(1), sound.lines, 35), 35)
    ledger = Files(lines, head_of(lines)).write(tmp_path)
    assert not is_found(ledger, published[:-1])
    assert is_found(ledger, published)


@pytest.mark.parametrize(
    "edit", [edit for edit in BY_THE_HEAD if edit is not head_removed_with_the_end]
)
def test_entries_that_are_recorded_after_an_edit_do_not_hide_it(
    edit: Edit, sound: Files, tmp_path: Path
) -> None:
    rng = random.Random(edit.__name__)
    for _ in range(5):
        ledger = edit(rng, sound).write(tmp_path)
        ledger.record(Entry("nurse", "care", "patient", True, "personal data", 1))
        assert is_found(ledger, [])


SAID: dict[Edit, str] = {
    lambda _, f: Files([*f.lines[:20], *f.lines[22:]], f.head): (
        "line 21: entries 21 to 22 were taken out before it"
    ),
    lambda _, f: Files(f.lines[:-1], f.head): (
        "line 40: entry 40 was cut off here; ledger.head is of entry 40"
    ),
    lambda _, f: Files([*f.lines[:20], f.lines[10], *f.lines[20:]], f.head): (
        "line 21: entry 11 stands here, where 21 should: it was put in, moved or written twice"
    ),
    lambda _, f: Files([*f.lines[:20], f.lines[20].replace(b"nurse", b"nurze"), *f.lines[21:]],
                       f.head): "line 21: this entry was changed or put in",
    lambda _, f: Files([*f.lines[:-1], f.lines[-1].replace(b"nurse", b"nurze")], f.head): (
        "line 40: not the entry that ledger.head is of: it was changed, or written anew with "
        "others after entry 0"
    ),
    lambda _, f: Files([*f.lines[:2], f.lines[2].replace(b"visit", b"vizit"), *f.lines[3:]],
                       f.head): "line 4: the chain is broken; line 3 was changed, or a line",
    lambda _, f: Files(chained([*f.lines, *f.lines[-3:]], 40), f.head): (
        "line 42: entries 42 to 43 were put in; ledger.head is of entry 40"
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", SAID)
def test_the_first_wrong_line_and_what_was_done_to_it_are_said(
    edit: Edit, sound: Files, tmp_path: Path
) -> None:
    ledger = edit(random.Random(1), sound).write(tmp_path)
    with pytest.raises(UsageError) as error:
        ledger.verify()
    assert SAID[edit] in str(error.value)


def test_it_is_said_between_which_published_heads_entries_were_written_anew(
    sound: Files, published: list[Published], tmp_path: Path
) -> None:
    lines = chained(with_changed_field(random.Random(1), sound.lines, 24), 24)
    ledger = Files(lines, head_of(lines)).write(tmp_path)
    with pytest.raises(UsageError) as error:
        ledger.verify(published)
    assert (
        "line 30: not the entry that the head published 2024-02-30T00:00 is of: it was changed, "
        "or written anew with others after entry 20"
    ) in str(error.value)
    cut = Files(lines[:24], head_of(lines[:24])).write(tmp_path)
    with pytest.raises(UsageError, match="line 25: entries 25 to 40 were cut off here; the head"):
        cut.verify(published)
