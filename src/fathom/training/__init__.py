"""Floor 6: the loop, optimisers, schedules, the numerical plan, checkpoints.

May import everything below; knows tables only as an iterable of batches. The names that a person
needs to train a module of their own are to be had from here.
"""

from fathom.training.averaging import AveragingPlan
from fathom.training.fitting import fit
from fathom.training.learner import Learner, Step
from fathom.training.loader import LoaderBatches
from fathom.training.loop import Batches, steps
from fathom.training.optimizers import OptimizerPlan
from fathom.training.plan import TrainingPlan
from fathom.training.rate_range import RateRange, learning_rate_range
from fathom.training.records import Options, Progress, Trained
from fathom.training.schedules import SchedulePlan
from fathom.training.session import train_network

__all__ = [
    "AveragingPlan",
    "Batches",
    "Learner",
    "LoaderBatches",
    "OptimizerPlan",
    "Options",
    "Progress",
    "RateRange",
    "SchedulePlan",
    "Step",
    "Trained",
    "TrainingPlan",
    "fit",
    "learning_rate_range",
    "steps",
    "train_network",
]
