import json, pytest, schemathesis
from hypothesis import given, settings, HealthCheck
from django.test import Client
from selbsthelfer.api.application import api
from tests.api.callers import make_client
from tests.api.life import eventful_life
from tests.portal.life import prepare

spec = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1"), default=str))
schema = schemathesis.openapi.from_dict(spec)
TAGS = {"lines", "rewards", "contacts", "programmes", "courtesies"}
ops = [r.ok() for r in schema.get_all_operations()]
ops = [o for o in ops if set(o.definition.raw.get("tags", [])) & TAGS]

@pytest.mark.django_db
@pytest.mark.parametrize("op", ops, ids=lambda o: f"{o.method} {o.path}")
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_op(op, mode):
    prepare(); eventful_life("line").send()
    key = make_client()
    client = Client()
    seen = {}
    gm = schemathesis.GenerationMode.POSITIVE if mode == "positive" else schemathesis.GenerationMode.NEGATIVE
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=op.as_strategy(generation_mode=gm))
    def run(case):
        from urllib.parse import quote, urlencode
        pp = {k: v for k, v in (case.path_parameters or {}).items()}
        if "line" in pp and mode == "positive": pp["line"] = "line"
        path = op.full_path if hasattr(op, "full_path") else op.path
        for k, v in pp.items(): path = path.replace("{%s}" % k, quote(str(v), safe=""))
        q = {k: v for k, v in (case.query or {}).items()}
        body = case.body
        content = b"" if body is schemathesis.core.NOT_SET else json.dumps(body, default=str).encode()
        headers = {k: str(v) for k, v in (case.headers or {}).items()}
        headers["authorization"] = f"Bearer {key}"
        headers.setdefault("Idempotency-Key", "k")
        import uuid
        if mode == "positive": headers["Idempotency-Key"] = uuid.uuid4().hex
        try:
            r = client.generic(op.method.upper(), path + ("?" + urlencode(q, doseq=True) if q else ""), content, content_type="application/json", headers=headers)
        except (UnicodeEncodeError, ValueError) as e:
            return
        seen[r.status_code] = seen.get(r.status_code, 0) + 1
        assert r.status_code < 500, (path, q, body, r.content)
        declared = op.definition.raw["responses"]
        assert str(r.status_code) in {str(k) for k in declared} | {"304"}, (r.status_code, list(declared), path, q, body, r.content)
        if r.status_code == 200 or r.status_code == 201:
            import jsonschema_rs as js
            sch = declared.get(str(r.status_code)) or declared.get(r.status_code)
            s = dict(sch["content"]["application/json"]["schema"]); s["components"] = spec["components"]
            js.validator_for(s).validate(json.loads(r.content))
    run()
    print(op.method, op.path, mode, seen)
