"""What runs on every spot machine beside Ray: the watch for AWS's notice."""
