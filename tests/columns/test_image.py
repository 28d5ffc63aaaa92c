"""The kind image: recognised, fitted to training pictures, pixels there and back."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image as Pillow

from fathom.columns.catalogue import fitted_from_dict
from fathom.columns.image import FittedImage, Image
from fathom.columns.recognise import recognise

RNG = np.random.default_rng(8)


def picture(height: int = 11, width: int = 13, mode: str = "RGB") -> bytes:
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    stream = io.BytesIO()
    Pillow.fromarray(RNG.integers(0, 255, shape, dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def fitted(cells: list[bytes | None], **options: object) -> FittedImage:
    kind = Image(**options)  # pyright: ignore[reportArgumentType]
    found = kind.freeze(kind.summarise(kind.parse(pl.Series(cells, dtype=pl.Binary))))
    assert isinstance(found, FittedImage)
    return found


def test_bytes_and_paths_that_exist_are_recognised(tmp_path: Path) -> None:
    cells = [picture() for _ in range(12)]
    names = []
    for number, cell in enumerate(cells):
        (tmp_path / f"{number}.PNG").write_bytes(cell)
        names.append(str(tmp_path / f"{number}.PNG"))
    assert recognise(pl.Series(cells), name="x").kind.name == "image"
    assert recognise(pl.Series(names), name="x").kind.name == "image"
    absent = recognise(pl.Series([f"{n}.png" for n in range(12)]), name="x")
    assert absent.kind.name != "image", "a table that only tells what pictures were called"


def test_small_pictures_of_one_size_stay_as_they_are() -> None:
    cells = [picture() for _ in range(6)]
    found = fitted(cells)
    assert (found.height, found.width, found.channels, found.count) == (11, 13, 3, 6)
    values = Image().parse(pl.Series(cells))
    field = found.transform(values).rows(slice(None))
    assert (field.data.dtype, field.data.shape, field.mask) == (torch.uint8, (6, 3, 11, 13), None)
    decoded = found.decode(field)
    exact = [np.asarray(Pillow.open(io.BytesIO(cell))) for cell in cells]
    assert all((one == two).all() for one, two in zip(decoded, exact, strict=True))


def test_grey_ones_have_one_channel_unless_one_has_colour() -> None:
    grey = [picture(mode="L") for _ in range(5)]
    assert fitted(grey).channels == 1
    assert fitted([*grey, picture()]).channels == 3
    assert fitted([*grey, picture()], colour="grey").channels == 1


def test_other_sizes_follow_the_usual_form_and_area() -> None:
    found = fitted([picture(200, 300) for _ in range(5)])
    assert (found.height, found.width) == (104, 160)
    assert found.height * found.width == pytest.approx(128**2, rel=0.1)
    assert fitted([picture(200, 200) for _ in range(3)], side=48).width == 48


def test_mean_and_spread_are_those_of_the_pixels() -> None:
    cells = [picture(32, 32) for _ in range(7)]
    pixels = np.stack([np.asarray(Pillow.open(io.BytesIO(cell))) for cell in cells]) / 255
    found = fitted(cells)
    assert found.mean == pytest.approx(pixels.mean((0, 1, 2)))
    assert found.standard_deviation == pytest.approx(pixels.std((0, 1, 2)))


def test_statistics_of_parts_merge_into_those_of_the_whole() -> None:
    cells = [picture(32, 32) for _ in range(9)]
    kind = Image()
    parts = [kind.summarise(kind.parse(pl.Series(part))) for part in (cells[:4], cells[4:])]
    whole = kind.freeze(kind.summarise(kind.parse(pl.Series(cells))))
    merged = kind.freeze(parts[0].merge(parts[1]))
    assert isinstance(whole, FittedImage)
    assert isinstance(merged, FittedImage)
    assert merged.mean == pytest.approx(whole.mean)
    assert (merged.height, merged.count) == (whole.height, whole.count)


def test_missing_and_broken_pictures_are_masked_and_told() -> None:
    cells = [picture(), None, b"rubbish", picture(), b""]
    kind = Image()
    values = kind.parse(pl.Series(cells, dtype=pl.Binary))
    assert values.present.tolist() == [True, False, True, True, False]
    found = fitted(cells)
    assert (found.count, found.num_missing) == (2, 2)
    field = found.transform(values).rows(slice(None))
    assert field.mask is not None
    assert field.mask.tolist() == [True, False, False, True, False]
    assert found.strange(values).tolist() == [False, False, True, False, False]
    assert [repair.count for repair in found.unfamiliar(values)] == [1]
    assert [one is None for one in found.decode(field)] == [False, True, True, False, True]


def test_there_and_back_through_json() -> None:
    found = fitted([picture() for _ in range(3)])
    assert fitted_from_dict(found.to_dict()) == found
