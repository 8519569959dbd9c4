"""Draws small colour pictures of ten shapes from a seed: a data set that is made for a run.

A picture has one bright shape on a ground that gets lighter towards one side, a few specks, and
noise. Place, size, tilt and colours differ from picture to picture, so pixels that are alike say
little about the class, and a network has to learn what a shape looks like anywhere. docs/shapes.md
shows them, with the accuracy of several classifiers.

A seed gives the same pixels on every machine. So a picture is made by sums, products, quotients,
square roots and comparisons alone, which IEEE 754 defines to the last bit, of numbers that
`Generator.random` draws. Sines, exponential functions and matrix products differ between libraries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Inside = NDArray[np.bool_]

TRAINING = 1500   # pictures for training, unless the rubric says how many
SIZE = 12   # pixels on a side
FINE = 4    # a pixel has FINE x FINE points; the share of them in the shape is how bright it is
RADIUS = (3.0, 4.2)   # of a shape, in pixels
TILT = 0.15           # tangent of the largest angle, to either side
GROUND, BRIGHT = (0, 100), (170, 255)   # each channel of the ground, and of the shape
SLOPE = 120           # the most that a channel of the ground changes from the centre to a border
SPECKS = 2            # pixels with a colour of their own
NOISE = 8             # the sum of three numbers up to this, either way, on each channel


def _disc(x: Numbers, y: Numbers) -> Inside:
    return x * x + y * y < 0.8


def _ring(x: Numbers, y: Numbers) -> Inside:
    square = x * x + y * y
    return (square < 1) & (square > 0.36)


def _triangle(x: Numbers, y: Numbers) -> Inside:
    return (y < 0.8) & (abs(x) * 1.8 < y + 1)


def _bar(x: Numbers, y: Numbers) -> Inside:
    return (abs(x) < 1) & (abs(y) < 0.3)


def _equals(x: Numbers, y: Numbers) -> Inside:
    return (abs(x) < 0.9) & (abs(y) < 0.9) & (abs(y) > 0.3)


def _cross(x: Numbers, y: Numbers) -> Inside:
    return (np.minimum(abs(x), abs(y)) < 0.28) & (np.maximum(abs(x), abs(y)) < 1)


def _crescent(x: Numbers, y: Numbers) -> Inside:
    return (x * x + y * y < 1) & ((x + 0.5) * (x + 0.5) + y * y > 0.6)


def _letter_l(x: Numbers, y: Numbers) -> Inside:
    return (abs(x) < 0.7) & (abs(y) < 1) & ((x < -0.15) | (y > 0.45))


def _letter_t(x: Numbers, y: Numbers) -> Inside:
    return (abs(x) < 0.9) & (abs(y) < 1) & ((abs(x) < 0.28) | (y < -0.45))


def _slash(x: Numbers, y: Numbers) -> Inside:
    return (abs(x + y) < 0.45) & (abs(x) < 0.85) & (abs(y) < 0.85)


# Each function tells which points are inside: x to the right and y down from the shape's centre, in
# units of its radius.
SHAPES: Mapping[str, Callable[[Numbers, Numbers], Inside]] = {
    "disc": _disc,
    "ring": _ring,
    "triangle": _triangle,
    "bar": _bar,
    "equals sign": _equals,
    "cross": _cross,
    "crescent": _crescent,
    "letter L": _letter_l,
    "letter T": _letter_t,
    "slash": _slash,
}
_KINDS = tuple(SHAPES.values())

# Rows and columns of points and of pixels, in pixels from the centre of the picture.
_POINTS = (np.arange(SIZE * FINE) + 0.5) / FINE - SIZE / 2
_PIXELS = np.arange(SIZE) + 0.5 - SIZE / 2


def draw(count: int, *seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw pictures; a larger `count` with the same seed only adds some at the end.

    Args:
        count: How many.
        seed: One or more numbers from 0 up, not all of them 0.

    Returns:
        Images, uint8 (count, SIZE, SIZE, 3), and labels, int64 (count,), places in `SHAPES`.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    images = np.empty((count, SIZE, SIZE, 3), np.uint8)
    labels = np.empty(count, np.int64)
    for number in range(count):
        labels[number] = int(_between(random, 0, len(SHAPES)))
        images[number] = _picture(_KINDS[labels[number]], random)
    return images, labels


def _picture(inside: Callable[[Numbers, Numbers], Inside], random: np.random.Generator) -> Numbers:
    radius = float(_between(random, *RADIUS))
    reach = SIZE / 2 - 0.8 * radius   # a corner may be cut off
    centre_x, centre_y = _between(random, -reach, reach, 2)
    tilt = float(_between(random, -TILT, TILT))
    long = math.sqrt(1 + tilt * tilt)
    x, y = _POINTS[None, :] - centre_x, _POINTS[:, None] - centre_y
    points = inside((x + y * tilt) / (long * radius), (y - x * tilt) / (long * radius))
    shape = points.reshape(SIZE, FINE, SIZE, FINE).sum((1, 3))[..., None] / FINE**2

    ground, bright = _between(random, *GROUND, 3), _between(random, *BRIGHT, 3)
    slope_x, slope_y = _between(random, -SLOPE, SLOPE, 2, 3) / (SIZE / 2)
    picture = ground + (bright - ground) * shape
    picture += _PIXELS[None, :, None] * slope_x + _PIXELS[:, None, None] * slope_y
    for _ in range(SPECKS):
        row, column = _between(random, 0, SIZE, 2).astype(int)
        picture[row, column] = _between(random, 0, 255, 3)
    for _ in range(3):
        picture += _between(random, -NOISE, NOISE, SIZE, SIZE, 3)
    rounded: Numbers = np.clip(np.rint(picture), 0, 255)
    return rounded


def _between(random: np.random.Generator, low: float, high: float, *shape: int) -> Numbers:
    """Draw numbers from `low` up to and without `high`, all equally likely."""
    return low + (high - low) * random.random(shape)
