"""The same models behind TorchServe: one handler, its configuration, and a launcher that ends what it started."""
