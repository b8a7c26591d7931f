"""Discrete-event capacity and trade-off simulator."""
