"""Forgetting: the source's own head on the adapted backbone."""

import numpy as np
import torch

from tests.unit.training.tiny import CLASSES, adapted, pixels, source
from training.forgetting import OldTask, old_top1, source_network

TASK = OldTask(pixels(40, 3), np.arange(40) % len(CLASSES))


def test_the_source_knows_what_it_knows() -> None:
    """Top-1 as by the plain network with its head."""
    given = source()
    assert given.head is not None
    weight, bias = given.head
    with torch.inference_mode():
        maps = source_network(given).eval().prefix(torch.from_numpy(TASK.pixels))
        expected = ((maps.mean((2, 3)) @ weight.T + bias).argmax(1).numpy() == TASK.targets).mean()
    assert expected == old_top1(source_network(source()), given.head, TASK)


def test_a_frozen_backbone_forgets_nothing() -> None:
    """Whatever the new head says, wherever the network is cut."""
    head = source().head
    assert head is not None
    scores = {old_top1(adapted(depth), head, TASK) for depth in range(6)}
    assert {old_top1(source_network(source()), head, TASK)} == scores


def test_a_ruined_stage_forgets() -> None:
    """With the last stage's weights gone, one class is answered for all."""
    head = source().head
    assert head is not None
    network = adapted(1)
    with torch.no_grad():
        for parameter in network.get_submodule("layer4").parameters():
            parameter.zero_()
    answer = int(head[1].argmax())
    assert (answer == TASK.targets).mean() == old_top1(network, head, TASK)
