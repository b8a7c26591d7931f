"""From a model and a seed to recordings; nothing above this package sees SimPy."""
