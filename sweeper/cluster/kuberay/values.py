"""The values of a sweep on Kubernetes: what people change at the top of ``cluster/kuberay.yaml``."""

from typing import Annotated, TypeAlias

from pydantic import Field

from sweeper.cluster.values import ClusterValues, Nodes, Text
from sweeper.spec.section import Section

Quantity: TypeAlias = Annotated[
    str, Field(pattern=r"^\d+(\.\d+)?(m|[kKMGT]i?)?$", description='an amount as Kubernetes writes it, such as "8Gi"')
]


class Pods(Section):
    """Worker pods, and what each of them has.

    Attributes:
        min: pods that are always there.
        max: pods at most.
        cpu: cores of each, quoted.
        memory: of each.
        gpu: devices of each.

    """

    min: Nodes
    max: Nodes
    cpu: Quantity
    memory: Quantity
    gpu: Annotated[int, Field(ge=0, le=16, description="an integer from 0 to 16")]


class KubeRayValues(ClusterValues):
    """The values of a RayJob.

    Attributes:
        namespace: in which it runs.
        image: with Ray and this package, of the version that is swept with.
        ray: version of Ray in the image.
        home: where sweeps are, ``s3://…``.
        secret: name of the Secret whose entries become environment variables: what the store needs, never in a file.
        workers: worker pods.

    """

    namespace: Text
    image: Annotated[str, Field(min_length=1, description="a container image with this package: --set image=NAME")]
    ray: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$", description='a version such as "2.60.0"')]
    home: Annotated[str, Field(pattern=r"^s3://.+", description="s3://BUCKET/FOLDER: --set home=s3://…")]
    secret: Text
    workers: Pods
