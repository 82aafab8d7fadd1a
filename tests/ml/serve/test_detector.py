"""The detector's network, run strip by strip."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.serve import detector
from ml.serve.detector import COARSE, FINE, Detector
from ml.serve.onnx_session import WeightsMismatch, WeightsMissing
from ml.serve.picture import Picture
from ml.serve.reader import WEIGHTS


@pytest.mark.parametrize("size", [(500, 330), (320, 640)])
def test_strips_give_the_maps_of_the_whole(portrait: Image.Image, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    network, pixels = Detector(WEIGHTS), np.asarray(portrait.resize(size))
    whole = network.maps(pixels)
    monkeypatch.setattr(detector, "STRIP_PIXELS", 32 * 512)  # one row of blocks, so the most seams
    strips = network.maps(pixels)
    assert [each.shape[0] for each in strips] == [1, 2, 2, 10]
    assert all(each.shape[1:] == (-(-size[1] // 32) * 8, -(-size[0] // 32) * 8) for each in strips)
    assert whole[0].max() > 0.5
    for one, other in zip(whole, strips, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_file_with_other_bytes_is_refused(tmp_path: Path) -> None:
    for name in (FINE, COARSE):
        with pytest.raises(WeightsMissing, match=name):
            Detector(tmp_path)
        shutil.copy(WEIGHTS / name, tmp_path)
        with (tmp_path / name).open("ab") as file:
            file.write(b"x")
        with pytest.raises(WeightsMismatch, match=name):
            Detector(tmp_path)
        shutil.copy(WEIGHTS / name, tmp_path)


def test_picture_upside_down_is_scaled_as_the_turned_photo(portrait: Image.Image) -> None:
    turned = Picture(portrait.rotate(180)).scaled(301).astype(int)
    assert np.abs(Picture(portrait).upside_down().scaled(301) - turned).max() <= 1
    assert np.array_equal(Picture(portrait).upside_down().upside_down().scaled(301), Picture(portrait).scaled(301))
