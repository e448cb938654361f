"""Machines to sweep on: what a cluster consists of, what is checked before it starts, what it costs and what is left.

Ray's own launcher and its job API do the work; this package describes the cluster to them.
"""
