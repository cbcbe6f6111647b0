"""What MiniStreet names: its version, its classes and their colours."""

import numpy as np

VERSION = "1.0"
"""Version of the generator. Scenes are the same forever for one version."""

CLASSES = ("road", "sidewalk", "building", "wall", "fence", "sign", "vegetation", "sky", "person", "rider", "car")
"""The eleven classes, in the order of FuseNet-RIS's table. `sign` holds its pole, and lamp posts; `rider` its
bicycle."""

THINGS = ("person", "rider", "car")
"""Classes whose objects are counted one by one: only these have instances and boxes."""

PALETTE = np.array(
    [
        (74, 76, 92),  # road
        (199, 177, 205),  # sidewalk
        (163, 132, 104),  # building
        (112, 66, 60),  # wall
        (225, 190, 106),  # fence
        (255, 233, 0),  # sign
        (64, 138, 92),  # vegetation
        (158, 208, 240),  # sky
        (213, 40, 76),  # person
        (250, 143, 28),  # rider
        (32, 82, 190),  # car
    ],
    dtype=np.uint8,
)
"""One RGB colour per class; neighbours in a street differ in lightness too, so that they differ without hue."""

CLASS_ID = {name: number for number, name in enumerate(CLASSES)}
