"""The images that a script sees in place of CIFAR-10's have their size."""

from __future__ import annotations

import numpy as np
import pytest

from grader.worker.dataset_view import as_photos


@pytest.mark.parametrize("size", [8, 12, 20, 31])
def test_smaller_images_become_as_large_as_those_of_cifar10(size: int) -> None:
    images = np.arange(2 * size * size * 3, dtype=np.uint8).reshape(2, size, size, 3)
    photos = as_photos(images)
    assert photos.shape == (2, 32, 32, 3) and photos.dtype == np.uint8
    assert np.array_equal(photos[:, 0, 0], images[:, 0, 0])
    assert np.array_equal(photos[:, -1, -1], images[:, -1, -1])
    row = photos[0, :, 0, 0].tolist()
    repeats = [row.count(value) for value in dict.fromkeys(row)]
    assert len(repeats) == size and max(repeats) - min(repeats) <= 1


@pytest.mark.parametrize("size", [32, 40])
def test_other_images_stay_as_they_are(size: int) -> None:
    images = np.zeros((2, size, size, 3), np.uint8)
    assert as_photos(images) is images
