"""The windows that pages are looked at in, in CSS pixels."""

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
