"""Libcloud on a real OpenStack, a driver in each thread as its manual says.

    real.py THREADS EACH

Each of THREADS makes its driver and asks EACH times for the sizes, all from one start on. The cloud
is that of OS_* or OS_CLOUD. Prints one line of JSON, times in seconds: `worst_first` is how long
the slowest thread waited for its first answer or refusal, `logins` how many requests asked for a
token.

Most of the CPU is not spent on requests: Libcloud 3.9.1 looks for the price of each size in a file
of 4.5 MB. As that has none for OpenStack, it keeps nothing, and parses the file again for the next.
"""

import json
import sys
import threading
import time

sys.excepthook = lambda kind, why, _: print(f"real.py: {kind.__name__}: {why}", file=sys.stderr)

import libcloud
from libcloud import security
from libcloud.common.openstack_identity import OpenStackIdentity_3_0_Connection
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider
from openstack.config import OpenStackConfig


def main(threads, each):
    driver = driver_of(OpenStackConfig().get_one())
    logins = count_logins()
    errors, firsts = [], []
    start = threading.Barrier(threads + 1)

    def ask():
        mine = None
        start.wait()
        for turn in range(each):
            try:
                mine = mine or driver()
                mine.list_sizes()
            except Exception as error:
                errors.append(" ".join(f"{type(error).__name__}: {error}".split()))
            if turn == 0:
                firsts.append(time.perf_counter() - began)

    crowd = [threading.Thread(target=ask, daemon=True) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    began = time.perf_counter()
    cpu = time.process_time()
    start.wait()
    for thread in crowd:
        thread.join()
    wall = time.perf_counter() - began
    return {
        "version": f"apache-libcloud {libcloud.__version__}",
        "wall": round(wall, 3),
        "worst_first": round(max(firsts), 3),
        "cpu": round(time.process_time() - cpu, 3),
        "logins": len(logins),
        "failed": len(errors),
        "error": errors[0] if errors else None,
    }


def driver_of(cloud):
    verify, _ = cloud.get_requests_verify_args()
    security.VERIFY_SSL_CERT = bool(verify)
    security.CA_CERTS_PATH = verify if isinstance(verify, str) else None
    auth = cloud.get_auth_args()

    def driver():
        return get_driver(Provider.OPENSTACK)(
            auth["username"],
            auth["password"],
            api_version="2.2",
            ex_force_auth_version="3.x_password",
            # It adds the version by itself.
            ex_force_auth_url=auth["auth_url"].rstrip("/").removesuffix("/v3"),
            ex_tenant_name=auth["project_name"],
            ex_domain_name=auth.get("user_domain_name", "Default"),
            ex_tenant_domain_id=auth.get("project_domain_id", "default"),
            ex_force_service_region=cloud.region_name,
        )

    return driver


def count_logins():
    """A list that is longer by one with each request for a token."""
    logins = []
    request = OpenStackIdentity_3_0_Connection.request

    def counted(self, action, *args, **rest):
        if action == "/v3/auth/tokens":
            logins.append(action)
        return request(self, action, *args, **rest)

    OpenStackIdentity_3_0_Connection.request = counted
    return logins


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: real.py THREADS EACH")
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
