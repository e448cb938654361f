"""AWS: what a cluster has there besides its machines, what it costs, and what is left of it."""
