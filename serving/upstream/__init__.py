"""For the day of moving: an old server answers, ours answers the same requests beside it, and both are compared."""
