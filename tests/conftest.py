"""Fixtures that every test may use."""

import importlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings

# No test may fail for being slow: machines differ, and some have other work.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("patient")

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One thread, and a ledger of looks of our own."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FATHOM_STATE", str(tmp_path_factory.mktemp("state")))
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; the test is skipped where there is none."""
    folder = Path(os.environ.get("FATHOM_DATA", _BESIDE))
    if not folder.is_dir():
        pytest.skip("no real data: set FATHOM_DATA to a folder that holds them")
    return folder


def pytest_configure() -> None:
    """A job in the background is told to ignore Ctrl-C, and so would what is tested with it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_TOKENS = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
_STAGES = {"hidden_sizes": [8, 12, 16, 20], "depths": [1, 1, 2, 1]}
# Type -> its name in the classes, the sizes.
TINY: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet": ("ResNet", {**_STAGES, "embedding_size": 8, "layer_type": "basic"}),
    "convnext": ("ConvNext", _STAGES),
    "convnextv2": ("ConvNextV2", _STAGES),
    "vit": ("ViT", {**_TOKENS, "intermediate_size": 24}),
    "dinov2": ("Dinov2", _TOKENS),
    "dinov2_with_registers": ("Dinov2WithRegisters", {**_TOKENS, "num_register_tokens": 3}),
}
PROCESSOR = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}


@pytest.fixture(scope="session")
def tiny_body() -> Callable[..., Any]:
    """`saved_body`; the test is skipped where transformers is not installed."""
    pytest.importorskip(
        "transformers", reason="transformers is not installed: it comes with the extra [all]"
    )
    return saved_body


def saved_body(model_type: str, folder: Path, *, head: bool = False, **sizes: Any) -> Any:
    """A tiny network of transformers with random weights, saved with its processor's file.

    Args:
        model_type: a word of `TINY`.
        folder: where to.
        head: whether it classifies pictures, as most that are published do.
        sizes: others than those of `TINY`.
    """
    transformers = importlib.import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    name, usual = TINY[model_type]
    config = getattr(transformers, f"{name}Config")(**{**usual, **sizes})
    torch.manual_seed(0)
    model = getattr(transformers, f"{name}{'ForImageClassification' if head else 'Model'}")(config)
    with torch.no_grad():
        for parameter in model.parameters():  # some begin at nought, and would hide a mistake
            parameter.add_(0.05 * torch.randn_like(parameter))
    model.eval().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return model
