"""Keeps what is secret out of what is said: an API may quote what it was sent."""

SHORTEST = 6
"""Shorter texts are left: they may be words."""


class Secrets:
    """What must not be said."""

    def __init__(self, *texts: str) -> None:
        self._texts: set[str] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """From now on it is not said, nor is any line of it."""
        self._texts.update(line.strip() for line in (text, *text.splitlines()) if len(line.strip()) >= SHORTEST)

    def out_of(self, content: bytes) -> bytes:
        """What an API has sent, with stars for each secret."""
        for text in self._texts:
            content = content.replace(text.encode(), b"***")
        return content

    def hidden(self, said: str) -> str:
        """What was said, on one line, with stars for each secret."""
        line = " ".join(said.split())
        for text in sorted(self._texts, key=len, reverse=True):
            line = line.replace(text, "***")
        return line
