"""What a script finds in place of the network, a display and a download.

Installed once in a session's own process, before any student code is loaded; nothing is restored.
A script's own files are never edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.worker.dataset_view import View
from grader.worker.shims import (
    compiled,
    datasets,
    devices,
    downloads,
    figures,
    files,
    models,
    notebooks,
    pictures,
    splits,
)
from grader.worker.shims.cifar_files import CifarFiles
from grader.worker.shims.figures import keep_open_figures
from grader.worker.shims.import_hooks import IfMissing, OnImport
from grader.worker.shims.log import Picture, Stage

__all__ = ["Picture", "Stage", "install", "keep_open_figures"]


def install(network: Mapping[str, Any] | None, view: View | None, images: int | None) -> Stage:
    """Put everything in its place; what it sees from now on is told on the Stage. What is made for
    the script to find lies in the working directory.

    With a `network` spec every ResNet that is asked for is that network. `view` holds the data that
    the datasets serve, `images` of each split (all when None).
    """
    stage, on_import, missing, folder = Stage(), OnImport(), IfMissing(), Path.cwd()
    on_import.install()
    missing.install()
    models.install(stage, network)
    cifar = None
    if view is not None:
        shelf = datasets.Shelf(stage, view, images)
        datasets.install(shelf)
        # Of a handful of images the scaling is the grader's own business and no news.
        splits.install(stage if images is None else Stage())
        cifar = CifarFiles(shelf, folder)
        files.install(cifar)
    downloads.install(cifar, on_import)
    compiled.install(stage)
    devices.install(stage)
    figures.install(stage, on_import)
    pictures.install(stage, on_import, missing, folder)
    notebooks.install(on_import, missing)
    return stage
