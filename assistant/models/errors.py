"""What can go wrong between the assistant and a language model.

ModelError
├── ModelUnavailable    no answer, or none in time: another model may be asked
├── ModelOverloaded     the model is full (429 or 503): wait `retry_after_s`, or ask another
├── ModelRefused        the request itself is at fault (4xx): another model would refuse it too
│   └── WishRefused     what is wished for cannot be had of the models as they are set up
├── NoModelLeft         every model that was allowed to answer failed
├── AdapterRefused      an adapter does not fit the server that is to serve it
├── RoutingInvalid      the decision table or the list of ensembles cannot be used
├── DeploymentInvalid   a file of deploy/vllm names something that cannot be served
├── PolicyRefused       a learned policy may not act, is not there, or cannot be learned yet
└── WeightsInvalid      a weights file is missing, or is not the one that was pinned
"""

from __future__ import annotations


class ModelError(Exception):
    """Anything that a language model or its engine did wrong."""


class ModelUnavailable(ModelError):
    """The model gave no answer, stopped in the middle, or fell silent for too long."""


class ModelOverloaded(ModelError):
    """The model has no free place now; `retry_after_s` is its own estimate, at least 1."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelRefused(ModelError):
    """The model will not take this request; `code` is machine-readable, such as "context_length_exceeded"."""

    def __init__(self, message: str, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.code = code


class WishRefused(ModelRefused):
    """What is wished for cannot be had of the models as they are set up; the message is for whoever asks."""


class NoModelLeft(ModelError):
    """Every route that was allowed to answer failed; `reasons` has one sentence for each, in order of trial.

    `told` says the same without what servers say of themselves, so that it may be shown to anybody.
    """

    def __init__(self, message: str, reasons: tuple[str, ...] = (), told: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons
        self.told = told


class AdapterRefused(ModelError):
    """An adapter does not fit the server that is to serve it, or is not in the registry; what is loaded stays."""


class RoutingInvalid(ModelError):
    """The decision table, or the list of ensembles, cannot be used as it stands."""


class DeploymentInvalid(ModelError):
    """The description of a vLLM server cannot be served as it stands."""


class PolicyRefused(ModelError):
    """A learned policy may not act, is not there, or cannot be learned yet; `code` is machine-readable."""

    def __init__(self, message: str, code: str = "policy-refused") -> None:
        super().__init__(message)
        self.code = code


class WeightsInvalid(ModelError):
    """A weights file is missing or does not have the SHA-256 that was pinned for it."""
