"""Scripts that unpickle CIFAR-10 themselves find its files, wherever they look for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.shimmed_script import run

HEAD = """
        import glob, io, os, pickle, numpy, pathlib, tarfile, urllib.request
        FOLDER = "data/cifar-10-batches-py"
        URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
"""


def test_the_files_have_the_original_layout(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        labels, rows = [], []
        for number in range(1, 6):
            with open(f"{{FOLDER}}/data_batch_{{number}}", "rb") as file:
                batch = pickle.load(file, encoding="bytes")
            assert sorted(batch) == [b"batch_label", b"data", b"filenames", b"labels"]
            assert batch[b"data"].shape == (8, 3072) and batch[b"data"].dtype == numpy.uint8
            assert len(batch[b"labels"]) == len(batch[b"filenames"]) == 8
            assert batch[b"batch_label"] == b"training batch %d of 5" % number
            labels += batch[b"labels"]
            rows.append(batch[b"data"])
        assert labels == [number % 10 for number in range(40)]
        images = numpy.concatenate(rows).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        assert images[7].min() == images[7].max() == 7 and type(images) is numpy.ndarray
        with open(f"{{FOLDER}}/test_batch", "rb") as file:
            test = pickle.load(file, encoding="latin1")
        assert test["data"].shape == (20, 3072) and test["data"][3].max() == 103
        assert test["labels"][:3] == [0, 1, 2]
        meta = pickle.load(open(f"{{FOLDER}}/batches.meta", "rb"), encoding="bytes")
        assert meta[b"label_names"] == [b"%d" % n for n in range(10)] and meta[b"num_vis"] == 3072
    """
    assert len(run(tmp_path, code).notes) == 1


@pytest.mark.parametrize(
    "asked",
    [
        "os.path.exists(FOLDER)",
        "os.path.isdir(FOLDER + '/')",
        "os.path.isfile(os.path.join(FOLDER, 'data_batch_3'))",
        "len(os.listdir(FOLDER)) == 7",
        "pathlib.Path(FOLDER).exists()",
        "pathlib.Path(FOLDER, 'test_batch').is_file()",
        "len(list(pathlib.Path(FOLDER).iterdir())) == 7",
        "len(glob.glob(FOLDER + '/data_batch_*')) == 5",
        "len(next(os.walk(FOLDER))[2]) == 7",
        "pathlib.Path(FOLDER, 'test_batch').read_bytes()",
        "io.open(FOLDER + '/test_batch', 'rb').read()",
        "numpy.load(FOLDER + '/test_batch', allow_pickle=True, encoding='bytes')[b'labels']",
        "os.path.getsize(os.path.abspath(FOLDER) + '/test_batch')",
        "tarfile.open('cifar-10-python.tar.gz').getnames()[5] == 'cifar-10-batches-py/test_batch'",
    ],
)
def test_the_files_exist_once_a_script_asks_for_them(tmp_path: Path, asked: str) -> None:
    code = f"""
        {HEAD}
        assert {asked}
        assert not os.path.exists(FOLDER + "/none_of_it") and not os.path.exists("data/other")
    """
    run(tmp_path, code)


def test_no_file_is_made_unasked(tmp_path: Path) -> None:
    run(tmp_path, f"{HEAD}\n        open('notes.txt', 'w').close()")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("above", ["file", "../elsewhere"])
def test_files_go_elsewhere_if_a_folder_cannot_be_written(tmp_path: Path, above: str) -> None:
    code = f"""
        {HEAD}
        open("file", "w").close()
        folder = pathlib.Path({above!r}, "cifar-10-batches-py")
        assert folder.exists() and len(os.listdir(folder)) == 7
        with open(folder / "data_batch_1", "rb") as file:
            assert len(pickle.load(file, encoding="bytes")[b"labels"]) == 8
    """
    home = tmp_path / "session" / "hw2"
    home.mkdir(parents=True)
    run(home, code)
    assert not (home.parent / "elsewhere").exists()


def test_a_students_own_file_is_not_replaced(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        os.makedirs(FOLDER)
        with open(FOLDER + "/data_batch_1", "wb") as file:
            file.write(b"mine")
        assert open(FOLDER + "/data_batch_1", "rb").read() == b"mine"
        assert os.listdir(FOLDER) == ["data_batch_1"]
        assert pickle.load(open(FOLDER + "/data_batch_2", "rb"), encoding="bytes")[b"data"].size
        assert open(FOLDER + "/data_batch_1", "rb").read() == b"mine"
    """
    run(tmp_path, code)


def test_a_script_may_reshape_with_the_real_number_of_images(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import torch
        from torch.utils.data import DataLoader
        rows = []
        for number in range(1, 6):
            batch = pickle.load(open(f"{{FOLDER}}/data_batch_{{number}}", "rb"), encoding="latin1")
            images = batch["data"].reshape(10000, 3, 32, 32).transpose(0, 2, 3, 1).astype("float")
            assert images.shape == (8, 32, 32, 3) and type(images) is numpy.ndarray
            rows.append(batch["data"])
        every = numpy.vstack(rows)
        assert numpy.reshape(every, (50000, 3, 32, 32)).shape == (40, 3, 32, 32)
        assert next(iter(DataLoader(every, 4))).shape == (4, 3072)
        assert torch.from_numpy(every).shape == (40, 3072)
        try:
            every.reshape(123, 3, 32, 32)
        except ValueError:
            print("as ever")
    """
    assert run(tmp_path, code).out == "as ever\n"


@pytest.mark.parametrize(
    "download",
    [
        "urllib.request.urlretrieve(URL, 'cifar.tgz')",
        "urllib.request.urlretrieve(URL, 'cifar.tgz', lambda blocks, size, total: print(total))",
        "open('cifar.tgz', 'wb').write(urllib.request.urlopen(URL).read())",
        "torch.hub.download_url_to_file(URL, 'cifar.tgz', progress=False)",
        "os.system(f'wget -q {URL} -O cifar.tgz')",
        "subprocess.run(['curl', URL, '--output', 'cifar.tgz'], check=True)",
        "subprocess.check_call(f'mkdir -p a && wget {URL} -P a && mv a/* cifar.tgz', shell=True)",
        "open('cifar.tgz', 'wb').write(requests.get(URL, stream=True).content)",
        "download_url(URL, '.', 'cifar.tgz')",
        "shutil.move(download_url(URL, '.', md5='c58f30108f718f92721af3b95e74349a')"
        " or 'cifar-10-python.tar.gz', 'cifar.tgz')",
    ],
)
def test_the_archive_can_be_downloaded(tmp_path: Path, download: str) -> None:
    if "requests" in download:
        pytest.importorskip("requests")
    code = f"""
        {HEAD}
        import shutil, subprocess, torch
        from torchvision.datasets.utils import download_url
        if "requests" in {download!r}:
            import requests
        {download}
        with tarfile.open("cifar.tgz") as archive:
            archive.extractall("mine", filter="data")
        batch = pickle.load(open("mine/cifar-10-batches-py/data_batch_1", "rb"), encoding="bytes")
        assert batch[b"data"].shape == (8, 3072)
    """
    run(tmp_path, code)


@pytest.mark.parametrize(
    ("download", "error"),
    [
        ("urllib.request.urlretrieve('https://example.org/data.zip', 'data.zip')", "OSError"),
        ("urllib.request.urlopen(urllib.request.Request('https://example.org/'))", "OSError"),
        ("requests.get('https://example.org/')", "requests.exceptions.ConnectionError"),
        ("torch.hub.download_url_to_file('https://example.org/a.pth', 'a.pth')", "OSError"),
    ],
)
def test_another_download_raises_an_error_that_gives_the_reason(
    tmp_path: Path, download: str, error: str
) -> None:
    pytest.importorskip("requests")
    code = f"""
        {HEAD}
        import requests, torch
        try:
            {download}
        except {error} as problem:
            print(problem)
    """
    assert "there is no network here" in run(tmp_path, code).out


def test_local_addresses_work_as_without_the_shim(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import subprocess, sys
        open("here.txt", "w").write("here")
        address = pathlib.Path("here.txt").resolve().as_uri()
        assert urllib.request.urlopen(address).read() == b"here"
        assert open(urllib.request.urlretrieve(address)[0]).read() == "here"
        done = subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True, text=True)
        assert done.stdout.strip() == "7" and os.system("exit 0") == 0
    """
    run(tmp_path, code)
