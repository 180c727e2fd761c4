# ruleid: no-pickle
import pickle

# ruleid: no-pickle
from marshal import loads

# ok: no-pickle
import json

# ruleid: no-predictable-random
import random

# ruleid: no-predictable-random
from random import choice

# ok: no-predictable-random
import secrets

# ruleid: no-pickle
yaml.load(text)
# ok: no-pickle
yaml.safe_load(text)
# ruleid: no-eval
eval(text)
# ruleid: no-eval
exec(text, {})
# ruleid: no-eval
compile(text, "x", "exec")
# ok: no-eval
client.eval(SCRIPT, 1, "key")
# ok: no-eval
re.compile("a")
# ruleid: no-shell
subprocess.run(text, shell=True)
# ruleid: no-shell
os.system(text)
# ok: no-shell
subprocess.run(["ls", text])
# ruleid: no-import-by-name
handler = import_string(run.job)
# ruleid: no-import-by-name
module = importlib.import_module(name)
# ruleid: no-import-by-name
module = __import__(name)
# ok: no-import-by-name
handler = registry.get(run.job)
