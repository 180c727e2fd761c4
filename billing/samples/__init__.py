"""A hauler made up: the same for the same seed, month and size. Pure; rows as they are imported."""
