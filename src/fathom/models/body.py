"""A network for pictures that has learned before, with the normalisation that belongs to it."""

from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from fathom.base.errors import RecipeError
from fathom.base.files import write_atomically, write_sealed
from fathom.columns.image import FittedImage, Image
from fathom.columns.kind import Kind
from fathom.encoders.image import ImageEncoder
from fathom.models.network import Network
from fathom.models.picture_nets import PictureNetworkName, PictureShape
from fathom.models.preparation import Column, Preparation
from fathom.nets.convolution import PictureNet
from fathom.nets.foreign import ForeignShape

FACTS, WEIGHTS = "body.json", "body.safetensors"


@dataclass(frozen=True, eq=False)
class Body:
    """What a new network takes over.

    Attributes:
        origin: where it was learned, for people.
        pictures: the network for pictures, as a plan names it.
        shape: what it looks like; None = it has no choices.
        column: the pictures as they were then: size, mean and deviation go with the weights.
        weights: of the network, without encoder and head.
        told: what had to be supposed of it, in words.
    """

    origin: str
    pictures: PictureNetworkName
    shape: PictureShape | None
    column: FittedImage
    weights: dict[str, Tensor]
    told: str = ""

    @property
    def fingerprint(self) -> str:
        """Of the weights."""
        found = blake2b(digest_size=16)
        for name in sorted(self.weights):
            found.update(name.encode())
            found.update(self.weights[name].contiguous().numpy().tobytes())
        return found.hexdigest()

    @property
    def foreign(self) -> bool:
        """Whether it learned elsewhere, most likely on far more pictures."""
        return isinstance(self.shape, ForeignShape)

    def adopt(self, preparation: Preparation) -> Preparation:
        """A preparation whose pictures are read as this body learned to read them.

        One that learned elsewhere takes pictures of the size that was said, if one was.
        """
        inputs = tuple(self._adopted(column) for column in preparation.inputs)
        return replace(preparation, inputs=inputs)

    def _adopted(self, column: Column) -> Column:
        now, then = column.fitted, self.column
        if not isinstance(now, FittedImage):
            return column
        height, width = then.height, then.width
        if isinstance(self.shape, ForeignShape) and side_said(column.kind):
            _check_size(self.origin, self.shape.multiple, column.name)
            height, width = (_whole(side, self.shape.multiple) for side in (now.height, now.width))
        fitted = replace(
            now,
            height=height,
            width=width,
            channels=then.channels,
            mean=then.mean,
            standard_deviation=then.standard_deviation,
            texture=then.texture,
        )
        return replace(column, fitted=fitted)

    def check_said(self, name: str, kind: Image, size: tuple[int, int]) -> None:
        """What was said of the pictures of a column must be how this network reads them.

        Args:
            name: of the column.
            kind: with what was said.
            size: height and width that follow from that.

        Raises:
            RecipeError: colours were said where it reads grey, or grey where it reads colours, or
                a size that a run cannot change.
        """
        then = self.column
        other = kind.colour != "auto" and (kind.colour == "grey") != (then.channels == 1)
        if kind.side and not self.foreign:
            other |= size != (then.height, then.width)
        if other:
            reads = "grey" if then.channels == 1 else "in colour"
            raise RecipeError(
                "The network to start from reads pictures otherwise than was said.",
                where=f"the kind of '{name}'",
                expected=f"{then.height} × {then.width} pixels, {reads}, as {self.origin} does",
                got=f"image:{kind.side or kind.colour}",
                do=f"Say --kind {name}=image alone, or start from another network.",
            )

    def put_into(self, network: Network) -> None:
        """The weights into every encoder of pictures of a network built by `plan`."""
        for encoder in encoders_of(network).values():
            encoder.net.load_state_dict(self.weights)

    def write(self, folder: Path) -> None:
        """Into a folder of its own.

        Raises:
            StorageError: it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: tensor.contiguous() for name, tensor in self.weights.items()}
        write_atomically(folder / WEIGHTS, lambda aside: save_file(weights, aside))
        facts = {
            "origin": self.origin,
            "pictures": self.pictures,
            "picture_shape": None if self.shape is None else asdict(self.shape),
            "column": self.column.to_dict(),
        }
        write_sealed(folder / FACTS, facts)


def side_said(kind: Kind) -> int:
    """The side in pixels that was said for a column of pictures; 0 = none."""
    return kind.side if isinstance(kind, Image) else 0


def _check_size(origin: str, multiple: int, column: str) -> None:
    """Another size of pictures was said: the network must be able to see it.

    Raises:
        RecipeError: it knows one size only.
    """
    if not multiple:
        raise RecipeError(
            "This network sees pictures of one size only.",
            where=f"the kind of '{column}'",
            expected=f"no size beside a network such as that of {origin}",
            got="a size that was said",
            do=f"Leave the size out: --kind {column}=image.",
        )


def _whole(side: int, multiple: int) -> int:
    return max(1, round(side / multiple)) * multiple


def encoders_of(network: Network) -> dict[str, ImageEncoder]:
    """The dotted name of each encoder of pictures -> the encoder."""
    return {
        f"encoders.{name}": encoder
        for name, encoder in network.encoders.items()
        if isinstance(encoder, ImageEncoder)
    }


def layers_of(network: Network) -> dict[str, tuple[str, ...]]:
    """For each encoder of pictures, the dotted names of its layers, the first that sees first."""
    return {
        name: tuple(f"{name}.net.{layer}" for layer in encoder.net.layers)
        for name, encoder in encoders_of(network).items()
        if isinstance(encoder.net, PictureNet)
    }


def still(network: Network) -> None:
    """The bodies learn nothing more, and their norms stay as they are."""
    for encoder in encoders_of(network).values():
        encoder.net.requires_grad_(False)
        encoder.net.eval()
