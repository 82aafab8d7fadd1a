"""The skin's material. Textures are looked up by the position at rest, so that they do not slide when the face moves."""

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from tools.cohort.mesh import data_folder
from tools.cohort.paint import LEFT_DM, TOP_DM, WIDE_DM
from tools.cohort.people import TONES, Person

Socket = Any  # Blender's own, which have no types here
Value = Any  # a socket, a number or a colour
HAIR_SHADE = (0.012, 0.008, 0.006)


class Nodes:
    """Makes and joins the nodes of one material."""

    def __init__(self, material: Any) -> None:  # Any: Blender's
        material.use_nodes = True
        self.tree = material.node_tree
        self.surface = self.tree.nodes["Principled BSDF"]

    def add(self, kind: str, **settings: object) -> Any:  # Any: Blender's
        """Return a new node."""
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for name, value in settings.items():
            setattr(node, name, value)
        return node

    def feed(self, socket: Socket, value: Value) -> None:
        """Give the socket a number, a colour, or what another node says."""
        if isinstance(value, int | float):
            socket.default_value = value
        elif isinstance(value, Sequence | np.ndarray):
            socket.default_value = (*value, 1) if len(value) == 3 and len(socket.default_value) == 4 else value
        else:
            self.tree.links.new(value, socket)

    def multiply(self, first: Value, second: Value) -> Socket:
        """Return the product."""
        node = self.add("Math", operation="MULTIPLY")
        self.feed(node.inputs[0], first)
        self.feed(node.inputs[1], second)
        return node.outputs[0]

    def mix(self, share: Value, first: Value, second: Value) -> Socket:
        """Return the first colour with a share of the second."""
        node = self.add("Mix", data_type="RGBA")
        for socket, value in zip((node.inputs[0], node.inputs[6], node.inputs[7]), (share, first, second), strict=True):
            self.feed(socket, value)
        return node.outputs[2]

    def ramp(self, value: Socket, low: float, high: float, first: float, last: float) -> Socket:
        """Return the value moved from [low, high] to [first, last]."""
        node = self.add("MapRange")
        for number, each in enumerate((value, low, high, first, last)):
            self.feed(node.inputs[number], each)
        return node.outputs[0]

    def bump(self, height: Socket, strength: float, distance: float, below: Socket | None = None) -> Socket:
        """Return normals that make the height felt, on top of those below."""
        node = self.add("Bump")
        node.inputs["Strength"].default_value, node.inputs["Distance"].default_value = strength, distance
        self.feed(node.inputs["Height"], height)
        if below is not None:
            self.feed(node.inputs["Normal"], below)
        return node.outputs[0]


def image_of(pixels: NDArray[np.float32]) -> Any:  # Any: Blender's
    """Return a picture inside Blender; its rows run upwards there."""
    high, wide, _ = pixels.shape
    image = bpy.data.images.new("paint", wide, high, float_buffer=True)
    image.colorspace_settings.name = "Non-Color"
    image.pixels.foreach_set(np.concatenate([pixels[::-1], np.ones((high, wide, 1), np.float32)], axis=2).ravel())
    image.update()
    image.pack()
    return image


def mask(nodes: Nodes, name: str) -> Socket:
    """Return one of the masks that come with the mesh."""
    node = nodes.add("TexImage")
    node.image = bpy.data.images.load(str(data_folder() / f"mpfb2/textures/mpfb_{name}.jpg"), check_existing=True)
    node.image.colorspace_settings.name = "Non-Color"
    return node.outputs["Color"]


def skin_material(person: Person, painted: NDArray[np.float32]) -> Any:  # Any: Blender's
    """Return the material."""
    material = bpy.data.materials.new("skin")
    nodes = Nodes(material)
    rest = nodes.add("Attribute", attribute_name="rest").outputs["Vector"]
    place = nodes.add("Mapping")
    place.inputs["Scale"].default_value = (1 / WIDE_DM, 1 / WIDE_DM, 1)
    place.inputs["Location"].default_value = (-LEFT_DM / WIDE_DM, -(TOP_DM - WIDE_DM) / WIDE_DM, 0)
    nodes.feed(place.inputs["Vector"], rest)
    paint = nodes.add("TexImage", image=image_of(painted), extension="CLIP", interpolation="Cubic")
    nodes.feed(paint.inputs[0], place.outputs[0])
    depth = nodes.add("SeparateXYZ")
    nodes.feed(depth.inputs[0], rest)
    front = nodes.ramp(depth.outputs[2], 0.75, 1.05, 0.0, 1.0)

    def noise(scale: float, detail: float) -> Socket:
        node = nodes.add("TexNoise")
        node.inputs["Scale"].default_value, node.inputs["Detail"].default_value = scale, detail
        nodes.feed(node.inputs["Vector"], rest)
        return node.outputs["Fac"]

    surface = nodes.surface.inputs
    nodes.feed(surface["Base Color"], tone(nodes, person, paint.outputs["Color"], front, noise))
    surface["Subsurface Weight"].default_value = 0.55
    surface["Subsurface Radius"].default_value = (1, 0.35, 0.18)
    surface["Subsurface Scale"].default_value = 0.035
    surface["Specular IOR Level"].default_value = 0.42
    nodes.feed(surface["Roughness"], nodes.ramp(noise(60, 4), 0.3, 0.7, 0.46, 0.64))
    pores = nodes.add("TexVoronoi")
    pores.inputs["Scale"].default_value = 120
    nodes.feed(pores.inputs["Vector"], rest)
    split = nodes.add("SeparateColor")
    nodes.feed(split.inputs[0], nodes.mix(front, (0.5, 0.5, 0.5), paint.outputs["Color"]))
    fine = nodes.bump(pores.outputs["Distance"], 0.18, 0.006)
    lined = nodes.bump(split.outputs[0], 1.0, 0.042, fine)
    nodes.feed(surface["Normal"], nodes.bump(noise(22, 8), 0.10 + 0.3 * person.age, 0.02, lined))
    return material


def tone(nodes: Nodes, person: Person, paint: Socket, front: Socket, noise: Any) -> Socket:  # Any: (scale, detail) -> Socket
    """Return the colour: three scales of spots, blush, lips, mouth, lids, shade, and the shadow under the hair."""
    skin, lips = np.array(TONES[person.tone][0]), TONES[person.tone][1]
    channels = nodes.add("SeparateColor")
    nodes.feed(channels.inputs[0], paint)
    colour = nodes.mix(nodes.ramp(noise(5, 4), 0.35, 0.65, 0, 0.35), tuple(skin), tuple(skin * [0.93, 0.84, 0.80]))
    colour = nodes.mix(nodes.ramp(noise(38, 6), 0.45, 0.72, 0, 0.30), colour, tuple(skin * [0.86, 0.70, 0.62]))
    spots = 0.2 + 0.3 * person.age
    colour = nodes.mix(nodes.ramp(noise(90, 3), 0.60, 0.75, 0, spots), colour, tuple(skin * [0.70, 0.52, 0.42]))
    red = skin * ([0.98, 0.66, 0.62] if skin.mean() > 0.15 else [1.0, 0.78, 0.72])
    colour = nodes.mix(nodes.multiply(nodes.multiply(channels.outputs[1], front), 0.55), colour, tuple(red))
    full = 0.8 if person.is_woman else 0.55
    colour = nodes.mix(nodes.multiply(mask(nodes, "lips"), full), colour, lips)
    colour = nodes.mix(nodes.multiply(mask(nodes, "inside-mouth"), 0.95), colour, (0.16, 0.035, 0.03))
    colour = nodes.mix(nodes.multiply(mask(nodes, "eyelids"), 0.3), colour, tuple(skin * [0.72, 0.5, 0.45]))
    hair = np.array(HAIR_SHADE if person.grey is None else (0.10, 0.09, 0.085))
    colour = nodes.mix(nodes.multiply(channels.outputs[2], front), colour, tuple(skin * 0.25 + hair * 0.5))
    if person.hair == "scarf":
        return colour
    scalp = nodes.add("SeparateXYZ")
    nodes.feed(scalp.inputs[0], nodes.add("Attribute", attribute_name="scalp").outputs["Vector"])
    covered = 0.35 if person.grey is not None else 0.75
    return nodes.mix(nodes.multiply(scalp.outputs[0], covered), colour, tuple(hair * 1.2 + skin * 0.06))
