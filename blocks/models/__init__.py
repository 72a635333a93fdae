"""Models as blocks: a provider per team, found by name, and the client that asks it; no key leaves this folder."""
