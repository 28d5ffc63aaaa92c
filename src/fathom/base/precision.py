"""In which precision this machine multiplies quickly."""

from typing import Literal

import torch

Precision = Literal["fp32", "bf16"]


def best_precision(device: torch.device) -> tuple[Precision, str]:
    """bf16 where the hardware multiplies matrices in it, and the reason.

    Example:
        >>> best_precision(torch.device("cpu"))[0] in ("fp32", "bf16")
        True
    """
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported():
            return "bf16", "this GPU multiplies bf16 matrices in hardware"
        return "fp32", "this GPU has no bf16 units"
    if device.type == "cpu" and _cpu_multiplies_bf16():
        return "bf16", "this processor multiplies bf16 matrices in hardware"
    return "fp32", "this processor has no bf16 matrix units"


def _cpu_multiplies_bf16() -> bool:
    return "avx512_bf16" in torch.backends.cpu.get_cpu_capability().lower() or bool(
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
