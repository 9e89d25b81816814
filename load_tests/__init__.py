"""Load tests over HTTP: how much a server carries, and what happens beyond. Imports no other room."""
