"""Kubernetes: sweeps as RayJobs."""
