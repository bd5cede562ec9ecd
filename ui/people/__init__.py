"""The people page, and the page about oneself."""
