"""Sphinx configuration; `nox -s docs` builds the pages."""

import vicinal

project = "vicinal"
author = "The vicinal developers"
copyright = f"2026, {author}"
release = vicinal.__version__
version = ".".join(release.split(".")[:2])

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py", "**sg_execution_times.rst"]
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
autodoc_mock_imports = ["jax", "torch"]  # signatures and docstrings need neither
numpydoc_show_class_members = False
numpydoc_validation_checks = {"GL08", "SS02", "SS03", "PR01", "PR02", "PR03", "RT01"}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"^(?!plot_)",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"vicinal {release}"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
templates_path = ["_templates"]


def setup(app):
    # scikit-learn generates set_*_request with references into its own pages.
    def skip(app, kind, name, obj, skipped, options):
        return True if name.startswith("set_") and name.endswith("_request") else None

    app.connect("autodoc-skip-member", skip)
