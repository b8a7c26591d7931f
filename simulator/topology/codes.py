"""The codes of diagnostics: stable names of mistakes, and what `simulate explain` says of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """What a code means: a title, why it is a mistake, and a wrong and a right document."""

    title: str
    explanation: str
    wrong: str = ""
    right: str = ""


CODES: dict[str, Code] = {
    "E100": Code(
        "the file cannot be read",
        "The file does not exist, is a directory, may not be read, or is no text in UTF-8. A "
        "topology is a text file; every editor can save one as UTF-8.",
        "simulate topologies/",
        "simulate topologies/llm_gateway.yaml",
    ),
    "E101": Code(
        "the document is empty",
        "The file has no content besides white space and comments. The smallest topology has a "
        "name, one class of requests and one component.",
        "# to be written",
        "name: shop\nrate: 100 rps\nrequests: {visit: {entry: web}}\n"
        "components:\n  web: {kind: service, workers: 8, steps: [{work: 20ms}]}",
    ),
    "E102": Code(
        "the text is no valid YAML",
        "Documents are YAML 1.2. Usual causes are a tab in the indentation, a missing space after "
        "a colon, a bracket or quote that is not closed, or a text that begins with a character "
        "YAML reserves and so needs quotes. Tags (`!name`) and a second document after `---` are "
        "refused.",
        "components: {web: {kind: service",
        "components: {web: {kind: service}}",
    ),
    "E103": Code(
        "a key appears twice",
        "Names are unique within a mapping. YAML readers differ in which of two equal keys they "
        "keep, so one of them would silently have no effect.",
        "web: {replicas: 2, replicas: 3}",
        "web: {replicas: 3}",
    ),
    "E104": Code(
        "unknown field",
        "The field does not exist here, which is mostly a typing mistake or wrong indentation. "
        "`simulate explain KIND` lists the fields of a kind. Notes of your own go into fields "
        "that begin with `x-`, which are allowed everywhere.",
        "web: {kind: service, replica: 3}",
        "web: {kind: service, replicas: 3, x-owner: checkout}",
    ),
    "E105": Code(
        "a required field is missing",
        "The part of the document cannot be simulated without this field.",
        "steps: [{call: {timeout: 3s}}]",
        "steps: [{call: {to: database, timeout: 3s}}]",
    ),
    "E106": Code(
        "the value has the wrong form",
        "The field takes another kind of value: a list where a text stands, a text where a whole "
        "number is needed, or a quantity in a form that is not known.",
        "replicas: three",
        "replicas: 3",
    ),
    "E107": Code(
        "a quantity has no unit",
        "Every quantity with a dimension carries its unit: durations `40ms`, rates `500 rps`, "
        "sizes `80GB`, prices `$2.48/h`. A bare 500 may be half a second or eight minutes, and a "
        "capacity figure built on the wrong guess is off by a factor of a thousand. A plain 0 "
        "needs no unit.",
        "timeout: 500",
        "timeout: 500ms",
    ),
    "E108": Code(
        "the value is impossible",
        "The value has the right form and no meaning: a negative time, a fraction above 1, a p99 "
        "below the p50, shares that add up to 0.",
        "work: {p50: 40ms, p99: 20ms}",
        "work: {p50: 20ms, p99: 40ms}",
    ),
    "E109": Code(
        "the document exceeds a limit",
        "Documents are limited to 1 MB, 40 levels and 50,000 values, where what an alias stands "
        "for counts each time it is used. Larger ones are mistakes or attacks: nine lines of "
        "nested aliases can stand for a billion values.",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]   # and so on",
        "a: [x, x]",
    ),
    "E110": Code(
        "the target does not exist",
        "A call, a split, a fallback or a fault names a component that the document does not have.",
        "steps: [{call: databse}]",
        "steps: [{call: database}]",
    ),
    "E111": Code(
        "calls form a cycle without a bound",
        "Each of these components calls the next and the last calls the first, so that a request "
        "would never end. Break the cycle, or use a `repeat` with a count.",
        "a: {steps: [{call: b}]}\nb: {steps: [{call: a}]}",
        "a: {steps: [{call: b}]}\nb: {steps: [{work: 3ms}]}",
    ),
    "E112": Code(
        "nothing can be reached",
        "A class of requests enters at a component that does not exist or calls nothing, so that "
        "no work is ever done.",
    ),
    "E113": Code(
        "unknown kind",
        "`kind` picks what a part of the document is. `simulate list kinds` shows them all.",
        "cache: {kind: cahce}",
        "cache: {kind: cache}",
    ),
    "E114": Code(
        "unknown step",
        "A step is a mapping with one key, which says what is done: work, wait, call, parallel, "
        "choose, repeat, spawn, respond, fail, mark. `simulate list steps` shows them all.",
        "steps: [{wrok: 3ms}]",
        "steps: [{work: 3ms}]",
    ),
    "E115": Code(
        "unknown variant, workload or path",
        "The name after --variant, --workload or --set is not in the document. Paths are written "
        "with dots, as in `gpu_pool.replicas` or `components.gpu_pool.replicas`.",
        "--set gpu_pool.replica=10",
        "--set gpu_pool.replicas=10",
    ),
    "E116": Code(
        "unknown attribute",
        "A component or step reads an attribute that no class of requests carries. Attributes are "
        "declared under `requests.CLASS.attributes`.",
        "rate_limiter: {key: tenent}",
        "rate_limiter: {key: tenant}",
    ),
    "E117": Code(
        "unknown metric",
        "An objective or claim names a metric that this topology does not have. `simulate list "
        "metrics` shows those that every topology has.",
        'objectives: {latnecy: ["p(99)<1s"]}',
        'objectives: {latency: ["p(99)<1s"]}',
    ),
    "E118": Code(
        "the fault cannot happen",
        "A fault strikes a component that has nothing it could take away (a flush of something "
        "that keeps nothing in memory), or begins after the end of the run. Faults go under "
        "`faults.NAME` or into a file of their own and are switched on with `--faults`.",
        "outage: [{at: 2h, target: db, down: true}]  # in a run of 10 minutes",
        "outage: [{at: 40%, for: 20%, target: db, down: true}]",
    ),
    "E119": Code(
        "the mean request can never be served",
        "The context of a request, prompt and answer, is longer than the KV cache of a replica "
        "can ever hold, so it would be refused however long it waits. Shorten the prompts, store "
        "keys and values in fewer bytes, or give a replica more memory.",
        "llm: {kind: gpu_pool, gpu: l4, model: llama-3-8b}  # prompts of 100,000 tokens",
        "llm: {kind: gpu_pool, gpu: l4, model: llama-3-8b, tensor_parallel: 2}",
    ),
    "E120": Code(
        "a row of a data file is malformed",
        "A trace is a CSV file with a header: every row has as many cells as the header, the "
        "column of arrival times is ascending numbers of seconds, and what components count with "
        "(tokens, sizes) is numbers of zero or more. Lists, such as the hashes of a prompt's "
        "blocks, are parted by blanks. Tables of measured kernels have the columns that `simulate "
        "profile gpu` writes, counts that are whole numbers, and times above zero.",
        "arrived,inp\n0,1024\nnoon,800",
        "arrived,inp\n0,1024\n43200,800",
    ),
    "W201": Code(
        "cannot keep up on paper",
        "The offered load exceeds what the component can serve: rate x service time is more than "
        "its servers. Its queue grows for as long as the run lasts, so percentiles would depend "
        "on the length of the run. The simulation runs and names the system unstable.",
    ),
    "W202": Code(
        "unused component",
        "No request ever reaches the component. It costs money and does nothing; most often a "
        "call to it is missing.",
    ),
    "W203": Code(
        "a further try has nowhere else to go",
        "A retry or hedge is to go to another replica, but nobody chooses among the replicas of "
        "the component: they share one queue, or there is only one. It goes where the first try "
        "went.",
        "call: {to: web, max_attempts: 2, retry_target: different_replica}",
        "web: {kind: service, replicas: 4, queue_at: replica}",
    ),
    "W204": Code(
        "the field has no effect",
        "The value was set and nothing reads it beside the other fields of the component, so the "
        "result is the same without it. Often it belongs to another way of working, as the sizes "
        "of batches do to a pool of GPUs that does not batch. Leave it out, or choose the way of "
        "working that it is meant for.",
        "encoder: {kind: gpu_pool, gpu: l4, batching: single, max_batch_size: 8, "
        "pass_time: {fixed: 5ms}}",
        "encoder: {kind: gpu_pool, gpu: l4, batching: dynamic, max_batch_size: 8, "
        "pass_time: {fixed: 5ms}}",
    ),
    "W212": Code(
        "component is not reachable",
        "The component is called only by components that no request reaches.",
    ),
}
"""Every code; new ones are added here and nowhere else."""


def explain_code(code: str) -> str:
    """The page of a code, as ``simulate explain E107`` prints it; raises KeyError."""
    page = CODES[code]
    parts = [f"{code}: {page.title}", page.explanation]
    for label, example in (("wrong", page.wrong), ("right", page.right)):
        if example:
            lines = "\n".join(f"    {line}" for line in example.splitlines())
            parts.append(f"{label}:\n{lines}")
    return "\n\n".join(parts)
