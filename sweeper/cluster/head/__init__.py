"""What runs on a cluster's head beside Ray: PostgreSQL and MLflow."""
