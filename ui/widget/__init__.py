"""The chat for other people's web sites: one script without dependencies, served by the API."""
