"""The parts of a bust as Blender objects: skin, cloth, eyes, lashes, teeth, hair, spectacles, scarf."""

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from numpy.typing import ArrayLike

from tools.cohort.expressions import Weights
from tools.cohort.hair import Strands, grow
from tools.cohort.mesh import Points, Quads, base, normals
from tools.cohort.paint import paint_face
from tools.cohort.people import Person
from tools.cohort.scalp import grows_hair, on_ear
from tools.cohort.shape import head_share, pose
from tools.cohort.skin import skin_material
from tools.cohort.wear import glasses, scarf

Object = Any  # Blender's own, which have no types here

BUST_FROM_DM = 4.3
EYE_ROWS, EYE_COLUMNS = 90, 96
IRIS, PUPIL = 0.49, 0.19  # radians from the middle of the eye


def upright(points: Points) -> Points:
    """Return the points as Blender has them: z up, the face towards -y."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def plain(name: str, colour: tuple[float, float, float], **inputs: float) -> Object:
    """Return a material of one colour."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    surface = material.node_tree.nodes["Principled BSDF"].inputs
    surface["Base Color"].default_value = (*colour, 1)
    for input_name, value in inputs.items():
        surface[input_name.replace("_", " ")].default_value = value
    return material


def add_mesh(
    name: str, points: Points, quads: Quads, material: Object, smoother: int = 0, uv: Points | None = None,
    attributes: Mapping[str, ArrayLike] | None = None,
) -> Object:  # fmt: skip
    """Return a new object in the scene, its unused vertices left out. Attributes are vectors per vertex."""
    used, compact = np.unique(quads, return_inverse=True)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(upright(points[used]).tolist(), [], compact.reshape(quads.shape).tolist())
    mesh.update()
    if uv is not None:
        mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", np.asarray(uv, np.float32).ravel())
    for attribute, values in (attributes or {}).items():
        layer = mesh.attributes.new(attribute, "FLOAT_VECTOR", "POINT")
        layer.data.foreach_set("vector", np.asarray(values, np.float32)[used].ravel())
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    mesh.materials.append(material)
    made = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(made)
    if smoother:
        modifier = made.modifiers.new("smoother", "SUBSURF")
        modifier.levels = modifier.render_levels = smoother
    return made


def add_skin(person: Person, face: Points, weights: Weights, turn: Points) -> None:
    """Add the skin of head, neck and shoulders."""
    mesh = base()
    rest = mesh.vertices
    quads = mesh.quads["body"]
    kept = (rest[quads][:, :, 1] > BUST_FROM_DM).all(axis=1)
    hairy = grows_hair(rest, max(person.recede, 0.1 if person.hair == "short" else 0), person.hair == "bald")
    hairy &= ~on_ear() & (rest[:, 1] > 6.7)
    material = skin_material(person, paint_face(person, weights))
    add_mesh(
        "skin", pose(face, turn, head_share(rest)), quads[kept], material, 2, mesh.quad_uv["body"][kept].reshape(-1, 2),
        {"rest": rest, "scalp": np.repeat(hairy[:, None].astype(float), 3, axis=1)},
    )  # fmt: skip


def add_cloth(person: Person, face: Points, turn: Points) -> None:
    """Add a T-shirt: the mesh's own helper for cloth, cut at the neck."""
    rest, quads = base().vertices, base().quads["helper-tights"]
    height = rest[quads][:, :, 1]
    kept = (height > 4.0).all(axis=1) & (height < 5.92).all(axis=1)
    out = face + normals(face, quads) * 0.06
    material = plain("cloth", person.cloth, Roughness=0.9, Specular_IOR_Level=0.1, Sheen_Weight=0.3)
    shirt = add_mesh("cloth", pose(out, turn, head_share(rest) * 0.6), quads[kept], material, 2)
    shirt.modifiers.new("hem", "SOLIDIFY").thickness = 0.05


def eyeball(radius: float, person: Person) -> tuple[Points, Quads, Points]:
    """Return an eye that looks along +z: points, quads, and colours with fibres in the iris and a dark rim around it."""
    polar = np.concatenate([np.linspace(0, 0.75, 60), np.linspace(0.75, np.pi, EYE_ROWS - 59)[1:]])
    away, around = np.meshgrid(polar, np.arange(EYE_COLUMNS) / EYE_COLUMNS * 2 * np.pi, indexing="ij")
    far = radius * (1 + 0.10 * np.clip(1 - (away / 0.56) ** 2, 0, 1))  # the cornea bulges
    points = np.stack([np.sin(away) * np.cos(around) * far, np.sin(away) * np.sin(around) * far, np.cos(away) * far], axis=-1)
    rng = np.random.default_rng(5)
    fibres = np.asarray(sum(np.cos(around * count + rng.uniform(0, 6)) * 0.5 / count**0.4 for count in (7, 13, 23, 31, 41)))
    white = np.array([0.68, 0.61, 0.56]) * (1 - 0.25 * np.clip(away - 0.6, 0, 1))[..., None]
    iris = np.array(person.iris) * (1 + 0.22 * fibres[..., None]) * (0.65 + 0.9 * np.clip((IRIS - away) / IRIS, 0, 1))[..., None]
    inside = np.clip((IRIS + 0.02 - away) / 0.05, 0, 1)[..., None]
    colour = white * (1 - inside) + iris * inside * np.clip((IRIS + 0.03 - away) / 0.09, 0.25, 1)[..., None]
    black = np.clip((PUPIL - away) / 0.02 + 0.5, 0, 1)[..., None]
    colour = np.clip(colour * (1 - black) + 0.003 * black, 0, 1)
    index = np.arange(len(polar) * EYE_COLUMNS).reshape(len(polar), EYE_COLUMNS)
    across = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], index[1:], across[1:], across[:-1]], axis=-1).reshape(-1, 4)
    return points.reshape(-1, 3), quads, colour.reshape(-1, 3)


def add_eyes(person: Person, face: Points, turn: Points, gaze: Points) -> None:
    """Add eyes that look where `gaze` turns them within the head."""
    material = plain("eye", (1, 1, 1), Roughness=0.25, Specular_IOR_Level=0.5, Coat_Weight=1.0, Coat_Roughness=0.02)
    tree = material.node_tree
    colour = tree.nodes.new("ShaderNodeAttribute")
    colour.attribute_name = "colour"
    tree.links.new(colour.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    for side in "lr":
        outline = face[np.unique(base().quads[f"helper-{side}-eye"])]
        low, high = outline.min(axis=0), outline.max(axis=0)
        radius = (high[1] - low[1]) / 2 * 0.995
        middle = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2] + radius])
        points, quads, colours = eyeball(radius, person)
        add_mesh(f"eye-{side}", pose(points @ gaze.T + middle, turn), quads, material, attributes={"colour": colours})


def add_lashes_and_teeth(face: Points, turn: Points) -> None:
    """Add lashes, both rows of teeth (a little forward: at rest they lie too deep to be seen) and the tongue."""
    quads = base().quads
    lashes = plain("lash", (0.01, 0.008, 0.007), Roughness=0.6, Alpha=0.55)
    for name in quads:
        if "eyelashes" in name:
            add_mesh(name, pose(face, turn), quads[name], lashes)
    teeth = plain("teeth", (0.80, 0.74, 0.63), Roughness=0.22, Subsurface_Weight=0.3, Subsurface_Scale=0.02)
    tongue = plain("tongue", (0.35, 0.10, 0.09), Roughness=0.35)
    for name, material, forward in (
        ("helper-upper-teeth", teeth, 0.045), ("helper-lower-teeth", teeth, 0.012), ("helper-tongue", tongue, 0.0),
    ):  # fmt: skip
        add_mesh(name, pose(face + np.array([0, 0, forward]), turn), quads[name], material, 2)


def hair_material(person: Person, strands: Strands) -> Object:
    """Return the material of hair, or of brows: grey heads keep darker brows, or the brows would say nothing."""
    material = bpy.data.materials.new("hair")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    fibre = tree.nodes.new("ShaderNodeBsdfHairPrincipled")
    colour = person.brow if strands.is_brow else person.grey
    if colour is not None:
        fibre.parametrization = "COLOR"
        fibre.inputs["Color"].default_value = (*colour, 1)
    else:
        fibre.parametrization = "MELANIN"
        fibre.inputs["Melanin"].default_value = max(person.melanin, 0.35) if strands.is_brow else person.melanin
        fibre.inputs["Melanin Redness"].default_value = person.redness
        fibre.inputs["Random Color"].default_value = 0.35
    fibre.inputs["Roughness"].default_value, fibre.inputs["Radial Roughness"].default_value = 0.42, 0.5
    tree.links.new(fibre.outputs[0], tree.nodes["Material Output"].inputs[0])
    return material


def add_hair(person: Person, face: Points, turn: Points) -> None:
    """Add brows and hair."""
    for number, strands in enumerate(grow(face, person)):
        count, length, _ = strands.points.shape
        curves = bpy.data.hair_curves.new(f"hair-{number}")
        curves.add_curves([length] * count)
        curves.attributes["position"].data.foreach_set("vector", upright(pose(strands.points, turn)).astype(np.float32).ravel())
        radius = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
        radius.data.foreach_set("value", np.tile(np.linspace(1, 0.35, length) * strands.radius, count).astype(np.float32))
        curves.materials.append(hair_material(person, strands))
        bpy.context.collection.objects.link(bpy.data.objects.new(f"hair-{number}", curves))


def add_wear(person: Person, face: Points, turn: Points) -> None:
    """Add spectacles and headscarf where the person has them."""
    if person.scarf is not None and person.hair == "scarf":
        points, quads = scarf(face, person)
        material = plain("scarf", person.scarf, Roughness=0.85, Specular_IOR_Level=0.15, Sheen_Weight=0.4)
        add_mesh("scarf", pose(points, turn, 1.0), quads, material, 2).modifiers.new("hem", "SOLIDIFY").thickness = -0.03
    if person.glasses:
        tubes, thick = glasses(face, person)
        metal = plain("frame", (0.45, 0.42, 0.38), Metallic=1.0, Roughness=0.3)
        material = metal if person.glasses == "metal" else plain("frame", (0.012, 0.01, 0.01), Roughness=0.3)
        for number, (points, closed) in enumerate(tubes):
            add_tube(f"frame-{number}", pose(points, turn), closed, thick, material)


def add_tube(name: str, points: Points, closed: bool, thick: float, material: Object) -> None:
    """Add a round bar along the points."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution = "3D", thick, 4
    line = curve.splines.new("POLY")
    line.points.add(len(points) - 1)
    line.points.foreach_set("co", np.concatenate([upright(points), np.ones((len(points), 1))], axis=1).astype(np.float32).ravel())
    line.use_cyclic_u = closed
    curve.materials.append(material)
    bpy.context.collection.objects.link(bpy.data.objects.new(name, curve))
