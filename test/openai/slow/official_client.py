"""Runs a batch with OpenAI's Python client. Ends with an error at the first difference."""

import io
import json
import pathlib
import sys
import tempfile
import time

import openai

base_url = sys.argv[1]
client = openai.OpenAI(base_url=base_url, api_key="any", max_retries=0)


def lines(count, model="simulator"):
    return [
        {
            "custom_id": f"request-{i}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": model, "messages": [{"role": "user", "content": f"Number {i}."}]},
        }
        for i in range(count)
    ]


def upload(requests):
    data = "\n".join(json.dumps(one) for one in requests).encode()
    file = ("batch.jsonl", io.BytesIO(data))
    return client.files.create(file=file, purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600})


def run(requests):
    batch = client.batches.create(
        input_file_id=upload(requests).id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"from": "python"},
    )
    for _ in range(1200):
        batch = client.batches.retrieve(batch.id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.05)
    raise AssertionError(f"not ended: {batch}")


file = upload(lines(1))
assert file.expires_at == file.created_at + 3600, file
assert client.files.wait_for_processing(file.id).status == "processed"

batch = run(lines(30))
assert batch.status == "completed", batch
assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (30, 30, 0), batch
assert batch.metadata == {"from": "python"}, batch
assert batch.error_file_id is None and batch.usage.total_tokens > 0, batch
output = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
assert {one["custom_id"] for one in output} == {f"request-{i}" for i in range(30)}
assert all(one["error"] is None and one["response"]["status_code"] == 200 for one in output)

failed = run(lines(2) + [{"custom_id": "x"}])
assert failed.status == "failed" and failed.errors.data[0].line == 3, failed
assert failed.errors.data[0].code == "missing_required_parameter", failed

seen = [one.id for one in client.batches.list(limit=1)]
assert seen == [failed.id, batch.id], seen
files = [one.id for one in client.files.list(limit=2, purpose="batch")]
assert len(files) == 3 and files[-1] == file.id, files

try:
    client.batches.cancel(batch.id)
    raise AssertionError("a completed batch was cancelled")
except openai.ConflictError as error:
    assert error.body["message"] == "Cannot cancel a batch with status 'completed'.", error.body
try:
    client.files.retrieve("file-none")
    raise AssertionError("there is no such file")
except openai.NotFoundError as error:
    assert error.body["param"] == "id", error.body
try:
    client.batches.create(input_file_id=file.id, endpoint="/v1/x", completion_window="24h")
    raise AssertionError("there is no such endpoint")
except openai.BadRequestError as error:
    assert error.code == "invalid_value" and error.param == "endpoint", error.body

data = "\n".join(json.dumps(one) for one in lines(5)).encode()
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "chunked.jsonl")
    path.write_bytes(data)
    upload = client.uploads.upload_file_chunked(
        file=path, mime_type="application/jsonl", purpose="batch", part_size=200
    )
    named = client.files.create(file=path, purpose="batch")
assert upload.status == "completed" and upload.file.bytes == len(data), upload
assert client.files.content(upload.file.id).read() == data
assert (named.filename, named.bytes, named.status) == ("chunked.jsonl", len(data), "processed"), named
assert client.files.retrieve(named.id) == named

batch = client.batches.create(input_file_id=named.id, endpoint="/v1/chat/completions", completion_window="24h")
assert (batch.status, batch.usage, batch.errors, batch.metadata) == ("validating", None, None, None), batch
assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled", "completed")
raw = client.batches.with_raw_response.retrieve(batch.id)
assert raw.headers["x-request-id"] and raw.parse().id == batch.id

assert client.files.delete(file.id).deleted
assert [one.id for one in client.models.list()] == ["simulator", "default/simulator"]
print(f"openai {openai.__version__}: all as expected")
