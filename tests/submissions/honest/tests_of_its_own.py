import unittest

import pytest
import torch
from torch import nn


def count(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


class CountTest(unittest.TestCase):
    def setUp(self):
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))

    def test_total(self):
        self.assertEqual(count(self.net), 112 + 8 + 10)


@pytest.mark.parametrize("width", [4, 8])
def test_width(width):
    assert count(nn.Linear(width, 1)) == width + 1


@pytest.fixture
def model():
    return nn.Linear(2, 2)


def test_raises(model):
    with pytest.raises(RuntimeError):
        model(torch.ones(3))
    assert model(torch.ones(2)).sum().item() == pytest.approx(model(torch.ones(2)).sum().item())


if __name__ == "__main__":
    unittest.main()
