"""Draw a run's curves.csv as curves.svg: loss and validation accuracies over steps."""

import csv
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 640, 360, 40
LINES = (("loss", "#7a5195"), ("fer2013_accuracy", "#ef5675"), ("raters_accuracy", "#003f5c"))


def draw_curves(table: Path) -> Path:
    """Write curves.svg beside curves.csv and return its path. Each line is scaled to its own range, which its label gives."""
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["weights"] != "raw"]
    last_step = max((float(row["step"]) for row in rows), default=1.0)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">']
    for place, (name, colour) in enumerate(LINES):
        points = [(float(row["step"]) / last_step, float(row[name])) for row in rows if row[name]]
        if not points:
            continue
        low, high = min(value for _, value in points), max(value for _, value in points)
        path = " ".join(f"{across(share):.1f},{up((value - low) / max(high - low, 1e-9)):.1f}" for share, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{MARGIN}" y="{16 + 14 * place}" fill="{colour}">{name}: {low:.3f} to {high:.3f}</text>')
    parts.append(f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 12}" text-anchor="end">{last_step:.0f} steps</text></svg>')
    drawn = table.with_suffix(".svg")
    drawn.write_text("\n".join(parts) + "\n")
    return drawn


def across(share: float) -> float:
    """Return the place of a share of the run on the drawing."""
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def up(share: float) -> float:
    """Return the height of a share of a line's range on the drawing."""
    return HEIGHT - MARGIN - share * (HEIGHT - 3 * MARGIN)
