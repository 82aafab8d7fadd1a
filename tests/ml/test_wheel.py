"""What `pip install .` installs: one package of ours, its weights, and a command, all of which work without the checkout."""

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cohort import clear_portraits

PROJECT = Path(__file__).resolve().parents[2]
THREE_LINES = """
from affectline.read import read_photos

for photo in read_photos("photos"):
    print(photo.file, photo.state, [face.probabilities for face in photo.faces])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Return the wheel of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    subprocess.run(command, cwd=PROJECT, capture_output=True, check=True)
    (path,) = folder.glob("affectline-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_wheel_holds_the_reader_and_its_weights_and_nothing_of_the_server(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {name.split("/")[0].split("-")[0] for name in names} == {"affectline"}
    assert {name.split("/")[1] for name in names if name.startswith("affectline/") and "." not in name.split("/")[1]} == {
        "decode",
        "read",
        "serve",
        "weights",
    }
    assert {name.removeprefix("affectline/weights/") for name in names if name.startswith("affectline/weights/")} == {
        "README.md",
        "centerface.LICENSE",
        "centerface.coarse.onnx",
        "centerface.fine.onnx",
        "model.json",
        "model.onnx",
        "report.json",
    }
    assert sum(info.compress_size for info in wheel.infolist()) < 12_000_000


def test_wheel_asks_for_nothing_of_the_server(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    lines = wheel.read(metadata).decode().splitlines()
    needs = {line.removeprefix("Requires-Dist: ").split(">")[0] for line in lines if line.startswith("Requires-Dist: ")}
    assert needs == {"numpy", "onnxruntime", "pillow", "pillow-heif", "simplejpeg", "tqdm"}


def command_of(wheel: zipfile.ZipFile) -> tuple[str, str]:
    """Return the module and the function that the console script calls."""
    points = configparser.ConfigParser()
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    points.read_string(wheel.read(name).decode())
    module, _, function = points["console_scripts"]["affectline-read"].partition(":")
    return module, function


@pytest.mark.slow("reads a photo with the unpacked wheel, in a process of its own")
def test_documented_lines_and_the_command_work_without_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(clear_portraits()[0].path.read_bytes())
    assert THREE_LINES.strip() in (PROJECT / "docs" / "researchers.md").read_text().replace("\n    ", "\n")
    module, function = command_of(wheel)
    run = f"import sys\nfrom {module} import {function}\nsys.exit({function}(['photos', '--quiet', '--format', 'text']))"
    code = f"{THREE_LINES}\n{run}"
    command = (sys.executable, "-P", "-c", code)
    environment = {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    command_said, lines_said = sorted(done.stdout.splitlines(), reverse=True)
    assert command_said.startswith("a.jpg: happy")
    assert lines_said.startswith("a.jpg done [{'angry': 0.0")
