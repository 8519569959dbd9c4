"""Watching a training without a change to it: passes, modes, optimizers, batches, losses."""
