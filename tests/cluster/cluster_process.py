"""A Ray cluster on this machine, in a process of its own: a head without CPUs, and nodes of one.

Says what there is as a line of JSON, and again after each order: `node` adds one. Ends with its
standard input.
"""

import json
import os
import sys

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}

from ray.cluster_utils import Cluster

SIZE = 100 * 1024**2  # bytes of an object store: the least that Ray takes, nearly


def main() -> None:
    quiet = os.dup(1)
    os.dup2(2, 1)  # what Ray prints
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "object_store_memory": SIZE, "include_dashboard": False},
    )
    nodes = []

    def add() -> None:
        node = cluster.add_node(num_cpus=1, object_store_memory=SIZE)
        nodes.append(node.all_processes["raylet"][0].process.pid)

    def tell() -> None:
        told = {
            "address": cluster.address,
            "session": cluster.head_node.get_session_dir_path(),
            "raylets": nodes,
        }
        os.write(quiet, json.dumps(told).encode() + b"\n")

    add()
    add()
    cluster.wait_for_nodes()
    tell()
    for order in sys.stdin:
        if order.strip() == "node":
            add()
        tell()
    cluster.shutdown()


if __name__ == "__main__":
    main()
