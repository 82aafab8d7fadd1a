"""Read the expression in photos from the command line.

    python -m ml.serve.read --json visit.jpg

Prints one line per photo. With --json the line is a JSON object: file, outcome, faces (box in pixels of the upright photo, detector
score), chosen face, seven probabilities by expression, quality checks, milliseconds per stage. A file that cannot be opened gets a
line with outcome "unreadable" and the code of the reason. The exit status is 0 if every file could be opened, else 1.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from ml.decode.formats import UndecodablePhoto
from ml.decode.rebuild import open_photo
from ml.serve.expressions import EXPRESSIONS, Outcome
from ml.serve.reader import WEIGHTS, FaceReader, WeightsError

SENTENCES = {
    Outcome.NO_FACE: "no face was found",
    Outcome.CHOOSE_FACE: "several faces have a similar size; choose one",
}


def read_file(reader: FaceReader, path: Path) -> dict[str, Any]:  # Any: a JSON object
    """Return the JSON object of one file."""
    began = time.perf_counter()
    try:
        photo = open_photo(path.read_bytes())
    except OSError as error:
        return {"file": str(path), "outcome": "unreadable", "code": "cannot_open", "detail": {"error": error.strerror}}
    except UndecodablePhoto as error:
        return {"file": str(path), "outcome": "unreadable", "code": error.code, "detail": error.detail}
    decode_ms = round(1000 * (time.perf_counter() - began), 2)
    line = {"file": str(path), "width": photo.width, "height": photo.height, **reader.read(photo).as_json()}
    line["milliseconds"] = {"decode": decode_ms, **line["milliseconds"]}
    return line


def sentence(line: dict[str, Any]) -> str:
    """Return the JSON object of one file as a sentence."""
    if line["outcome"] == "unreadable":
        return f"{line['file']}: cannot be opened ({line['code']})"
    if line["outcome"] == Outcome.REJECTED:
        failed = next(check for check in line["quality"] if not check["passed"])
        return f"{line['file']}: face not read, {failed['name']} {failed['measured']} (limit {failed['limit']})"
    if line["outcome"] != Outcome.DONE:
        return f"{line['file']}: {SENTENCES[Outcome(line['outcome'])]}"
    ranked = sorted(line["probabilities"].items(), key=lambda pair: -pair[1])
    named = ", ".join(f"{name} {probability:.0%}" for name, probability in ranked if probability >= 0.05)
    return f"{line['file']}: {named}" + (" (too close to call)" if line["abstained"] else "")


def main() -> int:
    """Read the files named on the command line. Returns 0 if all could be opened, 2 if the weights cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.serve.read", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="JPEG, PNG, WebP, HEIC or AVIF file")
    parser.add_argument("--json", action="store_true", help=f"JSON lines; probabilities are {', '.join(EXPRESSIONS)}")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="weights folder (default: the one that ships)")
    parser.add_argument("--engine", choices=("onnx", "keras"), default="onnx")
    options = parser.parse_args()
    try:
        reader = FaceReader(options.weights, options.engine)
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    all_opened = True
    for path in options.photos:
        line = read_file(reader, path)
        all_opened &= line["outcome"] != "unreadable"
        sys.stdout.write((json.dumps(line) if options.json else sentence(line)) + "\n")
        sys.stdout.flush()
    return 0 if all_opened else 1


if __name__ == "__main__":
    sys.exit(main())
