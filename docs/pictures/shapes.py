"""Makes shapes.png, the picture of the data set `shapes`: `python docs/pictures/shapes.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from grader.run.data import shapes

COLUMNS, ZOOM, GAP = 10, 4, 2   # pictures of each class; pixels of the file for one; white between


def main() -> None:
    images, labels = shapes.draw(shapes.TRAINING, 0, 1)
    step = shapes.SIZE + GAP
    sheet = np.full((step * len(shapes.SHAPES) - GAP, step * COLUMNS - GAP, 3), 255, np.uint8)
    for label in range(len(shapes.SHAPES)):
        for column, image in enumerate(images[labels == label][:COLUMNS]):
            y, x = label * step, column * step
            sheet[y : y + shapes.SIZE, x : x + shapes.SIZE] = image
    large = sheet.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    Image.fromarray(large).save(Path(__file__).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
