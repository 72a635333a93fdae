"""A schema cut to what a question may need, so that a prompt holds no more of it. Nothing is decided here."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from tasks.drift.likeness import name_likeness, name_words
from tasks.question.offline.grammar import KNOWN
from tasks.question.offline.words import parts, singular

_NEAR = 0.85
"""At least so alike are a question's word and a word of a name that is spelled in another way."""
_COLUMN = 0.4
"""What a column counts against its table's own name."""


def pruned(question: str, schema: Snapshot, *, most: int = 20) -> Snapshot:
    """The relations whose names or columns resemble the question's words, the likest first, and what connects them.

    A schema of at most so many relations is returned as it is; a question that resembles nothing gets the first ones.
    """
    if len(schema.relations) <= most:
        return schema
    words = _asked(question)
    scores = {each.name: _score(words, each) for each in schema.relations}
    ranked = sorted(schema.relations, key=lambda each: -scores[each.name])
    liked = [each for each in ranked if scores[each.name] > 0] or ranked
    return schema.having(_with_connections(liked, schema, most))


def _asked(question: str) -> list[str]:
    """The question's words without grammar, in the singular."""
    found = (part for word in question.split() for part in name_words(word.strip("?!.,;:'\"()")))
    return list(dict.fromkeys(singular(each) for each in found if each and each not in KNOWN))


def _score(words: Sequence[str], relation: Relation) -> float:
    """How much of the question the relation's names account for; a word is worth most in the table's own name."""
    own = parts(relation.name.name)
    columns = {part for column in relation.columns for part in parts(column.name)}
    in_name = [_best(word, own) for word in words]
    score = sum(max(name, _COLUMN * _best(word, columns)) for word, name in zip(words, in_name, strict=True))
    # Of `orders` and `order_line_audits`, the first is asked for.
    return score + (0.5 * sum(in_name) / len(own) if any(in_name) else 0.0)


def _best(word: str, among: Iterable[str]) -> float:
    """How alike the word is to the likest of the others; 0 for one that only shares some letters."""
    return max((_alike(word, each) for each in among), default=0.0)


@lru_cache(maxsize=100_000)
def _alike(word: str, other: str) -> float:
    if word == other:
        return 1.0
    # Short words are one letter from many others.
    alike = name_likeness(word, other) if min(len(word), len(other)) > 3 else 0.0
    return alike if alike >= _NEAR else 0.0


def _with_connections(liked: Sequence[Relation], schema: Snapshot, most: int) -> list[Relation]:
    """The likest relations, each followed by those that connect it to the ones before it."""
    neighbours = _neighbours(schema)
    chosen: dict[RelationName, Relation] = {}
    for relation in liked:
        if len(chosen) == most:
            break
        added = {relation.name: relation} | {
            each: schema.by_name[each] for one in chosen for each in _between(one, relation.name, neighbours)
        }
        added = {name: each for name, each in added.items() if name not in chosen}
        if len(chosen) + len(added) > most:
            added = {relation.name: relation} if relation.name in added else {}
        chosen |= added
    return list(chosen.values())


def _between(one: RelationName, other: RelationName, near: dict[RelationName, set[RelationName]]) -> list[RelationName]:
    """What connects the two where no key does directly."""
    if other in near[one]:
        return []
    return sorted(near[one] & near[other])


def _neighbours(schema: Snapshot) -> dict[RelationName, set[RelationName]]:
    """Which relations are joined to which, by a foreign key or a column named after the other's key."""
    near: dict[RelationName, set[RelationName]] = {each.name: set() for each in schema.relations}
    for one in schema.relations:
        for key in one.foreign_keys:
            if key.refers_to in near:
                near[one.name].add(key.refers_to)
                near[key.refers_to].add(one.name)
    named = _named_after_keys(schema)
    for name, holders in named.items():
        for holder in holders - {name}:
            near[holder].add(name)
            near[name].add(holder)
    return near


def _named_after_keys(schema: Snapshot) -> dict[RelationName, set[RelationName]]:
    """For each relation with a key of one column, those that have a vendor_id for the `id` or vendor_id of vendors."""
    columns: dict[str, set[RelationName]] = {}
    for relation in schema.relations:
        for column in relation.columns:
            if len(words := parts(column.name)) > 1:
                columns.setdefault("".join(words), set()).add(relation.name)
    found = {}
    for relation in schema.relations:
        if len(relation.primary_key) == 1:
            key, own = parts(relation.primary_key[0]), parts(relation.name.name)
            found[relation.name] = columns.get("".join(key if len(key) > 1 else own + key), set())
    return found
