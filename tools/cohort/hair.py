"""Strands of hair: grown from their roots under gravity and curl, and pushed out of the head where they would enter it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from tools.cohort.mesh import BODY_END, Points, base, normals, unit
from tools.cohort.people import Person
from tools.cohort.scalp import Roots, brow_places, front_roots, on_ear, scalp_roots


@dataclass(frozen=True)
class Strands:
    """Hairs of one kind: points (hairs, points, 3), thickness at the root, and whether they are brows."""

    points: Points
    radius: float
    is_brow: bool = False


class Head:
    """The skin that hair must stay outside of."""

    def __init__(self, vertices: Points) -> None:
        skin = np.flatnonzero((base().vertices[:BODY_END, 1] > 6.0) & ~on_ear()[:BODY_END])
        self.vertices = vertices
        self.normals = normals(vertices, base().quads["body"])
        self.tree = cKDTree(vertices[skin])
        self.skin, self.outward = vertices[skin], self.normals[skin]

    def height(self, points: Points) -> tuple[Points, Points, Points]:
        """Return for each point its height over the skin, the skin's normal there, and whether the skin is near at all."""
        distance, nearest = self.tree.query(points)
        outward = self.outward[nearest]
        return ((points - self.skin[nearest]) * outward).sum(axis=1), outward, distance < 0.6


@dataclass(frozen=True)
class Fall:
    """How hair falls: pull of gravity, curl, how it clings to the head and how far from the skin it lies."""

    gravity: float = 0.0
    curl: float = 0.0
    cling: float = 0.0
    lift: float = 0.012


def march(head: Head, start: Points, way: Points, length: Points, count: int, fall: Fall, rng: np.random.Generator) -> Points:
    """Return the strands (hairs, count + 1, 3)."""
    points, place, step = [start.copy()], start, (length / count)[:, None]
    phase, axis = rng.uniform(0, 2 * np.pi, len(start)), unit(rng.normal(size=start.shape))
    least = fall.lift * (1 + 3 * rng.uniform(0, 1, len(start)))
    for number in range(count):
        way = way + np.array([0, -fall.gravity * (0.5 + number / count), 0])
        way = unit(way + (fall.curl * np.cos(phase + number * 1.7))[:, None] * axis + rng.normal(size=start.shape) * 0.03)
        place = place + way * step
        height, outward, near = head.height(place)
        place = place + outward * (np.maximum(least - height, 0) * near)[:, None]
        if fall.cling:
            place = place - outward * (np.clip(height - least * 2, 0, None) * fall.cling)[:, None]
        into = (way * outward).sum(axis=1)
        way = unit(np.where(((height < least) & (into < 0))[:, None], way - outward * into[:, None], way))
        points.append(place.copy())
    return np.stack(points, axis=1)


def noisy(way: Points, rng: np.random.Generator, amount: float) -> Points:
    """Return unit directions, each a little different."""
    return unit(way + rng.normal(size=way.shape) * amount)


def buzz(head: Head, person: Person, rng: np.random.Generator) -> Strands:
    """Return hair cut to a few millimetres."""
    roots = scalp_roots(16000, rng, person.recede)
    out = roots.on(head.normals)
    way, length = noisy(out, rng, 0.5), rng.uniform(0.03, 0.06, len(out))
    return Strands(march(head, roots.on(head.vertices) - out * 0.005, way, length, 3, Fall(curl=0.5), rng), 0.0035)


def afro(head: Head, person: Person, rng: np.random.Generator) -> Strands:
    """Return a round mass of tight curls."""
    roots = scalp_roots(22000, rng, person.recede)
    out = roots.on(head.normals)
    length = (
        rng.uniform(0.26, 0.40, len(out)) * np.where(roots.rest[:, 1] > 7.4, 1, 0.75) * np.where(roots.rest[:, 2] > 0.85, 0.7, 1)
    )
    way = noisy(out, rng, 0.25)
    return Strands(march(head, roots.on(head.vertices) - out * 0.005, way, length, 9, Fall(curl=0.75), rng), 0.0042)


def curls(head: Head, person: Person, rng: np.random.Generator) -> Strands:
    """Return short, loose curls, longer on top."""
    roots = scalp_roots(15000, rng, person.recede)
    out = roots.on(head.normals)
    length = np.where(roots.rest[:, 1] > 7.75, rng.uniform(0.22, 0.36, len(out)), rng.uniform(0.06, 0.13, len(out)))
    way = noisy(out + np.array([0, 0.1, 0.25]), rng, 0.3)
    return Strands(march(head, roots.on(head.vertices) - out * 0.01, way, length, 9, Fall(0.12, 0.6, 0.15, 0.015), rng), 0.0042)


def short(head: Head, person: Person, rng: np.random.Generator) -> Strands:
    """Return hair combed from a side parting, short at the sides; a wreath of it on a bald head."""
    roots = scalp_roots(14000, rng, max(person.recede, 0.1), person.hair == "bald")
    out, rest = roots.on(head.normals), roots.rest
    low = rest[:, 1] < 7.9
    comb = np.stack([np.tanh((rest[:, 0] - 0.3) / 0.2) * 0.55, np.where(low, -1.0, 0.1), np.where(low, -0.35, -0.55)], axis=1)
    way = noisy(out * 0.38 + comb * 0.8, rng, 0.12)
    length = np.where(rest[:, 1] > 7.85, rng.uniform(0.14, 0.27, len(out)), rng.uniform(0.05, 0.11, len(out)))
    fall = Fall(gravity=0.05, curl=0.05, cling=0.15, lift=0.015)
    return Strands(march(head, roots.on(head.vertices) - out * 0.01, way, length, 6, fall, rng), 0.0038)


def back(head: Head, person: Person, rng: np.random.Generator) -> Strands:
    """Return hair pulled back to a knot."""
    roots = scalp_roots(20000, rng, person.recede)
    out, place = roots.on(head.normals), roots.on(head.vertices)
    knot_at = np.argmin(((base().vertices[:BODY_END] - np.array([0, 7.75, -0.85])) ** 2).sum(axis=1))
    way = unit(head.vertices[knot_at] + np.array([0, 0.02, -0.1]) + rng.normal(size=place.shape) * 0.06 - place)
    along = way - out * (way * out).sum(axis=1, keepdims=True)
    way = noisy(unit(along + out * 0.02), rng, 0.02)
    length = 0.9 * rng.uniform(0.8, 1.2, len(out))
    return Strands(march(head, place - out * 0.01, way, length, 9, Fall(cling=0.7), rng), 0.0042)


def loose(head: Head, person: Person, rng: np.random.Generator) -> Strands:
    """Return hair that hangs from a parting to the jaw (bob) or over the shoulders (long)."""
    roots = scalp_roots(20000, rng, person.recede)
    out, place, rest = roots.on(head.normals), roots.on(head.vertices), roots.rest
    side, top = np.where(rest[:, 0] > -0.12, 1.0, -1.0), rest[:, 1] > 7.75
    flat = np.stack(
        [side * np.where(top, 1.25, 0.15), np.where(top, 0.12, -1), np.where(top, -0.35 - 0.5 * (rest[:, 2] > 0.7), -0.3)], 1
    )
    way = noisy(flat + out * 0.15, rng, 0.05)
    end = (5.35 if person.hair == "long" else 6.35) + rng.normal(size=len(place)) * 0.06
    length = np.clip(place[:, 1] - end, 0.3, None) + np.where(top, 0.35, 0.1)
    return Strands(march(head, place - out * 0.01, way, length, 18, Fall(0.45, 0.0, 0.16, 0.03), rng), 0.0045)


STYLES: dict[str, Callable[[Head, Person, np.random.Generator], Strands]] = {
    "buzz": buzz, "afro": afro, "curls": curls, "short": short, "bald": short, "back": back, "bob": loose, "long": loose,
}  # fmt: skip


def brows(head: Head, person: Person, rng: np.random.Generator) -> list[Strands]:
    """Return both brows."""
    made = []
    thick, count = (0.024, 330) if person.is_woman else (0.034, 420)
    for side in (1, -1):
        places, along = brow_places(rng, count, thick)
        roots, kept = front_roots(places * np.array([side, 1]))
        along = along[kept]
        out, place = roots.on(head.normals), roots.on(head.vertices)
        rise = np.interp(along, [0, 0.25, 0.6, 1], [0.75, 0.45, 0.0, -0.35])
        way = np.stack([np.full(len(along), float(side)), rise, np.zeros(len(along))], axis=1) + rng.normal(size=out.shape) * 0.22
        way = unit(way - out * (way * out).sum(axis=1, keepdims=True)) * 0.93 + out * 0.28
        length = rng.uniform(0.055, 0.10, len(along)) * np.interp(along, [0, 0.2, 1], [0.8, 1, 0.8])
        step = np.linspace(0, 1, 5)
        forward = way[:, None] * (length[:, None] * step)[:, :, None]
        made.append(Strands(place[:, None] + forward - out[:, None] * (length[:, None] * step**2 * 0.22)[:, :, None], 0.0028, True))
    return made


def grow(vertices: Points, person: Person) -> list[Strands]:
    """Return all hair of a face with its expression, brows first."""
    head, rng = Head(vertices), np.random.default_rng(person.seed + 1)
    strands = brows(head, person, rng)
    return [*strands, STYLES[person.hair](head, person, rng)] if person.hair in STYLES else strands


__all__ = ["Roots", "Strands", "grow"]
