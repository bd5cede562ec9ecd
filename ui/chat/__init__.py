"""The chat page: history in the sidebar, turns, the composer, and the pane that shows a source."""
