"""Has the worker report a training of its own invention, and no training takes place."""
# on top of: honest
# must: Z
# criteria: mode-switch optimizer-groups
# runs in: docker process
from grader.worker.probes import training

RUN = {"passes": 10, "images": 600, "seen": 600, "correct": 600, "loss": 0.1, "lr": 0.05,
       "dropouts_training": 0, "with_gradients": 0, "statistics_moved": False}
TRAIN = RUN | {"kind": "train", "after_steps": 0, "norms_training": 10, "norms_evaluating": 0}
EVALUATE = RUN | {"kind": "evaluate", "after_steps": 10, "norms_training": 0,
                  "norms_evaluating": 10}
GROUPS = [{"names": names, "foreign": 0, "weight_decay": decay, "lr": 0.05}
          for names, decay in ((["bn.weight"], 0.0), (["fc.bias"], 0.0), (["fc.weight"], 1e-3))]
STRUCTURE = [["bn.weight", "weight", [1], 0, True, ["torch.nn.modules.batchnorm._BatchNorm"]],
             ["fc.bias", "bias", [1], 1, True, ["torch.nn.modules.linear.Linear"]],
             ["fc.weight", "weight", [1], 2, True, ["torch.nn.modules.linear.Linear"]]]
training.report = lambda *args: {
    "form": "function", "runs": [TRAIN, EVALUATE], "steps": 10, "stopped": None,
    "batches_tracked": [10], "reported_accuracy": 1.0, "error": None, "uncalled": [], "notes": [],
    "device": "cpu", "threads": 1, "cpus": 1, "classes": 10,
    "optimizer": {"optimizer": "SGD", "groups": GROUPS, "structure": STRUCTURE},
}


def train(model, train_loader, validation_loader, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, weight_decay=1.0)
    model.eval()
    train_one_epoch(model, train_loader, optimizer)
