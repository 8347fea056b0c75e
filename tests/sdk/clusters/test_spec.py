"""What to rent: every bad value is refused by name before anything is sent."""

import copy
import dataclasses
import json
import pickle

import pytest
from fastapi.encoders import jsonable_encoder
from pydantic import TypeAdapter

from tensorone import CloudType, ClusterSpec, InvalidArgument, Outcome, TensorOneError

GOOD = {"image_name": "tensorone/pytorch", "gpu_type_id": "NVIDIA RTX A6000"}

BAD = [
    ({"image_name": ""}, "image_name"),
    ({"image_name": "  "}, "image_name"),
    ({"image_name": 7}, "image_name"),
    ({"image_name": "half \ud800"}, "image_name"),
    ({"gpu_type_id": ""}, "gpu_type_id"),
    ({"gpu_type_id": None}, "gpu_type_id"),
    ({"gpu_type_ids": ["NVIDIA A40"]}, "gpu_type_ids"),
    ({"gpu_type_id": None, "gpu_type_ids": "NVIDIA A40"}, "gpu_type_ids"),
    ({"gpu_type_id": None, "gpu_type_ids": ["A", "A"]}, "gpu_type_ids"),
    ({"gpu_type_id": None, "gpu_type_ids": ["A", ""]}, "gpu_type_ids"),
    ({"gpu_count": -1}, "gpu_count"),
    ({"gpu_count": True}, "gpu_count"),
    ({"gpu_count": 1.0}, "gpu_count"),
    ({"gpu_count": 2**31}, "gpu_count"),
    ({"name": ""}, "name"),
    ({"cloud_type": "SECUR"}, "cloud_type"),
    ({"container_disk_in_gb": 0}, "container_disk_in_gb"),
    ({"container_disk_in_gb": -5}, "container_disk_in_gb"),
    ({"volume_in_gb": -1}, "volume_in_gb"),
    ({"volume_in_gb": "40"}, "volume_in_gb"),
    ({"volume_mount_path": "workspace"}, "volume_mount_path"),
    ({"min_vcpu_count": 0}, "min_vcpu_count"),
    ({"min_memory_in_gb": -1}, "min_memory_in_gb"),
    ({"docker_args": 7}, "docker_args"),
    ({"ports": ["abc"]}, "ports"),
    ({"ports": ["70000/http"]}, "ports"),
    ({"ports": ["0/tcp"]}, "ports"),
    ({"ports": ["8888/smtp"]}, "ports"),
    ({"ports": ["8888 /http"]}, "ports"),
    ({"ports": "8888/http"}, "ports"),
    ({"ports": 8888}, "ports"),
    ({"ports": ["22/tcp", "22/tcp"]}, "ports"),
    ({"env": {"A=B": "x"}}, "env"),
    ({"env": {"": "x"}}, "env"),
    ({"env": {"A B": "x"}}, "env"),
    ({"env": {"A": 7}}, "env['A']"),
    ({"env": "A=B"}, "env"),
    ({"env": {"TENSORONE_CLIENT_TOKEN": "x"}}, "env"),
    ({"gpu_typ_id": "NVIDIA A40"}, "gpu_typ_id"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_a_bad_field_is_named(fields, field):
    """The error is a ValueError of this package and names the field."""
    with pytest.raises(InvalidArgument) as caught:
        ClusterSpec(**(GOOD | fields))
    assert caught.value.field == field
    assert field in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TensorOneError)


def test_a_misspelt_field_gets_a_suggestion():
    """The nearest name is suggested, and a missing image is named."""
    with pytest.raises(InvalidArgument, match="did you mean gpu_type_id"):
        ClusterSpec(**GOOD, gpu_typ_id="x")
    with pytest.raises(InvalidArgument, match=r"no such field$"):
        ClusterSpec(**GOOD, zzz=1)
    with pytest.raises(InvalidArgument, match="image_name"):
        ClusterSpec(gpu_count=0)


def test_values_come_in_their_final_form():
    """Sequences become tuples, the cloud becomes an enum, and ports lose leading zeros."""
    spec = ClusterSpec(**GOOD, cloud_type="SECURE", ports=["08888/http"], env={"A": "1"})
    assert spec.cloud_type is CloudType.SECURE
    assert spec.ports == ("8888/http",)
    assert dict(spec.env) == {"A": "1"}
    assert len(spec.env) == 1
    assert spec.candidates == ("NVIDIA RTX A6000",)
    assert ClusterSpec(image_name="i", gpu_type_ids=["A", "B"]).candidates == ("A", "B")
    assert ClusterSpec(image_name="i", gpu_count=0).candidates == (None,)


def test_environment_values_stay_out_of_sight():
    """A repr and an error message show the names of the variables only."""
    spec = ClusterSpec(**GOOD, env={"HF_TOKEN": "hf_secret"})
    assert "HF_TOKEN" in repr(spec)
    assert "hf_secret" not in repr(spec)
    with pytest.raises(InvalidArgument) as caught:
        ClusterSpec(**GOOD, env={"HF_TOKEN": "hf_secret\ud800"})
    assert "hf_secret" not in str(caught.value)


def test_a_spec_is_a_value():
    """Specs with equal fields are equal and have equal hashes; they copy, and pickle where they hold no values."""
    spec = ClusterSpec(**GOOD, env={"A": "1"}, ports=["22/tcp"])
    same = ClusterSpec(**GOOD, env={"A": "1"}, ports=["22/tcp"])
    for duplicate in (same, copy.copy(spec), copy.deepcopy(spec)):
        assert duplicate == spec
        assert hash(duplicate) == hash(spec)
    with pytest.raises(AttributeError):
        spec.gpu_count = 2
    plain = ClusterSpec(**GOOD)
    assert pickle.loads(pickle.dumps(plain)) == plain


@pytest.mark.parametrize("hidden", [{"env": {"PASSWORD": "hunter2"}}, {"further": {"code": ["hunter2"]}}])
def test_values_leave_a_spec_one_way_only(hidden):
    """Neither a pickle nor `asdict` shows them, and the pickle that is refused names the way."""
    spec = ClusterSpec(**GOOD, **hidden)
    for holder in (spec, [spec], dataclasses.asdict(spec), Outcome(spec, value=1)):
        with pytest.raises(TypeError, match=r"context=\{'secrets': True\}") as caught:
            pickle.dumps(holder)
        assert "hunter2" not in str(caught.value) + repr(dataclasses.asdict(spec))
    assert "hunter2" not in json.dumps(dataclasses.asdict(spec), default=str)
    adapter = TypeAdapter(ClusterSpec)
    assert adapter.validate_json(adapter.dump_json(spec, context={"secrets": True})) == spec
    shared = copy.deepcopy(spec)
    assert shared == spec
    assert copy.copy(spec.env) is spec.env
    assert shared.further.get("code", 0) is not spec.further.get("code", 1)


@pytest.mark.parametrize("hidden", [{"env": {"PASSWORD": "hunter2"}}, {"further": {"code": ["hunter2"]}}])
def test_a_copy_as_a_mapping_shows_masks_and_makes_the_same_spec(hidden):
    """What `asdict` makes is shown by FastAPI, which asks for `dict(…)`; given to a spec again, it has its values."""
    spec = ClusterSpec(**GOOD, **hidden)
    for holder in (spec, {"spec": spec}, Outcome(spec, value=1)):
        assert "hunter2" not in json.dumps(jsonable_encoder(holder))
    written = dataclasses.asdict(spec)
    (name,) = hidden
    assert list(dict(written[name]).values()) == ["***"]
    assert "other" not in written[name]
    assert ClusterSpec(**written) == spec
    assert copy.deepcopy(spec) == spec
