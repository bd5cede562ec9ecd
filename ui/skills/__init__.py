"""The page about skills, and the card of a call that waits for approval."""
