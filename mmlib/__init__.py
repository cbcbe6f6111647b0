"""mmlib: the parts of *Fuse, Flow, Refer*.

Importing it costs next to nothing: every part is imported by name when it is needed, for example
``from mmlib.metrics import fusion``.
"""

__version__ = "0.1.0"
