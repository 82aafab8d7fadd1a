"""Counts of people that reveal no one: neighbouring age bands are joined, and what is still small is hidden with a second cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patients.studies.group import Person

Band = tuple[int, int | None]
BANDS: tuple[Band, ...] = ((0, 17), (18, 29), (30, 44), (45, 59), (60, None))
"""First and last age of each band; None is no end."""
Matrix = list[list[int]]


@dataclass(frozen=True)
class CellRow:
    """One row of the table. A cell is None where it is hidden."""

    band: Band
    cells: tuple[int | None, ...]  # one per arm
    total: int | None


@dataclass(frozen=True)
class CellTable:
    """People by age band and arm. `joined` says that bands were joined, `hidden` that cells were hidden."""

    rows: tuple[CellRow, ...]
    totals: tuple[int | None, ...]
    total: int
    joined: tuple[Band, ...] = ()  # the original bands that are no rows of their own any more
    hidden: bool = False


def age_table(people: Sequence[Person], arms: Sequence[str], least: int) -> CellTable:
    """Return people by age band and arm, without a cell of 1 to `least` - 1 people and without one that others give away."""
    known = [person for person in people if person.age is not None]
    bands = [band for band in BANDS if any(_is_in(person, band) for person in known)]
    counts = [[sum(1 for person in known if person.arm == arm and _is_in(person, band)) for arm in arms] for band in bands]
    merged, counts = join_bands(bands, counts, least)
    shown = suppress(counts, least)
    rows = tuple(CellRow(band, tuple(cells[:-1]), cells[-1]) for band, cells in zip(merged, shown[:-1], strict=True))
    whole = [band for band in bands if band not in merged]
    is_hidden = any(cell is None for line in shown for cell in line)
    return CellTable(rows, tuple(shown[-1][:-1]), len(known), tuple(whole), is_hidden)


def band_of(person: Person, bands: Sequence[Band]) -> Band | None:
    """Return the band that holds the person's age; None if the age is not known."""
    return next((band for band in bands if _is_in(person, band)), None)


def join_bands(bands: list[Band], counts: Matrix, least: int) -> tuple[list[Band], Matrix]:
    """Join the band with the smallest cell with its smaller neighbour, until no cell is small or two bands are left."""
    bands, counts = list(bands), [list(row) for row in counts]
    while len(bands) > 2 and (small := _smallest(counts, least)) is not None:
        neighbours = [k for k in (small - 1, small + 1) if 0 <= k < len(bands)]
        other = min(neighbours, key=lambda k: sum(counts[k]))
        first, second = sorted((small, other))
        bands[first : second + 1] = [(bands[first][0], bands[second][1])]
        counts[first : second + 1] = [[a + b for a, b in zip(counts[first], counts[second], strict=True)]]
    return bands, counts


def suppress(counts: Matrix, least: int) -> list[list[int | None]]:
    """Return the counts with totals: a last column and a last row. Cells that are small are None, and those that give them away.

    In each row and column the hidden cells are none, or at least two that hold `least` people together. The total of all is shown.
    """
    full = [[*row, sum(row)] for row in counts]
    full.append([sum(column) for column in zip(*full, strict=True)] if full else [0])
    hidden = {(i, j) for i, row in enumerate(full) for j, n in enumerate(row) if 0 < n < least}
    corner = (len(full) - 1, len(full[0]) - 1)
    hidden.discard(corner)
    lines = [[(i, j) for j in range(len(full[0]))] for i in range(len(full))]
    lines += [[(i, j) for i in range(len(full))] for j in range(len(full[0]))]
    changed = True
    while changed:
        changed = False
        for line in lines:
            gone = [cell for cell in line if cell in hidden]
            if not gone or (len(gone) > 1 and _people(full, _inner(gone, line)) >= least):
                continue
            rest = sorted((full[i][j], (i, j)) for i, j in line if (i, j) not in hidden and (i, j) != corner and full[i][j] > 0)
            if rest:
                hidden.add(rest[0][1])
                changed = True
    return [[None if (i, j) in hidden else n for j, n in enumerate(row)] for i, row in enumerate(full)]


def _inner(gone: list[tuple[int, int]], line: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the hidden cells without the total of their line, which counts the others again."""
    return [cell for cell in gone if cell != line[-1]] if line[-1] in gone else gone


def _people(full: Matrix, cells: list[tuple[int, int]]) -> int:
    return sum(full[i][j] for i, j in cells)


def _smallest(counts: Matrix, least: int) -> int | None:
    """Return the row that has the smallest cell below `least`; None where no cell is small."""
    small = [(n, k) for k, row in enumerate(counts) for n in (*row, sum(row)) if 0 < n < least]
    return min(small)[1] if small else None


def _is_in(person: Person, band: Band) -> bool:
    first, last = band
    return person.age is not None and first <= person.age and (last is None or person.age <= last)
