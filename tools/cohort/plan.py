"""From stories to shots: every photo of the demo with its parameters, and the file that describes them."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tools.cohort.expressions import blend
from tools.cohort.mesh import BODY_END, base
from tools.cohort.render import CAMERA_DM
from tools.cohort.shape import build_face, express, head_share, pose, turn_matrix
from tools.cohort.shot import Shot
from tools.cohort.spoil import COMPANION, SPOILS, TWO_FACES
from tools.cohort.stories import STORIES, Story

LICENCE = "CC0-1.0"
ABOUT = (
    "Rendered portraits of people who do not exist. `intended` is the recipe of the picture, each expression at its intensity: "
    "not what anybody felt, and not a label given by people who looked."
)
SENSOR_MM = 36.0
DAY_LIGHT = ("soft", "soft", "window", "lamp", "flat", "side")


@dataclass(frozen=True)
class Planned:
    """One photo: its file, the shot, how it is spoiled (empty for a good one) and who else is on it."""

    file: str
    shot: Shot
    spoiled: str = ""
    beside: Shot | None = None

    @property
    def expected(self) -> str:
        """Return the outcome or the reason that the reader must give."""
        if self.spoiled == TWO_FACES:
            return "choose_face"
        return SPOILS[self.spoiled][1] if self.spoiled else "done"


def parse(text: str) -> list[dict[str, float]]:
    """Return the expressions of each photo of a visit: "sad 1, neutral 1 sad .3" are two photos."""
    photos = []
    for photo in text.split(","):
        words = photo.split()
        photos.append({name: float(number) for name, number in zip(words[::2], words[1::2], strict=True)})
    return photos


def photos_of(story: Story, number: int) -> list[Planned]:
    """Return the photos of one visit. The room and the light are the day's; the head moves from photo to photo."""
    visit = story.visits[number]
    rng = np.random.default_rng([ord(letter) for letter in story.person] + [number])
    light, room = str(rng.choice(DAY_LIGHT)), int(rng.integers(12))
    lens, exposure = float(rng.uniform(88, 114)), float(rng.normal() * 0.18)
    planned = []
    for index, expression in enumerate(parse(visit.photos), start=1):
        shot = Shot(
            story.person,
            {name: round(float(level * rng.uniform(0.92, 1.05)), 3) for name, level in expression.items()},
            yaw=round(float(rng.choice([-1, 1]) * rng.uniform(1, 15)), 1),
            pitch=round(float(rng.normal() * 4), 1),
            roll=round(float(rng.normal() * 4), 1),
            light=light,
            exposure=round(exposure + float(rng.normal() * 0.06), 2),
            lens_mm=round(lens * float(rng.uniform(0.95, 1.05)), 1),
            shift=(round(float(rng.normal() * 0.035), 3), round(float(rng.normal() * 0.02), 3)),
            room=room,
            seed=number * 10 + index,
            samples=2 if index < 3 else 1,  # what a phone in poor light would take; a third of the time
        )
        planned.append(Planned(f"{story.person}-{number + 1:02d}-{index}.jpg", shot))
    if visit.spoiled:
        planned.append(spoiled(story, number, planned[0].shot))
    return planned


def spoiled(story: Story, number: int, shot: Shot) -> Planned:
    """Return the photo of the visit that must fail."""
    kind = story.visits[number].spoiled
    file = f"{story.person}-{number + 1:02d}-{kind.replace('_', '-')}.jpg"
    if kind != TWO_FACES:
        return Planned(file, shot, kind)
    left = Shot(story.person, {"neutral": 1.0}, yaw=6, lens_mm=72, shift=(0.2, 0.0), room=shot.room, light=shot.light, seed=91)
    right = Shot(COMPANION, {"happy": 0.5}, yaw=-6, lens_mm=72, shift=(-0.2, 0.0), room=shot.room, light=shot.light, seed=92)
    return Planned(file, left, kind, right)


def whole_plan() -> list[Planned]:
    """Return all photos, first ones of every visit first: what is interrupted leaves a thinner demo, not a shorter one."""
    visits = [photos_of(story, number) for story in STORIES for number in range(len(story.visits))]
    spoilt = [photo for photos in visits for photo in photos if photo.spoiled]
    good = [[photo for photo in photos if not photo.spoiled] for photos in visits]
    return [photos[index] for index in range(6) for photos in good if index < len(photos)] + spoilt


def face_box(shot: Shot) -> list[int]:
    """Return where the face lies, from the brows to the chin: left, top, width, height in pixels. The known place."""
    person = shot.of()
    rest = base().vertices
    face = express(build_face(person), blend(shot.expression), person)
    turned = pose(face, turn_matrix(shot.yaw, shot.pitch, shot.roll), head_share(rest))[:BODY_END]
    front = (rest[:BODY_END, 1] > 6.2) & (rest[:BODY_END, 1] < 7.6) & (rest[:BODY_END, 2] > 0.95)
    points = turned[front]
    scale = shot.lens_mm / SENSOR_MM * shot.side_px / (-CAMERA_DM[1] - points[:, 2])
    x = shot.side_px * (0.5 - shot.shift[0]) + points[:, 0] * scale
    y = shot.side_px * (0.5 + shot.shift[1] - 0.015) - (points[:, 1] - CAMERA_DM[2]) * scale
    left, top = float(x.min()), float(y.min())
    return [round(left), round(top), round(float(x.max()) - left), round(float(y.max()) - top)]


def photo_entry(photo: Planned) -> dict[str, Any]:  # Any: JSON
    """Return what the file says of one photo."""
    entry: dict[str, Any] = {"file": photo.file, "expected": photo.expected}
    if photo.spoiled:
        entry["spoiled"] = photo.spoiled
    else:
        entry |= {"intended": photo.shot.expression, "face": face_box(photo.shot)}
    entry["shot"] = photo.shot.as_json()
    if photo.beside:
        entry["beside"] = photo.beside.as_json()
    return entry


def describe(finished: set[str]) -> dict[str, Any]:  # Any: JSON
    """Return the whole demo for `demo/cohort.json`, with the photos that are finished."""
    patients = []
    for number, story in enumerate(STORIES, start=1):
        visits = []
        for index, visit in enumerate(story.visits):
            photos = [photo_entry(photo) for photo in photos_of(story, index) if photo.file in finished]
            visits.append(
                {"days_ago": visit.days, "note": visit.note, "usual": visit.usual}
                | dict(zip(("mood", "phq9", "gad7"), visit.scales, strict=True))
                | {"photos": photos}
            )
        patients.append(
            {
                "name": story.name,
                "record_number": f"DEMO-{number}",
                "born": story.born.isoformat(),
                "story": story.title,
                "consents": list(story.purposes),
                "withdraws_care": story.withdraws_after is not None,
                "events": [asdict(event) for event in story.events],
                "visits": visits,
            }
        )
    return {"licence": LICENCE, "about": ABOUT, "patients": patients}
