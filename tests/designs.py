"""Small designs with known answers, for tests of studies and of their pages."""

DESK = """
name: desk
rate: 50 rps
requests:
  all: {entry: counter}
components:
  counter:
    kind: service
    workers: 4
    cost: $1/h
    steps: [{work: {exponential: {mean: 50ms}}}]
objectives:
  latency: ["p(95)<250ms"]
variants:
  quick:
    summary: A quicker clerk.
    components: {counter: {steps: [{work: {exponential: {mean: 40ms}}}]}}
"""

SHOP = """
name: shop
rate: 200 rps
requests:
  all: {entry: web}
components:
  web:
    kind: service
    replicas: 3
    workers: 4
    cost: $0.5/h
    steps: [{work: {exponential: {mean: 20ms}}}, {call: store}]
  store:
    kind: service
    replicas: 4
    workers: 1
    cost: $0.3/h
    steps: [{work: {exponential: {mean: 10ms}}}]
objectives:
  latency: ["p(95)<150ms"]
"""
