"""What an artifact promises: the only thing that trainer, servers and a third runtime share."""
