"""Every mistake of a document is told in one pass."""

from pathlib import Path
from textwrap import dedent

import pytest

from simulator.topology.diagnostics import DocumentError
from simulator.topology.reading import load_topology

BROKEN = """
    name: shop
    rate: 120 rps
    requests:
      page: {entry: wbe, timeout: 2}
    components:
      web:
        kind: service
        replicas: three
        steps: [{wrk: 2ms}, {call: {to: cartt, timeout: 200ms}}, {call: broken}]
      broken: {kind: cache, key: usr, lookup: 1ms, capacty: 10, on_miss: [{call: dbb}]}
      db: {kind: database, connections: 5, query: 2ms}
"""


def codes(text: str, folder: Path) -> list[tuple[str, int]]:
    path = folder / "design.yaml"
    path.write_text(dedent(text).lstrip())
    with pytest.raises(DocumentError) as caught:
        load_topology(path)
    return [
        (found.code, found.span.line if found.span else 0) for found in caught.value.diagnostics
    ]


def test_wrong_fields_do_not_hide_unknown_names(tmp_path: Path) -> None:
    """Targets, attributes and fields: eight mistakes, each at its own line, none a consequence."""
    assert sorted(codes(BROKEN, tmp_path)) == sorted(
        [
            ("E110", 4),  # wbe
            ("E107", 4),  # timeout without a unit
            ("E106", 8),  # three
            ("E114", 9),  # wrk
            ("E110", 9),  # cartt
            ("E104", 10),  # capacty
            ("E110", 10),  # usr
            ("E110", 10),  # dbb
        ]
    )


def test_a_broken_component_is_still_known_to_its_callers(tmp_path: Path) -> None:
    text = """
        name: shop
        rate: 1 rps
        requests: {page: {entry: web}}
        components:
          web: {kind: service, steps: [{work: 1ms}, {call: db}]}
          db: {kind: databse, query: 2ms}
    """
    assert codes(text, tmp_path) == [("E113", 6)]


def test_a_broken_field_of_the_document_itself_hides_nothing(tmp_path: Path) -> None:
    text = """
        name: shop
        rate: 1
        requests: {page: {entry: wbe}}
        components:
          web: {kind: service, steps: [{work: 1ms}, {call: dbb}]}
          db: {kind: database, connections: 5, query: 2ms}
    """
    assert codes(text, tmp_path) == [("E107", 2), ("E110", 3), ("E110", 5)]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        # Two required fields of the document at once, and an unknown name.
        (
            """
            requests: {page: {entry: wbe}}
            components: {web: {kind: service, steps: [{work: 1ms}]}}
            """,
            [("E105", 1), ("E105", 1), ("E110", 1)],
        ),
        # Variants, claims, estimates and answers beside a broken field.
        (
            """
            name: shop
            rate: 1 rps
            requests: {page: {entry: web}}
            components:
              web: {kind: service, workers: four, steps: [{work: 1ms}]}
            estimates: {busy: "rat * 2"}
            claims:
              fast: {text: fast, own: true, metric: latencyy.p99, expect: "<1s"}
            variants:
              big: {components: {web: {worker: 8}}}
              more: {components: {wbe: {workers: 8}}}
            questions: {q: {question: "?", answer: "{claims.slow}"}}
            """,
            [("E106", 5), ("E110", 6), ("E110", 8), ("E104", 10), ("E110", 11), ("E110", 12)],
        ),
        # What a broken part may have named is not told as unknown.
        (
            """
            name: shop
            rate: 1
            requests: {page: {entry: web}}
            components:
              web: {kind: service, workers: 2, steps: [{record: done, rate: 3}]}
            claims:
              fast: {text: fast, own: true, metric: components.web.wait.p99, expect: "<1s"}
              done: {text: done, own: true, metric: done.p99, expect: "<1s"}
            """,
            [("E107", 2), ("E106", 5)],
        ),
        # The only component is broken.
        (
            """
            name: shop
            rate: 1 rps
            requests: {page: {entry: wbe}}
            components: {web: {kind: servce}}
            """,
            [("E110", 3), ("E113", 4)],
        ),
        # The only class is broken.
        (
            """
            name: shop
            rate: 1 rps
            requests: {page: {enty: web}}
            components: {web: {kind: service, steps: [{call: dbb}]}}
            """,
            [("E104", 3), ("E110", 4)],
        ),
        # Without components every name would be unknown.
        (
            """
            name: shop
            rate: 1
            requests: {page: {entry: web}}
            """,
            [("E105", 1), ("E107", 2)],
        ),
        # A circle, a fault that fits nothing, an unknown metric.
        (
            """
            name: shop
            rate: 1
            requests: {page: {entry: web}}
            components:
              web: {kind: service, steps: [{call: api}]}
              api: {kind: service, steps: [{call: web}]}
              far: {kind: delay, latency: 5ms}
            objectives: {latncy: ["p(99)<1s"]}
            faults: {outage: [{at: 1s, for: 1s, target: far, rolling_restart: {}}]}
            """,
            [("E107", 2), ("E111", 5), ("E110", 8), ("E118", 9)],
        ),
        # A context that does not fit, beside a mistake elsewhere.
        (
            """
            name: chat
            rate: 1
            requests: {chat: {entry: gpus, attributes: {input_tokens: 3000, output_tokens: 2000}}}
            components:
              gpus: {kind: gpu_pool, batching: continuous, model: llama-2-7b, gpu: h100}
            """,
            [("E107", 2), ("E119", 5)],
        ),
        # What the context is made of is broken itself: nothing is said about it.
        (
            """
            name: chat
            rate: 1 rps
            requests: {chat: {entry: gpus, attributes: {input_tokens: 3000, output_tokens: -2}}}
            components:
              gpus: {kind: gpu_pool, batching: continuous, model: llama-2-7b, gpu: h100}
            """,
            [("E108", 3)],
        ),
    ],
)
def test_what_does_not_depend_on_a_mistake_is_told_with_it(
    tmp_path: Path, rest: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(rest, tmp_path) == expected


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: shop", "name: my shop", ("a name has letters", "for example `my_shop`")),
        ("workers: 2", "workers: .inf", ('got "inf", must be a finite number', "")),
        ("[{work: 1ms}]", "{work: 1ms}", ("expected a list", "write a list")),
        ("rate: 1 rps", "rate: 0", ("the rate is 0", "such as 100 rps")),
        ("work: 1ms", "work: 1e300s", ("more than 100 000 years", "")),
        (
            "entry: web",
            "entry: llm, attributes: {output_tokens: 2 s}",
            ("`output_tokens` is a number of things, and `2 s` is a time", "leave the unit out"),
        ),
        ("entry: web", "entry: web, share: 0", ("no request arrives", "give one of them")),
        ("latency:", "latency.page:", ("not a class of requests", "write `page.latency`")),
        ("latency:", "lag:", ("`lag` is not a metric", "a step `record: lag` makes it one")),
    ],
)
def test_common_slips_have_a_way_out(
    tmp_path: Path, old: str, new: str, told: tuple[str, str]
) -> None:
    text = """
name: shop
rate: 1 rps
requests: {page: {entry: web}}
components:
  web: {kind: service, workers: 2, steps: [{work: 1ms}]}
  llm: {kind: llm_api, first_token: 1s, per_token: 20ms}
objectives: {latency: ["p(99)<1s"]}
"""
    path = tmp_path / "design.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        load_topology(path)
    (found,) = caught.value.diagnostics.errors
    assert told[0] in found.message and told[1] in found.hint


def test_a_variant_of_an_unknown_component_is_shown_where_it_is(tmp_path: Path) -> None:
    """The name that was meant is what helps, not the `kind` that a new one would need."""
    path = tmp_path / "design.yaml"
    path.write_text(
        """
name: shop
rate: 1 rps
requests: {page: {entry: web}}
components: {web: {kind: service, steps: [{work: 1ms}]}}
variants:
  more: {components: {wbe: {replicas: 3}}}
""",
        encoding="utf-8",
    )
    with pytest.raises(DocumentError) as caught:
        load_topology(path)
    (found,) = caught.value.diagnostics.errors
    assert (found.code, found.hint) == ("E110", "did you mean `web`?")
    assert found.span is not None and (found.span.line, found.span.column) == (7, 23)


def test_a_field_of_something_else_is_told_where_it_belongs(tmp_path: Path) -> None:
    path = tmp_path / "design.yaml"
    path.write_text(
        dedent("""\
            name: shop
            rate: 5 rps
            requests: {ask: {entry: web}}
            components:
              web: {kind: service, timeout: 3s, frobnicate: 2, steps: [{work: 5ms}]}
            """)
    )
    with pytest.raises(DocumentError) as caught:
        load_topology(path)
    hints = {found.message.split("`")[1]: found.hint for found in caught.value.diagnostics}
    assert hints["timeout"].startswith("`timeout` is a field of `call`")
    assert hints["frobnicate"] == ""
