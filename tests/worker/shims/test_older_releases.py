"""Code that ran with releases of years ago runs; code that never ran still fails."""

from __future__ import annotations

from pathlib import Path

from tests.worker.shimmed_script import run


def test_a_schedule_takes_verbose_as_in_older_releases_and_does_the_same(tmp_path: Path) -> None:
    code = """
        import torch
        from torch.optim import lr_scheduler as schedules

        def rates(make, *loss):
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            schedule = make(optimizer)
            for _ in range(4):
                optimizer.step()
                schedule.step(*loss)
            return optimizer.param_groups[0]["lr"]

        class Own(schedules.LRScheduler):
            def __init__(self, optimizer, verbose=False):
                super().__init__(optimizer, -1, verbose)
            def get_lr(self):
                return [0.5 ** self.last_epoch for _ in self.base_lrs]

        plateau = schedules.ReduceLROnPlateau
        assert rates(lambda o: plateau(o, patience=0, verbose=True), 1.0) == \\
            rates(lambda o: plateau(o, patience=0), 1.0) < 1
        assert rates(lambda o: schedules.StepLR(o, 2, 0.1, -1, True)) == \\
            rates(lambda o: schedules.StepLR(o, 2)) == 0.1 * 0.1
        assert rates(lambda o: schedules.OneCycleLR(o, 1.0, total_steps=9, verbose=False)) == \\
            rates(lambda o: schedules.OneCycleLR(o, 1.0, total_steps=9))
        assert rates(lambda o: Own(o, True)) == 0.5 ** 4
    """
    (note,) = run(tmp_path, code).notes
    assert "`verbose` of a learning-rate schedule" in note


def test_names_that_numpy_dropped_are_found(tmp_path: Path) -> None:
    code = """
        import numpy as np
        from numpy import Inf
        best = np.Inf
        assert 3.0 < best == Inf and np.isnan(np.NaN)
        assert np.array([1, 2], dtype=np.float).dtype == np.float64 and np.int is int
        assert np.product([2, 3]) == 6 and np.alltrue([True])
        assert list(np.in1d([1, 5], [5])) == [False, True] and np.trapz([0, 1, 2]) == 2
        assert not hasattr(np, "flaot")
    """
    notes = run(tmp_path, code).notes
    assert any("`np.Inf` is missing in newer releases" in note for note in notes)


def test_a_library_that_asks_which_numpy_it_has_gets_the_truth(tmp_path: Path) -> None:
    code = """
        import skimage.io   # looks np.bool8 up
        import numpy as np
        asked = compile("found = hasattr(np, 'Inf')", np.__file__, "exec")
        there = {"np": np}
        exec(asked, there)
        assert not there["found"] and hasattr(np, "Inf")
    """
    (note,) = run(tmp_path, code).notes
    assert "`np.Inf`" in note


def test_what_never_worked_fails_as_it_does_at_home(tmp_path: Path) -> None:
    code = """
        import numpy as np
        import torch
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        def fails(error, call):
            try:
                call()
            except error:
                return True
        steps = torch.optim.lr_scheduler.StepLR
        assert fails(TypeError, lambda: steps(optimizer, 2, verbos=True))
        assert fails(TypeError, lambda: steps(optimizer, 2, 0.1, -1, True, True))
        assert fails(AttributeError, lambda: np.flaot)
        assert steps(optimizer, 2).get_last_lr() == [1.0]
    """
    assert run(tmp_path, code).notes == []
