"""Which faces are read, and what a photo's reading says."""

import pytest

from ml.read.faces import face_choice, of_photo
from ml.serve.expressions import Face, FaceBox, Outcome, Reading, Reason


def face(side: float) -> Face:
    return Face(FaceBox(0, 0, side, side), 0.9)


ALIKE = (face(100), face(99), face(98))
CLEAR = (face(100), face(40))


@pytest.mark.parametrize(
    ("choice", "of_alike", "of_clear", "of_none"),
    [
        ("clear", [], [0], []),
        ("largest", [0], [0], []),
        ("all", [0, 1, 2], [0, 1], []),
        ("1", [0], [0], []),
        ("3", [2], [], []),
    ],
)
def test_choice_names_faces(choice: str, of_alike: list[int], of_clear: list[int], of_none: list[int]) -> None:
    choose = face_choice(choice)
    assert [list(choose(faces)) for faces in (ALIKE, CLEAR, ())] == [of_alike, of_clear, of_none]


@pytest.mark.parametrize("choice", ["0", "-1", "biggest", "", "²", "1.5"])
def test_other_choices_are_refused(choice: str) -> None:
    with pytest.raises(ValueError, match="is not clear, largest, all or a number from 1"):
        face_choice(choice)


def done(chosen: int) -> Reading:
    return Reading(Outcome.DONE, "0.5.0", faces=ALIKE, chosen=chosen, probabilities=(0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1))


def rejected(chosen: int) -> Reading:
    return Reading(Outcome.REJECTED, "0.5.0", Reason.TOO_DARK, ALIKE, chosen)


def test_photo_is_done_if_one_of_its_faces_is() -> None:
    photo = of_photo([rejected(0), done(1), rejected(2)], "all")
    assert (photo["state"], photo["reason"]) == ("done", None)
    assert [each.state for each in photo["faces"]] == ["rejected", "done", "rejected"]
    assert photo["faces"][1].probabilities["happy"] == 0.9
    assert photo["faces"][1].valence_index == 0.9
    assert photo["faces"][0].probabilities is None


def test_faces_that_were_not_chosen_keep_their_boxes() -> None:
    photo = of_photo([rejected(1)], "2")
    assert (photo["state"], photo["reason"]) == ("rejected", "too_dark")
    assert [(each.number, each.state) for each in photo["faces"]] == [(1, "not_chosen"), (2, "rejected"), (3, "not_chosen")]


def test_number_that_the_photo_has_no_face_for_is_no_face() -> None:
    undecided = Reading(Outcome.CHOOSE_FACE, "0.5.0", faces=ALIKE)
    assert (of_photo([undecided], "4")["state"], of_photo([undecided], "4")["reason"]) == ("no_face", "fewer_faces")
    assert (of_photo([undecided], "clear")["state"], of_photo([undecided], "clear")["reason"]) == ("choose_face", None)
