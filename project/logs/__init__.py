"""What the processes write to stderr: one record, one line, whatever is in it, and no secrets. `config` puts it together."""
