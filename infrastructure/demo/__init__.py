"""An IMDb-shaped site on loopback: invented titles, real page shapes, misbehaviour on demand.

``serving.serve`` runs it in this process, ``process.DemoProcess`` in one of its
own, ``control.DemoControl`` reads its log and changes its faults while it runs.
How a fault is written stands at ``faults.Fault.parse``, which ones there are at
``refusals`` (well-formed answers) and ``misbehaviour`` (broken ones). The site's
own addresses, neither counted nor misanswered: ``GET /_demo/log`` (``?visits``
for each request), ``POST /_demo/reset``, ``GET`` and ``POST /_demo/faults``,
``GET /_demo/ids``.
"""
