# ruleid: http-in-its-rooms
import requests

# ruleid: http-in-its-rooms
import urllib.request

# ruleid: http-in-its-rooms
from urllib.request import urlopen

# ok: http-in-its-rooms
from urllib.parse import urlsplit

# ruleid: one-clock
at = timezone.now()
# ruleid: one-clock
at = datetime.now(UTC)
# ruleid: one-clock
day = date.today()
# ok: one-clock
at = clock.now()
# ruleid: sql-in-its-rooms
cursor.execute(f"DROP TABLE {name}")
# ruleid: sql-in-its-rooms
cursor.execute("SELECT 1 FROM x WHERE y = '%s'" % name)
# ruleid: sql-in-its-rooms
cursor.execute("SELECT " + name)
# ruleid: sql-in-its-rooms
Run.objects.raw("SELECT 1")
# ruleid: sql-in-its-rooms
QUERY = f"SELECT {columns} FROM queues_run"
# ok: sql-in-its-rooms
cursor.execute("SELECT 1 FROM x WHERE y = %s", [name])
# ok: sql-in-its-rooms
told = f"{count} selected"
