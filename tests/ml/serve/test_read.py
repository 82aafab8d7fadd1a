"""The command line: one line per photo, never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

from ml.serve.read import sentence


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ml.serve.read", *arguments], capture_output=True, text=True, check=False)


def test_photos_and_broken_files_give_one_json_line_each(portrait: Image.Image, tmp_path: Path) -> None:
    portrait.save(tmp_path / "face.png")
    Image.new("RGB", (200, 200), "teal").save(tmp_path / "wall.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and nothing more")
    (tmp_path / "notes.txt").write_text("not a photo")
    names = ("face.png", "wall.jpg", "broken.jpg", "notes.txt", "missing.jpg")
    answer = run("--json", *(str(tmp_path / name) for name in names))
    assert (answer.returncode, answer.stderr) == (1, "")
    face, wall, *bad = (json.loads(line) for line in answer.stdout.splitlines())
    assert face["outcome"] == "done"
    assert face["chosen"] == 0
    assert list(face["probabilities"]) == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert set(face["faces"][0]["box"]) == {"left", "top", "width", "height"}
    assert list(face["milliseconds"]) == ["decode", "detect", "turn upright", "crop and judge", "network"]
    assert (wall["outcome"], wall["faces"]) == ("no_face", [])
    assert [line["outcome"] for line in bad] == ["unreadable"] * 3
    assert [line["code"] for line in bad] == ["unreadable", "unsupported_format", "cannot_open"]


def test_readable_photos_end_in_status_0(portrait: Image.Image, tmp_path: Path) -> None:
    portrait.save(tmp_path / "face.jpg", exif=exif_of_a_turned_camera())
    answer = run(str(tmp_path / "face.jpg"))
    assert answer.returncode == 0
    assert "happy" in answer.stdout


def exif_of_a_turned_camera() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_missing_weights_are_reported_without_a_traceback(tmp_path: Path) -> None:
    answer = run("--weights", str(tmp_path), "photo.jpg")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("model.json cannot be read")
    assert "Traceback" not in answer.stderr


def test_outcomes_in_words() -> None:
    probabilities = {"angry": 0.02, "disgust": 0.0, "fear": 0.0, "happy": 0.9, "sad": 0.0, "surprise": 0.0, "neutral": 0.08}
    done = {"file": "a.jpg", "outcome": "done", "probabilities": probabilities, "abstained": False}
    assert sentence(done) == "a.jpg: happy 90%, neutral 8%"
    assert sentence(done | {"abstained": True}) == "a.jpg: happy 90%, neutral 8% (too close to call)"
    assert sentence({"file": "a.jpg", "outcome": "no_face"}) == "a.jpg: no face was found"
    failed = {"name": "sharpness", "measured": 0.05, "limit": 0.2, "passed": False}
    told = sentence({"file": "a.jpg", "outcome": "rejected", "quality": [failed]})
    assert told == "a.jpg: face not read, sharpness 0.05 (limit 0.2)"
