"""What can go wrong while a model is adapted. Each error has a code that stays, for programs, behind its sentence.

AdaptationError
├── RecipeError           a recipe names something unknown, or values that contradict each other
├── DatasetError          the rows cannot become a data set
├── TrainingError         training stopped
│   ├── TrainExtraMissing     the libraries of the extra `train` are not installed
│   ├── LossNotFinite         the loss became NaN or infinite
│   └── CheckpointError       a checkpoint is torn, does not fit the run, or could not be written
├── AdapterError          an adapter folder is incomplete or damaged
│   ├── AdapterMismatch       the adapter was trained on another base model
│   └── AdapterWorse          the adapter's answers are worth less than those of the live one
├── BaseModelMissing      the weights that adapters change are not installed
└── ParityError           two engines disagree about the same weights
"""

from __future__ import annotations

import errno

from assistant.errors import AssistantError


class AdaptationError(AssistantError):
    """A model could not be adapted; nothing was published."""

    code = "adaptation_failed"

    def __init__(self, message: str, code: str = "") -> None:
        """Say `message`, one sentence with what to do; `code` is more exact than that of the class."""
        super().__init__(message)
        self.code = code or self.code

    def __str__(self) -> str:
        """Return the sentence with the code behind it."""
        return f"{self.args[0]} [{self.code}]"


class RecipeError(AdaptationError):
    """A recipe names something unknown, or values that contradict each other."""

    code = "recipe_unusable"


class DatasetError(AdaptationError):
    """The rows cannot become a data set."""

    code = "rows_unusable"


class TrainingError(AdaptationError):
    """Training stopped before its end."""

    code = "training_failed"


class TrainExtraMissing(TrainingError):
    """The libraries of the extra `train` are not installed."""

    code = "train_extra_missing"


class LossNotFinite(TrainingError):
    """The loss became NaN or infinite."""

    code = "loss_not_finite"


class CheckpointError(TrainingError):
    """A checkpoint is torn, does not fit the run, or could not be written."""

    code = "checkpoint_unusable"


class AdapterError(AdaptationError):
    """An adapter folder is incomplete or damaged."""

    code = "adapter_unusable"


class AdapterMismatch(AdapterError):
    """The adapter was trained on another base model than the one it is asked to change."""

    code = "base_model_differs"


class AdapterWorse(AdapterError):
    """The adapter's answers are worth less than those that are given now."""

    code = "adapter_worse"


class ParityError(AdaptationError):
    """Two engines disagree about the same weights."""

    code = "engines_disagree"


class BaseModelMissing(AdaptationError):
    """The weights that adapters change are not installed."""

    code = "base_model_missing"


_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def unwritten(exc: OSError) -> AdaptationError:
    """Return what a failed write or read means to the person who started the command."""
    full = exc.errno in _FULL
    advice = "Free some space and start again." if full else "Check that it exists and may be written."
    return AdaptationError(
        f"{exc.strerror or exc}: {str(exc.filename or '')!r}. {advice}", "disk_full" if full else "file_unusable"
    )
