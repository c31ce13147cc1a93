from flask import Flask


def bind(app: Flask) -> None:
    """placeholder until its owner writes it"""
