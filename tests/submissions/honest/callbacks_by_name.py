import csv
import json
import time


class Callback:
    def on_train_begin(self, trainer): pass
    def on_epoch_end(self, trainer): pass
    def on_train_end(self, trainer): pass


class CSVLogger(Callback):
    def __init__(self, path="log.csv"):
        self.path = path
        self.rows = []

    def on_epoch_end(self, trainer):
        self.rows.append({"epoch": trainer.epoch, "loss": trainer.loss, "time": time.time()})

    def on_train_end(self, trainer):
        with open(self.path, "w", newline="") as f:
            writer = csv.DictWriter(f, fieldnames=self.rows[0].keys())
            writer.writeheader()
            writer.writerows(self.rows)
        with open("log.json", "w") as f:
            json.dump(self.rows, f)


class EarlyStopping(Callback):
    def __init__(self, patience=5):
        self.patience, self.best, self.bad = patience, float("inf"), 0

    def on_epoch_end(self, trainer):
        self.bad = 0 if trainer.loss < self.best else self.bad + 1
        self.best = min(self.best, trainer.loss)
        trainer.stop = self.bad >= self.patience


class Trainer:
    def __init__(self, model, callbacks):
        self.model, self.callbacks = model, callbacks
        self.epoch, self.loss, self.stop = 0, 0.0, False

    def _call(self, event):
        for callback in self.callbacks:
            getattr(callback, f"on_{event}")(self)

    def fit(self, loader, epochs):
        self._call("train_begin")
        for self.epoch in range(epochs):
            self.loss = sum(self.model.step(b) for b in loader) / len(loader)
            self._call("epoch_end")
            if self.stop:
                break
        self._call("train_end")
