"""Derive model.onnx from model.keras and write its hash into model.json.

    python -m ml.export ml/weights

The graph is written out layer by layer with the onnx package; every layer kind of `ml.model` has its node here, and an unknown
one is refused. ONNX Runtime folds batch norm into the convolutions when it opens the file.
"""

import argparse
import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ml.card import load_card
from ml.config import INPUT_SIDE
from ml.engines import load_keras
from ml.expressions import EXPRESSIONS
from ml.model import HEADS

OPSET, IR_VERSION = 17, 9


class GraphWriter:
    """Writes one Keras layer after the other as ONNX nodes. Keras keeps channels last, ONNX first: one transpose at the start."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []  # Any: onnx messages
        self.weights: list[Any] = []
        self.names: dict[int, str] = {}

    def weight(self, name: str, values: Any) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> None:
        """Add a node whose only output carries its name."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))

    def add_layer(self, layer: Any) -> None:
        """Add a Keras layer. Raises ValueError for a kind that the network does not use."""
        kind, name = type(layer).__name__, layer.name
        sources = layer.input if isinstance(layer.input, list) else [layer.input]
        inputs = [self.names[id(tensor)] for tensor in sources] if kind != "InputLayer" else ["image"]
        self.names[id(layer.output)] = inputs[0] if kind == "Dropout" else name
        values = [np.asarray(variable) for variable in layer.weights]
        if kind == "InputLayer":
            self.node("Transpose", inputs, name := f"{name}_first", perm=[0, 3, 1, 2])
            self.names[id(layer.output)] = name
        elif kind == "Conv2D":
            kernel = self.weight(f"{name}_kernel", values[0].transpose(3, 2, 0, 1))
            self.node("Conv", [inputs[0], kernel], name, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        elif kind == "BatchNormalization":
            four = [self.weight(f"{name}_{index}", value) for index, value in enumerate(values)]
            self.node("BatchNormalization", [inputs[0], *four], name, epsilon=layer.epsilon)
        elif kind == "Dense":
            kernel, bias = self.weight(f"{name}_kernel", values[0]), self.weight(f"{name}_bias", values[1])
            self.node("Gemm", [inputs[0], kernel, bias], name)
        else:
            self.add_plain(kind, inputs, name)

    def add_plain(self, kind: str, inputs: list[str], name: str) -> None:
        """Add a layer without weights."""
        if kind == "ReLU":
            self.node("Relu", inputs, name)
        elif kind == "Add":
            self.node("Add", inputs, name)
        elif kind == "Concatenate":
            self.node("Concat", inputs, name, axis=1)
        elif kind == "MaxPooling2D":
            self.node("MaxPool", inputs, name, kernel_shape=[2, 2], strides=[2, 2])
        elif kind in {"GlobalAveragePooling2D", "GlobalMaxPooling2D"}:
            self.node(kind.replace("Pooling2D", "Pool"), inputs, f"{name}_square")
            self.node("Flatten", [f"{name}_square"], name)
        elif kind != "Dropout":  # dropout does nothing once training is over
            raise ValueError(f"no ONNX node is known for the Keras layer {kind}")


def to_onnx(model: Any) -> bytes:  # Any: a Keras model
    """Return the ONNX file of the network: image (N, 48, 48, 1) -> raters and fer2013 logits (N, 7)."""
    import onnx
    from onnx import TensorProto, helper

    writer = GraphWriter()
    for layer in model.layers:
        writer.add_layer(layer)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["faces", INPUT_SIDE, INPUT_SIDE, 1])
    heads = [helper.make_tensor_value_info(head, TensorProto.FLOAT, ["faces", len(EXPRESSIONS)]) for head in HEADS]
    graph = helper.make_graph(writer.nodes, "affectline", [image], heads, writer.weights)
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(network, full_check=True)
    return bytes(network.SerializeToString(deterministic=True))


def main() -> int:
    """Write model.onnx beside model.keras. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path, help="folder with model.keras and model.json")
    folder: Path = parser.parse_args().weights
    content = to_onnx(load_keras(folder / "model.keras", (folder / "model.keras").read_bytes()))
    (folder / "model.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    replace(load_card(folder), onnx_sha256=sha256).save(folder / "model.json")
    sys.stdout.write(f"{sha256}  model.onnx\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
