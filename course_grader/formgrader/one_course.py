"""A part of the Jupyter server that keeps formgrader in the course it was started in.

nbgrader's formgrader takes the folder of another course from its address, `/formgrader?path=...`, and runs the settings
file that lies there. A picture or a link in a student's text can ask for that address, and anybody can hand in a file
called nbgrader_config.py. Here the address leads to the list of assignments, whatever stands behind it.
"""

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web


class Here(JupyterHandler):
    """In the place of nbgrader's handler of the same address."""

    @web.authenticated
    def get(self):
        self.redirect(url_path_join(self.base_url, "formgrader", "manage_assignments"))


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(server):
    """Called by the server; before nbgrader's, since extensions are loaded by the alphabet and the first one counts."""
    server.web_app.add_handlers(".*$", [(url_path_join(server.web_app.settings["base_url"], "formgrader/?"), Here)])
