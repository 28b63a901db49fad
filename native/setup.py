"""C that is linked with the system's libjpeg-turbo; a wheel is for every Python from 3.11 on."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "resgraph_jpeg",
            ["resgraph_jpeg.c", "scan.c"],
            depends=["scan.h"],
            libraries=["jpeg"],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
