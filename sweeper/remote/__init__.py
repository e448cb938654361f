"""A home in an object store: what is there, and the copies of it that are worked on."""
