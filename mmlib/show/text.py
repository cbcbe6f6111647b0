"""Sentences whose numbers come from the code above them."""


def say(markdown: str) -> None:
    """Display Markdown at once, so that no number in the prose is typed by hand: ``say(f"The error is {e:.2f}.")``."""
    from IPython.display import Markdown, display

    display(Markdown(markdown))
