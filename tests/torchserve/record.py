"""`make serve-torchserve MODELS=model_store/drawn PORT=8090`, then `python -m tests.torchserve.record 8090`."""

import json
import sys

from tests.torchserve.exchange import CASES, RECORDED, ask

if __name__ == "__main__":
    answers = {case.name: ask(int(sys.argv[1]), case) for case in CASES}
    for answer in answers.values():  # 14 numbers of a map show its shape as well as 245
        if "activation_map" in answer["body"]:
            answer["body"]["activation_map"] = {k: v[:1] for k, v in answer["body"]["activation_map"].items()}
    document = {"server": "TorchServe 0.12.0", "store": "model_store/drawn", "answers": answers}
    RECORDED.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{len(answers)} answers in {RECORDED}")
