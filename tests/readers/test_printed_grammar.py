"""The form of a print-out: what is read, and what is said of a paste that went wrong."""

from __future__ import annotations

import pytest
from calls import counted
from hypothesis import given
from hypothesis import strategies as st

from convalgebra.errors import FormatError, Source
from convalgebra.readers.printed.arguments import Unfit, arguments_of
from convalgebra.readers.printed.grammar import parse

MODEL = """\
Net(
  (conv): Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1))
  (blocks): ModuleList(
    (0-2): 3 x Block(
      (act): ReLU(inplace=True)
    )
  )
  (head): Sequential()
)
"""
READ = [
    ("", "Net", -1, 1),
    ("conv", "Conv2d", 0, 1),
    ("blocks", "ModuleList", 0, 1),
    ("0-2", "Block", 2, 3),
    ("act", "ReLU", 3, 1),
    ("head", "Sequential", 0, 1),
]


def parsed(text):
    return [(m.name, m.kind, m.parent, m.times) for m in parse(Source(text, "m.txt"))]


def said(text):
    with pytest.raises(FormatError) as caught:
        parse(Source(text, "m.txt"))
    return str(caught.value)


def test_modules_inside_modules():
    assert parsed(MODEL) == READ
    assert parse(Source(MODEL))[1].arguments == "3, 64, kernel_size=(3, 3), stride=(1, 1)"


@pytest.mark.parametrize(
    "paste",
    [
        MODEL.replace("\n", "\r\n"),
        ">>> print(model)\n" + MODEL,
        ">>> model = Net(\n...     3,\n... )\n>>> model\n" + MODEL + ">>> \n",
        "In [3]: model\nOut[3]: \n" + MODEL + "\nIn [4]: \n",
        "Out[12]: " + MODEL,
        "```\n" + MODEL + "```\n",
        "$ python show.py\n" + MODEL,
        "<bound method Module.eval of " + MODEL.rstrip() + ">\n",
        "\n\n   " + MODEL,
        "\n".join("    " + line for line in MODEL.splitlines()),
        "\n".join(line.strip() for line in MODEL.splitlines()),  # its indentation was lost
        " ".join(MODEL.split()),  # and its line breaks
        MODEL.replace("  ", "\t"),
        MODEL.replace(" ", "\u00a0"),
        MODEL + "\n\n\ndef forward(self, x):\n    return self.conv(x)\n",
        MODEL + "None\n",
    ],
)
def test_what_pastes_bring_along(paste):
    assert parsed(paste) == READ


def test_a_part_may_be_pasted_with_its_name():
    assert parsed("(head): Sequential(\n  (0): ReLU()\n)")[0] == ("head", "Sequential", -1, 1)


INSIDE = """\
  (0): Sequential(
    (0): ReLU()
  )
  (1): ReLU()
"""


@pytest.mark.parametrize(
    "paste", [INSIDE, INSIDE.lstrip(), " ".join(INSIDE.split()), ">>> net\n" + INSIDE + ">>> "]
)
def test_the_inside_of_a_sequential_may_be_pasted(paste):
    assert parsed(paste) == parsed(f"Sequential(\n{INSIDE})")
    assert not parse(Source(paste))[0].is_there


def test_the_class_may_have_its_module_before_it():
    assert parsed("nn.Sequential(\n (0): torch.nn.ReLU()\n)") == parsed(
        "Sequential(\n (0): ReLU()\n)"
    )


def test_some_lines_of_a_sequential_may_be_pasted():
    assert parsed("(3): ReLU()\n(4): Tanh()")[0] == ("", "Sequential", -1, 1)


def test_what_is_folded_stands_in_a_list_of_modules():
    for paste in ("(0-1): 2 x A()", "(0-1): 2 x A()\n(2): B()", "2 x A(\n  (a): ReLU()\n)"):
        assert parsed(paste)[0] == ("", "ModuleList", -1, 1)


@pytest.mark.parametrize("names", ["13", "00", "10", "ab", "0b"])
def test_modules_in_no_order(names):
    paste = "".join(f"({name}): ReLU()\n" for name in names)
    assert said(paste) == (
        "a second module begins here\n"
        f"  ({names[1]}): ReLU()\n"
        "  ~~~~~~~~~~^\n"
        "  m.txt:2:1\n"
        "  hint: modules that run one after another stand between a line `Sequential(` and a line "
        "`)`, or are called 0, 1, 2, .. in order"
    )


def test_the_first_line_is_missing():
    assert said("  (0): ReLU()\n  (1): ReLU()\n)\n") == (
        "this closes nothing\n  )\n  ^\n  m.txt:3:1\n"
        "  hint: the first line is missing: put it before, like `Sequential(`"
    )


def test_arguments_on_lines_of_their_own():
    text = "Own(\n  4, 5\n  mode=a\n  (x): Tanh()\n)"
    assert parse(Source(text))[0].arguments == "4, 5\n  mode=a"


def test_strange_names_and_arguments():
    text = "Net(\n  (a b.c(d)): Foo(x=[(1, 2), {3: ')'}], 'it (is)', 8x0e -> 1)\n)"
    (_, found) = parse(Source(text))
    assert (found.name, found.kind) == ("a b.c(d)", "Foo")
    assert found.arguments == "x=[(1, 2), {3: ')'}], 'it (is)', 8x0e -> 1"


def test_what_stands_in_place_of_a_module():
    text = """\
Net(
  (a): None
  (b): Parameter containing: [torch.float32 of size 3x4]
  (c): Parameter containing: [torch.cuda.FloatTensor of size 2 (cuda:0)]
  (d): Parameter containing: [torch.float32 of size ]
  (e): Object of type: int
  (f): ReLU()
)"""
    found = parse(Source(text))
    assert [(m.name, m.numbers) for m in found[1:]] == [("b", 12), ("c", 2), ("d", 1), ("f", None)]


def test_a_paste_that_ends_inside():
    assert said("Net(\n  (a): Sequential(\n    (0): ReLU()\n") == (
        "`(a): Sequential(` is not closed: the print-out ends inside it\n"
        "    (a): Sequential(\n"
        "    ~~~~~~~~~~~~~~^\n"
        "  m.txt:2:3\n"
        "  hint: paste all of it, to the last parenthesis"
    )
    assert said("Net(\n  (a): Conv2d(3, 4, kernel_size=(3") == (
        "this bracket is not closed\n"
        "    (a): Conv2d(3, 4, kernel_size=(3\n"
        "                                  ^\n"
        "  m.txt:2:33"
    )
    assert said("Net(\n  (a): ").startswith("expected a module, found nothing\n")


@pytest.mark.parametrize("after", ["\n  (1): ReLU()\n)", "\n)", ""])
def test_a_bracket_that_is_left_open_is_found(after):
    assert said("Sequential(\n  (0): Conv2d(3, 64, kernel_size=(7, 7, stride=2)" + after) == (
        "expected `)` before `stride=`\n"
        "    (0): Conv2d(3, 64, kernel_size=(7, 7, stride=2)\n"
        "                                          ~~~~~~^\n"
        "  m.txt:2:41"
    )


def test_a_call_among_the_arguments_hides_no_missing_parenthesis():
    text = "Net(\n  (a): Own(x=Config(3, y=2))\n  (b): ReLU()\n"
    assert said(text).startswith("`Net(` is not closed: the print-out ends inside it\n")


def test_a_missing_parenthesis():
    assert said("Net(\n  (a): Sequential(\n    (0): ReLU()\n  (b): ReLU()\n)\n") == (
        "`(a): Sequential(` of line 2 is not closed before this\n"
        "    (b): ReLU()\n"
        "    ~~~~~~~~~~^\n"
        "  m.txt:4:3\n"
        "  hint: a parenthesis is missing: paste the print-out as it is"
    )
    assert said("Net(\n  (a): Linear(3, 4\n)\n") == (
        "`(a): Linear(` of line 2 is not closed before this\n"
        "  )\n"
        "  ^\n"
        "  m.txt:3:1\n"
        "  hint: a parenthesis is missing: paste the print-out as it is"
    )


def test_a_parenthesis_too_many():
    assert said("Net(\n  (a): ReLU()\n)\n)\n") == (
        "this closes nothing: there is a parenthesis too many\n  )\n  ^\n  m.txt:4:1"
    )


def test_what_follows_is_never_overlooked():
    message = "the module ends before this\n  more\n  ~~~^\n  m.txt:4:1"
    assert said("A(\n  (a): ReLU()\n)" + " " * 999 + "\nmore") == message


def test_a_second_module():
    assert said("A(\n  (a): ReLU()\n)\nB(\n  (a): ReLU()\n)") == (
        "a second module begins here\n  B(\n  ~^\n  m.txt:4:1\n  hint: read one at a time"
    )


@pytest.mark.parametrize(
    "text",
    ["Net(\n  (a): ReLU()\n  ...\n)", "Net(\n  (a): ReLU()\n  …\n)", "Net(\n  (a): Block(...)\n)"],
)
def test_a_paste_that_was_cut(text):
    assert said(text).startswith("the print-out is cut here\n")
    assert said(text).endswith("hint: paste all of it")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a module, found nothing"),
        (">>> \n", "expected a module, found nothing"),
        ("hello", "expected a class and its parenthesis"),
        ("Net(\n  (a): <object at 0x7f>\n)", "expected a class and its parenthesis after (a):"),
        ("Net(\n  (a): ReLU(]\n)", "expected `)`, found `]`"),
        ("N(\n (0-2): 4 x B()\n)", "expected `3 x` after (0-2):, found `4 x`"),
        ("N(\n (0-9): 1000000000 x B()\n)", "from 1 to 1,000,000 modules can be folded"),
        ("N(\n (a): 0 x B()\n)", "from 1 to 1,000,000 modules can be folded"),
        (f"N(\n (a): {'9' * 9999} x B()\n)", "from 1 to 1,000,000 modules can be folded"),
        (
            "N(\n (a): 1000 x B(\n  (b): 10000 x C()\n )\n)",
            "these are more than 1,000,000 modules, or 200,000 printed ones",
        ),
        ("A(\n(x): " * 200 + ")" * 200, "modules are nested more than 100 deep"),
        (
            f"A(\n (a): Parameter containing: [torch.float32 of size {'9' * 99}]\n)",
            "a size with too many digits",
        ),
        ("A(\n" + "x (a): B()\n" * 33_000 + ")", "its arguments have more than 65,536 characters"),
    ],
)
def test_what_cannot_be(text, message):
    assert said(text).startswith(message + ("\n" if text.strip() else ""))


HUGE = 2**18
HOSTILE = {
    "open parentheses": "A(" + "(" * HUGE,
    "closed": "A" + "()" * HUGE,
    "modules": "A(" * HUGE,
    "names": "A(" + "(a" * HUGE,
    "quotes": "A(" + "'" * HUGE,
    "equals": "A(" + "=" * HUGE,
    "prompts": ">>>\n" * HUGE,
    "blanks": " " * HUGE,
    "lines": "A(" + "\n" * HUGE,
    "sizes": "A(\n (a): Parameter containing: [" + "of size " * HUGE,
    "digits": "A(\n (a): Parameter containing: [of size " + "1" * HUGE,
    "modules on one line": "A( (a): B( " + "(b): C() " * HUGE,
    "modules without end": "".join(f"({number}): A()\n" for number in range(10**5)) + "(0): A()",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_soon(name):
    with counted(40_000_000):
        assert len(said(HOSTILE[name])) < 600


@pytest.mark.slow
def test_more_modules_than_anybody_prints():
    assert said("A(\n" + " (a): B()\n" * 200_001).startswith("these are more than 1,000,000")


@given(st.text("A(0): x\n)-,=[]'.", max_size=40))
def test_any_text_is_read_or_refused(text):
    for one in (text, f"Net({text})", f"Net(\n  (0): A({text}\n)"):
        try:
            found = parse(Source(one))
        except FormatError:
            continue
        assert found[0].parent == -1


@pytest.mark.parametrize(
    ("text", "places", "names"),
    [
        ("", (), {}),
        ("3, 64, kernel_size=(7, 7)", (3, 64), {"kernel_size": (7, 7)}),
        ("(64,), eps=1e-05", ((64,),), {"eps": 1e-05}),
        ("kernel_size=(3,), x=()", (), {"kernel_size": (3,), "x": ()}),
        ("p=0.5, inplace=False, k=None", (), {"p": 0.5, "inplace": False, "k": None}),
        ("mode='nearest'", (), {"mode": "nearest"}),
        (
            "padding=same, qscheme=torch.per_tensor",
            (),
            {"padding": "same", "qscheme": "torch.per_tensor"},
        ),
        ("x=torch.Size([2, 5]), y=[1, -2]", (), {"x": (2, 5), "y": (1, -2)}),
        ("a=1., b=.5, c=1e3, d=-0.1", (), {"a": 1.0, "b": 0.5, "c": 1000.0, "d": -0.1}),
    ],
)
def test_arguments(text, places, names):
    found = arguments_of(text)
    assert tuple(found.names) == tuple(names)
    taken = [*found.places, *found.names.values()]
    assert [argument.value for argument in taken] == [*places, *names.values()]
    assert [type(argument.value) for argument in taken] == list(
        map(type, [*places, *names.values()])
    )


VALUE = "a number (of 18 digits at most), a word or values in parentheses"


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("8x0e -> 8x0e | 64 weights", f"expected {VALUE}, found `8x0e`", "8x0e"),
        ("a=1, 2", "expected a name before this, like `bias=True`", "2"),
        ("a=1, a=2", "`a=` stands twice", "a=2"),
        ("a=", f"expected {VALUE}, found nothing", ""),
        ("=1", f"expected {VALUE}, found `=`", "="),
        ("1 23", "expected `,`, found `23`", "23"),
        ("(1, 2", "expected `,` or `)`, found nothing", ""),
        ("[1, 2)", "expected `,` or `]`, found `)`", ")"),
        ("k=(7, 7, stride=2)", "expected `)` before `stride=`", "stride="),
        ("(" * 50 + ")" * 50, "brackets are nested more than 8 deep", "("),
        ("9" * 30, f"expected {VALUE}, found `{'9' * 30}`", "9" * 30),
        ("f(x)", "expected `,`, found `(`", "("),
        (
            "torch.Size(2, 5)",
            "expected sizes in brackets, like torch.Size([2, 5])",
            "torch.Size(2, 5)",
        ),
        ("a=1,, b=2", f"expected {VALUE}, found `,`", ","),
    ],
)
def test_arguments_of_another_form(text, message, place):
    with pytest.raises(Unfit) as caught:
        arguments_of(text)
    assert caught.value.message == message
    start, stop = caught.value.span
    assert text[start:stop] == place
