"""A network for pictures that has learned before, with the normalisation that belongs to it."""

from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fathom.base.errors import RunError
from fathom.base.files import read_sealed, write_atomically, write_sealed
from fathom.columns.image import FittedImage
from fathom.encoders.image import ImageEncoder
from fathom.models.assemble import NetworkPlan
from fathom.models.model import load_model
from fathom.models.network import Network
from fathom.models.picture_nets import PictureNetworkName, PictureShape, stored_shape
from fathom.models.preparation import Preparation
from fathom.nets.convolution import PictureNet

_FACTS, _WEIGHTS = "body.json", "body.safetensors"


@dataclass(frozen=True, eq=False)
class Body:
    """What a new network takes over.

    Attributes:
        origin: where it was learned, for people.
        pictures: the network for pictures, as a plan names it.
        shape: what it looks like; None = it has no choices.
        column: the pictures as they were then: size, mean and deviation go with the weights.
        weights: of the network, without encoder and head.
    """

    origin: str
    pictures: PictureNetworkName
    shape: PictureShape | None
    column: FittedImage
    weights: dict[str, Tensor]

    @property
    def fingerprint(self) -> str:
        """Of the weights."""
        found = blake2b(digest_size=16)
        for name in sorted(self.weights):
            found.update(name.encode())
            found.update(self.weights[name].contiguous().numpy().tobytes())
        return found.hexdigest()

    def adopt(self, preparation: Preparation) -> Preparation:
        """A preparation whose pictures are read as this body learned to read them."""
        then = self.column
        kept = {
            "height": then.height,
            "width": then.width,
            "channels": then.channels,
            "mean": then.mean,
            "standard_deviation": then.standard_deviation,
            "texture": then.texture,
        }
        inputs = tuple(
            replace(column, fitted=replace(column.fitted, **kept))
            if isinstance(column.fitted, FittedImage)
            else column
            for column in preparation.inputs
        )
        return replace(preparation, inputs=inputs)

    def plan(self, plan: NetworkPlan) -> NetworkPlan:
        """A plan whose network for pictures is this one."""
        return replace(plan, pictures=self.pictures, picture_shape=self.shape)

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
        write_atomically(folder / _WEIGHTS, lambda aside: save_file(weights, aside))
        facts = {
            "origin": self.origin,
            "pictures": self.pictures,
            "picture_shape": None if self.shape is None else asdict(self.shape),
            "column": self.column.to_dict(),
        }
        write_sealed(folder / _FACTS, facts)


def encoders_of(network: Network) -> dict[str, ImageEncoder]:
    """The dotted name of each encoder of pictures -> the encoder."""
    return {
        f"encoders.{name}": encoder
        for name, encoder in network.encoders.items()
        if isinstance(encoder, ImageEncoder)
    }


def read_body(place: str | Path) -> Body:
    """The network for pictures of a run, or one that was kept apart.

    Args:
        place: a run folder, or a folder that `Body.write` wrote.

    Raises:
        RunError: there is nothing of the kind.
    """
    folder = Path(place)
    if (folder / _FACTS).exists():
        return _kept(folder)
    if not (folder / "preparation.json").exists():
        raise RunError(
            "There is no trained network to start from.",
            where=str(folder),
            expected="the folder of a finished run on pictures",
            got="no preparation.json in it" if folder.is_dir() else "no such folder",
            do="Name the run folder that `fathom train` wrote, such as runs/photos-001.",
        )
    return _of_run(folder)


def _of_run(folder: Path) -> Body:
    model = load_model(folder)
    part = model.parts[0]
    columns = [column for column in part.preparation.inputs if column.kind.name == "image"]
    if not columns:
        raise RunError(
            "The run to start from has not seen any pictures.",
            where=str(folder),
            expected="a run with a column of pictures",
            got="inputs of other kinds only",
            do="Name a run that was trained on pictures.",
        )
    encoder = next(iter(encoders_of(part.network).values()))
    fitted = columns[0].fitted
    assert isinstance(fitted, FittedImage), "columns of pictures are fitted as such"
    weights = {name: tensor.detach().clone() for name, tensor in encoder.net.state_dict().items()}
    return Body(str(folder), model.plan.pictures, model.plan.picture_shape, fitted, weights)


def _kept(folder: Path) -> Body:
    facts = read_sealed(folder / _FACTS)
    try:
        column, shape = FittedImage.from_dict(facts["column"]), stored_shape(facts)
        weights = load_file(folder / _WEIGHTS)
        return Body(facts["origin"], facts["pictures"], shape, column, weights)
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        raise RunError(
            "The network to start from cannot be read.",
            where=str(folder),
            expected=f"{_FACTS} and {_WEIGHTS} that fit together",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            do="Restore the folder, or train from the run that it came from.",
        ) from error


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
