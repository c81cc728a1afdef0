"""A table of short texts, and the forms it can be shown in.

Names of layers, arrays and files come from anywhere. Each form is written by one function here,
which lets nothing through that a terminal, a spreadsheet, a browser or TeX would obey.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convalgebra.words import visible


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
        lines = self._in_lines()
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
        lines = self._in_lines()
        columns = range(len(self.header))
        return sum(max(len(line[c]) for line in lines) for c in columns) + gap * (len(columns) - 1)

    def _in_lines(self) -> list[tuple[str, ...]]:
        return [tuple(map(one_line, line)) for line in (self.header, *self.rows)]

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
        rows = [map(csv_escaped, line) for line in (self.header, *self.rows)]
        writer(out, lineterminator="\n").writerows(rows)
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
    return "".join(
        formula_html(piece) if is_formula else powers_raised(escaped(piece))
        for piece, is_formula in _formulas_apart(text)
    )


def _formulas_apart(text: str) -> list[tuple[str, bool]]:
    """The pieces of a text, and whether each is a formula of ours; one piece if others are so."""
    pieces = list(_by_turns(text, "$"))
    ours = len(pieces) % 2 and all(_is_formula(piece) for piece, between in pieces if between)
    return pieces if ours else [(text, False)]


def formula_html(text: str) -> str:
    """A formula for HTML without MathJax: names in italics, powers raised.

    >>> formula_html("2C^2 (H//2)"), formula_html("max(C, 1)")
    ('2<i>C</i><sup>2</sup> (<i>H</i>//2)', 'max(<i>C</i>, 1)')
    """
    import re

    names = r"(?<![A-Za-z_&])(?!max\(|min\()[A-Za-z]\w*"  # nor the `lt` of `&lt;`
    return powers_raised(re.sub(names, r"<i>\g<0></i>", escaped(text)))


# What sympy calls symbols: `alpha` is a Greek letter, and `Hhat` has a hat.
_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho"
_GREEK += " sigma tau upsilon phi chi psi omega"
_ACCENTS = "acute bar breve check dot ddot dddot ddddot grave hat mathring overline tilde vec"
_ACCENTS += " left right lfloor rfloor frac max min mathbf mathcal mathfrak mathit mathrm mathscr"


def _is_formula(text: str) -> bool:
    """Whether a text between dollar signs is one of our formulas, and not a piece of a name."""
    import re

    commands = {*_ACCENTS.split(), *_GREEK.split(), *_GREEK.title().split()}
    return (
        re.fullmatch(r"(?:[\w ^()+\-*/,.<>={}]|\\[A-Za-z]+)*", text) is not None
        and {command.removeprefix("var") for command in re.findall(r"\\(\w+)", text)} <= commands
        and text.count("{") == text.count("}")
    )


def powers_raised(text: str) -> str:
    """`C^2` in a text for HTML.

    >>> powers_raised("params 9C^2")
    'params 9C<sup>2</sup>'
    """
    import re

    return re.sub(r"\^(\d+)", r"<sup>\1</sup>", text)


def one_line(text: str) -> str:
    """`text` without what moves a cursor: line breaks are shown as escapes too.

    >>> print(one_line("conv\\x1b[2J\\nMACs 0"))
    conv\\x1b[2J\\nMACs 0
    """
    return visible(text).replace("\n", "\\n")


def csv_escaped(text: str) -> str:
    """`text` for a cell of CSV: a spreadsheet takes it for no formula.

    >>> csv_escaped("=HYPERLINK(1)"), csv_escaped("-3"), csv_escaped("-3+A1")
    ("'=HYPERLINK(1)", '-3', "'-3+A1")
    """
    import re

    number = r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:/\d+)?"
    plain = re.fullmatch(rf"-|{number}(?: to {number})?", text)
    told = text[:1] in _FORMULA_SIGNS and not plain
    return "'" * told + one_line(text)


_FORMULA_SIGNS = {*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20"}  # of full width too
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}


def escaped(text: str) -> str:
    """`text` for HTML, in an element or in an attribute."""
    return "".join(_HTML.get(character, character) for character in visible(text))


def _piped(line: Sequence[str]) -> list[str]:
    return [markdown_escaped(one_line(cell)).replace("|", "\\|") for cell in line]


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
    >>> print(markdown_escaped("<script>, ```<b>`, H < 3"))
    \\<script>, \\`\\`\\`\\<b>\\`, H < 3
    """
    import re

    text = visible(text)
    special = r"[\\*_]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|(?<=\])[(\[:]"
    # Where backticks may not pair as ours do (a backslash, a paragraph), none is for code.
    if text.count("`") % 2 or any(mark in text for mark in ("``", "\\", "\n")):
        return re.sub(f"{special}|`", r"\\\g<0>", text)
    return "`".join(
        piece if is_code else re.sub(special, r"\\\g<0>", piece)
        for piece, is_code in _by_turns(text, "`")
    )


def fenced(text: str) -> str:
    """`text` as a block of code in Markdown.

    >>> print(fenced("1 2\\n3 4"))
    ```text
    1 2
    3 4
    ```
    """
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{visible(text)}\n{fence}"


def markdown_list(notes: Sequence[str]) -> str:
    """Sentences as a list."""
    return "\n".join(f"- {markdown_escaped(' '.join(note.split()))}" for note in notes)


_LATEX = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
_LATEX |= {character: "\\" + character for character in "&%#_{}$"}


def latex_escaped(text: str) -> str:
    """`text` for LaTeX; one of our formulas between dollar signs stays."""
    if text.startswith("$") and text.endswith("$") and _is_formula(text[1:-1]):
        return text
    escaped = "".join(_LATEX.get(character, character) for character in visible(text))
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

    return "$".join(
        piece if is_formula else re.sub("[<>]", r"$\g<0>$", latex_escaped(piece))
        for piece, is_formula in _formulas_apart(text)
    )


def _ampersands(line: Sequence[str]) -> str:
    return " & ".join(latex_escaped(one_line(cell)) for cell in line) + r" \\"


def filled(text: str, width: int, first: str = "", after: str = "") -> str:
    """`text` in lines of at most `width`, begun with `first` and `after`; words stay whole.

    (The library's textwrap compiles patterns for longer than a whole report takes to print.)

    >>> print(filled("a kernel that is made", 12, after="  "))
    a kernel
      that is
      made
    """
    first = visible(first)
    lines = [first]
    for word in visible(text).split():
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
