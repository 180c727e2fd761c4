"""What the peers' tables do not hold: memory over many jobs, cost at depth, Redis's share, fairness, the API under load.

Each is a test like those of benchmarks.peers: given the bench, a configuration and a Redis, it returns one row.
"""
