"""Charging systems that are played on this machine, with their traps, for tests and for trying things."""

from selbsthelfer.charging.simulator.running import PROFILES, Simulator, make_simulator

__all__ = ["PROFILES", "Simulator", "make_simulator"]
