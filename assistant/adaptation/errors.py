"""What can go wrong while a model is adapted.

AdaptationError
├── RecipeError           a recipe names something unknown, or values that contradict each other
├── DatasetError          the rows cannot become a data set
├── TrainingError         training stopped
│   ├── TrainExtraMissing     the libraries of the extra `train` are not installed
│   ├── LossNotFinite         the loss became NaN or infinite
│   └── CheckpointError       a checkpoint is torn, does not fit the run, or could not be written
├── AdapterError          an adapter folder is incomplete or damaged
│   └── AdapterMismatch       the adapter was trained on another base model
├── BaseModelMissing      the weights that adapters change are not installed
└── ParityError           two engines disagree about the same weights
"""

from __future__ import annotations

from assistant.errors import AssistantError


class AdaptationError(AssistantError):
    """A model could not be adapted; nothing was published."""


class RecipeError(AdaptationError):
    """A recipe names something unknown, or values that contradict each other."""


class DatasetError(AdaptationError):
    """The rows cannot become a data set."""


class TrainingError(AdaptationError):
    """Training stopped before its end."""


class TrainExtraMissing(TrainingError):
    """The libraries of the extra `train` are not installed."""


class LossNotFinite(TrainingError):
    """The loss became NaN or infinite."""


class CheckpointError(TrainingError):
    """A checkpoint is torn, does not fit the run, or could not be written."""


class AdapterError(AdaptationError):
    """An adapter folder is incomplete or damaged."""


class AdapterMismatch(AdapterError):
    """The adapter was trained on another base model than the one it is asked to change."""


class ParityError(AdaptationError):
    """Two engines disagree about the same weights."""


class BaseModelMissing(AdaptationError):
    """The weights that adapters change are not installed."""
