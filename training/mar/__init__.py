"""TorchServe archives of others -> artifacts, without running what is in them."""
