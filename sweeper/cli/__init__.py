"""The command line: parses and prints; what is done stands in the other packages."""
