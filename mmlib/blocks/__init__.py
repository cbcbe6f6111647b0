"""Small parts of networks that two or more chapters share, one file per family."""
