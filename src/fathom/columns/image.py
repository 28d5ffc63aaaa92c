"""Pictures, of any size and mode, as 8-bit pixels of one size."""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float, Int
from torch.nn.functional import adaptive_avg_pool2d

from fathom.base.tensors import Field, Stored
from fathom.columns.gallery import SMALL, Gallery, Shape, shared_gallery
from fathom.columns.kind import Anchor, FittedColumn, Kind, KindName, Repair, Stats, Values
from fathom.columns.likeness import FLAT, Likenesses, copies, near_pairs, variety
from fathom.columns.picture import Cell, Header, why_broken
from fathom.columns.prints import Print, by_threads, digests, headers, prints
from fathom.columns.texture import REACH, Moments, Texture

Colour = Literal["auto", "grey", "rgb"]
_SIDE = 128
_SAMPLE, _SAMPLE_BYTES = 2000, 16 << 20
# A network halves a picture several times; smaller ones are stretched to it.
_MULTIPLE = 8
_THUMBNAIL = 32


@dataclass(frozen=True, kw_only=True)
class Image(Kind):
    """A column of pictures: bytes of files, or their paths.

    Attributes:
        side: sides of the pixels that a network reads, about; 0 = as large as the pictures are,
            at most 128.
        colour: "grey" or "rgb"; "auto" = grey where no training picture has a colour.
    """

    side: int = 0
    colour: Colour = "auto"

    name: ClassVar[KindName] = "image"

    def parse(self, raw: pl.Series) -> Values:
        """Cells as they are; whether a file is a picture shows when it is decoded."""
        data = np.empty(len(raw), dtype=object)
        data[:] = raw.to_list()
        present = np.array([bool(cell) for cell in data], dtype=bool)
        data[~present] = b""
        return Values(data, present)

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> "ImageStats":
        used = values.present if weight is None else values.present & (weight > 0)
        cells = values.data[used].tolist()
        found = headers(cells)
        good = [cell for cell, header in zip(cells, found, strict=True) if not header.error]
        counted = Counter(found)
        shape = Shape(*_size(counted, self.side), 1 if self._grey(found) else 3)
        most = max(1, min(_SAMPLE, _SAMPLE_BYTES // shape.num_bytes))
        sample = good[:: max(1, -(-len(good) // most))]
        missing = int((~values.present).sum())
        return ImageStats(counted, num_missing=missing, moments=_moments(sample, shape))

    def freeze(self, stats: Stats) -> "FittedImage":
        assert isinstance(stats, ImageStats), "pictures are frozen from the statistics of pictures"
        grey = self._grey(list(stats.headers))
        height, width = _size(stats.headers, self.side)
        channels = 1 if grey else 3
        mean, texture = stats.moments.summary(channels)
        spread = np.sqrt(np.maximum(texture[range(channels), range(channels), REACH, REACH], 1.0))
        return FittedImage(
            height=height,
            width=width,
            channels=channels,
            mean=tuple((mean / 255).tolist()),
            standard_deviation=tuple((spread / 255).tolist()),
            texture=tuple(texture.ravel().round(3).tolist()),
            count=sum(n for header, n in stats.headers.items() if not header.error),
            num_missing=stats.num_missing,
        )

    def size(self, values: Values) -> tuple[int, int]:
        """Height and width of the pixels that a network would read, from the headers alone."""
        return _size(Counter(headers(values.data[values.present].tolist())), self.side)

    def _grey(self, found: list[Header]) -> bool:
        known = [header for header in found if not header.error]
        return self.colour == "grey" or (
            self.colour == "auto" and all(header.grey for header in known)
        )


@dataclass(frozen=True)
class ImageStats(Stats):
    """What one pass over pictures found.

    Attributes:
        headers: size, mode and format -> number of pictures.
        num_missing: rows without one.
        moments: of the pixels of a sample.
    """

    headers: Counter[Header]
    num_missing: int = 0
    moments: Moments = field(default_factory=Moments)

    def merge(self, other: Stats) -> "ImageStats":
        assert isinstance(other, ImageStats), "statistics of one kind are merged"
        return ImageStats(
            self.headers + other.headers,
            self.num_missing + other.num_missing,
            self.moments.merge(other.moments),
        )


@dataclass(frozen=True, kw_only=True)
class FittedImage(FittedColumn):
    """Pictures as the training rows showed them.

    Attributes:
        height, width, channels: of the pixels that a network reads.
        mean, standard_deviation: by channel, 0 to 1.
        texture: covariance of pixels, 0 to 255, by channel and displacement, row by row.
        count: pictures that can be read, as far as is known.
        num_missing: rows without one.
    """

    height: int
    width: int
    channels: int
    mean: tuple[float, ...]
    standard_deviation: tuple[float, ...]
    texture: tuple[float, ...]
    count: int
    num_missing: int

    kind: ClassVar[KindName] = "image"

    @property
    def unit_texture(self) -> Texture:
        """The texture of pixels that were brought to deviation 1."""
        spread = 255 * np.array(self.standard_deviation)
        reach = 2 * REACH + 1
        texture = np.array(self.texture).reshape(self.channels, self.channels, reach, reach)
        return texture / (spread[:, None] * spread)[..., None, None]

    @property
    def shape(self) -> Shape:
        """What the gallery of its pictures has in common."""
        return Shape(self.height, self.width, self.channels)

    def transform(self, values: Values, anchor: Anchor | None = None) -> Stored:
        """Pixels of 8 bits, ["batch", "channels", "height", "width"], fetched when asked for."""
        gallery = shared_gallery(self.shape)
        number = gallery.numbers(values.data.tolist())
        bad = np.concatenate(gallery.bad)[number] if len(number) else np.zeros(0, dtype=bool)
        mask = torch.from_numpy(values.present & ~bad)
        parts = [*map(torch.from_numpy, gallery.parts)]
        return Stored.of_needed(parts, torch.from_numpy(number), None if mask.all() else mask)

    def once_decoded(self, stored: Stored) -> "FittedImage":
        """The same, now that it is known which pictures of the training rows can be decoded.

        Args:
            stored: what `transform` made of them.
        """
        if stored.mask is None:
            return self
        there = int(stored.mask.sum())
        num_missing = len(stored.mask) - there
        return replace(self, count=min(self.count, there), num_missing=num_missing)

    def thumbnails(self, values: Values, side: int) -> Float[np.ndarray, "rows pixels"]:
        """Small grey versions as plain numbers, 0 to 255, NaN where there is no picture."""
        stored = self.transform(values)
        small = np.empty((len(values), side * side), dtype=np.float32)
        for first in range(0, len(values), 1024):
            some = slice(first, first + 1024)
            pooled = adaptive_avg_pool2d(stored.rows(some).data.float(), side)
            small[some] = pooled.mean(1).flatten(1).numpy()
        if stored.mask is not None:
            small[~stored.mask.numpy()] = np.nan
        return small

    def blank(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """Whole pictures that show one tone."""
        stored = self.transform(values)
        found = np.zeros(len(values), dtype=bool)
        for first in range(0, len(values), 1024):
            some = slice(first, first + 1024)
            pixels = stored.rows(some).data.float()
            found[some] = (pixels.std((2, 3)).amax(1) < FLAT).numpy()
        return found if stored.mask is None else found & stored.mask.numpy()

    def coloured(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """Pictures with colours, where the network reads grey ones."""
        found = np.zeros(len(values), dtype=bool)
        if self.channels > 1:
            return found
        said = headers(values.data.tolist())
        places = [n for n, header in enumerate(said) if not (header.error or header.grey)]
        found[places] = variety([values.data[n] for n in places], _THUMBNAIL)[:, 1] > FLAT
        return found

    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """Pixels as arrays [height, width, channels]; None where there is no picture."""
        pixels = field.data.permute(0, 2, 3, 1).numpy()
        present = torch.ones(len(field)).bool() if field.mask is None else field.mask
        return [one if there else None for one, there in zip(pixels, present, strict=True)]

    def strange(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """Pictures that cannot be read."""
        mask = self.transform(values).mask
        return np.zeros(len(values), bool) if mask is None else values.present & ~mask.numpy()

    def unfamiliar(self, values: Values) -> tuple[Repair, ...]:
        """How many pictures cannot be read."""
        bad = self.strange(values)
        what = "pictures that cannot be read"
        return (Repair(what, int(bad.sum())),) if bad.any() else ()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "FittedImage":
        facts = {name: value for name, value in content.items() if name != "kind"}
        for name in ("mean", "standard_deviation", "texture"):
            facts[name] = tuple(facts[name])
        return cls(**facts)


def named(values: Values) -> Values:
    """Pictures as words that say what is in their files: copies are the same word."""
    words = np.empty(len(values), dtype=object)
    words[:] = [name.hex() for name in digests(values.data.tolist())]
    return Values(words, values.present, values.repairs)


def named_if_readable(values: Values, part: str) -> Values:
    """The same, but what cannot be read is a word of its own, even where the files are equal.

    Nobody knows what was to be seen in it, so it is no copy of anything.

    Args:
        values: the pictures.
        part: what rows these are; unreadable pictures of other parts are other words.
    """
    cells = values.data.tolist()
    found = prints(cells)
    unreadable = _unreadable(cells, found)
    words = named(values).data
    for place, one in enumerate(found):
        if one.digest in unreadable:
            words[place] = f"{part} {place}"
    return Values(words, values.present, values.repairs)


def _unreadable(cells: list[Cell], found: list[Print]) -> set[bytes]:
    """Fingerprints of what is no picture by its header or, where there are several, its pixels."""
    count = Counter(one.digest for one in found)
    several = {one.digest: cell for one, cell in zip(found, cells, strict=True)
               if count[one.digest] > 1 and not one.header.error}  # fmt: skip
    whys = by_threads(why_broken, list(several.values()))
    broken = {digest for digest, why in zip(several, whys, strict=True) if why}
    return broken | {one.digest for one in found if one.header.error}


def same_shown(values: Values, *, search: bool = True) -> Int[np.ndarray, " rows"]:
    """A number for what each picture shows: copies and near copies have the same.

    Args:
        values: the pictures.
        search: whether near copies are searched, which decodes every picture.
    """
    cells = values.data[values.present].tolist()
    same_file = np.unique(np.array(digests(cells), dtype="S16"), return_inverse=True)[1]
    of_file = np.full(same_file.max(initial=-1) + 1, len(cells))
    np.minimum.at(of_file, same_file, np.arange(len(cells)))
    found = np.arange(len(values)) + len(cells)  # rows without a picture show nothing alike
    if not search:
        found[values.present] = of_file[same_file]
        return found
    known = Likenesses.of(cells)
    again = np.stack([of_file[same_file], np.arange(len(cells))], axis=1)
    found[values.present] = copies(known, np.concatenate([near_pairs(known), again]))
    return found


def _size(found: Counter[Header], side: int) -> tuple[int, int]:
    """Height and width that suit the pictures of the training rows."""
    sizes = Counter[tuple[int, int]]()
    for header, count in found.items():
        if not header.error:
            sizes[header.height, header.width] += count
    if not sizes:
        return side or SMALL, side or SMALL
    (height, width), most = sizes.most_common(1)[0]
    if not side and most == sizes.total() and max(height, width) <= SMALL:
        return max(height, _MULTIPLE), max(width, _MULTIPLE)
    counts = np.array(list(sizes.values()))
    heights, widths = np.repeat(np.array(list(sizes)), counts, axis=0).T
    ratio = float(np.median(heights / widths))
    usual = float(np.median(np.sqrt(heights * widths.astype(float))))
    usual = side or min(usual, _SIDE)
    return _rounded(usual * np.sqrt(ratio)), _rounded(usual / np.sqrt(ratio))


def _rounded(length: float) -> int:
    return max(_MULTIPLE, round(length / _MULTIPLE) * _MULTIPLE)


def _moments(cells: list[Any], shape: Shape) -> Moments:
    gallery = Gallery(shape)
    gallery.numbers(cells)
    return Moments.of(gallery.parts[0][~gallery.bad[0]]) if cells else Moments()
