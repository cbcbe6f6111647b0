"""The papers' models, written here from the chapters' cells tagged ``export`` by ``make export``."""
