"""How language and image models are served: step times, batching, memory.

It knows no clock library.
"""
