"""The ONNX file: the graph of the network, and what rounding it does."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from ml.serve.card import load_card
from ml.serve.engines import load_keras
from ml.serve.expressions import HEADS
from ml.serve.preprocess import to_pixels
from ml.serve.reader import WEIGHTS
from ml.train.export import write_graph

pytestmark = pytest.mark.keras


def test_served_file_is_rounded_and_told_from_the_trained_one(released: Path) -> None:
    rounded = onnx.load(released / "model.onnx").graph
    kinds = Counter(tensor.data_type for tensor in rounded.initializer if tensor.name.endswith("_kernel_quantized"))
    kernels = [node.input[1] for node in rounded.node if node.op_type == "Conv"]
    whole = [name for name in kernels if name.endswith("_kernel")]
    assert len(whole) == 2  # those at full resolution
    assert kinds == {onnx.TensorProto.INT8: len(kernels) - len(whole)}
    told = json.loads((released / "report.json").read_text())["rounding"]
    assert 0 < told["mean_difference"] <= told["largest_difference"] < 0.2
    assert told["named_alike"]["n"] == 14


def test_graph_is_that_of_the_network_until_it_is_rounded(portrait: Image.Image) -> None:
    model = load_keras(WEIGHTS / "model.keras", (WEIGHTS / "model.keras").read_bytes())
    face = load_card(WEIGHTS).normaliser.apply(to_pixels(portrait.crop((165, 55, 289, 179)))[None])
    drawn = onnxruntime.InferenceSession(write_graph(model)).run(list(HEADS), {"image": face})
    assert np.abs(np.stack(drawn) - np.stack(model(face))).max() < 1e-4
