"""docs/peers.md, written from the figures of one run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TEXT = """# Beside other readers

Written on {day} by `python -m benchmarks.peers`, which installs the others and runs all on the same files, one after another,
each on one thread of {processor}. Run it again rather than compare figures of two machines.

| reader | raters' majority, % | FER2013 labels, % | faces found | false faces | CPU ms, 0.3 / 2 / 12 MP | memory, MB | start, s |
|---|---|---|---|---|---|---|---|
{rows}

- **Accuracy**: {faces} validation faces of 48 × 48 pixels, without detection. The majority of FER+ counts where it is one of
  the seven expressions. Ours has a head for each set of labels; the others give one answer, which is compared with both.
- **What it does not tell**: our recipe was chosen on the validation split, and `fer` was trained on FER2013 too. Both may do better
  here than on other faces. [The model card](model-card.md) has the figures to rely on.
- **Faces**: the faces marked in nine photos of groups; a box counts from an overlap of 0.3 (intersection over union). A tenth photo
  shows dogs alone.
- **Processor time**: one photo with one large face, from the file to its expression. Decoding counts. The confinement of our
  decoder does not: the others have none.
- **Start**: a whole process with one photo of 2 MP. Memory is the peak at 12 MP.
- Versions: `fer` 25.10.2 (MIT), `@vladmandic/face-api` 1.7.15 (MIT) on TensorFlow.js 4.22.0 and WebAssembly.
"""


def processor() -> str:
    """Return the name of the processor; Linux."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "an unknown processor")


def row_of(found: Mapping[str, Any]) -> str:  # Any: JSON
    """Return the line of one reader."""
    faces = f"{found['faces_found']} of {found['faces_marked']}"
    times = " / ".join(str(found[f"cpu_ms_{size}_mp"]) for size in ("0.3", "2", "12"))
    cells = (found["name"], found["majority_percent"], found["labels_percent"], faces, found["false_faces"], times)
    return "| " + " | ".join(map(str, (*cells, found["peak_mb"], found["first_answer_s"]))) + " |"


def document_of(rows: Sequence[Mapping[str, Any]]) -> str:  # Any: JSON
    """Return the document."""
    return TEXT.format(
        day=datetime.now(UTC).date(), processor=processor(), rows="\n".join(map(row_of, rows)), faces=rows[0]["faces"]
    )
