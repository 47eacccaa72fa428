"""Drives a jobs API with the Hub's official Python client and fails at the first thing that is not as documented.

    python official_client.py ENDPOINT TOKEN

ENDPOINT is the address of a jobs stand-in that was started like this:

    jobs --token TOKEN --user tester --org guild --page 2 --speed 0 --scheduling-secs 4 --run-secs 40

Its clock stands, and this script moves it: nothing here depends on how fast anything is. It needs huggingface_hub 2.x
and nothing else, and reaches no other address.
"""

import json
import os
import sys
import urllib.request
from datetime import timedelta

ENDPOINT, TOKEN = sys.argv[1], sys.argv[2]
# `list_jobs` asks the module's own endpoint who the caller is, so the environment must name it before the import.
os.environ["HF_ENDPOINT"] = ENDPOINT
os.environ["HF_TOKEN"] = TOKEN
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_EXPERIMENTAL_WARNING"] = "1"
for name in list(os.environ):
    if name.lower().endswith("_proxy"):
        del os.environ[name]

from huggingface_hub import HfApi, Volume, __version__  # noqa: E402
from huggingface_hub.errors import HfHubHTTPError, JobNotFoundError  # noqa: E402

api = HfApi(endpoint=ENDPOINT, token=TOKEN)


def same(found, expected):
    """Fails unless the two are equal."""
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


def refused(status, call, **arguments):
    """Fails unless the call is answered with this status."""
    try:
        call(**arguments)
    except HfHubHTTPError as failure:
        same(failure.response.status_code, status)
        return failure
    raise AssertionError(f"{call.__name__} was not refused")


def order(path, body):
    """Orders a fault, or moves the clock."""
    request = urllib.request.Request(ENDPOINT + path, json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def state():
    """Everything that the stand-in knows."""
    with urllib.request.urlopen(ENDPOINT + "/_standin/state") as answer:
        return json.load(answer)


def last_body(path):
    """The body of the last POST to this path."""
    return [seen["body"] for seen in state()["requests"] if (seen["method"], seen["path"]) == ("POST", path)][-1]


def advance(seconds):
    """Moves the clock."""
    order("/_standin/advance", {"seconds": seconds})


def who_and_what():
    me = api.whoami()
    same(me["name"], "tester")
    same([org["name"] for org in me["orgs"]], ["guild"])
    refused(401, HfApi(endpoint=ENDPOINT, token="hf_wrong").whoami)
    hardware = {flavor.name: flavor for flavor in api.list_jobs_hardware()}
    same(len(hardware), 26)
    same(hardware["cpu-basic"].unit_cost_micro_usd, 167)
    same(hardware["cpu-basic"].unit_cost_usd, 0.000167)
    same(hardware["cpu-basic"].unit_label, "minute")
    same(hardware["a100x4"].accelerator.quantity, "4")
    same({flavor.unit_label for flavor in hardware.values()}, {"minute"})
    same(min(flavor.unit_cost_micro_usd for flavor in hardware.values()), 167)


def one_job():
    job = api.run_job(
        image="python:3.12",
        command=["python", "-c", "print(1)"],
        env={"A": "b"},
        secrets={"KEY": "a value that nobody sees again"},
        flavor="a10g-small",
        timeout="10m",
        attempts=2,
        labels={"remit-op": "first"},
        volumes=[Volume(type="dataset", source="someone/data", mount_path="/data", read_only=True)],
        expose=[8000],
        expose_public=[9000],
        ssh=True,
        network_group="train",
        network_aliases=["leader"],
    )
    same(len(job.id), 24)
    sent = last_body("/api/jobs/tester")
    same((sent["timeoutSeconds"], sent["attempts"], sent["flavor"]), (600, 2, "a10g-small"))
    same(job.status.stage, "SCHEDULING")
    same((job.owner.name, job.owner.type), ("tester", "user"))
    same((job.initiator.type, job.initiator.name), ("user", "tester"))
    same(job.docker_image, "python:3.12")
    same(job.environment, {"A": "b"})
    same(job.secrets, {"KEY": "***"})
    same(job.labels["remit-op"], "first")
    same((job.retry, job.expose, job.expose_public), (1, [8000, 9000], [9000]))
    same(job.status.expose_urls[0], f"https://{job.id}--8000.hf.jobs")
    same(job.status.ssh_url, f"ssh://{job.id}@ssh.hf.jobs")
    same((job.network.group, job.network.aliases), ("train", ["leader"]))
    same(job.volumes[0].mount_path, "/data")
    same(job.url, f"{ENDPOINT}/jobs/tester/{job.id}")

    advance(20)
    running = api.wait_for_job(job.id, stages=["RUNNING"])
    same((running.status.stage, running.durations.running_secs), ("RUNNING", 16))
    sample = next(iter(api.fetch_job_metrics(job_id=job.id)))
    same(len(sample["gpus"]), 1)
    following = api.fetch_job_logs(job_id=job.id, follow=True)
    log = [next(following)]
    advance(60)
    log += following
    same(log, ["step 1 of 3", "step 2 of 3", "step 3 of 3"])
    done = api.wait_for_job(job.id)
    same(done.status.stage, "COMPLETED")
    same((done.durations.scheduling_secs, done.durations.running_secs), (4, 40))
    same((done.finished_at - done.started_at).total_seconds(), 40.0)
    same(list(api.fetch_job_logs(job_id=job.id)), log)
    same(list(api.fetch_job_logs(job_id=job.id, tail=1)), log[-1:])
    same(list(api.fetch_job_metrics(job_id=job.id)), [])

    again = api.rerun_job(job_id=job.id)
    same((again.initiator.type, again.initiator.id), ("duplicated-job", job.id))
    labelled = api.update_job_labels(job_id=again.id, labels={"a": "b"})
    same(labelled.labels, {"a": "b"})
    exposed = api.update_job_expose(job_id=again.id, expose=[1234])
    same((exposed.expose, exposed.expose_public), ([1234], []))
    api.cancel_job(job_id=again.id)
    advance(1)
    ended = api.wait_for_job(again.id)
    same(ended.status.stage, "CANCELED")
    same(api.inspect_job(job_id=again.id).finished_at, ended.finished_at)
    # It was cancelled before it started, and says so.
    same((ended.started_at, ended.durations.running_secs), (None, None))
    running = api.run_job(image="python:3.12", command=["true"])
    advance(14)
    api.cancel_job(job_id=running.id)
    same(api.inspect_job(job_id=running.id).status.stage, "RUNNING")
    advance(1)
    ended = api.inspect_job(job_id=running.id)
    same((ended.status.stage, ended.durations.running_secs), ("CANCELED", 11))
    same(list(api.fetch_job_logs(job_id=running.id)), [])


def many_jobs():
    """An organisation's jobs, over several pages, by label and by stage; and a script of uv."""
    made = [
        api.run_job(
            image="hf.co/spaces/someone/space",
            command=["true"],
            namespace="guild",
            labels={"batch": "one", "nth": str(nth)},
        ).id
        for nth in range(5)
    ]
    found = list(api.list_jobs(namespace="guild", labels={"batch": "one"}))
    same([job.id for job in found], made[::-1])
    same({job.space_id for job in found}, {"someone/space"})
    same({job.owner.type for job in found}, {"org"})
    found = api.list_jobs(namespace="guild", labels={"batch": "one", "nth": "3"})
    same([job.id for job in found], [made[3]])
    advance(60)
    for done in api.wait_for_job(made, namespace="guild"):
        same(done.status.stage, "COMPLETED")
    same(len(list(api.list_jobs(namespace="guild", status="COMPLETED"))), 5)
    same(list(api.list_jobs(namespace="guild", status=["ERROR", "RUNNING"])), [])
    # Without a namespace the client asks who it is first.
    same({job.owner.name for job in api.list_jobs()}, {"tester"})

    # An organisation's job is inspected, read and cancelled in its own namespace, and is not there in another.
    theirs = api.run_job(image="python:3.12", command=["true"], namespace="guild")
    same(api.inspect_job(job_id=theirs.id, namespace="guild").owner.name, "guild")
    refused(404, api.inspect_job, job_id=theirs.id)
    refused(404, api.cancel_job, job_id=theirs.id)
    api.cancel_job(job_id=theirs.id, namespace="guild")
    advance(1)
    same(api.inspect_job(job_id=theirs.id, namespace="guild").status.stage, "CANCELED")

    script = api.run_uv_job(
        "https://example.com/train.py",
        script_args=["--epochs", "3"],
        dependencies=["trl", "torch"],
        python="3.12",
        timeout="1.5h",
        secrets={"KEY": "x"},
        env={"SEED": "1"},
    )
    same(
        script.command,
        "uv run --with trl --with torch --python 3.12 https://example.com/train.py --epochs 3".split(),
    )
    same((script.docker_image, script.flavor), ("ghcr.io/astral-sh/uv:python3.12-bookworm", "cpu-basic"))
    same(last_body("/api/jobs/tester")["timeoutSeconds"], 5400)
    same((script.secrets, script.environment), ({"KEY": "***"}, {"SEED": "1"}))


def schedules():
    spec = {"image": "python:3.12", "command": ["true"], "timeout": 120}
    made = api.create_scheduled_job(schedule="@hourly", labels={"k": "v"}, concurrency=False, **spec)
    same((made.schedule, made.suspend, made.concurrency), ("@hourly", False, False))
    same((made.job_spec.timeout, made.job_spec.retry), (120, 0))
    same(made.status.last_job, None)
    same((made.job_spec.labels["k"], made.job_spec.flavor), ("v", "cpu-basic"))
    same((made.status.next_job_run_at.minute, made.status.next_job_run_at.second), (0, 0))
    name = {"scheduled_job_id": made.id}

    run = api.trigger_scheduled_job(**name)
    same((run.initiator.type, run.initiator.id), ("scheduled-job", made.id))
    same(run.labels["k"], "v")
    refused(409, api.trigger_scheduled_job, **name)
    same(api.inspect_scheduled_job(**name).status.last_job.id, run.id)
    runs = lambda: len([job for job in api.list_jobs() if job.initiator.id == made.id])  # noqa: E731
    due = api.inspect_scheduled_job(**name).status.next_job_run_at
    advance(60)
    same(api.wait_for_job(run.id).status.stage, "COMPLETED")
    before = runs()
    advance(3600)
    same(runs() - before, 1)
    same(api.inspect_scheduled_job(**name).status.last_job.at in (due, due + timedelta(hours=1)), True)

    same(api.update_scheduled_job_schedule(schedule="0 9 * * 1", **name).schedule, "0 9 * * 1")
    refused(400, api.update_scheduled_job_schedule, schedule="now and then", **name)
    api.suspend_scheduled_job(**name)
    same(api.inspect_scheduled_job(**name).suspend, True)
    same(api.inspect_scheduled_job(**name).status.next_job_run_at, None)
    api.resume_scheduled_job(**name)
    resumed = api.inspect_scheduled_job(**name)
    same((resumed.suspend, resumed.status.next_job_run_at.weekday()), (False, 0))
    same(api.update_scheduled_job_labels(labels={"k": "w"}, **name).job_spec.labels, {"k": "w"})
    same([found.id for found in api.list_scheduled_jobs(labels={"k": "w"})], [made.id])
    same(api.list_scheduled_jobs(labels={"k": "v"}), [])
    script = api.create_scheduled_uv_job("https://example.com/s.py", schedule="@daily", suspend=True)
    same((script.suspend, script.status.next_job_run_at), (True, None))
    same(script.job_spec.command, ["uv", "run", "https://example.com/s.py"])
    theirs = api.create_scheduled_job(schedule="@weekly", namespace="guild", attempts=3, flavor="t4-small", **spec)
    same((theirs.owner.name, theirs.job_spec.retry, theirs.job_spec.flavor), ("guild", 2, "t4-small"))
    same([found.id for found in api.list_scheduled_jobs(namespace="guild")], [theirs.id])
    refused(404, api.suspend_scheduled_job, scheduled_job_id=theirs.id)
    api.delete_scheduled_job(scheduled_job_id=theirs.id, namespace="guild")
    same(api.list_scheduled_jobs(namespace="guild"), [])
    for left in api.list_scheduled_jobs():
        api.delete_scheduled_job(scheduled_job_id=left.id)
    same(api.list_scheduled_jobs(), [])
    refused(404, api.inspect_scheduled_job, **name)
    refused(404, api.delete_scheduled_job, **name)
    # What it started is still there, and it starts nothing more.
    before = runs()
    advance(7 * 86_400)
    same((before > 0, runs()), (True, before))


def what_goes_wrong():
    spec = {"image": "python:3.12", "command": ["true"]}
    refused(403, api.run_job, namespace="stranger", **spec)
    refused(400, api.run_job, flavor="quantum-x1", **spec)
    try:
        api.inspect_job(job_id="0" * 24)
        raise AssertionError("a job that does not exist was found")
    except JobNotFoundError:
        pass
    order("/_standin/inject", {"kind": "payment_required"})
    refused(402, api.run_job, **spec)
    order("/_standin/inject", {"kind": "rate_limited", "retry_after_secs": 3, "on": "launch"})
    failure = refused(429, api.run_job, **spec)
    same(failure.response.headers["retry-after"], "3")

    label = {"remit-op": "lost"}
    order("/_standin/inject", {"kind": "lose_answer"})
    try:
        api.run_job(labels=label, **spec)
        raise AssertionError("the answer of a launch was not lost")
    except HfHubHTTPError as answered:
        raise AssertionError("a lost answer looked like a refusal") from answered
    except OSError:
        pass
    except Exception as failure:  # the class belongs to whichever HTTP library the client was built on
        same(type(failure).__name__, "RemoteProtocolError")
    same(len(list(api.list_jobs(labels=label))), 1)


for part in (who_and_what, one_job, many_jobs, schedules, what_goes_wrong):
    part()
    print(f"{part.__name__}: as documented")
print(f"huggingface_hub {__version__} finds nothing amiss")
