"""A check for this homework: the network learns a curve that is drawn anew in each run.

Only the probe runs beside the student's code; expected values stay in `judge`.
"""

import numpy as np

from grader.checks.custom.api import Check, Model, answer, graded, probe, tensor


class Params(Model):
    """Training steps, steepness of the curve, and the largest errors for full and half points."""

    steps: int
    full: float
    half: float
    steep: float = 1.0


@probe
def train_and_predict(student, x, y, between, steps):
    import torch

    torch.manual_seed(0)
    model = student.call("build_model", 32)
    losses = student.call("train", model, x, y, steps)
    if not isinstance(losses, list) or len(losses) != steps:
        student.wrong(f"train returned {str(losses)[:60]}; a list of {steps} losses was expected")
    with torch.no_grad():
        return student.call(model, between)


def drawn(criterion, inputs):
    """Points of a random sine curve to train on, and others in between."""
    random = inputs.draw(criterion.id)
    phase, speed = random.uniform(0, 2 * np.pi), random.uniform(3, 5) * criterion.params.steep
    x = np.sort(random.uniform(-1, 1, size=(128, 1))).astype(np.float32)
    between = random.uniform(-0.95, 0.95, size=(256, 1)).astype(np.float32)
    return x, np.sin(speed * x + phase), between, np.sin(speed * between + phase)


def ask(criterion, inputs, limits):
    x, y, between, _ = drawn(criterion, inputs)
    return [
        train_and_predict.question(
            criterion.id, limits.seconds,
            x=tensor(x), y=tensor(y), between=tensor(between), steps=criterion.params.steps,
        )
    ]


def judge(criterion, work, key):
    found, params = answer(work, criterion.id), criterion.params
    wanted = drawn(criterion, key.inputs)[-1]
    if getattr(found, "shape", None) != wanted.shape:
        return graded(criterion, 0.0, f"The output does not have the shape {wanted.shape}.")
    error = float(((found - wanted) ** 2).mean())
    share = 1.0 if error <= params.full else 0.5 if error <= params.half else 0.0
    reason = f"The mean squared error between the points is {error:.3f}."
    if share < 1:
        reason += f" Full points are for {params.full:g} or less."
    return graded(
        criterion, share, reason,
        asked=f"Your network was trained for {params.steps} steps on points of a curve and then "
        "predicted others in between.",
        next_step="" if share == 1 else "Does the loss that `train` returns fall to about zero?",
    )


FITS = Check("fits", Params, ask, judge)
