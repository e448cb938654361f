"""Distributed hyperparameter sweeps over generative models: from one YAML file to a verdict."""
