"""The learning-rate range test of a study: its first part, up to the first step of training."""

from fathom.objectives.supervised import Supervised
from fathom.training.rate_range import RateRange, learning_rate_range
from fathom.workflow.ready import ready_part, schema_of, targets_of
from fathom.workflow.study import Study

_PATIENT = 400


def rates_of(made: Study) -> RateRange:
    """Let the learning rate climb on the training rows of the first part.

    Network, loss, optimiser, clipping and batches are those that `train` would begin with. Rows
    that are held out for choosing or testing are not looked at. Where 100 steps show no fall (a
    slow optimiser, noisy batches), 400 are tried.

    Args:
        made: what was decided.

    Raises:
        TrainingError: the loss is not finite before the first step.
    """
    resolved, material = made.resolved, made.material
    schema = schema_of(made.schema, resolved)
    rows = material.pool.rows(material.parts[0][0])
    ready = ready_part(rows, schema, targets_of(material, schema), resolved)
    network, batches = ready.network, ready.batches
    objective, plan = Supervised(resolved.l1), resolved.training
    found = learning_rate_range(network, batches, objective, plan=plan)
    if found.suggested is not None:
        return found
    return learning_rate_range(network, batches, objective, plan=plan, num_steps=_PATIENT)
