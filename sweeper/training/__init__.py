"""Training of one configuration: its data, the loop, evaluation and checkpoints."""
