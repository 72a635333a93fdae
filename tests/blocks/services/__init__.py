"""Services as blocks: what APIs say of their limits, when a request may go, how answers are read."""
