"""requirements-serve.lock is enough: server, workers and reader run without TensorFlow, Keras and what comes with them."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.cohort import clear_portraits
from tests.engines.installation import Installation, eventually

PROJECT = Path(__file__).resolve().parent.parent
# Imports every module that serves, answers a request, and reads a portrait, where modules named in the first argument do not exist.
SERVE = """
import importlib, pkgutil, sys

class Missing:
    names = set(sys.argv[1].split())
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())

import django
django.setup()
import clinic.celery, clinic.urls, clinic.wsgi
rooms = [importlib.import_module(name) for name in "clinic demo encryption inference patients ml.serve ml.decode ml.read".split()]
for room in rooms:
    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        if not module.name.endswith("__main__") and not module.name.startswith(("clinic.catalogue", "encryption.object_storage")):
            importlib.import_module(module.name)
clinic.celery.app.loader.import_default_modules()
from django.test import Client
print(Client(headers={"host": "127.0.0.1"}).get("/healthz").status_code)

import ml.read.__main__
print(*(photo.state for photo in ml.read.read_photos(["demo/portraits/amara-01-1.jpg"])))

import pandas, statsmodels.formula.api
print(*(name for name in ("tensorflow", "keras") if name in sys.modules))
"""


def locked(lock: str) -> set[str]:
    """Return the names of the packages in a lock file."""
    return set(re.findall(r"^([a-z0-9._-]+)==", (PROJECT / lock).read_text(), re.MULTILINE | re.IGNORECASE))


def modules_outside(lock: str) -> set[str]:
    """Return the top-level modules that are installed here and come from no package of the lock."""
    serve = {re.sub(r"[-_.]+", "-", name).lower() for name in locked(lock)}
    owners = {
        module: {re.sub(r"[-_.]+", "-", name).lower() for name in names} for module, names in packages_distributions().items()
    }
    return {module for module, names in owners.items() if not names & serve and module.isidentifier()}


@pytest.mark.slow("imports every module of the server, in a process of its own")
def test_server_worker_and_reader_run_with_the_slim_lock_alone() -> None:
    missing = modules_outside("requirements-serve.lock")
    assert {"tensorflow", "keras", "h5py", "skimage", "pytest", "pyarrow"} <= missing
    assert missing.isdisjoint({"django", "numpy", "PIL", "onnxruntime", "celery"})
    code = (sys.executable, "-c", SERVE, " ".join(sorted(missing)))
    done = subprocess.run(code, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["200", "done"], done.stderr


@pytest.mark.full
@pytest.mark.slow("installs eighty packages and reads the demo")
def test_fresh_environment_with_the_slim_lock_reads_a_folder_and_serves(tmp_path: Path) -> None:
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run((sys.executable, "-m", "venv", str(tmp_path / "venv")), check=True)
    install = ("-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--requirement", "requirements-serve.lock")
    subprocess.run((python, *install), cwd=PROJECT, check=True)
    for module in ("tensorflow", "keras"):
        assert subprocess.run((python, "-c", f"import {module}"), capture_output=True, check=False).returncode == 1
    (tmp_path / "photos").mkdir()
    for portrait in clear_portraits()[:5]:
        shutil.copy(portrait.path, tmp_path / "photos")
    read = (python, "-m", "ml.read", str(tmp_path / "photos"), "--out", str(tmp_path / "readings.csv"))
    subprocess.run(read, cwd=PROJECT, check=True)
    assert (tmp_path / "readings.csv").read_text().count(",done,") == 5
    installation = Installation(tmp_path / "var")
    installation.python = python
    try:
        installation.start()
        eventually(installation.has_read_its_demo, "the demo's photos are read")
        assert installation.get("/healthz") == b"ok"
    finally:
        installation.stop()


def test_keras_that_is_not_installed_is_named() -> None:
    code = (
        "import sys; sys.modules['keras'] = None\n"
        "from ml.serve.reader import WEIGHTS, FaceReader, WeightsError\n"
        "try: FaceReader(WEIGHTS, engine='keras')\n"
        "except WeightsError as error: print(error)"
    )
    done = subprocess.run((sys.executable, "-c", code), cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "Keras is not installed. In a checkout, `make .venv/keras` installs it\n"


def test_each_lock_holds_the_smaller_ones() -> None:
    slim, full, dev = (locked(f"requirements{name}.lock") for name in ("-serve", "", "-dev"))
    assert slim < full < dev
    assert slim < locked("requirements-s3.lock") < dev
    assert full - slim >= {"keras", "tensorflow-cpu"}
    assert not slim & {"keras", "tensorflow", "tensorflow-cpu", "h5py"}


def test_nothing_of_tensorflow_is_asked_for_where_it_has_no_wheel() -> None:
    lines = re.findall(r"^(?:keras|tensorflow\S*)==.*$", (PROJECT / "requirements.lock").read_text(), re.MULTILINE)
    assert len(lines) == 3
    assert all("python_full_version < '3.14'" in line for line in lines)
