"""Figures are kept as they look on a screen, without any effect on the script."""

from __future__ import annotations

from pathlib import Path

from tests.worker.shimmed_script import run

HEAD = """
        import os, sys, numpy
        from grader.worker import shims

        def titles():
            return [picture.title for picture in log.figures]
"""


def test_a_figure_is_kept_when_it_is_shown_or_saved_or_left_open(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import matplotlib.pyplot as plt
        plt.plot([1, 2]); plt.title("shown"); plt.show()
        figure, (left, right) = plt.subplots(1, 2)
        left.set_title("a"); right.set_title("b"); left.plot([1])
        figure.savefig("saved.png"); plt.close(figure)
        plt.figure(); plt.plot([3]); plt.savefig(fname="curves.pdf"); plt.close()
        plt.figure(); plt.plot([1, 3]); plt.suptitle("x" * 200)
        plt.figure(); plt.plot([2]); plt.title("thrown away"); plt.close()
        plt.figure()
        assert titles() == ["shown", "a, b", "curves.pdf"]
        shims.keep_open_figures(log)
        assert titles()[3:] == ["x" * 99 + "…"], titles()
        for picture in log.figures:
            assert picture.pixels.dtype == numpy.uint8 and picture.pixels.shape == (480, 640, 3)
            assert picture.pixels.min() < 50 and picture.pixels.max() == 255
        assert os.path.getsize("saved.png") and os.path.getsize("curves.pdf")
        assert len(plt.get_fignums()) == 2
    """
    assert run(tmp_path, code).err == ""


def test_no_figure_is_kept_twice(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import matplotlib.pyplot as plt
        figure = plt.figure(); plt.plot([1, 2]); plt.title("once")
        plt.savefig("a.png"); plt.savefig("b.png"); plt.show(); figure.savefig("c.png")
        shims.keep_open_figures(log)
        assert titles() == ["once"]
    """
    run(tmp_path, code)


def test_a_figure_that_is_saved_again_replaces_its_picture(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import matplotlib.pyplot as plt
        figure, axes = plt.subplots()
        for epoch in range(4):
            axes.plot([0, epoch]); axes.set_title(f"epoch {{epoch}}")
            figure.savefig("curves.png")
        assert titles() == ["epoch 3"]
        plt.clf(); plt.plot([5]); plt.title("accuracy"); plt.savefig("accuracy.png")
        assert titles() == ["epoch 3", "accuracy"]
        plt.close("all")
        for number in range(3):
            plt.plot([0, number]); plt.title(f"figure {{number}}"); plt.savefig("plot.png")
            plt.close()
        assert titles()[2:] == ["figure 0", "figure 1", "figure 2"]
    """
    run(tmp_path, code)


def test_the_last_six_of_many_figures_are_kept_and_small(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import matplotlib.pyplot as plt
        for number in range(8):
            plt.figure(figsize=(3, 30) if number % 2 else (20, 4))
            plt.plot([0, number]); plt.title(f"figure {{number}}"); plt.show()
        assert titles() == [f"figure {{number}}" for number in range(2, 8)]
        assert all(max(picture.pixels.shape) <= 640 for picture in log.figures)
        for number in range(60):
            plt.plot([0, number]); plt.savefig("batch.png")
        assert log.rendered <= 40
        plt.title("the end")
        shims.keep_open_figures(log)
        assert titles()[-1] == "the end"
    """
    run(tmp_path, code)


def test_showing_waits_for_no_window_and_begins_a_new_figure(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import matplotlib
        matplotlib.use("TkAgg")
        import matplotlib.pyplot as plt
        plt.switch_backend("Qt5Agg")
        plt.plot([1]); plt.show()
        assert not plt.get_fignums()
        figure = plt.figure(); plt.plot([2]); plt.show(block=False); plt.pause(0.001)
        assert plt.gcf() is figure
        plt.ion(); plt.show()
        assert plt.gcf() is figure
        figure.show()
        assert len(log.figures) == 2 and matplotlib.get_backend().lower() == "agg"
    """
    assert run(tmp_path, code).err == ""


def test_nothing_is_imported_before_the_script_imports_it(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        assert "matplotlib" not in sys.modules
        shims.keep_open_figures(log)
        assert "matplotlib" not in sys.modules
        import inspect, matplotlib.figure as module
        assert "class Figure" in inspect.getsource(module) and module.__spec__.loader
    """
    run(tmp_path, code)


def test_a_figure_that_cannot_be_kept_does_not_disturb_the_script(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        import matplotlib.pyplot as plt
        figure, axes = plt.subplots()
        axes.set_title("$\\\\frac{{$"); axes.plot([1])
        plt.show()
        plt.plot([1])
        try:
            plt.savefig("script.py/no/folder/curves.png")
        except OSError:
            print("as without us")
        assert titles() == ["curves.png"]
    """
    assert run(tmp_path, code).out == "as without us\n"


def test_an_image_that_is_shown_is_kept_as_well(tmp_path: Path) -> None:
    code = f"""
        {HEAD}
        from PIL import Image
        Image.new("RGBA", (1000, 500), (255, 0, 0, 128)).show(title="sheared")
        (picture,) = log.figures
        assert picture.title == "sheared" and picture.pixels.shape == (320, 640, 3)
        assert picture.pixels[5, 5].tolist() == [255, 127, 127]
    """
    run(tmp_path, code)
