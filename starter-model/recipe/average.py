"""The average of two LoRA adapters as one adapter of both ranks together. Run: python average.py MODEL_DIR A B OUT_DIR

Two fine-tunes of one model from different examples err in different places; their average errs less often than either.
"""
import json
import pathlib
import sys

import torch
from peft import PeftModel
from transformers import LlamaForCausalLM


def main():
    """Read two adapters, write one in PEFT's form."""
    base, first, second, out = sys.argv[1:5]
    model = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(base, dtype=torch.float32), first, "first")
    model.load_adapter(second, "second")
    model.add_weighted_adapter(["first", "second"], [.5, .5], "average", combination_type="cat")
    model.save_pretrained(out, selected_adapters=["average"])
    # PEFT writes a named adapter into a folder of its own.
    made = pathlib.Path(out) / "average"
    for file in made.iterdir():
        file.rename(pathlib.Path(out) / file.name)
    made.rmdir()
    path = pathlib.Path(out) / "adapter_config.json"
    settings = json.loads(path.read_text()) | {"base_model_name_or_path": "llama-3.1-starter"}
    settings["target_modules"] = sorted(settings["target_modules"])
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
