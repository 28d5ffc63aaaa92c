"""Where a trained network for pictures may lie: a run, a folder of transformers, a name."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from fathom.base.errors import RunError, nearest
from fathom.base.files import read_sealed
from fathom.columns.image import FittedImage
from fathom.models.body import FACTS, WEIGHTS, Body, encoders_of
from fathom.models.foreign_folder import CONFIG, read_object
from fathom.models.foreign_folder import WEIGHTS as THEIR_WEIGHTS
from fathom.models.model import load_model
from fathom.models.picture_nets import stored_shape
from fathom.models.timm_folder import body_of_timm, is_of_timm
from fathom.models.transformers_folder import PROCESSOR, body_of_folder

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_RUN, _SAFE = "preparation.json", ".safetensors"


def read_body(place: str | Path) -> Body:
    """The network for pictures that lies at a place.

    Args:
        place: a run folder; a folder that `Body.write` wrote; one in the format of transformers
            or timm; the .safetensors file in one of them; or a name that these would download.

    Raises:
        RunError: there is nothing of the kind.
        MissingExtra: it needs transformers, which is not installed.
    """
    folder = _folder(Path(place))
    if (folder / FACTS).exists():
        return _kept(folder)
    if (folder / _RUN).exists():
        return _of_run(folder)
    if (folder / CONFIG).exists():
        return _of_elsewhere(folder, str(folder))
    here = folder.exists() or folder.parent.is_dir()
    named = not here and _NAME.fullmatch(str(place)) is not None
    if named and find_spec("huggingface_hub") is not None:
        return _of_elsewhere(_downloaded(str(place)), str(place))
    raise _nothing(folder, named)


def _of_elsewhere(folder: Path, origin: str) -> Body:
    facts = read_object(folder / CONFIG)
    reads = body_of_timm if is_of_timm(facts) else body_of_folder
    return reads(folder, origin, facts)


def _folder(place: Path) -> Path:
    """That of a file with weights; any other place as it is.

    Raises:
        RunError: it is a file of another kind.
    """
    if not place.is_file():
        return place
    if place.suffix == _SAFE:
        return place.parent
    raise RunError(
        "This file is no network to start from.",
        where=str(place),
        expected=f"a folder, or the {_SAFE} file in it; nothing else is read, "
        "as other files of weights could run any code",
        got=f"a file {place.name}",
        do="Name the run folder that `fathom train` wrote, such as runs/photos-001.",
    )


def _nothing(folder: Path, named: bool) -> RunError:
    do = "Name the run folder that `fathom train` wrote, such as runs/photos-001."
    beside = () if folder.exists() or named else _folders_in(folder.parent)
    do = nearest(folder.name, beside) or do
    if named:
        do += (
            " If it is the name of a network to be downloaded: "
            "pip install 'fathom-learn[transformers]'."
        )
    return RunError(
        "There is no trained network to start from.",
        where=str(folder),
        expected="the folder of a finished run on pictures",
        got=f"no {_RUN} in it, nor {CONFIG}" if folder.is_dir() else "no such folder",
        do=do,
    )


def _folders_in(folder: Path) -> list[str]:
    """The names of what a run may be; none where nobody may look."""
    try:
        return sorted(one.name for one in folder.iterdir() if one.is_dir())
    except OSError:
        return []


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
    facts = read_sealed(folder / FACTS)
    try:
        column, shape = FittedImage.from_dict(facts["column"]), stored_shape(facts)
        weights = load_file(folder / WEIGHTS)
        return Body(facts["origin"], facts["pictures"], shape, column, weights)
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        raise RunError(
            "The network to start from cannot be read.",
            where=str(folder),
            expected=f"{FACTS} and {WEIGHTS} that fit together",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            do="Restore the folder, or train from the run that it came from.",
        ) from error


def _downloaded(name: str) -> Path:
    """The folder of a network by its name, from the hub or from what was downloaded before.

    Raises:
        RunError: it could not be had.
    """
    wanted = (CONFIG, THEIR_WEIGHTS, PROCESSOR)
    hub: Any = import_module("huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=list(wanted)))
    except (OSError, ValueError) as error:  # all errors of the hub are one of these
        files = f"{CONFIG}, {THEIR_WEIGHTS} and (where there is one) {PROCESSOR}"
        raise RunError(
            f"There is no folder '{name}', and no network of that name could be downloaded.",
            where=f"{Path.cwd() / name}; downloads of before: {hub.constants.HF_HUB_CACHE}",
            expected=f"the repository '{name}' of the Hugging Face hub, with {files}",
            got=f"{type(error).__name__}: {' '.join(str(error).split()) or 'no more is told'}",
            do="Go online; or download these files on another machine, put them into a folder, "
            "and name that folder: --from FOLDER.",
        ) from error
