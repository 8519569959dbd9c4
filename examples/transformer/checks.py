"""The checks of this homework: the network is causal, and it learns.

Each check has a probe, which runs beside the student's code, and two functions for the host.
"""

import numpy as np

from grader.checks.custom.api import Check, Model, NoParams, answer, graded, probe, tensor

LENGTH = 8
# Rounding of float32; a token that matters changes the logits by thousands of times as much.
STILL = 1e-4


# No token changes a prediction before it ---------------------------------------------------------


@probe
def change_a_token(student, tokens, changed, vocabulary):
    import torch

    torch.manual_seed(0)
    model = student.call("build_model", vocabulary, tokens.shape[1])
    if not isinstance(model, torch.nn.Module):
        student.wrong(f"build_model returned a {type(model).__name__}, not a torch.nn.Module")
    model.eval()
    with torch.no_grad():
        before, after = student.call(model, tokens), student.call(model, changed)
    wanted = (*tokens.shape, vocabulary)
    for logits in (before, after):
        if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != wanted:
            shape = tuple(getattr(logits, "shape", ()))
            student.wrong(f"the network returned {shape or type(logits)}; {wanted} was expected")
    return (after - before).abs().amax(dim=(0, 2))


def ask_causal(criterion, inputs, limits):
    random = inputs.draw("causal")
    vocabulary, at = int(random.integers(11, 30)), LENGTH // 2
    tokens = random.integers(vocabulary, size=(16, LENGTH))
    changed = tokens.copy()
    changed[:, at] = (changed[:, at] + 1) % vocabulary
    return [
        change_a_token.question(
            "causal", limits.seconds,
            tokens=tensor(tokens), changed=tensor(changed), vocabulary=vocabulary,
        )
    ]


def judge_causal(criterion, work, key):
    moved, at = answer(work, "causal"), LENGTH // 2
    asked = "Your network was given two inputs that differ in one token."
    if moved[:at].max() > STILL:
        first = int(np.argmax(moved > STILL))
        return graded(
            criterion, 0.0,
            f"A change of token {at + 1} changes the logits of position {first + 1}, which must "
            "not depend on it.",
            asked=asked,
            next_step="Set the scores of later positions to minus infinity before the softmax.",
        )
    if moved[at:].max() <= STILL:
        return graded(
            criterion, 0.0, f"A change of token {at + 1} changes no logits.", asked=asked,
            next_step="Does forward() use its input?",
        )
    return graded(criterion, 1.0, "A changed token changes no earlier position.", asked=asked)


# It learns ---------------------------------------------------------------------------------------


class Thresholds(Model):
    """The shares of right continuations for full and half points."""

    epochs: int = 12
    full: float = 0.98
    half: float = 0.92


@probe
def train_and_continue(student, sequences, beginnings, vocabulary, epochs):
    import torch

    torch.manual_seed(0)
    model = student.call("build_model", vocabulary, sequences.shape[1] - 1)
    losses = student.call("train", model, sequences, epochs)
    if not isinstance(losses, (list, tuple)) or len(losses) != epochs:
        student.wrong(f"train returned {str(losses)[:60]}; a list of {epochs} losses was expected")
    model.eval()
    with torch.no_grad():
        # Each beginning alone, so that the network cannot use later tokens.
        logits = [student.call(model, tokens)[:, -1] for tokens in beginnings]
    return {"losses": [float(loss) for loss in losses], "logits": torch.stack(logits)}


def drawn(inputs):
    """Sequences in which two tokens determine the next, by a rule that is drawn for each run."""
    random = inputs.draw("learns")
    vocabulary = 7
    a, b = random.integers(1, vocabulary, size=2)
    tokens = np.empty((1024 + 256, LENGTH + 1), dtype=np.int64)
    tokens[:, :2] = random.integers(vocabulary, size=(len(tokens), 2))
    for at in range(2, LENGTH + 1):
        tokens[:, at] = (a * tokens[:, at - 1] + b * tokens[:, at - 2]) % vocabulary
    return vocabulary, tokens[:1024], tokens[1024:]


def ask_learns(criterion, inputs, limits):
    vocabulary, sequences, hidden = drawn(inputs)
    beginnings = [tensor(hidden[:, :known]) for known in range(2, LENGTH + 1)]
    return [
        train_and_continue.question(
            "learns", limits.seconds * 3,
            sequences=tensor(sequences), beginnings=beginnings, vocabulary=vocabulary,
            epochs=criterion.params.epochs,
        )
    ]


def judge_learns(criterion, work, key):
    found, limits = answer(work, "learns"), criterion.params
    vocabulary, _, hidden = drawn(key.inputs)
    wanted = hidden[:, 2:].T   # (beginnings, sequences)
    if found["logits"].shape != (*wanted.shape, vocabulary):
        return graded(criterion, 0.0, f"The logits have the shape {found['logits'].shape}.")
    right = float((found["logits"].argmax(-1) == wanted).mean())
    share = 1.0 if right >= limits.full else 0.5 if right >= limits.half else 0.0
    reason = f"{right:.1%} of the continuations of hidden sequences are right."
    if share < 1:
        needed = f"{limits.full:.0%} earn all" if share else f"{limits.half:.0%} earn half"
        reason += f" {needed} of the points."
    return graded(
        criterion, share, reason,
        asked=f"Your network was trained for {limits.epochs} epochs on sequences with a rule and "
        "then continued others.",
        next_step="" if share == 1 else "Does the loss fall from epoch to epoch? It was "
        + ", ".join(f"{loss:.2f}" for loss in found["losses"]) + ".",
    )


CAUSAL = Check("causal", NoParams, ask_causal, judge_causal)
LEARNS = Check("learns", Thresholds, ask_learns, judge_learns)
