"""Figures that are ratios with: `make bench` prints them, docs/benchmarks.md keeps them."""
