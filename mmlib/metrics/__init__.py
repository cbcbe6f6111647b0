"""Measures of fusion, segmentation, detection, flow and referring, each with its convention as explicit arguments.

- `mmlib.metrics.fusion`: how well one image carries two (EN ... Qcb), with the conventions found in print.
- `mmlib.metrics.segmentation`, `referring`, `detection`, `flow`: the task measures.
- `mmlib.metrics.multiscale`: answers averaged over scales and mirror images, before they are measured.
"""
