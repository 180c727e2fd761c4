"""What is read of billing's tables: one noun a file."""
