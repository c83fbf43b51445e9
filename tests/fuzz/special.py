"""What is no plain file, or not what its name says."""

import os
import socket
from pathlib import Path
from random import Random

from tests.fuzz import texts

ODD_NAMES = (
    b"\xff\xfe.csv", "\u202egpj.csv".encode(), b" .csv", b"-rf.csv", b"a\nb.csv", b"%s.csv",
    b"'.csv", b"a{}*?[.csv", b"\x1b[31m.csv", "区.CSV".encode(),
)  # fmt: skip


def link(chance: Random, folder: Path) -> Path:
    path = folder / "a.csv"
    target = chance.choice(["/dev/zero", "/dev/stdin", "a.csv", "missing.csv", "/proc/self/mem",
                            "/etc", "/etc/passwd", "/proc/self/environ", "b.csv"])  # fmt: skip
    if target == "b.csv":
        texts.csv_rows(chance, folder).rename(folder / "b.csv")
    path.symlink_to(target)
    return path


def pipe(chance: Random, folder: Path) -> Path:
    path = folder / f"a{chance.choice(texts.EXTENSIONS)}"
    os.mkfifo(path)
    return path


def door(chance: Random, folder: Path) -> Path:
    path = folder / "a.csv"
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(folder, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{here}/a.csv")
        os.close(here)
    return path


def folder_of(chance: Random, folder: Path) -> Path:
    path = folder / f"b{chance.choice(texts.EXTENSIONS)}"
    path.mkdir()
    if chance.random() < 0.5:
        texts.csv_rows(chance, path)
    return path


def empty(chance: Random, folder: Path) -> Path:
    path = folder / f"a{chance.choice(texts.EXTENSIONS)}"
    path.touch()
    return path


def renamed(chance: Random, folder: Path) -> Path:
    made = chance.choice(list(texts.MAKERS.values()))(chance, folder)
    return made.rename(folder / f"b{chance.choice(texts.EXTENSIONS)}")


def oddly_named(chance: Random, folder: Path) -> Path:
    made = texts.csv_rows(chance, folder)
    return made.rename(folder / os.fsdecode(chance.choice(ODD_NAMES)))


MAKERS = {
    "symbolic link": link, "named pipe": pipe, "socket": door, "folder": folder_of, "empty": empty,
    "by another name": renamed, "odd name": oddly_named,
}  # fmt: skip
