import json
from pathlib import Path
from typing import Any

import pytest
from support.rendered import render


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a job; its tasks are rendered but those to `leave`, which None means for all."""

    def make(*prompts: Any, leave: Any = (), name: str = "job", **keys: Any) -> Path:
        told = [
            {"id": one, "prompt": f"a {one}"} if isinstance(one, str) else one for one in prompts
        ]
        job = {
            "model": "luma-txt-2-video",
            "credits": {"cost": 0.95},
            "output": {"dir": name, "name": "{{ id }}"},
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps({**job, **keys, "prompts": told}))
        if leave is not None:
            render(path, leave=leave)
        return path

    return make
