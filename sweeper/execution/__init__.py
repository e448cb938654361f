"""Running a sweep: the only package that imports Ray."""
