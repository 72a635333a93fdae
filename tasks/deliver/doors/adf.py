"""Markdown as a document of Atlassian's format (developer.atlassian.com/cloud/jira/platform/apis/document/structure).

Headings, paragraphs, lists, quotes, code and rules are what they are; a table is shown as code, line by line.
"""

from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Adf = dict[str, Any]


def document_of(markdown: str) -> Adf:
    """The document."""
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(markdown))
    lines = markdown.splitlines()
    content = [each for node in tree.children for each in _block(node, lines)]
    return {"type": "doc", "version": 1, "content": content or [_paragraph(markdown)]}


def _block(node: SyntaxTreeNode, lines: list[str]) -> list[Adf]:
    match node.type:
        case "heading":
            return [{"type": "heading", "attrs": {"level": int(node.tag[1])}, "content": _inline(node)}]
        case "paragraph":
            return [{"type": "paragraph", "content": _inline(node)}]
        case "bullet_list" | "ordered_list":
            kind = "bulletList" if node.type == "bullet_list" else "orderedList"
            return [{"type": kind, "content": [_holding("listItem", item, lines) for item in node.children]}]
        case "blockquote":
            return [_holding("blockquote", node, lines)]
        case "fence" | "code_block":
            return [_code(node.content)]
        case "hr":
            return [{"type": "rule"}]
        case _:  # a table, HTML: as it is written
            first, last = node.map or (0, 0)
            return [_code("\n".join(lines[first:last]))]


def _holding(kind: str, node: SyntaxTreeNode, lines: list[str]) -> Adf:
    content = [each for child in node.children for each in _block(child, lines)]
    return {"type": kind, "content": content or [_paragraph(" ")]}


def _inline(node: SyntaxTreeNode) -> list[Adf]:
    return [part for child in node.children for part in _spans(child, ())]


def _spans(node: SyntaxTreeNode, marks: tuple[Adf, ...]) -> list[Adf]:
    match node.type:
        case "inline":
            return [part for child in node.children for part in _spans(child, marks)]
        case "strong" | "em":
            more = (*marks, {"type": node.type})
            return [part for child in node.children for part in _spans(child, more)]
        case "link":
            more = (*marks, {"type": "link", "attrs": {"href": str(node.attrs.get("href", ""))}})
            return [part for child in node.children for part in _spans(child, more)]
        case "code_inline":
            return _text(node.content, ({"type": "code"},))
        case "softbreak":
            return _text(" ", marks)
        case "hardbreak":
            return [{"type": "hardBreak"}]
        case _:
            return _text(node.content, marks)


def _text(text: str, marks: tuple[Adf, ...]) -> list[Adf]:
    # A text node must not be empty.
    if not text:
        return []
    return [{"type": "text", "text": text, **({"marks": list(marks)} if marks else {})}]


def _paragraph(text: str) -> Adf:
    return {"type": "paragraph", "content": _text(text, ())}


def _code(text: str) -> Adf:
    return {"type": "codeBlock", "content": _text(text.rstrip("\n"), ())}
