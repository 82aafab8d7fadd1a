"""Counterfactual pairs of rendered faces that differ in one parameter, for the fairness report.

    python -m tools.cohort.counterfactual_pairs --out var-pairs

Mesh, light, camera, room and seed are the same within a pair. A stopped run goes on: pictures that exist are kept. The tones of
every mesh come first, then the other variants mesh by mesh, so an unfinished set is smaller but not biased.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import bpy
import numpy as np

from tools.cohort import paint
from tools.cohort.expressions import RECIPES, blend
from tools.cohort.people import TONES, Person
from tools.cohort.render import build_person, film_now, over_room, save
from tools.cohort.shot import Shot
from tools.cohort.skin import skin_material

MIDDLE = "C"
"""The tone that sex, age and noise are varied on."""
YOUNG, OLD = 0.1, 0.9
WOMAN, MAN = -0.2, 1.1
TURN_DEGREES = 2.0
PAINTED_PX = 512
"""Enough for pictures of 128 px, in a quarter of the time."""


@dataclass(frozen=True)
class Variant:
    """One picture of a mesh with an expression: which parameter is varied (empty: the plain picture of its tone), and to what."""

    tone: str
    varied: str = ""
    value: float = 0.0

    @property
    def name(self) -> str:
        """Return the part of the file name that identifies the variant."""
        return f"{self.tone}-{self.varied or 'plain'}{f'{self.value:+g}' if self.varied else ''}"


TONE_VARIANTS = tuple(Variant(tone) for tone in TONES)
SEED = Variant(MIDDLE, "seed", 1)
TURN = Variant(MIDDLE, "yaw", TURN_DEGREES)


def mesh_person(number: int) -> Person:
    """Return mesh `number`: a seeded shape, sexes alternating, ages and appearance parameters spread."""
    rng = np.random.default_rng(9000 + number)
    mix = rng.dirichlet([0.6, 0.6, 0.6])  # (3,)
    woman = number % 2 == 0
    return Person(
        seed=9000 + number,
        sex=WOMAN if woman else MAN,
        age=(0.12, 0.35, 0.6, 0.85)[number // 2 % 4],
        mix={name: round(float(share), 3) for name, share in zip(("african", "asian", "caucasian"), mix, strict=True)},
        tone=MIDDLE,
        hair=("back", "short")[number % 2] if number % 3 else "buzz",
        melanin=0.95,
        stubble=0.2,
        weight=round(float(rng.uniform(0.4, 0.65)), 2),
        cloth=(0.3, 0.32, 0.35),
    )


def variants(number: int) -> list[Variant]:
    """Return what is rendered of one mesh: always the tones; sex, age and noise for four meshes of ten."""
    person = mesh_person(number)
    rendered = list(TONE_VARIANTS)
    if number % 10 < 4:
        rendered += [SEED, TURN, Variant(MIDDLE, "sex", MAN if person.is_woman else WOMAN)]
        rendered.append(Variant(MIDDLE, "age", OLD if person.age < 0.5 else YOUNG))
    return rendered


def person_of(number: int, variant: Variant) -> Person:
    """Return the person of a mesh with the variant's tone, sex and age."""
    person = replace(mesh_person(number), tone=variant.tone)
    if variant.varied == "sex":
        return replace(person, sex=variant.value)
    return replace(person, age=variant.value) if variant.varied == "age" else person


def shot_of(number: int, expression: str, variant: Variant, side_px: int, samples: int) -> Shot:
    """Return the shot of a picture. Exposure is the same for every tone."""
    yaw = 4.0 + (variant.value if variant.varied == "yaw" else 0.0)
    return Shot(
        f"mesh-{number:02d}",
        {expression: 1.0},
        yaw=yaw,
        exposure=-TONES[variant.tone][2],
        lens_mm=124,
        seed=number + (1000 if variant.varied == "seed" else 0),
        side_px=side_px,
        samples=samples,
    )


def name_of(number: int, expression: str, variant: Variant) -> str:
    """Return the file name of a picture."""
    return f"{number:02d}-{expression}-{variant.name}.jpg"


def render_group(number: int, expression: str, group: list[Variant], options: argparse.Namespace) -> None:
    """Render variants that share a bust: it is built once, then only the skin or the seed changes."""
    person = person_of(number, group[0])
    painted = paint.paint_face(person, blend({expression: 1.0}))  # the same for all tones
    scene = None
    for variant in group:
        shot = shot_of(number, expression, variant, options.side, options.samples)
        person = person_of(number, variant)
        if scene is None:
            scene = build_person(shot, person)
            scene.render.use_persistent_data = True
        else:
            bpy.data.objects["skin"].data.materials[0] = skin_material(person, painted)
            scene.cycles.seed = shot.seed
        scene.view_settings.exposure = 0.0
        save(over_room(replace(shot, exposure=0.0), film_now(scene)), options.out / name_of(number, expression, variant))


def groups(number: int) -> list[list[Variant]]:
    """Return the variants of a mesh in groups that share a bust."""
    alike = [variant for variant in variants(number) if variant.varied in ("", "seed")]
    return [alike, *([variant] for variant in variants(number) if variant.varied not in ("", "seed"))]


def describe(meshes: int, options: argparse.Namespace) -> list[dict[str, object]]:
    """Return the parameters of every finished picture."""
    return [
        {
            "file": name_of(number, expression, variant),
            "mesh": number,
            "expression": expression,
            **asdict(variant),
            "sex": person_of(number, variant).sex,
            "age": person_of(number, variant).age,
            "mix": mesh_person(number).mix,
        }
        for number in range(meshes)
        for expression in RECIPES
        for variant in variants(number)
        if (options.out / name_of(number, expression, variant)).exists()
    ]


def main() -> None:
    """Render what is missing, all tones first, and write index.json after each mesh."""
    parser = argparse.ArgumentParser(prog="python -m tools.cohort.counterfactual_pairs", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var-pairs"))
    parser.add_argument("--meshes", type=int, default=20)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--only-index", action="store_true", help="render nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    paint.SIDE_PX = PAINTED_PX
    for number, is_tones in [*((mesh, True) for mesh in range(options.meshes)), *((mesh, False) for mesh in range(options.meshes))]:
        began, rendered = time.monotonic(), 0
        for expression in () if options.only_index else RECIPES:
            for group in groups(number)[:1] if is_tones else groups(number)[1:]:
                missing = [variant for variant in group if not (options.out / name_of(number, expression, variant)).exists()]
                if missing:
                    render_group(number, expression, missing, options)
                    rendered += len(missing)
        (options.out / "index.json").write_text(json.dumps(describe(options.meshes, options), indent=1))
        what = "tones" if is_tones else "other variants"
        print(f"mesh {number + 1}/{options.meshes}, {what}: {rendered} pictures in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
