"""Protects what `cluster/*.yaml` mean: the launcher gets what the golden texts show, and no fault gets that far."""

from pathlib import Path

import pytest
import yaml

from sweeper.cluster.config import read_cluster
from sweeper.errors import UsageError

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
NEEDED = {
    "aws": ("bucket=sweeps-of-ada", "owner=ada", "spot.l4.price=0.8"),
    "machines": ("head=gpu1", "workers=[gpu2, gpu3]", "ssh.user=ada", "home=/shared/sweeps"),
    "kuberay": ("image=registry.example/sweeper:1", "home=s3://sweeps-of-ada/sweeps"),
}
FAULTS = {
    "aws": {
        "bucket=null": "--set bucket=null: bucket: found null; must be the name of an S3 bucket",
        "bucket=Ada": '--set bucket=Ada: bucket: found "Ada"; must be the name of an S3 bucket',
        "bucket=xn--ada": '--set bucket=xn--ada: bucket: found "xn--ada"; must be',
        "buckt=x": '--set buckt=x: buckt: found "buckt"; must be one of name, owner, region, bucket',
        "region=us-west-3": 'region: found "us-west-3"; must be one of',
        "name=My_Cluster": 'name: found "My_Cluster"; must be 1 to 20 lower-case letters, digits and hyphens',
        "ssh.from=0.0.0.0/0": 'ssh.from: found "0.0.0.0/0"; must be auto (your own address), or a range',
        "ssh.from=here": 'ssh.from: found "here"; must be auto (your own address), or a range',
        "ssh.form=auto": 'ssh.form: found "form"; must be one of user, from, key; did you mean from?',
        "head.disk=1": "head.disk: found 1; must be GiB, an integer from 30 to 16384",
        "head.type=m7i.tiny": 'head.type: found "m7i.tiny"; must be one of m7i.',
        "spot.l4.type=quick.xlarge": 'spot.l4.type: found "quick.xlarge"; must be a type of EC2 instance',
        "spot.l4.price=0": "spot.l4.price: found 0; must be US dollars per hour, a number > 0",
        "spot.l4.price=cheap": 'spot.l4.price: found "cheap"; must be US dollars per hour',
        "spot.l4.min=9": "spot.l4.min: found 9; must be at most max, 8",
        "spot.l4={max: 3}": "spot.l4.type: is missing; must be a type of EC2 instance",
        "spot=3": "spot: found 3; must be a mapping of groups",
        "workers.max=true": "workers.max: found true; must be an integer from 0 to 1000",
        "workers.max=0": "--set workers.max=0: workers.max: found 0; must be at least 2, the sum of all `min`",
        "launcher.max_worker=3": 'launcher.max_worker: found "max_worker"; must be one of cluster_name, max_workers',
        "launcher.max_workers=many": 'launcher.max_workers: found "many"; must be of the type integer',
        "launcher.provider=null": "launcher.provider: found null; must be of the type object",
        "launcher.head_node_type=hed": "launcher: Ray's launcher refuses it: `head_node_type` must be one of",
        "launcher.cluster_name=${nam}": "found ${nam}; must name a value of this file; did you mean ${name}?",
        "launcher.available_node_types.head.node_config.InstanceTyp=x": 'Unknown parameter in input: "InstanceTyp"',
        "launcher.available_node_types.head.node_config.KeyName=3": "Invalid type for parameter KeyName, value: 3",
        "environment.SWEEPER_HOME=3": "environment.SWEEPER_HOME: found 3; must be text",
        "environment={A: b}": "environment.SWEEPER_HOME: is missing; must be where sweeps are",
        "launcher=null": "launcher: found null; must be a mapping",
        "kind=gcp": 'kind: found "gcp"; must be one of aws, machines, kuberay',
    },
    "machines": {
        "head=null": "head: found null; must be a host name or an address",
        "head=a b": 'head: found "a b"; must be a host name or an address',
        "workers=[gpu2, gpu2]": 'workers.0: found "gpu2" twice; each machine joins once',
        "workers=[gpu1]": 'workers.0: found "gpu1" twice; each machine joins once',
        "home=sweeps": 'home: found "sweeps"; must be s3://BUCKET/FOLDER, or the path of a folder that all share',
        "launcher.setup_commands=[1]": "launcher.setup_commands: found [1]; must be a list of commands",
        "launcher.setup_command=[]": 'found "setup_command"; must be one of head, workers, auth, setup_commands',
    },
    "kuberay": {
        "image=null": "image: found null; must be a container image",
        "home=/shared": 'home: found "/shared"; must be s3://BUCKET/FOLDER',
        "workers.memory=16 GB": 'workers.memory: found "16 GB"; must be an amount as Kubernetes writes it',
        "workers.min=9": "workers.min: found 9; must be at most max, 8",
        "launcher.spec.backoffLimit=x": 'launcher.spec.backoffLimit: found "x"; must be of the type integer',
        "launcher.spec.shutdownAfterJobFinishes=false": "shutdownAfterJobFinishes: found false; must be one of true",
        "launcher.spec.rayClusterSpec.authOptions={}": "launcher.spec.rayClusterSpec.authOptions.mode: is missing",
        "launcher.kind=RayCluster": 'launcher.kind: found "RayCluster"; must be one of "RayJob"',
    },
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a stray token in the user's own home from switching Ray's authentication on."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize("kind", NEEDED)
def test_the_launcher_gets_what_the_golden_text_shows(kind: str) -> None:
    cluster = read_cluster(ROOT / "cluster" / f"{kind}.yaml", NEEDED[kind])
    got = {"environment": dict(cluster.environment), "launcher": dict(cluster.launcher)}
    assert got == yaml.safe_load((GOLDEN / f"launcher_{kind}.yaml").read_text())


@pytest.mark.parametrize("kind", NEEDED)
def test_no_file_holds_a_secret(kind: str) -> None:
    cluster = read_cluster(ROOT / "cluster" / f"{kind}.yaml", NEEDED[kind])
    said = yaml.safe_dump([dict(cluster.environment), dict(cluster.launcher)]).lower()
    assert [word for word in ("password", "secret_access_key", "ray_auth_token:") if word in said] == []


@pytest.mark.parametrize(("kind", "override"), [(kind, override) for kind in FAULTS for override in FAULTS[kind]])
def test_every_fault_is_one_line(kind: str, override: str) -> None:
    own = ("spot.l4.min=2",) if override == "workers.max=0" else ()
    with pytest.raises(UsageError) as raised:
        read_cluster(ROOT / "cluster" / f"{kind}.yaml", (*NEEDED[kind], *own, override))
    assert FAULTS[kind][override] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_fault_in_the_file_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "aws.yaml"
    file.write_text((ROOT / "cluster" / "aws.yaml").read_text().replace("us-west-2", "mars-1"))
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "mars-1" in text)
    with pytest.raises(UsageError, match=f"^{file}:{line}: region: "):
        read_cluster(file, NEEDED["aws"])


@pytest.mark.parametrize(("kind", "missing"), [("aws", "key.pub"), ("machines", "key")])
def test_a_key_that_is_not_there_is_found_at_once(kind: str, missing: str, tmp_path: Path) -> None:
    if kind == "aws":
        (tmp_path / "key").touch()
    with pytest.raises(UsageError, match=rf"^--set ssh.key=~/key: ssh.key: {tmp_path}/{missing}: no such file; "):
        read_cluster(ROOT / "cluster" / f"{kind}.yaml", (*NEEDED[kind], "ssh.key=~/key"))
    for name in ("key", "key.pub"):
        (tmp_path / name).touch()
    assert (
        read_cluster(ROOT / "cluster" / f"{kind}.yaml", (*NEEDED[kind], "ssh.key=~/key")).values["ssh"]["key"]
        == "~/key"
    )


def test_a_group_is_unset_by_null() -> None:
    cluster = read_cluster(ROOT / "cluster" / "aws.yaml", (*NEEDED["aws"], "spot.h100=null", "on_demand={}"))
    assert list(cluster.launcher["available_node_types"]) == ["head", "l4-spot", "a10g-spot"]


def test_the_owner_is_who_brings_the_cluster_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert read_cluster(ROOT / "cluster" / "aws.yaml", ("bucket=sweeps-of-ada",)).values["owner"] == "grace"


def test_what_is_not_found_is_named() -> None:
    cluster = read_cluster(ROOT / "cluster" / "aws.yaml", NEEDED["aws"])
    with pytest.raises(UsageError, match=r"^auth.ssh_private_key: found \$\{up.key\}; "):
        cluster.completed({"folder": "/node"})
