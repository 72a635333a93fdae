"""The settings that every node has which asks a model, beside those of all nodes."""

from typing import Annotated

from pydantic import Field

from blocks.models.calls import Tier
from tasks.models.routing import cascade
from tasks.node import Node


class ModelNode(Node):
    """A node that asks a model."""

    tier: Tier | None = None
    """The grade of model; None: what the purpose needs."""
    cascade: bool = False
    """Whether a cheaper tier is asked first, and the dearer one where its answer is wrong or unsure."""
    sure_from: Annotated[float, Field(ge=0, le=1)] = 0.7
    """The confidence from which a cheaper tier's answer is taken."""
    hedge: bool = False
    """Whether a second request is sent once the first takes longer than 95 % of those before it did."""

    @property
    def asks_a_model(self) -> bool:
        """Whether it does, as it is written."""
        return True

    @property
    def model_tier(self) -> Tier:
        """The grade of model that is asked, with the purpose's default filled in."""
        raise NotImplementedError

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The grades that are asked, in order, until an answer is good."""
        return cascade(self.model_tier) if self.cascade else (self.model_tier,)
