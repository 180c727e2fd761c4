"""What changes billing's tables: one noun a file."""
