"""Long chats: what was said in a chat before what a turn looks at anyway, found again for its owner alone."""
