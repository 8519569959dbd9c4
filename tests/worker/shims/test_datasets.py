"""Every data set of torchvision serves the grader's images in the data set's own format."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.shimmed_script import TEST, TRAIN, run


@pytest.mark.parametrize(
    ("asked", "length", "shape"),
    [
        ("CIFAR10('/nowhere', True, None, None, True)", TRAIN, (32, 32, 3)),
        ("CIFAR10(root='./data', train=False, download=True)", TEST, (32, 32, 3)),
        ("CIFAR100('data')", TRAIN, (32, 32, 3)),
        ("SVHN('data', split='test')", TEST, (32, 32, 3)),
        ("SVHN('data', 'extra')", TRAIN, (32, 32, 3)),
        ("STL10('data', 'train+unlabeled')", TRAIN, (96, 96, 3)),
        ("MNIST('data', train=False)", TEST, (28, 28)),
        ("FashionMNIST('data')", TRAIN, (28, 28)),
        ("QMNIST('data', what='test10k')", TEST, (28, 28)),
        ("EMNIST('data', 'letters', train=False)", TEST, (28, 28)),
        ("EMNIST('data', split='balanced')", TRAIN, (28, 28)),
        ("USPS('data', False)", TEST, (16, 16)),
    ],
)
def test_each_dataset_is_served_in_its_own_format(
    tmp_path: Path, asked: str, length: int, shape: tuple[int, ...]
) -> None:
    code = f"""
        import numpy, torchvision
        data = torchvision.datasets.{asked}
        image, target = data[3]
        assert len(data) == {length} and numpy.asarray(image).shape == {shape}
        assert target == 3 == int(data.targets[3])
        assert int(numpy.asarray(image).flat[0]) == 3 + 100 * (len(data) == {TEST})
        assert log.served == [data] and data.train is (len(data) == {TRAIN})
    """
    assert len(run(tmp_path, code).notes) == 1


def test_data_is_held_as_the_original_holds_it(tmp_path: Path) -> None:
    code = """
        import numpy, torch
        from torchvision.datasets import CIFAR10, MNIST, SVHN, STL10, VisionDataset
        from torchvision.datasets.mnist import FashionMNIST
        photos, digits, numbers = CIFAR10("data"), MNIST("data"), SVHN("data")
        assert photos.data.shape == (40, 32, 32, 3) and photos.data.dtype == numpy.uint8
        photos.data[0] = 255
        assert isinstance(photos.targets, list) and photos.class_to_idx["3"] == 3
        assert digits.data.shape == (40, 28, 28) and digits.data.dtype == torch.uint8
        assert int((digits.targets == 3).sum()) == 4
        assert numbers.data.shape == (40, 3, 32, 32) and numbers.labels[3] == 3
        assert isinstance(FashionMNIST("data"), VisionDataset)
    """
    run(tmp_path, code)


def test_transforms_are_applied(tmp_path: Path) -> None:
    code = """
        from torchvision import datasets, transforms
        flip = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor()])
        plain = transforms.ToTensor()
        train = datasets.CIFAR10("data", True, flip, target_transform=lambda label: label + 1)
        test = datasets.CIFAR10("data", False, plain)
        assert train[3][0].shape == (3, 32, 32) and train[3][1] == 4
        assert test.transform is plain
        assert [data.train for data in log.served] == [True, False]
    """
    run(tmp_path, code)


def test_every_index_gives_the_shown_image(tmp_path: Path) -> None:
    code = """
        from PIL import Image
        from torchvision import datasets, transforms

        class Own(datasets.CIFAR10):
            def __getitem__(self, index):
                return Image.fromarray(self.data[index]), self.targets[index]

        hidden = Image.new("RGB", (32, 32), (200, 200, 200))
        plain = transforms.Compose([transforms.ToTensor()])
        photos, digits, own = datasets.CIFAR10("d", False, plain), datasets.MNIST("d"), Own("d")
        for data in log.served:
            assert data.shown is None
            data.shown = hidden
        image, target = photos[10_000]
        assert target == 0 and image.shape == (3, 32, 32) and abs(image - 200 / 255).max() < 1e-6
        image, target = digits[7]
        assert image.size == (28, 28) and image.mode == "L" and image.getpixel((3, 3)) == 200
        image, target = own[7]
        assert target == 0 and image.getpixel((3, 3)) == (200, 200, 200)
        for data in log.served:
            data.shown = Image.new("RGB", (64, 64), (50, 50, 50))
        assert own[0][0].size == (32, 32) and own[0][0].getpixel((3, 3)) == (50, 50, 50)
        for data in log.served:
            data.shown = None
        assert own[7][0].getpixel((3, 3)) == (7, 7, 7) and own[7][1] == 7 and digits[7][1] == 7
    """
    run(tmp_path, code)


@pytest.mark.parametrize(
    ("root", "length"),
    [
        ("data/cifar10/train", TRAIN),
        ("data/cifar10/test", TEST),
        ("data/validation/images", TEST),
        ("latest/contest", TRAIN),
        ("test/train", TRAIN),
    ],
)
def test_a_missing_folder_of_images_is_served(
    tmp_path: Path, root: str, length: int
) -> None:
    code = f"""
        from torchvision.datasets import ImageFolder
        data = ImageFolder({root!r}, transform=lambda image: image.size)
        assert len(data) == {length} == len(data.samples) and data[3] == ((32, 32), 3)
        assert data.classes == list("0123456789") and log.served == [data]
    """
    run(tmp_path, code)


def test_an_existing_folder_of_images_is_the_students(tmp_path: Path) -> None:
    (tmp_path / "mine" / "cat").mkdir(parents=True)
    code = """
        from PIL import Image
        from torchvision.datasets import ImageFolder
        Image.new("RGB", (9, 9)).save("mine/cat/one.png")
        data = ImageFolder("mine")
        assert len(data) == 1 and data[0][0].size == (9, 9) and data.class_to_idx == {"cat": 0}
        assert not log.served and not log.notes
    """
    run(tmp_path, code)


def test_loaders_with_workers_read_what_is_served(tmp_path: Path) -> None:
    code = """
        from torch.utils.data import DataLoader
        from torchvision import datasets, transforms
        data = datasets.CIFAR10("data", transform=transforms.ToTensor())
        loader = DataLoader(data, 8, num_workers=1)
        assert sum(len(labels) for _, labels in loader) == 40
    """
    run(tmp_path, code)


def test_fake_data_is_not_replaced(tmp_path: Path) -> None:
    code = """
        from torchvision.datasets import FakeData
        assert len(FakeData(7)) == 7 and not log.served
    """
    run(tmp_path, code)


def test_the_number_of_images_is_noted_once(tmp_path: Path) -> None:
    code = """
        from torchvision import datasets
        for train in (True, False):
            datasets.CIFAR10("data", train), datasets.MNIST("data", train)
    """
    (note,) = run(tmp_path, code).notes
    assert "40 for training, 20 for testing" in note
    assert not run(tmp_path, code, images=8).notes, "a few images need no note"


def test_an_unknown_argument_of_a_dataset_is_an_error(tmp_path: Path) -> None:
    code = """
        from torchvision import datasets
        try:
            datasets.CIFAR10("data", colour=True)
        except TypeError as error:
            print(error)
    """
    assert "colour" in run(tmp_path, code).out


def test_splits_for_the_real_sizes_are_scaled(tmp_path: Path) -> None:
    code = """
        import torch
        from torch.utils.data import Subset, random_split
        from torchvision import datasets
        data = datasets.CIFAR10("data")
        parts = random_split(data, [45_000, 5_000])
        assert [len(part) for part in parts] == [36, 4]
        assert len(Subset(data, range(40_000, 50_000))) == 8
    """
    assert len(run(tmp_path, code).notes) == 3


def test_in_a_second_run_data_sets_have_as_many_images_as_the_real_ones(tmp_path: Path) -> None:
    code = """
        import torch, torchvision
        from torch.utils.data import DataLoader, Subset, SubsetRandomSampler, random_split
        train = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
        test = torchvision.datasets.CIFAR10("data", train=False)
        assert len(train) == len(train.targets) == train.data.shape[0] == 50_000
        assert len(test) == 10_000 and train.data[:45000].shape == (45000, 32, 32, 3)
        assert train[1][1] == train[41][1] == 1 and torch.equal(train[1][0], train[41][0])
        assert [len(part) for part in random_split(train, [45000, 5000])] == [45000, 5000]
        loader = DataLoader(train, batch_size=10)
        assert len(loader) == 5000 and len(loader) // 20 == 250
        for epoch in range(2):   # an epoch has the 40 images that there are
            assert sum(len(images) for images, _ in loader) == 40
        assert [int(label) for _, labels in loader for label in labels] == [*range(10)] * 4
        part = DataLoader(train, batch_size=4, sampler=SubsetRandomSampler(range(25000)))
        assert sum(len(images) for images, _ in part) == 20
        few = DataLoader(Subset(train, range(30)), batch_size=10, num_workers=1)
        assert sum(len(images) for images, _ in few) == 30
        many = DataLoader(train, batch_size=10, num_workers=1, persistent_workers=True)
        assert [sum(len(images) for images, _ in many) for _ in range(2)] == [40, 40]
    """
    notes = run(tmp_path, code, pretend=["the data here are smaller than the real ones"]).notes
    assert any("each epoch ended after the 40 images" in note for note in notes)


def test_in_a_first_run_it_is_kept_that_the_data_are_smaller(tmp_path: Path) -> None:
    code = """
        import torchvision
        assert len(torchvision.datasets.CIFAR10("data")) == 40
        assert home.missed == {"the data here are smaller than the real ones"}
    """
    run(tmp_path, code)
