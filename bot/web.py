"""The Flask application: webhooks, health, the simulator in development, and the command line."""

import ctypes
import gc

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.bootstrap import Application
from bot.cli import register_commands
from bot.development import DEMONSTRATION_STAFF
from bot.health import create_health_blueprint
from bot.simulator.blueprint import create_blueprint

_M_ARENA_MAX = -8  # glibc's mallopt(3)
BODY_BYTES = 64 * 1024  # a callback is a few kilobytes; a larger body costs CPU before it can be refused


def create_web(application: Application) -> Flask:
    """The web side of the application. The knowledge and the distress lexicon are loaded when this returns."""
    app = Flask("lixiao", static_folder=None)
    settings = application.settings
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    app.config["SECRET_KEY"] = settings.security.secret_key.get_secret_value()
    app.config["KNOWLEDGE_DIR"] = application.root / settings.knowledge.folder
    app.extensions["lixiao"] = application
    app.session_interface = StaffSessions()
    if settings.server.trusted_proxies:
        proxies = settings.server.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]  # Flask's documented way
    for blueprint in application.webhooks():
        app.register_blueprint(blueprint)
    app.register_blueprint(application.alert_page())
    app.register_blueprint(application.report_page())
    app.register_blueprint(create_health_blueprint(application.vital))
    if application.simulator is not None:
        for person in DEMONSTRATION_STAFF:
            application.simulator.add_member(person.wecom_userid, person.name)
        app.register_blueprint(create_blueprint(application.simulator))
    register_commands(app)
    app.after_request(_with_security_headers)
    return app


def give_memory_back() -> None:
    """What reading the knowledge has left behind is the system's again (20 MB a process); glibc would keep it.

    Fewer heaps for as many threads are 10 MB less a process. What stays is not looked at again for garbage: looking
    writes into each page, and every process that was forked would have a copy of its own (30 MB).
    """
    gc.collect()
    gc.freeze()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim") and hasattr(library, "mallopt"):  # other C libraries have neither
        library.malloc_trim(0)
        library.mallopt(_M_ARENA_MAX, 2)


class StaffSessions(SecureCookieSessionInterface):
    """Only staff pages have sessions: a callback that opens one spends a tenth of its time on nothing."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a staff page; None (a session that cannot be written) for everything else."""
        return super().open_session(app, request) if request.path.startswith("/console/") else None


def _with_security_headers(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
    return response
