"""A script that was a notebook finds the notebook's functions and modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.shimmed_script import run


def test_ipythons_functions_exist_without_ipython(tmp_path: Path) -> None:
    code = """
        import sys
        path = list(sys.path)
        sys.path.clear()   # where it may be installed
        get_ipython().run_line_magic("matplotlib", "inline")
        get_ipython().system("ls")
        display("shown")
        from IPython.display import HTML, clear_output
        from IPython import display as shows, get_ipython as shell
        import IPython
        clear_output(wait=True)
        shows.clear_output(wait=True)
        shows.display("shown as well")
        HTML("<b>")
        shell().magic("time")
        assert IPython.display is shows
        sys.path[:] = path
        import matplotlib.pyplot as plt
        plt.plot([1])
        plt.show()
    """
    assert run(tmp_path, code, view=False).out == "shown\nshown as well\n"


def test_an_installed_ipython_has_the_same_shell_and_displays(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    code = """
        from IPython import get_ipython as shell
        from IPython.display import clear_output, display, set_matplotlib_formats
        set_matplotlib_formats("svg")
        shell().run_line_magic("matplotlib", "inline")
        clear_output(wait=True)
        display("shown")
    """
    assert run(tmp_path, code, view=False).out == "shown\n"


def test_colab_has_nothing_to_mount(tmp_path: Path) -> None:
    code = """
        import sys
        sys.path.clear()
        from google.colab import drive, files
        drive.mount("/content/drive")
        files.upload()
    """
    run(tmp_path, code, view=False)


def test_installed_modules_come_first_and_unknown_ones_are_missing(tmp_path: Path) -> None:
    (tmp_path / "IPython.py").write_text("mine = True\n", encoding="utf-8")
    code = """
        import sys
        sys.path.insert(0, ".")
        import IPython
        assert IPython.mine
        try:
            import nowhere_to_be_found
        except ModuleNotFoundError:
            print("missing")
    """
    assert run(tmp_path, code, view=False).out == "missing\n"


def test_a_notebooks_progress_bars_are_text(tmp_path: Path) -> None:
    pytest.importorskip("tqdm")
    code = """
        from tqdm.auto import tqdm as auto
        from tqdm.notebook import tqdm, trange
        assert list(tqdm([1, 2])) == [1, 2] and list(trange(2)) == [0, 1] and list(auto([3])) == [3]
    """
    assert "100%" in run(tmp_path, code, view=False).err


def test_colab_can_be_imported_beside_other_google_packages(tmp_path: Path) -> None:
    code = """
        import google.protobuf
        from google.colab import drive
        from google.colab.patches import cv2_imshow
        drive.mount("/content/drive", force_remount=True)
        cv2_imshow(None)
    """
    run(tmp_path, code, view=False)


def test_a_cell_that_writes_a_file_can_be_imported(tmp_path: Path) -> None:
    code = """
        get_ipython().run_cell_magic("writefile", "deep/net.py", "x = 1\\n")
        get_ipython().run_cell_magic("file", "-a deep/net.py", "y = 2\\n")
        print(open("deep/net.py").read())
    """
    assert run(tmp_path, code, view=False).out == "x = 1\ny = 2\n\n"
