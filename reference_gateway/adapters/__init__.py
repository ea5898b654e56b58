"""What the core asks of the world, spoken in the language of each technology."""
