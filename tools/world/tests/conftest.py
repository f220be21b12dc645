import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))


@pytest.fixture(scope="session")
def catalogue():
    from world.catalogue import Catalogue
    return Catalogue()


@pytest.fixture
def view(catalogue):
    from world.view import View
    return View(catalogue)
