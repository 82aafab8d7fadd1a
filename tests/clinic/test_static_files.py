"""What browsers load is compressed quickly: a first start waits for it."""

from pathlib import Path

import pytest

from clinic.static_files import StaticFilesStorage


@pytest.mark.parametrize(("name", "compressed"), [("page.js", ["page.js.gz"]), ("page.js.map", []), ("face.png", [])])
def test_text_is_compressed_with_gzip_alone(tmp_path: Path, name: str, compressed: list[str]) -> None:
    (tmp_path / name).write_bytes(b"function face() {}\n" * 1000)
    storage = StaticFilesStorage(location=str(tmp_path), base_url="/static/")
    assert [copy for _, copy in storage.compress_files([name])] == compressed
    assert {path.name for path in tmp_path.iterdir()} == {name, *compressed}
