"""Both engines run the same network, and refuse files that are not the ones of the card."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.serve.card import load_card
from ml.serve.engines import mirrored_logits, open_engine, softmax
from ml.serve.preprocess import to_pixels
from ml.serve.reader import WEIGHTS, FaceReader, WeightsMismatch

pytestmark = pytest.mark.keras


@pytest.mark.slow("loads TensorFlow")
def test_engines_agree_on_a_real_face(portrait: Image.Image) -> None:
    card = load_card(WEIGHTS)
    pictures = [portrait.crop((165 + shift, 55, 289 + shift, 179)).rotate(shift) for shift in range(0, 20, 4)]
    faces = card.normaliser.apply(np.stack([to_pixels(picture) for picture in pictures]))
    served, trained = (mirrored_logits(open_engine(name, WEIGHTS, card), faces) for name in ("onnx", "keras"))
    assert served.std() > 0.1
    assert 0 < np.abs(softmax(served / card.temperature) - softmax(trained / card.temperature)).max() < 0.05


def test_keras_engine_reads_the_same_probabilities_and_refuses_other_files(
    portrait: Image.Image, reader: FaceReader, released: Path
) -> None:
    probabilities = FaceReader(WEIGHTS, engine="keras").read(portrait).probabilities
    assert probabilities == pytest.approx(reader.read(portrait).probabilities, abs=0.05)
    with (released / "model.keras").open("ab") as file:
        file.write(b"x")
    with pytest.raises(WeightsMismatch, match=r"model\.keras"):
        open_engine("keras", released, load_card(released))
