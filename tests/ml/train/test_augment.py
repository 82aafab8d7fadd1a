"""Random changes: seeded, in range, and none when every range is zero."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ml.serve.preprocess import Pixels
from ml.train.augment import augment, compress_on_device, cover, mix
from ml.train.config import Config

STILL = replace(
    Config(),
    shift=0,
    scale=0,
    rotation_degrees=0,
    brightness=0,
    contrast=0,
    soften_share=0,
    compress_share=0,
    erase_share=0,
    erase_side=0.2,
)
FACES = np.random.default_rng(0).integers(0, 256, (6, 48, 48)).astype(np.uint8)


def test_without_ranges_only_the_mirror_is_left() -> None:
    changed = augment(FACES, 48, 48, STILL, np.random.default_rng(3))
    for face, other in zip(FACES, changed, strict=True):
        same, mirrored = (np.abs(other - wanted).max() for wanted in (face, face[:, ::-1]))
        assert min(same, mirrored) < 0.5


def test_window_is_cut_from_the_middle() -> None:
    changed = augment(FACES, 44, 44, STILL, np.random.default_rng(3))
    assert changed.shape == (6, 44, 44)
    assert min(np.abs(changed[0] - side[2:46, 2:46]).max() for side in (FACES[0], FACES[0][:, ::-1])) < 0.5


@pytest.mark.parametrize(("side", "covered"), [(36, 48), (44, 44), (48, 48)])
def test_changed_faces_are_seeded_and_in_range(side: int, covered: int) -> None:
    first, again = (augment(FACES, side, covered, Config(), np.random.default_rng(5)) for _ in range(2))
    other = augment(FACES, side, covered, Config(), np.random.default_rng(6))
    assert first.shape == (6, side, side)
    assert (first.min() >= 0, first.max() <= 255) == (True, True)
    assert (first == again).all()
    assert not (first == other).all()


def test_some_faces_are_compressed_as_a_poor_jpeg() -> None:
    changed = augment(FACES, 48, 48, replace(STILL, compress_share=1), np.random.default_rng(3))
    plain = augment(FACES, 48, 48, STILL, np.random.default_rng(3))
    lost = np.abs(changed - plain).mean(axis=(1, 2))
    assert (lost > 5).all()  # noise of one pixel does not survive quality 60
    assert (changed == changed.round()).all()


@pytest.mark.parametrize("quality", [20, 35, 50, 60])
def test_jpeg_of_the_device_is_that_of_libjpeg(quality: int, smile: Pixels) -> None:
    faces = np.stack([smile, smile[:, ::-1], FACES[0]])[:, :44, :44].astype(np.float32)
    made = compress_on_device(faces, np.array([0, 2]), [quality, quality])
    assert (made[1] == faces[1]).all()
    for place in (0, 2):
        file = io.BytesIO()
        Image.fromarray(faces[place].astype(np.uint8)).save(file, "JPEG", quality=quality)
        with Image.open(file) as picture:
            wanted = np.asarray(picture, np.float32)
        changed = np.abs(wanted - faces[place]).mean()
        assert changed > 2
        # Now and then libjpeg's integers round a cosine the other way.
        assert np.abs(made[place] - wanted).mean() < 0.05 * changed


def test_mixed_faces_and_targets_have_the_same_weight() -> None:
    one_hot = np.eye(len(FACES), dtype=np.float32)
    faces = FACES[..., np.newaxis].astype(np.float32)
    mixed, raters, labels = mix((faces, one_hot, one_hot * 0.5), 0.2, np.random.default_rng(3))
    assert np.allclose(mixed, np.tensordot(raters, faces, axes=1), atol=1e-2)
    assert np.allclose(labels, raters / 2)
    assert (np.diagonal(raters) >= 0.5).all()
    assert (raters.max(axis=1) < 1).any()


def test_without_mixing_the_batch_is_the_same() -> None:
    batch = (FACES.astype(np.float32), np.eye(7, dtype=np.float32), np.eye(7, dtype=np.float32))
    assert mix(batch, 0, np.random.default_rng(3)) is batch


def test_shares_of_nothing_draw_no_random_numbers() -> None:
    rng, untouched = np.random.default_rng(3), np.random.default_rng(3)
    assert cover(FACES, Config(), rng) is FACES
    assert rng.bit_generator.state == untouched.bit_generator.state


def test_lower_half_is_covered_in_one_grey() -> None:
    covered = cover(FACES, replace(Config(), half_share=1), np.random.default_rng(3))
    assert covered.dtype == np.uint8
    for face, changed in zip(FACES, covered, strict=True):
        lower = changed[32:]
        assert (lower == lower[0, 0]).all()
        assert (changed[:21] == face[:21]).all()
    assert len({int(face[-1, -1]) for face in covered}) > 3


def test_rims_are_dark_rings_around_both_eyes() -> None:
    plain = np.full((200, 48, 48), 200, np.uint8)
    worn = cover(plain, replace(Config(), rims_share=1), np.random.default_rng(3))
    drawn = worn != plain
    assert worn[drawn].max() < 90
    assert not drawn[:, :8].any()
    assert not drawn[:, 30:].any()
    assert (drawn == drawn[:, :, ::-1]).all()
    assert drawn[:, :, :24].any(axis=(1, 2)).all()
    # A ring: the eye in it stays free, and the bridge joins both.
    assert not drawn[:, 19, 13:15].any()
    assert drawn[:, 14:22, 23].any(axis=1).all()
    assert 0.04 < drawn.mean() < 0.09


def test_only_a_share_of_the_faces_is_covered() -> None:
    plain = np.full((2000, 48, 48), 200, np.uint8)
    for share in ("half_share", "rims_share"):
        changed = (cover(plain, replace(Config(), **{share: 0.2}), np.random.default_rng(3)) != plain).any(axis=(1, 2))  # type: ignore[arg-type]  # of one kind
        assert 0.15 < changed.mean() < 0.25
