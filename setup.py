"""The packages: those of `resgraph`, and `specs`, which is `resgraph.zoo` once it is installed."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[
        *find_namespace_packages(include=["resgraph*"]),
        "resgraph.zoo",
    ],
    package_dir={"resgraph.zoo": "specs"},
)
