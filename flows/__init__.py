"""What people start and watch: Prefect flows, each a readable list of stages."""
