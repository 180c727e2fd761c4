"""What billing can be asked to do in the background."""
