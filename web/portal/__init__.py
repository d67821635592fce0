"""The online service hall: sign in by one-time code, actions, lists."""
