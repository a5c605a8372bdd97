"""From what a student handed in to source text. Nothing here runs anything."""
