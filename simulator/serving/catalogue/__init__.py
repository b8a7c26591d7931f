"""The GPUs and models that can be named, each entry with its source."""

from simulator.serving.catalogue.gpus import GPUS, Gpu, find_gpu, mig_slice
from simulator.serving.catalogue.models import MODELS, Model, find_model
from simulator.serving.catalogue.sources import Source

__all__ = ["GPUS", "MODELS", "Gpu", "Model", "Source", "find_gpu", "find_model", "mig_slice"]
