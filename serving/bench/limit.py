"""`python -m serving limit`: what decoding and inference alone reach here, in each arrangement worth trying."""

from pathlib import Path

from serving.bench.bare import Arrangement, chosen_work, cost_ms, photographs_per_s
from serving.bench.machine import facts
from serving.bench.rounds import spread
from serving.cores import granted_cores
from serving.settings import Settings

BATCHES = (1, 4, 8)


def limit(settings: Settings, model_name: str | None, photographs: list[Path], seconds: float, rounds: int) -> int:
    """Print the cost of each step on one core and the rate of each arrangement; returns the exit code."""
    work = chosen_work(settings, model_name, photographs)
    for name, value in facts().items():
        print(f"{name}: {value}")
    print(f"model: {'/'.join(work.folder.parts[-2:])}")
    for batch in BATCHES:
        decode_ms, infer_ms = cost_ms(work, batch)
        print(f"one core, batches of {batch}: decode {decode_ms:.2f} ms, infer {infer_ms:.2f} ms each", flush=True)
    arrangements = arrangements_for(granted_cores())
    rates: dict[Arrangement, list[float]] = {arrangement: [] for arrangement in arrangements}
    for _ in range(rounds):  # one after the other in each round: what disturbs the machine disturbs all
        for arrangement in arrangements:
            rates[arrangement].append(photographs_per_s(work, arrangement, seconds))
    for arrangement, values in sorted(rates.items(), key=lambda item: -max(item[1])):
        print(f"processes x threads {arrangement!s:18} {spread(values, 1)} photographs a second")
    return 0


def arrangements_for(cores: int) -> list[Arrangement]:
    """A process for each core, and as many threads in one process, at each batch size."""
    several = [Arrangement(cores, 1, batch) for batch in BATCHES] if cores > 1 else []
    return [*several, *(Arrangement(1, cores, batch) for batch in BATCHES)]
