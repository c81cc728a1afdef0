"""A table of short texts, and the forms it can be shown in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """Rows of texts under a header. Columns are aligned right, the first `left` ones to the left.

    `rules` are the rows (by number) above which a line is drawn.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    rules: tuple[int, ...] = ()

    def to_text(self, indent: str = "", gap: str = "  ") -> str:
        """Columns of equal width.

        >>> print(Table(("size", "MACs"), (("3x3", "9"), ("total", "17"))).to_text())
        size   MACs
        3x3       9
        total    17
        """
        lines = [self.header, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        rule = indent + "-" * (sum(widths) + len(gap) * (len(widths) - 1))
        written = []
        for number, line in enumerate(lines, -1):
            if number in self.rules:
                written.append(rule)
            cells = (
                cell.ljust(width) if column < self.left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            written.append((indent + gap.join(cells)).rstrip())
        return "\n".join(written)

    def width(self, gap: int = 2) -> int:
        """The characters that a line of `to_text` takes."""
        lines = [self.header, *self.rows]
        columns = range(len(self.header))
        return sum(max(len(line[c]) for line in lines) for c in columns) + gap * (len(columns) - 1)

    def to_markdown(self) -> str:
        """A pipe table."""
        align = [":--" if column < self.left else "--:" for column in range(len(self.header))]
        lines = [self.header, align, *self.rows]
        return "\n".join("| " + " | ".join(_piped(line)) + " |" for line in lines)

    def to_csv(self) -> str:
        """Comma-separated values, quoted where needed."""
        from csv import writer
        from io import StringIO

        out = StringIO()
        writer(out, lineterminator="\n").writerows([self.header, *self.rows])
        return out.getvalue().rstrip("\n")

    def to_latex(self) -> str:
        """A `tabular`, for the booktabs package."""
        columns = "".join("l" if column < self.left else "r" for column in range(len(self.header)))
        lines = [r"\begin{tabular}{" + columns + "}", r"\toprule", _ampersands(self.header)]
        for number, row in enumerate(self.rows):
            if number == 0 or number in self.rules:
                lines.append(r"\midrule")
            lines.append(_ampersands(row))
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])

    def to_html(self) -> str:
        """A `<table>`; formulas between dollar signs in letters that lean, with raised powers."""
        head = "".join(f"<th>{escaped(cell)}</th>" for cell in self.header)
        body = "".join(
            "<tr>"
            + "".join(_cell(cell, column < self.left) for column, cell in enumerate(row))
            + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str, left: bool) -> str:
    style = "text-align:left" if left else "text-align:right;padding-left:1em"
    return f'<td style="{style}">{_set(text)}</td>'


def _set(text: str) -> str:
    pieces = _by_turns(text, "$") if text.count("$") % 2 == 0 else [(text, False)]
    return "".join(
        formula_html(p) if is_formula else powers_raised(escaped(p)) for p, is_formula in pieces
    )


def formula_html(text: str) -> str:
    """A formula for HTML without MathJax: names in italics, powers raised.

    >>> formula_html("2C^2 (H//2)"), formula_html("max(C, 1)")
    ('2<i>C</i><sup>2</sup> (<i>H</i>//2)', 'max(<i>C</i>, 1)')
    """
    import re

    names = re.sub(r"(?<![A-Za-z_])(?!max\(|min\()[A-Za-z]\w*", r"<i>\g<0></i>", text)
    return powers_raised(names)


def powers_raised(text: str) -> str:
    """`C^2` in a text for HTML.

    >>> powers_raised("params 9C^2")
    'params 9C<sup>2</sup>'
    """
    import re

    return re.sub(r"\^(\d+)", r"<sup>\1</sup>", text)


def escaped(text: str) -> str:
    """`text` for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _piped(line: Sequence[str]) -> list[str]:
    return [markdown_escaped(cell).replace("|", "\\|") for cell in line]


def code_escaped(text: str) -> str:
    """`text` for HTML, with what stands between backticks as code.

    >>> code_escaped("`3x3@C` for C < 2")
    '<code>3x3@C</code> for C &lt; 2'
    """
    return "".join(
        f"<code>{escaped(piece)}</code>" if is_code else escaped(piece)
        for piece, is_code in _by_turns(text, "`")
    )


def _by_turns(text: str, mark: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a text, and whether each stands between two marks."""
    for number, piece in enumerate(text.split(mark)):
        yield piece, number % 2 == 1


def markdown_escaped(text: str) -> str:
    """`text` for Markdown, where stars and underscores would set it in italics but in code.

    >>> print(markdown_escaped("2*(H//2), `2*(3x3)`"))
    2\\*(H//2), `2*(3x3)`
    """
    return "`".join(
        piece if is_code else piece.replace("*", "\\*").replace("_", "\\_")
        for piece, is_code in _by_turns(text, "`")
    )


def markdown_list(notes: Sequence[str]) -> str:
    """Sentences as a list."""
    return "\n".join(f"- {markdown_escaped(' '.join(note.split()))}" for note in notes)


_LATEX = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
_LATEX |= {character: "\\" + character for character in "&%#_{}"}


def latex_escaped(text: str) -> str:
    """`text` for LaTeX; formulas between dollar signs stay."""
    if text.startswith("$") and text.endswith("$"):
        return text
    escaped = "".join(_LATEX.get(character, character) for character in text.replace("$", r"\$"))
    return escaped.replace(">=", r"$\ge$").replace("<=", r"$\le$")


def latex_prose(text: str) -> str:
    """A sentence for LaTeX, with formulas between dollar signs and code between backticks.

    >>> print(latex_prose("`a_b` for $C$ > $9$"))
    \\texttt{a\\_b} for $C$ $>$ $9$
    """
    return "".join(
        rf"\texttt{{{latex_escaped(piece)}}}" if is_code else _with_formulas(piece)
        for piece, is_code in _by_turns(text, "`")
    )


def _with_formulas(text: str) -> str:
    import re

    pieces = [
        piece if is_formula else re.sub("[<>]", r"$\g<0>$", latex_escaped(piece))
        for piece, is_formula in _by_turns(text, "$")
    ]
    return "$".join(pieces)


def _ampersands(line: Sequence[str]) -> str:
    return " & ".join(map(latex_escaped, line)) + r" \\"


def filled(text: str, width: int, first: str = "", after: str = "") -> str:
    """`text` in lines of at most `width`, begun with `first` and `after`; words stay whole.

    (The library's textwrap compiles patterns for longer than a whole report takes to print.)

    >>> print(filled("a kernel that is made", 12, after="  "))
    a kernel
      that is
      made
    """
    lines = [first]
    for word in text.split():
        space = "" if lines[-1] in (first, after) else " "
        if len(lines[-1]) + len(space) + len(word) > width and space:
            lines.append(after + word)
        else:
            lines[-1] += space + word
    return "\n".join(lines)


def sentence_case(text: str, *stacks: str) -> str:
    """`text` with a capital at its beginning, unless one of some stacks stands there.

    >>> sentence_case("its taps cover all"), sentence_case("dw3x3 has groups", "dw3x3")
    ('Its taps cover all', 'dw3x3 has groups')
    """
    return text if text.startswith(stacks) else text[:1].upper() + text[1:]


def article(number: int) -> str:
    """`a` or `an`, as the number is read.

    >>> article(4), article(8), article(11_000)
    ('a', 'an', 'an')
    """
    first = f"{number:,}".partition(",")[0]
    return "an" if first.startswith("8") or first in ("11", "18") else "a"


_WORDS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def in_words(number: int) -> str:
    """A small number as a word.

    >>> in_words(9), in_words(121)
    ('nine', '121')
    """
    return _WORDS[number] if 0 <= number < len(_WORDS) else f"{number:,}"
