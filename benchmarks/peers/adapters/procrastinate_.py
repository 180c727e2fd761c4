import datetime

import procrastinate
from pbtask import OPT, PG_DSN, RECOV, awork

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=PG_DSN))
sync_work = None


@app.task(name="work")
async def work(i, msg):
    return await awork(i, msg)


if "stalled" in OPT:  # the recipe of its manual, every ten minutes there

    @app.periodic(cron="* * * * * */10" if RECOV == "short" else "*/10 * * * *")
    @app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
    async def retry_stalled_jobs(context, timestamp):
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=30):
            await app.job_manager.retry_job(job)


def setup():  # the producer: a synchronous connector
    global sync_work
    s = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=PG_DSN))
    sync_work = s.task(name="work")(awork)
    s.open()


def enqueue(i, msg):
    sync_work.defer(i=i, msg=msg)


def enqueue_bulk(items):
    for k in range(0, len(items), 500):
        sync_work.batch_defer(*[{"i": i, "msg": m} for i, m in items[k : k + 500]])


def enqueue_at(i, msg, eta):
    sync_work.configure(schedule_at=datetime.datetime.fromtimestamp(eta, datetime.UTC)).defer(i=i, msg=msg)
