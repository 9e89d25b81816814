"""`make serve-torchserve MODELS=model_store/drawn PORT=8090`, then `python -m tests.torchserve.record 8090`."""

import json
import sys

from tests.torchserve.exchange import CASES, RECORDED, ask

if __name__ == "__main__":
    answers = {case.name: ask(int(sys.argv[1]), case) for case in CASES}
    for answer in (answers[name] for name in answers if "explanation" in name and answers[name]["status"] == 200):
        answer["body"] = {label: rows[:1] for label, rows in answer["body"].items()}  # one row shows the shape
    document = {"server": "TorchServe 0.12.0", "store": "model_store/drawn", "answers": answers}
    RECORDED.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{len(answers)} answers in {RECORDED}")
