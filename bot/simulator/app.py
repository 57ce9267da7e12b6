"""Where tests and benchmarks find the simulator as a Flask application; it is made in blueprint.py."""

from bot.simulator.blueprint import create_blueprint, create_simulator_app

__all__ = ["create_blueprint", "create_simulator_app"]
