"""Replacements for parts of torch, torchvision, matplotlib and others that a script needs and that
the sandbox lacks: a GPU, a display, a terminal, folders, downloads, data sets, pretrained weights,
experiment trackers, notebook commands.

Each module here patches one of them in the session's own process, before the student's code is
loaded; nothing is restored and no file of the student's is edited. Recording what a network does
while it trains belongs in `observer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.worker.dataset_view import View
from grader.worker.environment.home import Home
from grader.worker.shims import (
    compiled,
    datasets,
    devices,
    downloads,
    figures,
    files,
    folders,
    loaders,
    models,
    notebooks,
    older_releases,
    pictures,
    splits,
    terminal,
    trackers,
)
from grader.worker.shims.cifar_files import CifarFiles
from grader.worker.shims.figures import keep_open_figures
from grader.worker.shims.folders import Folders
from grader.worker.shims.import_hooks import IfMissing, OnImport
from grader.worker.shims.log import Picture, ShimLog

__all__ = ["Picture", "ShimLog", "install", "keep_open_figures"]


def install(
    network: Mapping[str, Any] | None, view: View | None, images: int | None, home: Home
) -> ShimLog:
    """Install every shim in this process and return the log that they write to.

    Files that a shim makes for the script are written to the working directory.

    Args:
        network: the spec of the network that every torchvision ResNet becomes; None: none does.
        view: the data that data sets serve; None leaves torchvision's data sets as they are.
        images: how many images of each split are served; None means all.
        home: notes what the script asks for and does not find; says what to pretend.
    """
    log, on_import, missing, folder = ShimLog(), OnImport(), IfMissing(), Path.cwd()
    on_import.install()
    missing.install()
    models.install(log, network)
    cifar = None
    if view is not None:
        source = datasets.ImageSource(log, view, images, home)
        datasets.install(source)
        loaders.install(source)
        # With a few images only, scaled splits are not worth a note for the student.
        splits.install(log if images is None else ShimLog())
        cifar = CifarFiles(source, folder)
    writable = Folders(log, folder)
    files.install(
        lambda path: writable.to_read(path if cifar is None else cifar(path)), writable.to_write
    )
    folders.install(writable, on_import)
    terminal.install()
    downloads.install(cifar, on_import)
    compiled.install(log)
    older_releases.install(log)
    devices.install(log, home)
    figures.install(log, on_import)
    pictures.install(log, on_import, missing, folder)
    notebooks.install(on_import, missing)
    trackers.install(missing)
    return log
