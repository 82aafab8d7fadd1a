"""What the reader says of photos: each outcome once, on the real network."""

import io
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.measure.photos import sample_pictures
from ml.serve.engines import mirrored_logits
from ml.serve.expressions import FaceBox, Outcome, Reason
from ml.serve.faces import Detection, Look
from ml.serve.picture import WHOLE, Part, Picture
from ml.serve.reader import WEIGHTS, FaceReader, WeightsError, WeightsMismatch, WeightsMissing

Spoil = Callable[[Image.Image], Image.Image]


def placed(portrait: Image.Image, size: tuple[int, int], *places: tuple[int, int, int]) -> Image.Image:
    """Return a grey photo with the portrait at each (left, top, side)."""
    photo = Image.new("RGB", size, "gray")
    for left, top, side in places:
        photo.paste(portrait.resize((side, side)), (left, top))
    return photo


def test_portrait_is_read(reader: FaceReader, portrait: Image.Image) -> None:
    reading = reader.read(portrait)
    assert reading.outcome is Outcome.DONE
    assert reading.model_version == reader.model_version == reader.card.version
    assert reading.chosen == 0
    assert reading.probabilities is not None
    assert len(reading.probabilities) == 7
    assert sum(reading.probabilities) == pytest.approx(1)
    assert reading.as_json()["probabilities"]["happy"] == max(reading.probabilities)
    assert all(check.passed for check in reading.quality)
    assert [stage for stage, _ in reading.milliseconds] == ["detect", "turn upright", "crop and judge", "network"]


def test_picture_the_network_saw_is_kept(reader: FaceReader, portrait: Image.Image) -> None:
    reading = reader.read(portrait)
    assert reading.input_png is not None
    with Image.open(io.BytesIO(reading.input_png)) as seen:
        assert (seen.format, seen.mode, seen.size) == ("PNG", "L", (48, 48))
        assert reader.probabilities_of(np.asarray(seen)) == pytest.approx(reading.probabilities)


def test_other_head_is_kept_beside_the_one_that_serves(reader: FaceReader, portrait: Image.Image) -> None:
    reading = reader.read(portrait)
    assert reading.fer2013 is not None
    assert reading.input_png is not None
    pixels = np.asarray(Image.open(io.BytesIO(reading.input_png)))
    logits = mirrored_logits(reader.engine, reader.card.normaliser.apply(pixels[None]))[1, 0].tolist()
    raised = [math.exp(value) for value in logits]
    assert reading.fer2013 == pytest.approx([value / sum(raised) for value in raised])
    assert reading.fer2013 != reading.probabilities
    assert list(reading.as_json()["fer2013"].values()) == list(reading.fer2013)


def test_same_photo_gives_the_same_probabilities(reader: FaceReader, portrait: Image.Image) -> None:
    assert reader.read(portrait).probabilities == reader.read(portrait.copy()).probabilities


def test_probabilities_do_not_change_in_the_mirror(reader: FaceReader, portrait: Image.Image) -> None:
    pixels = np.asarray(portrait.crop((163, 55, 287, 179)).convert("L").resize((48, 48)))
    assert reader.probabilities_of(pixels) == pytest.approx(reader.probabilities_of(pixels[:, ::-1]), abs=1e-5)


def test_no_face_is_a_result(reader: FaceReader) -> None:
    reading = reader.read(Image.new("RGB", (400, 300), "teal"))
    assert reading.outcome is Outcome.NO_FACE
    assert (reading.faces, reading.chosen, reading.probabilities) == ((), None, None)


def test_one_pixel_has_no_face(reader: FaceReader) -> None:
    assert reader.read(Image.new("RGB", (1, 1))).outcome is Outcome.NO_FACE


def test_two_faces_of_like_size_ask_a_person(reader: FaceReader, portrait: Image.Image) -> None:
    reading = reader.read(placed(portrait, (1000, 500), (0, 0, 500), (500, 0, 480)))
    assert reading.outcome is Outcome.CHOOSE_FACE
    assert len(reading.faces) == 2
    assert (reading.chosen, reading.probabilities) == (None, None)


def test_chosen_box_is_read(reader: FaceReader, portrait: Image.Image) -> None:
    photo = placed(portrait, (1000, 500), (0, 0, 500), (500, 0, 480))
    right = max(reader.read(photo).faces, key=lambda face: face.box.left)
    reading = reader.read(photo, face=right.box)
    assert reading.outcome is Outcome.DONE
    assert reading.chosen is not None
    assert reading.faces[reading.chosen].box == right.box


def test_chosen_box_without_a_face_asks_again(reader: FaceReader, portrait: Image.Image) -> None:
    assert reader.read(portrait, face=FaceBox(0, 450, 40, 40)).outcome is Outcome.CHOOSE_FACE


def test_clearly_largest_face_is_read(reader: FaceReader, portrait: Image.Image) -> None:
    reading = reader.read(placed(portrait, (1000, 600), (0, 0, 600), (650, 100, 260)))
    assert len(reading.faces) == 2
    assert (reading.outcome, reading.chosen) == (Outcome.DONE, 0)


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        (Reason.TOO_SMALL, lambda photo: photo.resize((160, 160))),
        (Reason.TOO_BLURRED, lambda photo: photo.filter(ImageFilter.GaussianBlur(6))),
        (Reason.TOO_DARK, lambda photo: photo.point(lambda level: level * 0.12)),
        (Reason.TOO_BRIGHT, lambda photo: photo.point(lambda level: 226 + level * 0.11)),
        (Reason.CUT_OFF, lambda photo: photo.crop((212, 0, 512, 512))),
    ],
)
def test_spoiled_photo_is_rejected_with_its_reason(reader: FaceReader, portrait: Image.Image, reason: Reason, spoil: Spoil) -> None:
    reading = reader.read(spoil(portrait))
    assert (reading.outcome, reading.reason) == (Outcome.REJECTED, reason)
    assert reading.chosen == 0
    assert reading.probabilities is None
    assert next(check.reason for check in reading.quality if not check.passed) is reason


@pytest.mark.parametrize(("first", "turned"), [(0.8, 0.3), (0.3, 0.8)])
def test_face_that_one_look_is_sure_of_is_read(
    reader: FaceReader, portrait: Image.Image, monkeypatch: pytest.MonkeyPatch, first: float, turned: float
) -> None:
    def with_score(detection: Detection, score: float) -> Detection:
        return replace(detection, face=replace(detection.face, detector_score=score))

    (seen,) = reader.finder.find(portrait)
    upright = reader.finder.turn_upright(portrait, seen)
    monkeypatch.setattr(reader.finder, "find", lambda photo: (with_score(seen, first),))
    monkeypatch.setattr(
        reader.finder, "turn_upright", lambda photo, face: replace(upright, detection=with_score(upright.detection, turned))
    )
    monkeypatch.setattr(reader.finder, "detect", lambda image, side_px: pytest.fail("no third look is needed"))
    reading = reader.read(portrait)
    assert reading.outcome is Outcome.DONE
    assert (reading.faces[0].detector_score, reading.quality[-1].measured) == (0.8, 0.8)


def test_clear_face_is_detected_once(reader: FaceReader, portrait: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    sides, look = [], reader.finder.look

    def counted(picture: Picture, side_px: int, part: Part = WHOLE) -> Look:
        sides.append(side_px)
        return look(picture, side_px, part)

    monkeypatch.setattr(reader.finder, "look", counted)
    assert reader.read(portrait).outcome is Outcome.DONE
    assert sides == [640]


@pytest.mark.parametrize("name", ["chelsea", "coffee", "grass", "horse", "moon"])
def test_small_picture_without_a_face_is_not_read(reader: FaceReader, name: str) -> None:
    (path,) = (path for path in sample_pictures() if path.stem == name)  # chelsea is a cat
    picture = Image.open(path).convert("RGB")
    for side in (64, 128):
        assert reader.read(picture.resize((side, side))).outcome is not Outcome.DONE


@pytest.mark.parametrize(("side", "outcome"), [(128, Outcome.REJECTED), (129, Outcome.DONE)])
def test_few_pixels_ask_for_a_surer_detector(
    reader: FaceReader, portrait: Image.Image, monkeypatch: pytest.MonkeyPatch, side: int, outcome: Outcome
) -> None:
    monkeypatch.setattr(reader.finder, "surest_score", lambda *looks: 0.55)
    reading = reader.read(portrait.crop((163, 55, 287, 179)).resize((side, side)))
    assert reading.outcome is outcome
    assert reading.reason is (Reason.UNCERTAIN_FACE if outcome is Outcome.REJECTED else None)


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_photo_on_its_side_is_read_like_the_upright_one(reader: FaceReader, portrait: Image.Image, clockwise: int) -> None:
    straight, turned = reader.read(portrait), reader.read(portrait.rotate(-clockwise, expand=True))
    assert turned.outcome is Outcome.DONE
    assert turned.probabilities is not None
    assert straight.probabilities is not None
    assert np.argmax(turned.probabilities) == np.argmax(straight.probabilities)


def test_grey_photo_is_read(reader: FaceReader, portrait: Image.Image) -> None:
    assert reader.read(portrait.convert("L")).outcome is Outcome.DONE


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_weights_with_another_hash_are_refused(copied: Path) -> None:
    with (copied / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(WeightsMismatch, match=r"model\.onnx has SHA-256"):
        FaceReader(copied)


@pytest.mark.parametrize("name", ["model.json", "model.onnx", "centerface.fine.onnx", "centerface.coarse.onnx"])
def test_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(WeightsMissing, match=name):
        FaceReader(copied)


@pytest.mark.parametrize("content", ["", "{", "{}", '{"version": "1"}'])
def test_corrupt_card_is_refused(copied: Path, content: str) -> None:
    (copied / "model.json").write_text(content)
    with pytest.raises(WeightsError, match=r"model\.json"):
        FaceReader(copied)


def test_card_with_other_labels_is_refused(copied: Path) -> None:
    card = (copied / "model.json").read_text()
    (copied / "model.json").write_text(card.replace('"neutral"', '"calm"'))
    with pytest.raises(WeightsMismatch, match="calm"):
        FaceReader(copied)
