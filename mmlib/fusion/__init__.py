"""Image fusion behind one call: classical rules, and public learned methods with their authors' weights.

    from mmlib.fusion import fuse
    fused = fuse(rgb, ir, method="lrrnet")     # (B, 1, H, W) in [0, 1]

One file per network, written from what its paper and its released code compute; `methods` says how each is used.
`python data_scripts/obtain.py weights` obtains the weights.
"""

from mmlib.fusion.chroma import add_chroma
from mmlib.fusion.methods import METHODS, RULES, Method, fuse, fuse_set, load

__all__ = ["METHODS", "RULES", "Method", "add_chroma", "fuse", "fuse_set", "load"]
