"""The texts under the fields of a spec, read from its source when somebody asks.

The string below a field is its documentation for readers, editors and ``simulate explain``.
Pydantic can collect these texts while a class is made, which took 0.16 s of the start-up of every
command; so they are read from the module's syntax tree here, on demand.
"""

import ast
import inspect
import sys
from functools import cache
from types import ModuleType

Texts = dict[str, str]


def field_texts(model: type) -> Texts:
    """The text below each annotated attribute, the nearest base last; empty without sources."""
    texts: Texts = {}
    for base in reversed(model.__mro__):
        module = sys.modules.get(base.__module__)
        if module is not None and base.__module__ != "builtins":
            texts |= _module_texts(module).get(base.__qualname__, {})
    return texts


@cache
def _module_texts(module: ModuleType) -> dict[str, Texts]:
    """The field texts of every class of a module, by qualified name."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, Texts] = {}
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                name = f"{prefix}{child.name}"
                found[name] = _class_texts(child)
                pending.append((f"{name}.", child))
            elif isinstance(child, ast.FunctionDef):
                pending.append((f"{prefix}{child.name}.<locals>.", child))
    return found


def _class_texts(node: ast.ClassDef) -> Texts:
    texts: Texts = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            texts[field.target.id] = inspect.cleandoc(text.value.value)
    return texts
