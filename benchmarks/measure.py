"""Run a command and say what it cost: wall and CPU seconds, peak memory, how it ended.

CPU seconds are user and system time of the command and of every child it waited for. Memory is
that of the whole process tree, sampled from `/proc`; a lone process's peak is the kernel's own
high-water mark, so no spike between two samples is missed. Pages of files mapped into memory are
counted in `peak_mb` and left out of `peak_private_mb`; the limit is on the latter. A command that
ends before the first sample has no memory figures. Needs Linux.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Ending = Literal["finished", "failed", "out of memory", "out of time"]

SAMPLE_SECONDS = 0.05
STDERR_TAIL = 4000


@dataclass(frozen=True)
class Cost:
    """What one run of a command cost."""

    ending: Ending
    exit_status: int
    wall_seconds: float
    user_seconds: float
    system_seconds: float
    peak_mb: float
    peak_private_mb: float
    stderr: str

    @property
    def cpu_seconds(self) -> float:
        """User and system seconds together."""
        return self.user_seconds + self.system_seconds

    @property
    def finished(self) -> bool:
        """Whether the command ended well, within its limits."""
        return self.ending == "finished"


@dataclass
class _Peak:
    """The largest memory seen so far, in MB."""

    total: float = 0.0
    private: float = 0.0

    def sample(self, session: int) -> float:
        """Look at every process of the session; return its private memory now."""
        total = private = 0.0
        for pid in _processes(session):
            memory = _memory(pid)
            total += memory.get("VmRSS", 0.0)
            private += memory.get("RssAnon", 0.0) + memory.get("RssShmem", 0.0)
            self.total = max(self.total, memory.get("VmHWM", 0.0))
        self.total, self.private = max(self.total, total), max(self.private, private)
        return private


def python(module: str, *arguments: str | Path) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def _environment() -> dict[str, str]:
    """The environment as it is, but that Python keeps what it compiles, as an installation does."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def run(
    command: Sequence[str],
    *,
    memory_limit_mb: float = 20_000,
    timeout_seconds: float = 3600,
    environment: dict[str, str] | None = None,
) -> Cost:
    """Run a command to its end, or to the first limit it passes, and return its cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env={**_environment(), **(environment or {})},
        )
        peak = _Peak()
        ending = _watch(process, peak, memory_limit_mb, began + timeout_seconds)
        wall_seconds = time.perf_counter() - began
        errors.seek(0)
        stderr = errors.read().decode(errors="replace")[-STDERR_TAIL:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(
        ending=ending,
        exit_status=process.returncode,
        wall_seconds=wall_seconds,
        user_seconds=after.ru_utime - before.ru_utime,
        system_seconds=after.ru_stime - before.ru_stime,
        peak_mb=peak.total,
        peak_private_mb=peak.private,
        stderr=stderr,
    )


def _watch(
    process: subprocess.Popen[bytes], peak: _Peak, memory_limit_mb: float, deadline: float
) -> Ending:
    """Wait for a process, sampling its memory; kill it and its children at the first limit."""
    ended = os.pidfd_open(process.pid)
    try:
        while not select.select([ended], [], [], SAMPLE_SECONDS)[0]:
            if peak.sample(process.pid) > memory_limit_mb:
                return "out of memory"
            if time.perf_counter() > deadline:
                return "out of time"
        return "failed" if process.wait() else "finished"
    finally:
        os.close(ended)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _processes(session: int) -> list[int]:
    """The processes of a session."""
    return [
        int(name) for name in os.listdir("/proc") if name.isdigit() and _session(name) == session
    ]


def _session(pid: str) -> int:
    try:
        return os.getsid(int(pid))
    except (ProcessLookupError, PermissionError):
        return -1


def _memory(pid: int) -> dict[str, float]:
    """The memory figures of a process in MB (10^6 bytes), none if it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    fields = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {field[0].rstrip(":"): int(field[1]) * 1024 / 1e6 for field in fields}
