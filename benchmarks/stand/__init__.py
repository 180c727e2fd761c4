"""Roundsman's stand among the peers: the jobs that are measured, and settings that let workers know them."""
