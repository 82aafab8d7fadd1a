"""From a person's parameters and an expression to vertices. Everything is linear: base + sum of weight x target."""

from collections.abc import Iterator

import numpy as np

from tools.cohort.expressions import Weights
from tools.cohort.mesh import BODY_END, Points, base, data_folder, move
from tools.cohort.people import Person

TARGETS = "mpfb2/targets"
UNITS = f"{TARGETS}/expression/units"
BLENDSHAPES = "faceunits01/targets/faceunits"

PROPORTIONS = 0.4
"""How much of the ideal proportions is added: all of it makes everybody a model."""
SPREAD = 0.30
"""Deviation of the seeded face targets; 0.45 gives caricatures."""
UNEVEN = 0.06
"""Deviation of the difference between left and right."""
HEAD_DM = 2.30
"""Chin to crown of every head, so that all faces are as large in the picture."""
EYES_DM = np.array([0.0, 7.28, 1.24])
"""Where the middle of the eyes comes to lie."""

ONE_SIDE = """nose/nose-width1 nose/nose-width2 nose/nose-width3 nose/nose-hump nose/nose-scale-vert nose/nose-volume
    nose/nose-scale-depth chin/chin-width chin/chin-height chin/chin-prominent chin/chin-bones head/head-scale-horiz
    head/head-scale-vert head/head-fat mouth/mouth-scale-horiz mouth/mouth-upperlip-volume mouth/mouth-lowerlip-volume
    forehead/forehead-temple forehead/forehead-scale-vert""".split()
NAMED = (
    ("nose/nose-point", "up", "down"),
    ("head/head-angle", "in", "out"),
    ("mouth/mouth-trans", "up", "down"),
    ("eyebrows/eyebrows-trans", "forward", "backward"),
)
TWO_SIDES = (
    ("eyes/*-eye-scale", "incr", "decr"),
    ("eyes/*-eye-trans", "in", "out"),
    ("eyes/*-eye-corner2", "up", "down"),
    ("eyes/*-eye-bag", "incr", "decr"),
    ("cheek/*-cheek-bones", "incr", "decr"),
    ("cheek/*-cheek-volume", "incr", "decr"),
    ("cheek/*-cheek-inner", "incr", "decr"),
)
HEAD_SHAPES = {True: ("oval", "round", "diamond", "oval"), False: ("oval", "square", "rectangular", "diamond")}


def steps(level: float, what: str) -> Iterator[tuple[str, float]]:
    """Yield the names of low, middle and high with their weights."""
    yield f"min{what}", max(0.0, 1 - 2 * level)
    yield f"average{what}", 1 - abs(2 * level - 1)
    yield f"max{what}", max(0.0, 2 * level - 1)


def add_averages(vertices: Points, person: Person) -> None:
    """Add the artists' averages: sex, age, build. Weights beyond 0 and 1 go further than the average."""
    total = sum(person.mix.values())
    for sex, sex_share in (("female", 1 - person.sex), ("male", person.sex)):
        for age, age_share in (("young", 1 - person.age), ("old", person.age)):
            for name, share in person.mix.items():
                move(vertices, f"{TARGETS}/macrodetails/{name}-{sex}-{age}.target.gz", share / total * sex_share * age_share)
            for muscle, muscle_share in steps(person.muscle, "muscle"):
                for weight, weight_share in steps(person.weight, "weight"):
                    part = sex_share * age_share * muscle_share * weight_share
                    build = f"{sex}-{age}-{muscle}-{weight}"
                    move(vertices, f"{TARGETS}/macrodetails/universal-{build}.target.gz", part)
                    ideal = f"{TARGETS}/macrodetails/proportions/{build}-idealproportions.target.gz"
                    if (data_folder() / ideal).exists():
                        move(vertices, ideal, part * PROPORTIONS)


def add_features(vertices: Points, person: Person, rng: np.random.Generator) -> None:
    """Add what makes this face unlike the next of the same sex, age and build."""
    for name, up, down in (*((each, "incr", "decr") for each in ONE_SIDE), *NAMED):
        amount = float(np.clip(rng.normal() * SPREAD, -0.9, 0.9)) * 0.7
        move(vertices, f"{TARGETS}/{name}-{up if amount > 0 else down}.target.gz", abs(amount))
    for name, up, down in TWO_SIDES:
        amount = float(np.clip(rng.normal() * SPREAD, -0.9, 0.9)) * 0.6
        for side in "lr":
            here = amount + rng.normal() * UNEVEN
            move(vertices, f"{TARGETS}/{name.replace('*', side)}-{up if here > 0 else down}.target.gz", abs(here))
    shapes = HEAD_SHAPES[person.is_woman]
    move(vertices, f"{TARGETS}/head/head-{shapes[rng.integers(len(shapes))]}.target.gz", rng.uniform(0.1, 0.45))
    for name, amount in person.shapes.items():
        move(vertices, f"{TARGETS}/{name}.target.gz", amount)


def build_face(person: Person) -> Points:
    """Return the person's vertices at rest, eyes and size of the head where every portrait has them."""
    mesh = base()
    vertices = mesh.vertices.copy()
    add_averages(vertices, person)
    add_features(vertices, person, np.random.default_rng(person.seed))
    vertices += EYES_DM - eye_middle(vertices)
    rest = mesh.vertices
    at_chin = (abs(rest[:, 0]) < 0.05) & (rest[:, 1] < 6.3) & (rest[:, 1] > 6.2) & (rest[:, 2] > 1.3)
    head = vertices[:BODY_END, 1].max() - vertices[at_chin, 1].min()
    pivot = np.array([0.0, EYES_DM[1], 0.0])
    return np.asarray((vertices - pivot) * (HEAD_DM / head) + pivot)


def eye_middle(vertices: Points) -> Points:
    """Return the point between the eyeballs."""
    quads = base().quads
    sides = [vertices[np.unique(quads[f"helper-{side}-eye"])].mean(axis=0) for side in "lr"]
    return np.asarray((sides[0] + sides[1]) / 2)


def express(vertices: Points, weights: Weights, person: Person) -> Points:
    """Return the face with an expression."""
    moved = vertices.copy()
    total = sum(person.mix.values())
    for name, weight in weights.items():
        if name.startswith("mh:"):
            for unit_name in {name[3:].replace("*", side) for side in ("left", "right")}:
                for average, share in person.mix.items():
                    move(moved, f"{UNITS}/{average}/{unit_name}.target.gz", weight * share / total)
            continue
        alone = (data_folder() / BLENDSHAPES / f"{name}.target").exists()
        for shape in (name,) if alone else (f"{name}Left", f"{name}Right"):
            move(moved, f"{BLENDSHAPES}/{shape}.target", weight)
    return moved


def turn_matrix(yaw: float, pitch: float, roll: float) -> Points:
    """Return the rotation of a head: yaw to its left, pitch down, roll to its right shoulder, in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turned: Points = about_y @ about_x @ about_z
    return turned


NECK = np.array([0.0, 6.2, 0.2])
"""Around this point the head turns."""


def head_share(rest: Points) -> Points:
    """Return how much of the head's turn each vertex at rest follows: 1 on the head, 0 on the shoulders."""
    forward = np.clip(rest[:, 2] - 0.3, 0, 1.1)  # the chin is lower than the nape and still head
    along = np.clip((rest[:, 1] - 5.75 + 0.45 * forward) / 0.75, 0, 1)
    smooth: Points = along * along * (3 - 2 * along)
    return smooth


def pose(points: Points, turn: Points, share: Points | float = 1.0) -> Points:
    """Return the points turned with the head, each by its share. Shares between are bent, not sheared: angles are small."""
    flat = points.reshape(-1, 3)
    turned = (flat - NECK) @ turn.T + NECK
    weight = np.broadcast_to(np.asarray(share, float), (len(flat),))[:, None]
    return np.asarray(flat + (turned - flat) * weight).reshape(points.shape)
