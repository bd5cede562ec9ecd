"""Help for the people who use the pages: short texts that ship with them, and their search."""
