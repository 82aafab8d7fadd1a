"""What importing ml costs: nothing."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "ml",
        "ml.serve.expressions",
        "ml.train.config",
        "ml.serve.reader",
        "ml.read.__main__",
        "ml.serve.faces",
        "ml.measure.evaluate",
        "ml.data",
        "ml.train.training",
        "ml.train.release",
    ],
)
def test_import_loads_no_tensorflow(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'django', 'celery')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("module", ["ml.serve.expressions", "ml.card_facts"])
def test_what_every_page_imports_loads_no_library(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('numpy', 'PIL', 'onnxruntime')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_with_onnx_loads_no_tensorflow() -> None:
    code = (
        "import sys; from PIL import Image; from ml.serve.reader import FaceReader\n"
        "FaceReader().read(Image.new('RGB', (64, 64)))\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_a_photo_loads_nothing_of_training_or_measuring() -> None:
    code = (
        "import sys; from skimage.data import astronaut; from PIL import Image; from ml.serve.reader import FaceReader\n"
        "reading = FaceReader().read(Image.fromarray(astronaut()))\n"
        "assert reading.probabilities\n"
        "print(*(name for name in sys.modules if name.split('.')[0] == 'ml'))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "ml.serve.engines" in loaded
    assert [name for name in loaded if name.startswith(("ml.train", "ml.measure", "ml.data", "ml.intervals", "ml.decode"))] == []
