"""What the worker does beside the path of an event, a round after another."""
