"""What the scanner of YAML complains of, in words that say where to look."""

from typing import NamedTuple

from ruamel.yaml.error import MarkedYAMLError, StreamMark


class Complaint(NamedTuple):
    """What is wrong, where, and the way out."""

    message: str
    mark: StreamMark | None
    hint: str = ""


def in_words(error: MarkedYAMLError) -> Complaint:
    """The complaint behind an error of the scanner; its own words where none are known."""
    problem = " ".join(str(error.problem or error.context or "no valid YAML").split())
    context, begun = str(error.context or ""), error.context_mark
    mark = error.problem_mark or begun
    if "cannot start any token" in problem:
        character = problem.removeprefix("found character ").split(" that ")[0].strip("'")
        if character == "\\t":
            return Complaint("a tab cannot indent", mark, "use spaces")
        return Complaint(f"a text cannot begin with `{character}`", mark, "put it in quotes")
    if "quoted scalar" in context and begun is not None:
        if "end of stream" in problem or "document separator" in problem:
            return Complaint("the quote is not closed", begun)
        return Complaint(problem, mark, "double the backslash, or use single quotes")
    if context.endswith(("flow mapping", "flow sequence")) and begun is not None:
        bracket, closing = ("{", "}") if context.endswith("mapping") else ("[", "]")
        where = f"line {begun.line + 1}, column {begun.column + 1}"
        message = f"`,` or `{closing}` is missing before this"
        return Complaint(message, mark, f"the `{bracket}` at {where} is not closed")
    if "mapping values are not allowed" in problem:
        hint = "put the value in quotes, or align the key with its neighbours"
        return Complaint("a `:` where no key can be", mark, hint)
    if "expected <block end>" in problem:
        if problem.endswith(("'}'", "']'")):
            return Complaint(f"nothing is open that {problem[-3:]} could close", mark, "remove it")
        hint = "align it with the keys or items it belongs to"
        return Complaint("the indentation fits nothing above", mark, hint)
    return Complaint(problem, mark)
