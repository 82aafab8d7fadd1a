"""Finding faces, choosing one, and turning it upright."""

from dataclasses import astuple

import numpy as np
import pytest
from PIL import Image

from ml.serve import faces
from ml.serve.expressions import Face, FaceBox
from ml.serve.faces import Detection, FaceFinder, Look, UprightFace, choose_face, merge, read_maps, roll_of
from ml.serve.geometry import cut_square, cut_turned, share_cut_off, turn_points
from ml.serve.picture import WHOLE, Part, Picture
from ml.serve.reader import WEIGHTS


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(WEIGHTS)


def face(left: float, side: float) -> Face:
    return Face(FaceBox(left, 0, side, side), 0.9)


def test_face_of_the_portrait_is_found(finder: FaceFinder, portrait: Image.Image) -> None:
    (seen,) = finder.find(portrait)
    assert seen.face.box.overlap(FaceBox(180, 58, 91, 118)) > 0.9
    assert abs(seen.face.roll_degrees) < 10
    assert seen.landmarks.shape == (5, 2)


def test_even_picture_has_no_face(finder: FaceFinder) -> None:
    assert finder.find(Image.new("RGB", (300, 200), "teal")) == ()


@pytest.mark.parametrize("clockwise", [-90, -40, 40, 90, 180])
def test_leaning_head_is_turned_upright(finder: FaceFinder, portrait: Image.Image, clockwise: int) -> None:
    (seen,) = finder.find(portrait.rotate(-clockwise, expand=True))
    upright = finder.turn_upright(portrait.rotate(-clockwise, expand=True), seen)
    assert abs((seen.face.roll_degrees - clockwise + 180) % 360 - 180) < 25
    assert abs(upright.detection.face.roll_degrees) <= 10
    assert upright.detection.face.detector_score > 0.85
    assert 100 < upright.detection.face.box.height < 130


def test_small_face_in_a_large_photo_is_found_in_the_second_pass(finder: FaceFinder, portrait: Image.Image) -> None:
    wide = Image.new("RGB", (3000, 2000), "gray")
    wide.paste(portrait.resize((256, 256)), (1500, 900))
    assert all(seen.face.detector_score < 0.5 for seen in finder.detect(wide, 640))
    (seen,) = finder.find(wide)
    assert seen.face.box.overlap(FaceBox(1590, 929, 45, 59)) > 0.6


def test_photo_upside_down_is_seen_larger_only_around_a_warm_place(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.zeros((108, 160), np.float32)  # 640 x 427 with a black edge
    scores[30, 40] = 0.1
    looks: list[tuple[int, Part]] = []

    def look(picture: Picture, side_px: int, part: Part = WHOLE) -> Look:
        looks.append((side_px, part))
        is_upside_down = [side for side, _part in looks].count(640) == 2
        if is_upside_down and side_px == 1280:
            return look_with([detection(100, 90)])
        return Look([], scores if is_upside_down else np.zeros((4, 4), np.float32), (640, 427))

    monkeypatch.setattr(finder, "look", look)
    (seen,) = finder.find(Image.new("RGB", (3000, 2000)))
    assert seen.face.box == FaceBox(3000 - 190, 2000 - 90, 90, 90)
    *others, (side_px, part) = looks
    assert all(each == WHOLE for _side, each in others)
    assert side_px == 1280
    assert astuple(part) == pytest.approx((4 * 16 / 640, 4 * 6 / 427, 4 * 65 / 640, 4 * 55 / 427))


def record_looks(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Part]]:
    """Return a list that will hold the longer side and the part of each pass."""
    looks: list[tuple[int, Part]] = []
    look = finder.look

    def recorded(picture: Picture, side_px: int, part: Part = WHOLE) -> Look:
        looks.append((side_px, part))
        return look(picture, side_px, part)

    monkeypatch.setattr(finder, "look", recorded)
    return looks


def test_photo_without_a_warm_place_is_seen_larger_once(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = record_looks(finder, monkeypatch)
    assert finder.find(Image.new("RGB", (2000, 1500), "teal")) == ()
    sides = [side_px for side_px, _part in looks]
    assert sides.count(1280) == 1
    assert 960 not in sides
    assert sides.count(640) == sides.count(320) == 2  # also upside down


def test_face_has_the_same_box_in_a_part_and_in_the_whole(finder: FaceFinder, portrait: Image.Image) -> None:
    picture = Picture(portrait.resize((1000, 1000)))
    (whole,) = finder.look(picture, 640).detections
    part = finder.look(picture, 640, Part(0.2, 0.05, 0.7, 0.6))
    (seen,) = part.detections
    assert max(part.scores.shape) < 100  # of 160
    assert seen.face.box.overlap(whole.face.box) > 0.9
    assert np.abs(seen.landmarks - whole.landmarks).max() < 10


def detection(left: float, side: float, score: float = 0.9) -> Detection:
    """Return an upright face seen at the top of a photo."""
    marks = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]]) * side + [left, 0]
    return Detection(Face(FaceBox(left, 0, side, side), score), marks)


def look_with(detections: list[Detection]) -> Look:
    """Return a pass that shows these faces, and no other place that may be one."""
    return Look(detections, np.array([[max((each.face.detector_score for each in detections), default=0)]], np.float32), (4, 4))


def found_boxes(monkeypatch: pytest.MonkeyPatch, finder: FaceFinder, by_side: dict[int, list[Detection]]) -> list[FaceBox]:
    """Return the boxes that are found where each pass shows these."""
    monkeypatch.setattr(finder, "look", lambda picture, side_px, part=WHOLE: look_with(by_side.get(side_px, [])))
    return [seen.face.box for seen in finder.find(Image.new("RGB", (3000, 2000)))]


def test_second_pass_that_loses_a_large_face_does_not_replace_it(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    patient, bystander = detection(0, 900, 0.47), detection(2000, 70)
    assert found_boxes(monkeypatch, finder, {640: [patient], 1280: [bystander]}) == [patient.face.box, bystander.face.box]
    coarse, exact = detection(2000, 50, 0.4), detection(2002, 64)  # the same face: the closer look has the word
    assert found_boxes(monkeypatch, finder, {640: [coarse], 1280: [exact]}) == [exact.face.box]


def test_small_face_of_the_background_does_not_end_the_search(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    patient, background = detection(0, 1900), detection(2500, 30)
    assert found_boxes(monkeypatch, finder, {1280: [background], 320: [patient]}) == [patient.face.box]


def test_second_pass_over_a_face_takes_no_neighbour(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, coarse = Image.new("RGB", (3000, 2000)), detection(1000, 40, 0.46)
    monkeypatch.setattr(finder, "detect", lambda image, side_px: [detection(0, 30)])  # at the edge of the region
    kept = finder.turn_upright(photo, coarse).detection.face
    assert (kept.detector_score, kept.box.height) == (0.46, 40)


def tight(portrait: Image.Image, height: int) -> Image.Image:
    """Return the leaning face of the portrait from the brows to the chin, with nothing around it."""
    leaning = portrait.rotate(-20, Image.Resampling.BICUBIC, center=(225, 117))
    return leaning.crop((196, 80, 256, 155)).resize((round(0.8 * height), height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("height", [300, 700])
def test_face_that_fills_the_photo_is_found_once(finder: FaceFinder, portrait: Image.Image, height: int) -> None:
    (seen,) = finder.find(tight(portrait, height))
    assert seen.face.detector_score > 0.5
    assert seen.face.box.overlap(FaceBox(0, 0, 0.8 * height, height)) > 0.8


def test_photo_whose_face_is_clear_gets_no_edge(finder: FaceFinder, portrait: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "detect_filling", lambda image: pytest.fail("the face was found without it"))
    finder.find(portrait)
    finder.find(portrait.crop((163, 55, 287, 179)))  # the face alone


def test_edge_completes_no_face_that_is_cut_off(finder: FaceFinder, portrait: Image.Image) -> None:
    half = portrait.crop((225, 50, 512, 250))  # from the nose to the right
    (seen,) = finder.find(half)
    assert share_cut_off(seen.face.box, *half.size) > 0.2


@pytest.mark.parametrize(
    ("score", "left", "found"),
    [(0.7, 400, 1), (0.6, 400, 0), (0.7, 340, 0)],  # the edge is 400 px wide: the last face lies in it by more than a tenth
)
def test_edge_shows_only_sure_faces_inside_the_photo(
    finder: FaceFinder, monkeypatch: pytest.MonkeyPatch, score: float, left: float, found: int
) -> None:
    seen = Detection(Face(FaceBox(left, 450, 550, 700), score), np.zeros((5, 2)))
    monkeypatch.setattr(faces, "EDGE_SIDE_PX", 1800)
    monkeypatch.setattr(finder, "look", lambda picture, side_px: look_with([seen]))
    shown = finder.detect_filling(Image.new("RGB", (1000, 1000)))
    assert [(each.face.box.left, each.face.box.top) for each in shown] == [(left - 400, 50)] * found


def test_small_face_is_not_looked_for_with_an_edge(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "look", lambda picture, side_px: look_with([detection(600, 200)]))  # 80 from the left of the photo
    assert finder.detect_filling(Image.new("RGB", (1300, 1000))) == []


@pytest.mark.parametrize(
    ("scores", "looks", "surest"),
    [
        ((0.9, 0.9), (), 0.9),
        ((0.6, 0.2), (), 0.6),
        ((0.2, 0.6), (), 0.6),
        ((0.4, 0.3), (0.7,), 0.7),
        ((0.4, 0.3), (0.36, 0.5), 0.5),
        ((0.4, 0.3), (0.36, 0.38, 0.6), 0.6),
        ((0.4, 0.3), (0.36, 0.38, 0.39), 0.4),
    ],
)
def test_face_is_looked_at_again_only_while_the_detector_is_unsure(
    finder: FaceFinder, monkeypatch: pytest.MonkeyPatch, scores: tuple[float, float], looks: tuple[float, ...], surest: float
) -> None:
    shown = iter(looks)

    def detect(region: Image.Image, side_px: int) -> list[Detection]:
        at = (region.width - 100) / 2
        seen = centred(at, next(shown))
        return [seen, detection(0, 20, 0.99)]  # and a neighbour, who does not count

    monkeypatch.setattr(finder, "detect", detect)
    upright = UprightFace(Image.new("RGB", (220, 220)), centred(60, scores[1]))
    assert finder.surest_score(detection(500, 100, scores[0]), upright, 0.45) == surest
    assert list(shown) == []


def centred(at: float, score: float) -> Detection:
    """Return a face of 100 x 100 px whose left and top are at the same distance."""
    return Detection(Face(FaceBox(at, at, 100, 100), score), np.zeros((5, 2)))


def test_boxes_of_one_face_become_one_though_they_overlap_little() -> None:
    face, mouth = centred(0, 0.8), Detection(Face(FaceBox(30, 60, 40, 35), 0.6), np.zeros((5, 2)))
    assert face.face.box.overlap(mouth.face.box) < 0.3
    assert merge([mouth], [face]) == [face]
    assert merge([face], [mouth]) == [face]
    neighbour = Detection(Face(FaceBox(70, 0, 60, 60), 0.6), np.zeros((5, 2)))  # half behind
    assert merge([neighbour], [face]) == [face, neighbour]


def test_cells_of_one_face_become_one_box() -> None:
    heat, size, offset, marks = (np.zeros((count, 8, 8), np.float32) for count in (1, 2, 2, 10))
    heat[0, 3, 3], heat[0, 5, 3] = 0.9, 0.6
    size[:, 3, 3], size[:, 5, 3] = np.log(6), np.log(2)  # the second lies in the first, on a ninth of it
    (seen,) = read_maps([heat, size, offset, marks], (1.0, 1.0))
    assert seen.face.detector_score == pytest.approx(0.9)


def test_clearly_largest_face_is_chosen_else_a_person_must() -> None:
    assert choose_face(()) is None
    assert choose_face((face(0, 50),)) == 0
    assert choose_face((face(0, 30), face(100, 60))) == 1
    assert choose_face((face(0, 50), face(100, 60))) is None


def test_wanted_box_takes_the_face_it_overlaps_most() -> None:
    faces = (face(0, 50), face(100, 60))
    assert choose_face(faces, FaceBox(5, 0, 50, 50)) == 0
    assert choose_face(faces, FaceBox(90, 0, 60, 60)) == 1
    assert choose_face(faces, FaceBox(500, 500, 10, 10)) is None


def test_one_cell_of_the_grid_becomes_a_box() -> None:
    heat, size, offset, marks = (np.zeros((count, 8, 8), np.float32) for count in (1, 2, 2, 10))
    heat[0, 2, 3] = 0.9
    size[:, 2, 3] = np.log([3, 2])  # height and width in cells of four pixels
    marks[:, 2, 3] = 0.5
    (seen,) = read_maps([heat, size, offset, marks], (2.0, 2.0))
    box = (seen.face.box.left, seen.face.box.top, seen.face.box.width, seen.face.box.height)
    assert box == pytest.approx((20, 8, 16, 24))
    assert seen.landmarks[0].tolist() == pytest.approx([28, 20])


def test_roll_is_positive_for_a_head_that_leans_clockwise() -> None:
    upright = np.array([[-1, -1], [1, -1], [0, 0], [-1, 1], [1, 1]], np.float64)
    assert roll_of(upright) == pytest.approx(0)
    assert roll_of(turn_points(upright, (0, 0), 30)) == pytest.approx(30)
    assert roll_of(turn_points(upright, (0, 0), -120)) == pytest.approx(-120)


def test_square_beyond_the_edge_repeats_the_edge() -> None:
    picture = Image.new("L", (10, 10), 0)
    picture.putpixel((0, 5), 200)
    cut = cut_square(picture, (0, 5), 6)
    assert cut.size == (6, 6)
    assert np.asarray(cut)[3].tolist() == [200, 200, 200, 200, 0, 0]
    assert cut_square(picture, (50, 50), 4).size == (4, 4)


def test_turned_square_stands_upright() -> None:
    arrow = Image.new("L", (41, 41), 0)
    arrow.paste(255, (18, 0, 23, 20))  # points up
    leaning = cut_turned(arrow.rotate(-90), (20.5, 20.5), 41, 90)
    assert np.abs(np.asarray(leaning, float) - np.asarray(arrow, float)).mean() < 12


def test_face_at_the_edge_is_cut_off_if_its_box_lacks_the_shape_of_a_face() -> None:
    whole = FaceBox(0, 40, 37, 50)
    assert share_cut_off(whole, 200, 200) == pytest.approx(0)
    assert share_cut_off(FaceBox(0, 40, 18.5, 50), 200, 200) == pytest.approx(0.5)
    assert share_cut_off(FaceBox(181.5, 40, 18.5, 50), 200, 200) == pytest.approx(0.5)
    assert share_cut_off(FaceBox(80, 0, 40, 19.2), 200, 200) == pytest.approx(0.5)
    assert share_cut_off(FaceBox(80, 80, 40, 19.2), 200, 200) == 0
