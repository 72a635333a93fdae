"""A question while it is read: where the cursor is, what is understood so far, and what names and flags are next."""

from tasks.question.offline.asked import Asked, Condition
from tasks.question.offline.conditions import condition, flag
from tasks.question.offline.grammar import Cursor
from tasks.question.offline.names import Names, Said
from tasks.question.offline.refusals import cannot, unknown
from tasks.question.offline.words import tokens


class State:
    """What the rules of the grammar share."""

    def __init__(self, question: str, names: Names) -> None:
        self.cursor, self.names, self.asked = Cursor(tokens(question)), names, Asked()
        self.joint = True
        """Whether a thing to list may follow: at the beginning, or after a comma or `and`."""
        self.conditional = False
        """Whether a condition was read, which `and status open` can go on with."""
        self.last: Said | None = None
        """The name that was just read, which a period after it may be of."""

    def said(self) -> Said | None:
        """The name that is next, after its article; of which table it is, where `of` one follows."""
        began = self.cursor.place
        self.cursor.skip_articles()
        found = self.names.at(self.cursor.tokens, self.cursor.place)
        if found is None:
            self.cursor.place = began
            return None
        self.cursor.place += found[0]
        self.last = self._of_its_table(found[1])
        return self.last

    def a_said(self, word: str) -> Said:
        """The name that must be next.

        Raises:
            QuestionRefused: none is.
        """
        if (said := self.said()) is not None:
            return said
        token = self.cursor.ahead()
        if token is not None and token.kind == "word" and not self.cursor.is_known():
            raise unknown(token.text, self.names)
        raise cannot(word, "no name of a table or column follows it")

    def _of_its_table(self, said: Said) -> Said:
        began = self.cursor.place
        of = self.cursor.take(("of", "of the", "of our", "of all", "of all the"))
        following = self.names.at(self.cursor.tokens, self.cursor.place) if of and said.columns else None
        # The table is read again as what it is, with what is said of it.
        self.cursor.place = began
        return said if following is None or following[1].columns else said.within(following[1])

    def conditions(self, said: Said, *, loose: bool = True) -> tuple[Condition, ...]:
        """What is said of the name that was just read."""
        return condition(self.cursor, self.names, said, loose=loose)

    def take_flag(self) -> bool:
        """`preferred` or `not preferred` before a table, which becomes a condition."""
        began = self.cursor.place
        expected = not self.cursor.take(("not",))
        said = self.said()
        found = flag(said, expected=expected) if said else None
        following = self.names.at(self.cursor.tokens, self.cursor.place)
        if found and following and following[1].relations:
            self.asked.conditions.append(found)
            return True
        self.cursor.place = began
        return False
