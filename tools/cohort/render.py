"""From a shot to a JPEG: builds the bust, lights it, traces it, lays it over a room, and adds a little grain."""

import io
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector
from PIL import Image, ImageFilter

from tools.cohort.expressions import blend
from tools.cohort.parts import add_cloth, add_eyes, add_hair, add_lashes_and_teeth, add_skin, add_wear
from tools.cohort.people import TONES, Person
from tools.cohort.room import draw_room
from tools.cohort.shape import build_face, express, turn_matrix
from tools.cohort.shot import Shot

Colour = tuple[float, float, float]

JPEG_QUALITY = 84
GRAIN = 1.2  # grey levels
CAMERA_DM = (0.0, -12.2, 7.24)
LOOKED_AT_DM = (0.0, -1.0, 7.2)


@dataclass(frozen=True)
class Lamp:
    """A square of light: where, how large in decimetres, how strong, which colour."""

    place: tuple[float, float, float]
    size: float
    power: float
    colour: Colour = (1.0, 1.0, 1.0)


SKY: Colour = (0.75, 0.82, 0.9)
RIMS = (Lamp((4, 5, 10), 2.5, 240), Lamp((-4, 5, 9.5), 2.5, 150))
LIGHTS: dict[str, tuple[tuple[Lamp, ...], float, Colour]] = {
    # name: lamps, strength and colour of the light from all around
    "soft": (
        (Lamp((-4.5, -6.5, 10), 3, 560, (1, 0.96, 0.9)), Lamp((5.5, -6, 7.5), 4.5, 220, (0.9, 0.95, 1))),
        0.3,
        (0.75, 0.82, 0.9),
    ),
    "window": ((Lamp((6.5, -5, 8.5), 4, 620, (0.88, 0.94, 1)), Lamp((-5, -6, 7), 4, 90)), 0.26, (0.8, 0.85, 0.9)),
    "lamp": ((Lamp((-3.5, -6, 10.5), 2.2, 430, (1, 0.84, 0.66)), Lamp((5, -6, 7), 4, 110, (1, 0.9, 0.8))), 0.2, (0.9, 0.8, 0.7)),
    "flat": ((Lamp((-3, -8, 8.5), 6, 420), Lamp((3, -8, 8.5), 6, 380)), 0.4, (0.9, 0.92, 0.95)),
    "side": ((Lamp((-7, -3.5, 8.2), 2.2, 620, (1, 0.95, 0.88)), Lamp((5, -6, 7), 4, 45)), 0.16, SKY),
}


def add_lamp(lamp: Lamp) -> None:
    """Add a lamp that shines at the face."""
    light = bpy.data.lights.new("lamp", "AREA")
    light.energy, light.size, light.color = lamp.power, lamp.size, lamp.colour
    made = bpy.data.objects.new("lamp", light)
    bpy.context.collection.objects.link(made)
    made.location = lamp.place
    made.rotation_euler = (Vector(LOOKED_AT_DM) - Vector(lamp.place)).to_track_quat("-Z", "Y").to_euler()


def set_up_camera(scene: Any, shot: Shot) -> None:  # Any: Blender's
    """Point the camera at the face."""
    camera = bpy.data.cameras.new("camera")
    camera.lens, camera.shift_x, camera.shift_y = shot.lens_mm, shot.shift[0], shot.shift[1] - 0.015
    made = bpy.data.objects.new("camera", camera)
    bpy.context.collection.objects.link(made)
    made.location, made.rotation_euler = CAMERA_DM, (math.pi / 2, 0, 0)
    scene.camera = made


def set_up_light(scene: Any, shot: Shot) -> None:  # Any: Blender's
    """Light the scene."""
    lamps, strength, colour = LIGHTS[shot.light]
    for lamp in (*lamps, *RIMS, Lamp((0, -6, 4), 3, 60)):
        add_lamp(lamp)
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"].inputs
    background[0].default_value, background[1].default_value = (*colour, 1), strength


def set_up_film(scene: Any, shot: Shot) -> None:  # Any: Blender's
    """Choose how it is traced: on one thread, few samples, denoised."""
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", shot.samples, shot.seed
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "BALANCED"  # a third of the time, no visible loss
    cycles.max_bounces, cycles.transparent_max_bounces = 3, 6
    render = scene.render
    render.threads_mode, render.threads = "FIXED", 1
    render.resolution_x = render.resolution_y = shot.side_px
    render.film_transparent = True
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
    scene.view_settings.view_transform, scene.view_settings.look = "AgX", "AgX - Medium High Contrast"


def build(shot: Shot) -> Any:  # Any: Blender's scene
    """Return a fresh scene with everything in it."""
    return build_person(shot, shot.of())


def build_person(shot: Shot, person: Person) -> Any:  # Any: Blender's scene
    """Return a fresh scene with this person in it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    weights = blend(shot.expression)
    face = express(build_face(person), weights, person)
    turn = turn_matrix(shot.yaw, shot.pitch, shot.roll)
    gaze = turn_matrix(-0.9 * shot.yaw, -0.6 * shot.pitch, 0)
    add_skin(person, face, weights, turn)
    add_cloth(person, face, turn)
    add_eyes(person, face, turn, gaze)
    add_lashes_and_teeth(face, turn)
    add_hair(person, face, turn)
    add_wear(person, face, turn)
    set_up_camera(scene, shot)
    set_up_light(scene, shot)
    set_up_film(scene, shot)
    scene.view_settings.exposure = shot.exposure + TONES[person.tone][2]
    return scene


def film_now(scene: Any) -> Image.Image:  # Any: Blender's
    """Return what the camera sees, the bust on a transparent ground, RGBA."""
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "film.png")
        bpy.ops.render.render(write_still=True)
        with Image.open(scene.render.filepath) as film:
            return film.convert("RGBA")


def film_of(shot: Shot) -> Image.Image:
    """Return the bust of a shot on a transparent ground, RGBA."""
    return film_now(build(shot))


def smooth_edge(picture: Image.Image, film: Image.Image) -> Image.Image:
    """Return the picture with the outline of the bust softened: the denoiser leaves the few samples of its edge as they are."""
    alpha = film.getchannel("A")
    border = alpha.point(lambda level: 255 * (0 < level < 255)).filter(ImageFilter.MaxFilter(3))
    border = border.filter(ImageFilter.GaussianBlur(0.8))
    return Image.composite(picture.filter(ImageFilter.GaussianBlur(0.9)), picture, border)


def over_room(shot: Shot, *films: Image.Image) -> Image.Image:
    """Return the busts in their room, RGB, with a little grain."""
    picture = draw_room(shot.room, shot.side_px, 2.0 ** (shot.exposure * 0.5)).convert("RGBA")
    for film in films:
        picture = smooth_edge(Image.alpha_composite(picture, film), film)
    grain = np.random.default_rng(shot.seed).normal(size=(shot.side_px, shot.side_px, 1)) * GRAIN
    return Image.fromarray(np.clip(np.asarray(picture.convert("RGB"), np.float64) + grain, 0, 255).astype(np.uint8))


def save(picture: Image.Image, path: Path) -> None:
    """Write the JPEG in one step: what was interrupted leaves no half picture."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(out.getvalue())
    unfinished.replace(path)
