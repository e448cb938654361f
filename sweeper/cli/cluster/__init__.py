"""The commands for a cluster."""
