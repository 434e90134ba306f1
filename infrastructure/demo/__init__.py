"""A demo site on loopback with the form of IMDb: generated titles, real page structure, faults on request.

``server.serve`` runs it in this process, ``process.DemoProcess`` in a child process. Requests to
its control addresses are neither counted nor given faults: ``GET /_demo/log`` (``?visits`` for
each request), ``POST /_demo/reset``, ``POST /_demo/faults``, ``POST /_demo/replace``,
``GET /_demo/ids``.
"""
