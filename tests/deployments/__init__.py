"""The command line, and what a worker needs of the deployment."""
