"""How language and image models are served: step times, batching, memory. Knows no clock library."""
