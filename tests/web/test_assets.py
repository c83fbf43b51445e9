"""Fetching what the console serves."""

from pathlib import Path

import pytest

from cityloom.errors import UsageError
from cityloom.web import assets


def _modules(folder: Path) -> Path:
    modules = folder / "node_modules"
    fonts = modules / "@fontsource-variable"
    for name, files in {
        "inter": ["inter-latin-wght-normal.woff2", "inter-greek-wght-normal.woff2"],
        "noto-sans-sc": ["noto-sans-sc-4-wght-normal.woff2", "noto-sans-sc-han-wght-normal.woff2"],
    }.items():
        package = fonts / name
        (package / "files").mkdir(parents=True)
        (package / "LICENSE").write_text("OFL")
        faces = []
        for file in files:
            (package / "files" / file).write_bytes(b"font")
            faces.append(f"@font-face {{\n  src: url(./files/{file}) format('woff2');\n}}\n")
        (package / "wght.css").write_text("\n".join(faces))
    for script in assets._SCRIPTS:
        (modules / script).parent.mkdir(parents=True, exist_ok=True)
        (modules / script).write_text(f"code\n//# sourceMappingURL={script.name}.map")
    (modules / "htmx.org/LICENSE").write_text("BSD")
    (modules / "maplibre-gl/LICENSE.txt").write_text("BSD")
    return modules


def test_only_what_is_served_is_copied(tmp_path: Path) -> None:
    vendor = tmp_path / "static" / "vendor"
    vendor.mkdir(parents=True)
    (vendor / "old.js").write_text("old")
    copied = {file.name for file in assets.copy(_modules(tmp_path), vendor)}
    assert "inter-latin-wght-normal.woff2" in copied
    assert "noto-sans-sc-han-wght-normal.woff2" in copied
    assert copied.isdisjoint({"old.js", "inter-greek-wght-normal.woff2"})
    css = (vendor / "fonts.css").read_text()
    assert css.count("@font-face") == 3
    assert "greek" not in css
    assert {"maplibre-gl.mjs", "maplibre-gl-worker.mjs", "pmtiles.js"} <= copied
    assert (vendor / "pmtiles.js").read_text() == "code\n"
    assert "url(inter-latin-wght-normal.woff2)" in css


def test_a_folder_without_a_lock_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"package-lock\.json"):
        assets.install(tmp_path)


def test_the_lock_file_names_no_registry() -> None:
    lock = (assets.ROOT / "package-lock.json").read_text()
    assert lock.count("integrity") == 31
    for line in lock.splitlines():
        assert '"resolved"' not in line or "https://registry.npmjs.org/" in line


def test_pages_do_without_vendor_files(client, monkeypatch: pytest.MonkeyPatch) -> None:
    from cityloom.web import answers

    monkeypatch.setattr(answers, "STATIC", Path("/nowhere"))
    answers._asset.cache_clear()
    page = client.get("/datasets").text
    answers._asset.cache_clear()
    assert "vendor" not in page
    assert "<h1>" in page
