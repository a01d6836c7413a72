"""A small Flask site with Flask-JWT-Extended, which hands out a token in each state."""

import datetime
import os

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, get_jwt_identity, jwt_required

application = Flask(__name__)
application.config["JWT_SECRET_KEY"] = os.urandom(32).hex()
jwt = JWTManager(application)
revoked = set()


@jwt.token_in_blocklist_loader
def is_revoked(_header, claims):
    return claims["jti"] in revoked


@application.get("/")
def secrets():
    day = datetime.timedelta(days=1)
    return jsonify({
        "good": create_access_token("bot", expires_delta=day),
        "expired": create_access_token("bot", expires_delta=-day),
    })


@application.get("/me")
@jwt_required()
def me():
    return jsonify({"user": get_jwt_identity()})


@application.delete("/me")
@jwt_required()
def revoke():
    revoked.add(get_jwt()["jti"])
    return jsonify({})
