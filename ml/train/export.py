"""The file that serves, derived from the trained network: an ONNX graph with its convolutions in 8-bit integers.

The graph is written layer by layer with the onnx package. Every kind of layer in `ml.train.model` has its node here; an unknown one
is refused. ONNX Runtime then quantises the graph, which halves the time. docs/adr/0012 reports what that costs.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.serve.expressions import EXPRESSIONS, HEADS, INPUT_SIDE
from ml.serve.preprocess import Normaliser, Pixels

OPSET, IR_VERSION = 17, 9

RANGE_FACES = 1024
"""Training faces on which the range of each layer's output is measured."""


class GraphWriter:
    """Writes one Keras layer after the other as ONNX nodes. Keras keeps channels last, ONNX first: one transpose at the start."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []  # Any: onnx messages
        self.weights: list[Any] = []
        self.names: dict[int, str] = {}
        self.kernels: dict[int, tuple[str, NDArray[np.float32]]] = {}
        """The input of each convolution and its kernel, until the batch norm after it is known."""

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
        # Dropout does nothing outside training.
        if kind == "Dropout":
            self.names[id(layer.output)] = inputs[0]
            return
        self.names[id(layer.output)] = name
        values = [np.asarray(variable) for variable in layer.weights]
        if kind == "InputLayer":
            self.node("Transpose", inputs, name := f"{name}_first", perm=[0, 3, 1, 2])
            self.names[id(layer.output)] = name
        elif kind == "Conv2D":
            self.kernels[id(layer.output)] = inputs[0], values[0].transpose(3, 2, 0, 1)  # (out, in, 3, 3)
        elif kind == "BatchNormalization":
            self.add_folded(self.kernels[id(sources[0])], values, layer.epsilon, name)
        elif kind == "Dense":
            kernel, bias = self.weight(f"{name}_kernel", values[0]), self.weight(f"{name}_bias", values[1])
            self.node("Gemm", [inputs[0], kernel, bias], name)
        else:
            self.add_plain(kind, inputs, name)

    def add_folded(
        self, convolution: tuple[str, NDArray[np.float32]], values: list[NDArray[np.float32]], epsilon: float, name: str
    ) -> None:
        """Add a convolution and the batch norm after it as one convolution: the norm's scale and shift go into kernel and bias."""
        source, kernel = convolution
        gamma, beta, mean, variance = values  # (out,) each
        scale = gamma / np.sqrt(variance + epsilon)  # (out,)
        folded = self.weight(f"{name}_kernel", kernel * scale[:, np.newaxis, np.newaxis, np.newaxis])  # (out, in, 3, 3)
        bias = self.weight(f"{name}_bias", beta - mean * scale)
        self.node("Conv", [source, folded, bias], name, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

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
        else:
            raise ValueError(f"no ONNX node is known for the Keras layer {kind}")


def write_graph(model: Any) -> bytes:  # Any: a Keras model
    """Return the network as an ONNX file in float32: image (N, 48, 48, 1) -> raters and fer2013 logits (N, 7)."""
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


class RangeFaces:
    """Gives z-scored faces (N, 48, 48, 1) to ONNX Runtime, which measures the range of each layer's output."""

    def __init__(self, faces: NDArray[np.float32], batch: int = 64) -> None:
        self.batches = iter([faces[start : start + batch] for start in range(0, len(faces), batch)])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next batch by the name of the graph's input, None at the end."""
        batch = next(self.batches, None)
        return None if batch is None else {"image": batch}


def quantise(network: bytes, faces: NDArray[np.float32]) -> bytes:
    """Return the ONNX file with its convolutions in 8-bit integers, with ranges measured on z-scored faces (N, 48, 48, 1).

    Kernels are scaled channel by channel and keep 7 bits: without VNNI, processors add pairs of products in 16 bits, where 8 bits
    overflow. Ranges are averaged over batches, so that one outlier does not coarsen them. The convolutions at full
    resolution and both heads stay float32: they take little time, and early rounding errors affect all later layers.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    graph = onnx.load_from_string(network)
    kept_as_float = [node.name for node in graph.graph.node if node.op_type == "Conv" and node.name.startswith("stage0")]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_static(
            graph,
            path,
            RangeFaces(faces),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["Conv", "Relu", "Add", "MaxPool"],
            nodes_to_exclude=kept_as_float,
            extra_options={"CalibMovingAverage": True},
        )
        return bytes(onnx.load(path).SerializeToString(deterministic=True))


def to_onnx(model: Any, pixels: Pixels, normaliser: Normaliser, seed: int) -> bytes:  # Any: a Keras model
    """Return the bytes of the file that serves. Ranges are measured on training faces (N, 48, 48) drawn with `seed`."""
    rng = np.random.default_rng((seed, 2))
    chosen = np.sort(rng.choice(len(pixels), min(RANGE_FACES, len(pixels)), replace=False))
    return quantise(write_graph(model), normaliser.apply(pixels[chosen]))
