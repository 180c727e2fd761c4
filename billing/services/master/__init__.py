"""Master data is written here and nowhere else: proved, audited, and never changed under a final document."""
