"""Thin commands: parse words, call the layers below, choose an exit code."""
