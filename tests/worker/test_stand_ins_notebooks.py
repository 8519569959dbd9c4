"""What notebooks find of IPython and Colab."""

from __future__ import annotations

from pathlib import Path

from staged import run


def test_a_notebook_of_colab_runs(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        "from google.colab import drive, files\n"
        "import google.protobuf\n"
        "drive.mount('/content/drive', force_remount=True)\n"
        "from google.colab.patches import cv2_imshow\n"
        "files.download('x')\n"
        "get_ipython().run_line_magic('matplotlib', 'inline')\n"
        "display('shown')\n",
    )
    assert told.out == "shown\n"


def test_a_cell_that_writes_a_file_can_be_imported(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        "get_ipython().run_cell_magic('writefile', 'deep/net.py', 'x = 1\\n')\n"
        "get_ipython().run_cell_magic('writefile', '-a deep/net.py', 'y = 2\\n')\n"
        "print(open('deep/net.py').read())\n",
    )
    assert told.out == "x = 1\ny = 2\n\n"
