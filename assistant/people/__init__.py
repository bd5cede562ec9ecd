"""Who there is: users, groups, passwords, sessions, API keys. Everything here is SQL and synchronous."""
