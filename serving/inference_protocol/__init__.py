"""Open Inference Protocol version 2 over HTTP, as Triton and KServe speak it, with binary tensors."""
