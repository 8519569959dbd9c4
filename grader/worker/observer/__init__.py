"""Observes an unchanged training script: forward passes, modes, optimizers, batches and losses.

Modules here hook into torch and collect facts. They neither grade nor report: `probes` turns the
facts into answers. `observer.Observer` ties the hooks together.
"""
