"""One file per family of formats; each turns a Source into what it Loaded. They run in the reading process only."""
