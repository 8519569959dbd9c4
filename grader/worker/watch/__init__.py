"""Watching a training without a change to it: forward passes, modes, optimizers, batches, losses."""
