"""Pretrained networks to start from, each as a `Source`: weights, stages, what it has seen, on what terms."""
