"""Which slash of a name makes a folder: one that its template writes, none out of a variable.

`{{ year }}/{{ date }}` is one folder deep, also where the date is 12/1/2026. A slash in a
template's own text, `{{ publish | date('%Y/%m') }}` or `{{ a ~ '/' ~ b }}`, is written; whatever a
variable brings along becomes a dash.
"""

from typing import Any

from jinja2 import nodes

from pipeline.job.template.environment import filtered

_WRITTEN = (nodes.TemplateData, nodes.Const)


def flatten(tree: nodes.Template) -> None:
    """Change a parsed template, so that its variables bring no slashes."""
    for output in tree.find_all(nodes.Output):
        output.nodes = [_flat(node) for node in output.nodes]


def _flat(node: Any) -> Any:
    if isinstance(node, _WRITTEN):
        return node
    if isinstance(node, nodes.CondExpr):
        node.expr1, node.expr2 = _flat(node.expr1), node.expr2 and _flat(node.expr2)
        return node
    if isinstance(node, nodes.List | nodes.Tuple):
        node.items = [_flat(item) for item in node.items]
        return node
    if isinstance(node, nodes.Add | nodes.Mod):
        node.left, node.right = _flat(node.left), _flat(node.right)
        return node
    return _flat_filter(node) if isinstance(node, nodes.Filter) else filtered(node, "_flat")


def _flat_filter(node: nodes.Filter) -> nodes.Node:
    if node.name == "date" or (node.name == "replace" and _writes_slash(node.args[1:])):
        return node
    if node.name == "_join" or (node.name != "replace" and _writes_slash([node.node, *node.args])):
        node.node = _flat(node.node)
        node.args = [_flat(arg) for arg in node.args]
        return node
    return filtered(node, "_flat")


def _writes_slash(written: list[Any]) -> bool:
    return any(isinstance(one, nodes.Const) and "/" in str(one.value) for one in written)
