"""Every image library reads a sample picture where an image file is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from grader.worker.shims import pictures
from tests.worker.shimmed_script import run

HEAD = """
        import os, sys, numpy, torch, torchvision
        from PIL import Image
"""


@pytest.mark.parametrize(
    "read",
    [
        "Image.open('data/astronaut.jpg').convert('RGB')",
        "Image.open(os.path.abspath('astronaut.png'))",
        "Image.open('../elsewhere/me.jpeg')",
        "matplotlib.pyplot.imread('astronaut.jpg')",
        "matplotlib.image.imread('data/astronaut.png')",
        "torchvision.io.read_image('astronaut.jpg').permute(1, 2, 0)",
        "torchvision.io.decode_image(torchvision.io.read_file('a.png')).permute(1, 2, 0)",
        "cv2.imread('astronaut.jpg')",
        "imageio.imread('astronaut.png')",
        "imageio.v3.imread('astronaut.png')",
        "skimage.io.imread('astronaut.png')",
        "skimage.data.astronaut()",
        "skimage.data.eagle()",
        "skimage.data.cat()",
    ],
)
def test_every_image_library_reads_a_sample_picture(tmp_path: Path, read: str) -> None:
    module = read.partition(".")[0]
    if module in ("cv2", "imageio") or "eagle" in read:
        pytest.importorskip(module)
    code = f"""
        {HEAD}
        import matplotlib.pyplot
        if {module!r} in ("cv2", "imageio", "skimage"):
            import {module if module in ("cv2", "imageio", "skimage") else "os"}
        image = numpy.asarray({read})
        assert image.shape[0] >= 300 and image.shape[1] >= 451 and image.shape[2] == 3
        assert image.std() > 0.1
    """
    folder = tmp_path / "session" / "hw2"
    folder.mkdir(parents=True)
    result = run(folder, code, view=False)
    assert not (folder.parent / "elsewhere").exists(), "it is somebody's own place"
    brought = module == "skimage" and ("cat" in read or "astronaut()" in read)
    assert len(result.notes) == 1 or brought, result.notes


def test_a_picture_has_the_format_of_its_suffix(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import matplotlib.pyplot as plt
        assert Image.open("a.png").format == "PNG" and Image.open("a.jpg").format == "JPEG"
        assert plt.imread("b.png").dtype == numpy.float32 and plt.imread("b.png").max() <= 1
        assert plt.imread("b.jpg").dtype == numpy.uint8
        assert Image.open("my_cat.jpg").size == (451, 300)
    """
    assert len(run(tmp_path, code, view=False).notes) == 5


def test_a_students_own_image_is_not_replaced(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        Image.new("RGB", (9, 9)).save("mine.png")
        with open("mine.png", "rb") as file:
            assert Image.open(file).size == (9, 9)
        assert Image.open("mine.png").size == (9, 9)
        assert torchvision.io.read_image("mine.png").shape == (3, 9, 9)
    """
    assert run(tmp_path, code, view=False).notes == []


def test_a_missing_file_that_is_no_image_stays_missing(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        for read in (Image.open, torchvision.io.read_file):
            try:
                read("weights.pth")
            except (FileNotFoundError, RuntimeError):
                print("missing")
        assert not os.path.exists("astronaut.jpg")
    """
    assert run(tmp_path, code, view=False).out.split() == ["missing", "missing"]


def test_a_folder_of_images_is_not_made_up(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        for number in range(100):
            try:
                Image.open(f"train/{{number}}.png")
            except FileNotFoundError:
                print(number)
                break
    """
    assert run(tmp_path, code, view=False).out == "20\n"


def test_without_scikit_image_only_its_samples_can_be_imported(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        sys.path.clear()   # where it may be installed
        from skimage import data, io
        import skimage.data
        assert data.astronaut().shape == (512, 512, 3) and skimage.data is data
        assert data.coffee().dtype == numpy.uint8
        Image.new("RGB", (9, 9)).save("mine.png")
        assert io.imread("mine.png").shape == (9, 9, 3)
        try:
            from skimage import transform
        except ImportError:
            print("no transform")
        try:
            import skimage.filters
        except ImportError:
            print("no filters")
    """
    assert run(tmp_path, code, view=False).out == "no transform\nno filters\n"


def test_nothing_is_imported_before_the_script_imports_it(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        assert not {{"matplotlib", "skimage", "cv2", "imageio", "requests"}} & set(sys.modules)
    """
    run(tmp_path, code)


def test_the_pictures_are_small_and_their_licences_are_listed() -> None:
    licences = (pictures.FOLDER / "LICENCES.md").read_text(encoding="utf-8")
    files = sorted(pictures.FOLDER.glob("*.jpg"))
    assert [file.name for file in files] == ["astronaut.jpg", "cat.jpg", "coffee.jpg"]
    for file in files:
        assert f"`{file.name}`" in licences
        assert file.stat().st_size <= 40_000
        with Image.open(file) as picture:
            assert max(picture.size) <= 512
