"""An IMDb-shaped site on loopback: invented titles, real page shapes, faults on demand.

``server.serve`` runs it in this process, ``process.DemoProcess`` in a process of its
own. Its own addresses are neither counted nor given faults: ``GET /_demo/log``
(``?visits`` for each request), ``POST /_demo/reset``, ``GET`` and ``POST
/_demo/faults``, ``POST /_demo/replace``, ``GET /_demo/ids``.
"""
