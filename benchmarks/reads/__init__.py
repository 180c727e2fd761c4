"""The API's reads with a million runs in the table: `python -m benchmarks.reads`. See __main__.py."""
