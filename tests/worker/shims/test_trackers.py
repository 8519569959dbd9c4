"""A tracker that is not installed takes whatever a script gives it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tests.worker.shimmed_script import run

SCRIPT = """
    import argparse
    import wandb
    from wandb.sdk import wandb_run
    args = argparse.Namespace(lr=0.1, epochs=3)
    with wandb.init(project="hw2", config=args) as run:
        assert wandb.config.lr == run.config["lr"] == 0.1
        wandb.config.update({"batch": 64}, allow_val_change=True)
        assert wandb.config.batch == 64 and dict(wandb.config)["epochs"] == 3
        wandb.watch(object(), log="all")
        wandb.log({"loss": 1.0, "image": wandb.Image([0], caption="x")}, step=3)
        run.summary["best"] = 0.9
        table = wandb.Table(columns=["a"])
        table.add_data(1)
        artifact = wandb.Artifact("model", type="model")
        artifact.add_file("x.pt")
        run.log_artifact(artifact)
    wandb.finish()
    ran = []
    wandb.agent(wandb.sweep({"parameters": {"lr": {"values": [0.3, 0.1]}, "k": {"value": 2}}}),
                function=lambda: ran.append((wandb.config.lr, wandb.config.k)), count=5)
    assert ran == [(0.3, 2)]

    import mlflow
    import mlflow.pytorch
    mlflow.set_experiment("hw2")
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_params({"lr": 0.1})
        mlflow.log_metric("loss", 1.0, step=1)
        mlflow.pytorch.log_model(object(), "model")
        print(f"run {run.info.run_id}")

    from tensorboardX import SummaryWriter
    class Writer(SummaryWriter):
        def both(self, value):
            self.add_scalar("loss", value, 0)
            self.add_scalars("both", {"a": value}, 0)
    with Writer("runs") as writer:
        writer.both(1.0)
    from comet_ml import Experiment
    experiment = Experiment(api_key="none", project_name="hw2")
    with experiment.train():
        experiment.log_metric("loss", 1.0)
    import neptune.new as neptune
    neptune.init_run(project="x")["train/loss"].append(1.0)
    from clearml import Task
    settings = Task.init(project_name="hw2").connect({"lr": 0.1})
    assert settings == {"lr": 0.1}

    @mlflow.trace
    def double(value):
        return 2 * value
    assert double(2) == 4
    try:
        import no_tracker_of_this_name
    except ModuleNotFoundError:
        print("other modules are missing as ever")
"""
NAMES = ("wandb", "mlflow", "tensorboardX", "comet_ml", "neptune", "clearml")


def test_missing_trackers_accept_everything_and_keep_settings(tmp_path: Path) -> None:
    there = [name for name in NAMES if find_spec(name)]
    assert not there, f"{there} are installed here, so their stand-ins are not tested"
    out = run(tmp_path, SCRIPT, view=False).out
    assert out == "run offline\nother modules are missing as ever\n"


def test_a_tracker_of_the_students_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "wandb.py").write_text("log = dict\n", encoding="utf-8")
    code = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import wandb
        assert wandb.log(loss=1) == {{"loss": 1}}
    """
    assert run(tmp_path, code, view=False).notes == []
