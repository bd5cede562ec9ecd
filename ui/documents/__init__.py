"""The documents page: collections, what is in them, how far it has been read, and what search finds in it."""
