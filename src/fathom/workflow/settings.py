"""Every setting of a recipe: its key, its type, what it does. The one list, for people too."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fathom.base.errors import RecipeError, listed, nearest

Choices = tuple[str, ...]
_MOST_BITS = 63


@dataclass(frozen=True)
class Setting:
    """One line of a recipe.

    Attributes:
        key: dotted, as in the TOML file.
        types: the Python types that a value may have.
        explanation: what it does, for a newcomer.
        choices: the words it may be; empty = any value of its type.
        meant: what others call such a thing -> the choice that comes nearest.
        least: of numbers, the smallest that makes sense.
        most: of numbers, the largest.
    """

    key: str
    types: tuple[type, ...]
    explanation: str
    choices: Choices = ()
    least: float = -math.inf
    most: float = math.inf
    meant: Mapping[str, str] = field(default_factory=dict[str, str])

    def check(self, value: Any) -> Any:
        """The value in its own type.

        Raises:
            RecipeError: wrong type or unknown word.
        """
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise self._out_of_range(f"a number of {value.bit_length():,} bits")
        if float in self.types and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        fits = isinstance(value, self.types) and (not isinstance(value, bool) or bool in self.types)
        if not fits:
            raise RecipeError(
                f"The setting '{self.key}' has a value of the wrong type.",
                where=self.key,
                expected=" or ".join(_WORDS[kind] for kind in self.types),
                got=repr(value),
                do=self._advice(),
            )
        if self.choices and isinstance(value, str) and value not in self.choices:
            switches = ("true", "false") if bool in self.types else ()
            raise RecipeError(
                f"The setting '{self.key}' cannot be '{value}'.",
                where=self.key,
                expected=listed([*self.choices, *switches], most=20),
                got=f"'{value}'",
                do=self._nearest(value) or "Choose one of these.",
            )
        self._check_range(value)
        return value

    def _nearest(self, word: str) -> str:
        known = next((name for name in self.meant if word.lower().startswith(name)), None)
        chosen = (
            self.meant[known] if known else word.lower() if word.lower() in self.choices else ""
        )
        return f"Did you mean '{chosen}'?" if chosen else nearest(word.lower(), self.choices)

    def _check_range(self, value: Any) -> None:
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if not numeric or (math.isfinite(value) and self.least <= value <= self.most):
            return
        raise self._out_of_range(str(value))

    def _out_of_range(self, got: str) -> RecipeError:
        lower = "" if self.least == -math.inf else f" from {self.least:g}"
        upper = "" if self.most == math.inf else f" up to {self.most:g}"
        return RecipeError(
            f"The setting '{self.key}' is out of its range.",
            where=self.key,
            expected=f"a number{lower}{upper}",
            got=got,
            do=self._advice(),
        )

    def _advice(self) -> str:
        return f"Choose another value, or leave it out. Meaning: {self.explanation}"


_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
}
_TEXT, _WHOLE, _NUMBER, _SWITCH = (str,), (int,), (float,), (bool,)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "size",
        _TEXT,
        "The one dial: how much computing the model may cost.",
        ("small", "medium", "large"),
    ),
    Setting("data", _TEXT, "The file with the rows to learn from."),
    Setting("target", (str, list), "The column to be learned, or several."),
    Setting("test", _TEXT, "A file with rows to be tested on; without it some rows are held out."),
    Setting("validation", _TEXT, "A file with rows to choose on; without it rows are held out."),
    Setting("names", (str, list), "Column names for a file without a header, or a .names file."),
    Setting("delimiter", _TEXT, "What stands between cells; found by itself if not said."),
    Setting("encoding", _TEXT, "The encoding of a text file; found by itself if not said."),
    Setting("weight", _TEXT, "A column that says how much each row counts."),
    Setting("group", _TEXT, "Rows with the same value in this column stay in one split."),
    Setting("time_column", _TEXT, "When each row happened; the latest rows are tested."),
    Setting("seed", _WHOLE, "Where all randomness starts."),
    Setting(
        "time", _NUMBER, "Seconds that training may take; sets the number of steps.", least=0.001
    ),
    Setting("look", _SWITCH, "Look for faults in the rows before anything is learned."),
    Setting("report", _SWITCH, "Write report.html."),
    Setting(
        "split.method",
        _TEXT,
        "How rows are held out; whatever it is, nothing looks at the targets of test rows.",
        ("random", "stratified", "grouped", "time"),
    ),
    Setting(
        "split.test_share", _NUMBER, "Share of the rows held out for the test.", least=0, most=0.95
    ),
    Setting(
        "split.validation_share",
        _NUMBER,
        "Share of the other rows held out for choosing.",
        least=0.001,
        most=0.95,
    ),
    Setting(
        "split.folds",
        _WHOLE,
        "Train so many models, each validated on another part; 0 = one.",
        least=0,
        most=1000,
    ),
    Setting(
        "prepare.scaling",
        _TEXT,
        "How numbers are scaled.",
        ("standard", "min_max", "robust", "quantile", "none"),
    ),
    Setting(
        "prepare.clip", _NUMBER, "Numbers beyond so many units are pulled in; 0 = never.", least=0
    ),
    Setting(
        "prepare.impute", _TEXT, "What stands in for a missing number.", ("mean", "median", "zero")
    ),
    Setting("prepare.log", _SWITCH, "Take the logarithm of numbers before scaling."),
    Setting(
        "prepare.min_count", _WHOLE, "Categories rarer than this are treated as unseen.", least=1
    ),
    Setting(
        "prepare.num_bins", _WHOLE, "Bins in which the network sees a number.", least=2, most=1000
    ),
    Setting(
        "prepare.least_repeats",
        _WHOLE,
        "Columns whose values repeat so often get a vector for each value; 0 = never.",
    ),
    Setting(
        "prepare.num_pairs",
        _WHOLE,
        "At most so many pairs of numbers get turned axes.",
        least=0,
        most=1000,
    ),
    Setting(
        "prepare.num_angles", _WHOLE, "Turned axes of a pair, in a half-turn.", least=1, most=1000
    ),
    Setting("prepare.drop_leaks", _SWITCH, "Leave out columns that give the target away."),
    Setting("network.name", _TEXT, "Which network.", ("ensemble", "mlp", "linear")),
    Setting("network.both_sides", _SWITCH, "Answer from a picture and its mirror image."),
    Setting(
        "network.nudged", _SWITCH, "Answer from a picture and from it moved by a pixel, twice."
    ),
    Setting(
        "network.pictures",
        _TEXT,
        "Which network for pictures.",
        ("residual", "quick", "convnext", "vit", "lenet", "flat", "pretrained", "timm"),
        meant={"resnet": "residual", "cnn": "residual", "transformer": "vit", "mlp": "flat"},
    ),
    Setting(
        "network.channels",
        (int, list),
        "Channels of the first stage for pictures; the next have twice and four times as many "
        "(quick: both four times), and a patch of vit four times as many. Or of every stage, as "
        "in [64, 256, 256].",
        least=4,
        most=4096,
    ),
    Setting("network.members", _WHOLE, "Networks in the ensemble.", least=1, most=1000),
    Setting("network.width", _WHOLE, "Units in a hidden layer.", least=1),
    Setting("network.depth", _WHOLE, "Hidden layers.", least=0, most=1000),
    Setting("network.activation", _TEXT, "The bend after a layer, such as relu, gelu, silu."),
    Setting("network.norm", _TEXT, "Normalisation in hidden layers: none, batch, layer, rms."),
    Setting(
        "network.dropout",
        _NUMBER,
        "Share of units silenced in each training step.",
        least=0,
        most=0.99,
    ),
    Setting("network.initialisation", _TEXT, "How the first weights are drawn."),
    Setting(
        "network.number_dim", _WHOLE, "Length of a number's vector; 0 = the plain number.", least=0
    ),
    Setting("network.category_dim", _WHOLE, "Length of a category's vector.", least=1),
    Setting(
        "transfer.from",
        _TEXT,
        "The run, or the network of transformers, whose network for pictures is started from.",
    ),
    Setting(
        "transfer.learn",
        _TEXT,
        "What of it goes on learning: all, one layer after another, or the new head alone.",
        ("all", "gradual", "head"),
    ),
    Setting(
        "transfer.layer_rate",
        _NUMBER,
        "Each layer's rate is that of the layer behind it times this.",
        least=0.01,
        most=1,
    ),
    Setting("transfer.compare", _SWITCH, "Train the same from scratch, as a baseline."),
    Setting(
        "augment.flip",
        (bool, str),
        "Mirror pictures left to right, alternating from epoch to epoch or at random; true = "
        "alternating.",
        ("alternating", "random"),
    ),
    Setting("augment.shift", _WHOLE, "Move pictures by up to so many pixels.", least=0, most=1000),
    Setting(
        "augment.cutout",
        _WHOLE,
        "Empty a square with sides of so many pixels.",
        least=0,
        most=1000,
    ),
    Setting(
        "augment.rotate", _NUMBER, "Turn pictures by up to so many degrees.", least=0, most=180
    ),
    Setting(
        "augment.scale", _NUMBER, "Zoom pictures in or out by up to this share.", least=0, most=1
    ),
    Setting(
        "augment.crop",
        _NUMBER,
        "Fill pictures with a part of at least this share of their area; 1 = all of it.",
        least=0.01,
        most=1,
    ),
    Setting(
        "augment.colour",
        _NUMBER,
        "Change brightness, contrast and saturation by up to this share.",
        least=0,
        most=1,
    ),
    Setting("augment.blur", _NUMBER, "How likely a picture is out of focus.", least=0, most=1),
    Setting(
        "augment.mixup",
        _NUMBER,
        "Blend each picture with another, and what is learned of both, by a share from "
        "Beta(alpha, alpha); 0 = never.",
        least=0,
        most=100,
    ),
    Setting(
        "augment.cutmix",
        _NUMBER,
        "Put a part of another into each picture, by a share from Beta(alpha, alpha); 0 = never.",
        least=0,
        most=100,
    ),
    Setting(
        "loss.number",
        _TEXT,
        "What is descended for numbers.",
        ("mean_squared_error", "mean_absolute_error", "huber", "quantile"),
    ),
    Setting("loss.category", _TEXT, "What is descended for words.", ("cross_entropy", "focal")),
    Setting(
        "loss.label_smoothing",
        _NUMBER,
        "Share of the truth spread over all classes.",
        least=0,
        most=0.99,
    ),
    Setting("loss.class_weight", _TEXT, "Whether rare classes count more.", ("none", "balanced")),
    Setting("loss.l1", _NUMBER, "Pull of the L1 penalty; drives useless weights to zero.", least=0),
    Setting("training.optimizer", _TEXT, "How a gradient becomes a step, such as adamw, muon."),
    Setting("training.learning_rate", _NUMBER, "Length of a step.", least=1e-12, most=1e6),
    Setting("training.weight_decay", _NUMBER, "Pull of weights towards zero (L2).", least=0),
    Setting(
        "training.momentum", _NUMBER, "Share of the past steps that is kept.", least=0, most=0.9999
    ),
    Setting(
        "training.hold_norm",
        _SWITCH,
        "Convolutions keep the length of their filters under muon, and turn by ten times the rate.",
    ),
    Setting(
        "training.epochs",
        _NUMBER,
        "How often each row is seen at most.",
        least=0.0001,
        most=1e6,
    ),
    Setting(
        "training.patience", _WHOLE, "Checks without progress until stopping; 0 = never.", least=0
    ),
    Setting(
        "training.checks", _WHOLE, "How often the validation rows are looked at, in all.", least=1
    ),
    Setting("training.batch_size", _WHOLE, "Rows in a step.", least=1),
    Setting(
        "training.accumulate", _WHOLE, "Pieces in which a batch is taken, to save memory.", least=1
    ),
    Setting("training.schedule", _TEXT, "How the learning rate moves, such as cosine, linear."),
    Setting(
        "training.warmup_share",
        _NUMBER,
        "Share of the steps in which the rate climbs.",
        least=0,
        most=1,
    ),
    Setting("training.clip_norm", _NUMBER, "Longest gradient allowed; 0 = any.", least=0),
    Setting(
        "training.averaging",
        _TEXT,
        "Average of the weights over the steps.",
        ("none", "ema", "tail"),
    ),
    Setting(
        "training.sampling",
        _TEXT,
        "Whether rare classes are drawn more often.",
        ("plain", "balanced"),
    ),
    Setting("training.precision", _TEXT, "What matrix products are computed in.", ("fp32", "bf16")),
    Setting(
        "training.memory_format",
        _TEXT,
        "Which axis of pictures lies innermost in memory.",
        ("channels_last", "contiguous"),
    ),
    Setting("training.fused", _SWITCH, "Move all weights of adam or adamw by one kernel."),
    Setting("training.compile", _SWITCH, "Let PyTorch compile the network first."),
    Setting("evaluate.metric", _TEXT, "The metric of the verdict."),
    Setting("evaluate.calibrate", _SWITCH, "Make probabilities honest on the validation rows."),
    Setting("evaluate.threshold", _TEXT, "Where 'yes' begins.", ("half", "balanced", "f1")),
    Setting(
        "evaluate.coverage",
        _NUMBER,
        "Share of truths that intervals and sets shall hold.",
        least=0.01,
        most=0.999,
    ),
    Setting("evaluate.baselines", _SWITCH, "Train simple models on the same rows beside it."),
    Setting("evaluate.importance", _SWITCH, "Measure how much each column matters."),
)

BY_KEY: dict[str, Setting] = {setting.key: setting for setting in SETTINGS}


# What others call a setting.
_MEANT = {
    "lr": "training.learning_rate",
    "bs": "training.batch_size",
    "wd": "training.weight_decay",
    "num_epochs": "training.epochs",
    "n_epochs": "training.epochs",
    "max_epochs": "training.epochs",
    "scheduler": "training.schedule",
    "amp": "training.precision",
    "arch": "network.pictures",
    "backbone": "network.pictures",
    "architecture": "network.pictures",
    "cv": "split.folds",
    "k_folds": "split.folds",
}
_DEVICE = "Leave it out: a GPU is used where there is one, and CUDA_VISIBLE_DEVICES= hides it."


def setting(key: str) -> Setting:
    """The setting of a key.

    Raises:
        RecipeError: there is none; the nearest is named.

    Example:
        >>> setting("training.learning_rate").types
        (<class 'float'>,)
    """
    if key not in BY_KEY:
        last = {f"'{known.rsplit('.', 1)[-1]}'": known for known in BY_KEY}
        near = nearest(f"'{key.rsplit('.', 1)[-1]}'", last)
        full = next((f"Did you mean '{last[word]}'?" for word in last if f"'{word}'" in near), "")
        name = key.rsplit(".", 1)[-1].lower()
        close = nearest(key, BY_KEY) or full
        if name in _MEANT:
            close = f"Did you mean '{_MEANT[name]}'?"
        if name in ("device", "gpu", "gpus", "cuda"):
            close = _DEVICE
        if key.partition(".")[0] in ("columns", "kinds", "kind"):
            close = "Say the kind of a column with --kind COLUMN=KIND, or in [columns] of a recipe."
        raise RecipeError(
            f"There is no setting '{key}'.",
            where="recipe or --set",
            expected="one of the settings that `fathom settings` lists",
            got=f"'{key}'",
            do=close or "Remove it.",
        )
    return BY_KEY[key]
