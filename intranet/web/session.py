from flask import Blueprint

bp = Blueprint("session", __name__)
