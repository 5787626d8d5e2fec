"""Shipped for tests: conformance suites, fakes, event strategies."""
