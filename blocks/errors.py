"""Every error that Holdfast raises on purpose, split by who must act.

HoldfastError
├── AuthorError        the definition, the SQL, a parameter: whoever wrote it mends it
│   ├── DefinitionRefused
│   ├── InputRefused
│   ├── QueryRefused
│   ├── QuestionRefused
│   ├── DriftRefused
│   ├── TransformRefused
│   ├── DirectoryRefused
│   ├── DelegationRefused
│   ├── RequestRefused
│   └── ContextTooLong
├── OperatorError      a block, a permission, a folder: whoever runs Holdfast mends it
│   ├── WorkflowUnknown
│   ├── RunUnknown
│   ├── SourceUnknown
│   ├── CredentialsRefused
│   ├── CreditSpent
│   ├── BudgetSpent
│   ├── ServiceUnknown
│   ├── ChannelRefused
│   └── DeliveryRefused
├── OutsideError       a peer failed: nobody here is at fault
│   ├── SourceUnavailable
│   ├── ModelUnavailable
│   │   └── StepTimedOut
│   ├── BudgetHeld
│   ├── ServiceUnavailable
│   │   ├── ServiceLimited
│   │   └── ServiceResting
│   ├── ChannelUnavailable
│   └── AnswerInvalid
├── PersonError        a person's answer is missing, or does not count
│   ├── DecisionMissing
│   └── DecisionRefused
└── RunFailed          a run ended because a node failed; its cause says who must act

Each message has three parts: what happened, what it means, what to do. Only an error whose `retryable` is true can
succeed unchanged on another try, so only those are retried.
"""

from typing import ClassVar, NamedTuple

from blocks.words import counted


class Problem(NamedTuple):
    """One thing that is wrong with a definition: a stable code, the path to it, and what to do."""

    code: str
    path: str
    """Where, in words: `node spend, field sql`; empty for the whole definition."""
    message: str
    line: int = 0
    """The line of the definition's text, from 1; 0 where it is not known."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class HoldfastError(Exception):
    """An error for the person who reads it: one line, no traceback needed."""

    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, means: str = "", mend: str = "") -> None:
        self.what, self.means, self.mend = what, means, mend
        super().__init__("; ".join(part.rstrip(".") for part in (what, means, mend) if part))

    def __reduce__(self) -> tuple[object, ...]:
        # Prefect pickles a failed task's exception into its state; keyword-only arguments need this.
        return (_rebuild, (type(self), self.what, self.means, self.mend))


def _rebuild(kind: type[HoldfastError], what: str, means: str, mend: str) -> HoldfastError:
    return kind(what, means=means, mend=mend)


class AuthorError(HoldfastError):
    """Whoever wrote the definition or gave the parameter must change it."""


class DefinitionRefused(AuthorError):
    """A definition has problems; `problems` holds all of them."""

    problems: tuple[Problem, ...] = ()

    @classmethod
    def because(cls, name: str, problems: tuple[Problem, ...]) -> "DefinitionRefused":
        """The refusal of the definition called `name`, with every problem in it."""
        error = cls(f"{name} has {counted(len(problems), 'problem')}: " + "; ".join(map(str, problems)))
        error.problems = problems
        return error


class InputRefused(AuthorError):
    """A run's input has the wrong name or type."""


class QueryRefused(AuthorError):
    """SQL that writes, cannot be parsed, or that the database says is wrong."""


class QuestionRefused(AuthorError):
    """A question that cannot be turned into SQL for sure."""


class DriftRefused(AuthorError):
    """A saved query uses what its source no longer has as it was, and what it had cannot be rebuilt for sure."""


class TransformRefused(AuthorError):
    """A transform's function cannot be imported, or raised, or did not return a frame."""


class DirectoryRefused(AuthorError):
    """A directory's YAML is wrong, or a definition names somebody who is not in the directory."""


class DelegationRefused(AuthorError):
    """A delegation that leads back to its person, is over before it begins, or names somebody unknown."""


class RequestRefused(AuthorError):
    """A service says that a request is wrong, or answers with what cannot be used."""


class ContextTooLong(AuthorError):
    """What a model is asked is longer than it takes, also once its data are cut."""


class OperatorError(HoldfastError):
    """Whoever runs Holdfast must change a block, a permission or a setting."""


class WorkflowUnknown(OperatorError):
    """No workflow or file of that name."""


class RunUnknown(OperatorError):
    """No run of that id in the ledger."""


class SourceUnknown(OperatorError):
    """No database or document collection of that name."""


class ServiceUnknown(OperatorError):
    """No Service block of that name."""


class CredentialsRefused(OperatorError):
    """The peer refused the key; asking again cannot help."""


class CreditSpent(OperatorError):
    """The account at a provider has no credit left."""


class BudgetSpent(OperatorError):
    """A budget of the run, the workflow or the team does not allow another call."""


class DeliveryRefused(OperatorError):
    """The place of delivery cannot be written, or what happened to an earlier try is not known."""


class ChannelRefused(OperatorError):
    """A channel will not take a message for this person, or not from us."""


class OutsideError(HoldfastError):
    """A peer failed; the same call may succeed later."""

    retryable: ClassVar[bool] = True


class SourceUnavailable(OutsideError):
    """A database or a document collection does not answer."""


class ModelUnavailable(OutsideError):
    """A model's server is down, over its limit, cut the connection, or does not answer in time."""

    retry_after_seconds: float | None = None
    """When it said that it can be asked again."""
    may_be_billed: bool = False
    """Whether it may have begun to answer, so that what the call cost is not known."""
    timed_out: bool = False
    """Whether it was given up because its time was up."""


class StepTimedOut(ModelUnavailable):
    """The time of a node's step was up, over all tries and providers."""


class ServiceUnavailable(OutsideError):
    """A service is down, or does not answer in time."""

    retry_after_seconds: float | None = None
    """When it said that it can be asked again."""
    may_be_done: bool = False
    """Whether it may have done what it was asked."""


class ServiceLimited(ServiceUnavailable):
    """A service takes no more requests for longer than the node can wait; asking at once cannot help."""

    retryable: ClassVar[bool] = False


class ServiceResting(ServiceUnavailable):
    """A service has failed again and again, and is left alone for a while; asking at once cannot help."""

    retryable: ClassVar[bool] = False


class BudgetHeld(OutsideError):
    """Calls that are under way hold what is left of a budget; once they are settled there may be room again."""


class ChannelUnavailable(OutsideError):
    """A channel is down, or asks to come again later."""

    retry_after_seconds: float | None = None
    """When it said that it can be asked again."""
    may_be_done: bool = False
    """Whether it may have sent the message all the same."""


class AnswerInvalid(OutsideError):
    """A model gave the wrong shape twice; a third time costs money and rarely helps."""

    retryable: ClassVar[bool] = False


class PersonError(HoldfastError):
    """A person's answer is missing, or does not count."""


class DecisionMissing(PersonError):
    """A gate ended with no decision and its `on_timeout` is `fail`."""


class DecisionRefused(PersonError):
    """A decision without proof, with a wrong one, or too late; the gate is as it was."""


class RunFailed(HoldfastError):
    """A node failed and its `on_failure` is `fail`; `__cause__` is the node's own error."""
