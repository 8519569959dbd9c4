"""One module per check: `ask` says what the worker is to do, `judge` concludes from what it did."""
