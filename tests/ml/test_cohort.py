"""The reader on the rendered portraits that ship: where it finds the face, and why it turns the spoiled ones down."""

import pytest
from PIL import Image

from ml.serve.expressions import FaceBox, Outcome, Reading
from ml.serve.reader import FaceReader
from tests.cohort import Portrait, good_portraits, spoiled_portraits


def read(reader: FaceReader, portrait: Portrait) -> Reading:
    with Image.open(portrait.path) as picture:
        return reader.read(picture.convert("RGB"))


def lies_near(found: FaceBox, known: FaceBox) -> bool:
    """Whether the middles are less than a quarter of the known face apart, and the heights alike within two fifths."""
    across = abs(found.left + found.width / 2 - known.left - known.width / 2) / known.width
    down = abs(found.top + found.height / 2 - known.top - known.height / 2) / known.height
    return across < 0.25 and down < 0.25 and 0.6 < found.height / known.height < 1.6


# One portrait in six, of every patient; all of them take most of a minute.
@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.full)])
def test_one_face_is_found_at_its_known_place_in_nearly_every_good_portrait(reader: FaceReader, step: int) -> None:
    good = good_portraits()
    wrong = []
    for portrait in good[::step]:
        reading = read(reader, portrait)
        assert portrait.face is not None
        if reading.outcome is not Outcome.DONE or len(reading.faces) != 1 or not lies_near(reading.faces[0].box, portrait.face):
            wrong.append((portrait.path.name, reading.outcome, reading.reason, len(reading.faces)))
    assert len(good) >= 150
    assert len(wrong) <= 0.02 * len(good[::step]), wrong


@pytest.mark.parametrize("portrait", spoiled_portraits(), ids=lambda portrait: portrait.path.stem)
def test_spoiled_portrait_fails_for_its_reason(reader: FaceReader, portrait: Portrait) -> None:
    reading = read(reader, portrait)
    assert str(reading.reason or reading.outcome) == portrait.expected


def test_every_way_to_fail_is_in_the_demo() -> None:
    expected = {portrait.expected for portrait in spoiled_portraits()}
    assert expected == {"no_face", "choose_face", "too_blurred", "too_dark", "too_small", "cut_off"}
