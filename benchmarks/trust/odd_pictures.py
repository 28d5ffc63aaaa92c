"""A folder with pictures of every awkward kind: is each said, and does the training go on?

    python -m benchmarks.trust.odd_pictures

120 plain pictures in two folders; among them three that cannot be read, two copies, one that is
turned by EXIF, one of 16 bits, one with alpha and one of a hundred megapixels.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.trust.commands import command
from benchmarks.trust.memory import watched

_ORIENTATION, _TURNED = 0x0112, 6


def main() -> None:
    """Make the folder, look, train, tell."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        _plain(folder)
        _odd(folder)
        told = subprocess.run(
            command("look", folder, "--json"), capture_output=True, text=True, check=True
        )
        for finding in json.loads(told.stdout)["findings"]:
            print(f"{finding['severity']:>6}  {finding['title']}  {finding['evidence'][:110]}")
        code, most, seconds = watched(
            command("train", folder, "--out", f"{place}/run", "--quiet", "--time", "20s")
        )
        score = json.loads((Path(place) / "run" / "score.json").read_text())
    print(f"exit code {code}, {seconds:.0f} s, anonymous memory at most {most:,.0f} MB")
    print(score["verdict"])


def _wave(number: int, side: int = 48) -> np.ndarray:
    """Stripes, upright or lying, under noise: [side, side, 3], 0 to 255."""
    rng = np.random.default_rng(number)
    along = np.mgrid[:side, :side][number % 2]
    wave = np.sin(along * 0.8 + rng.uniform(0, 6))[..., None]
    return (127 + 60 * wave + rng.normal(0, 30, (side, side, 3))).clip(0, 255)


def _plain(folder: Path) -> None:
    for number in range(120):
        path = folder / ("lying", "upright")[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_wave(number).astype(np.uint8)).save(path)


def _odd(folder: Path) -> None:
    lying, upright = folder / "lying", folder / "upright"
    whole = (lying / "000.png").read_bytes()
    (lying / "broken_cut.png").write_bytes(whole[: len(whole) // 2])
    (lying / "broken_empty.png").write_bytes(b"")
    (upright / "broken_text.jpg").write_text("no picture at all")
    for number in (2, 4):
        (lying / f"copy_{number}.png").write_bytes((lying / f"{number:03d}.png").read_bytes())
    exif = Image.Exif()
    exif[_ORIENTATION] = _TURNED
    Image.fromarray(_wave(1001).astype(np.uint8)).save(upright / "turned.jpg", exif=exif)
    grey = (_wave(1002)[..., 0] * 257).astype(np.uint16)
    Image.fromarray(grey).save(lying / "sixteen_bits.png")
    alpha = np.dstack([_wave(1003), np.full((48, 48), 200.0)]).astype(np.uint8)
    Image.fromarray(alpha).save(upright / "alpha.png")
    Image.fromarray(np.zeros((10_000, 10_000, 3), dtype=np.uint8)).save(lying / "huge.jpg")


if __name__ == "__main__":
    main()
