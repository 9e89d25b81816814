"""What this server and this machine can do, measured: the bare loop, the server over HTTP, other servers beside it."""
