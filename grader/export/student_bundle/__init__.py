"""What students get of a homework: a bundle, and nothing hidden in it."""
