"""The ports: the interfaces that the application needs, and the errors that each call may raise.

Adapters live in ``infrastructure`` and satisfy these protocols structurally. A cancel event is a
``threading.Event``: once set, every wait ends and the call raises ``domain.errors.Cancelled``.
"""
