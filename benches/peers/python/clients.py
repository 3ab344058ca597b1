"""The clients, set up as their manuals say. A work of theirs gives each who asks what to ask with.

All imports are done before the first order. Drivers and connections are made by it, and count as
what it takes.
"""

import os
import tempfile
import threading


class At:
    """The server of the bench, a file with the only authority to trust, and how many will ask."""

    def __init__(self, at, scheme, number):
        ports = {"http": at["plain"], "https": at["tls"]}
        if scheme not in ports:
            raise LookupError(f"{scheme} is no scheme; there are: {', '.join(ports)}")
        self.base = f"{scheme}://127.0.0.1:{ports[scheme]}"
        self.number = number
        self.ca = tempfile.NamedTemporaryFile("w", suffix=".pem")
        self.ca.write(at["ca_pem"])
        self.ca.flush()
        # Each client would heed a proxy, and look for one at each call.
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            del os.environ[name]


class Libcloud:
    """Apache Libcloud. Its drivers are not thread-safe, so that there have to be many."""

    def __init__(self, at):
        from libcloud import security
        from libcloud.compute.providers import get_driver
        from libcloud.compute.types import Provider

        self.at = at
        self.kind = get_driver(Provider.OPENSTACK)
        security.CA_CERTS_PATH = at.ca.name

    def works(self):
        return {"nodes": self.nodes}

    def driver(self):
        return self.kind(
            "bench",
            "secret",
            api_version="2.2",
            ex_force_auth_version="3.x_password",
            ex_force_auth_url=self.at.base,
            ex_tenant_name="bench",
            ex_domain_name="Default",
            ex_force_service_region="R",
            # It would look for "nova", as the service is called elsewhere.
            ex_force_service_name="compute",
        )


class DriverEach(Libcloud):
    """A driver for each who asks."""

    def nodes(self):
        driver = Once(self.driver)
        return lambda: whole(driver().list_nodes(), 20)


class DriverEachCall(Libcloud):
    def nodes(self):
        return lambda: whole(self.driver().list_nodes(), 20)


class DriverEachThread(Libcloud):
    """A driver for each thread, whoever asks in it."""

    def __init__(self, at):
        super().__init__(at)
        self.local = threading.local()

    def nodes(self):
        return lambda: whole(self.driver_of_thread().list_nodes(), 20)

    def driver_of_thread(self):
        if not hasattr(self.local, "driver"):
            self.local.driver = self.driver()
        return self.local.driver


class OneConnection:
    """openstacksdk, one connection for all."""

    def __init__(self, at):
        import openstack
        from keystoneauth1.session import TCPKeepAliveAdapter

        self.at = at
        self.connect = openstack.connect
        # By default it keeps ten sockets, and closes what comes back when it has those. The crowd's
        # size spares it that.
        self.adapter = TCPKeepAliveAdapter(pool_maxsize=max(10, at.number))
        self.shared = Once(self.connection)

    def works(self):
        return {"nodes": self.nodes, "thing": self.thing}

    def connection(self):
        connection = self.connect(
            load_envvars=False,
            load_yaml_config=False,
            region_name="R",
            cacert=self.at.ca.name,
            auth={
                "auth_url": f"{self.at.base}/v3",
                "username": "bench",
                "password": "secret",
                "project_name": "bench",
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
        )
        connection.session.mount(f"{self.at.base}/", self.adapter)
        return connection

    def nodes(self):
        return lambda: whole(list(self.shared().compute.servers()), 20)

    def thing(self):
        url = f"{self.at.base}/bench/thing"
        return lambda: whole(self.shared().session.get(url).content, 1024)


class Once:
    """Made when it is first asked for; where that fails, whoever asks next tries again."""

    def __init__(self, make):
        self.make = make
        self.made = None
        self.lock = threading.Lock()

    def __call__(self):
        if self.made is None:
            with self.lock:
                self.made = self.made or self.make()
        return self.made


def whole(answer, wanted):
    if len(answer) != wanted:
        raise ValueError(f"{len(answer)} came of {wanted}")
