"""The page about widgets: chats that other web sites embed."""
