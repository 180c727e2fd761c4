"""What the chaos database writes down by itself: triggers note every lease and every effect with the database's clock.

The log is append-only. On PostgreSQL an effect is noted as its transaction commits (a deferred constraint trigger); on
SQLite, where one transaction writes at a time, as it is inserted.
"""

from __future__ import annotations

from django.db import connection

TABLES = """
CREATE TABLE chaos_log (seq {serial}, what text, run text, token text, worker text, queue text, key text, state text,
    xid text, at {real});
CREATE TABLE chaos_done (id {serial}, key text, run text, token text);
CREATE TABLE chaos_order (key text)
"""
POSTGRES = """
CREATE FUNCTION chaos_hex(uuid) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT replace($1::text, '-', '') $$;
CREATE FUNCTION chaos_now() RETURNS float8 VOLATILE LANGUAGE sql AS $$ SELECT extract(epoch FROM clock_timestamp())::float8 $$;
CREATE FUNCTION chaos_slot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO chaos_log (what, token, worker, queue, key, at) VALUES
      ('slot+', chaos_hex(NEW.token), chaos_hex(NEW.worker_id), NEW.queue, chaos_hex(NEW.behind), chaos_now());
  ELSE
    INSERT INTO chaos_log (what, token, queue, xid, at)
      VALUES ('slot-', chaos_hex(OLD.token), OLD.queue, pg_current_xact_id()::text, chaos_now());
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_slot AFTER INSERT OR DELETE ON queues_slot FOR EACH ROW EXECUTE FUNCTION chaos_slot();
CREATE FUNCTION chaos_hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.lease_token IS NOT NULL THEN
    INSERT INTO chaos_log (what, run, token, state, xid, at) VALUES
      ('hold-', chaos_hex(OLD.id), chaos_hex(OLD.lease_token), NEW.state, pg_current_xact_id()::text, chaos_now());
  END IF;
  IF NEW.lease_token IS NOT NULL THEN
    INSERT INTO chaos_log (what, run, token, worker, queue, key, at) VALUES ('hold+', chaos_hex(NEW.id),
      chaos_hex(NEW.lease_token), chaos_hex(NEW.worker_id), NEW.queue, NEW.concurrency_key, chaos_now());
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_hold AFTER UPDATE ON queues_run FOR EACH ROW
  WHEN (OLD.lease_token IS DISTINCT FROM NEW.lease_token) EXECUTE FUNCTION chaos_hold();
CREATE FUNCTION chaos_effect() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos_done (key, run) VALUES (NEW.key, chaos_hex(NEW.run_id));
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_effect AFTER INSERT ON queues_effectrecord FOR EACH ROW
  WHEN (NEW.job IN ('chaos.report', 'chaos.charge')) EXECUTE FUNCTION chaos_effect();
CREATE FUNCTION chaos_done() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos_log (what, key, run, token, xid, at)
    VALUES ('done', NEW.key, NEW.run, NEW.token, pg_current_xact_id()::text, chaos_now());
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER chaos_done AFTER INSERT ON chaos_done DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION chaos_done()
"""
NOW = "((julianday('now') - 2440587.5) * 86400.0)"
SQLITE = f"""
CREATE TRIGGER chaos_slot_opened AFTER INSERT ON queues_slot BEGIN
  INSERT INTO chaos_log (what, token, worker, queue, key, at)
    VALUES ('slot+', NEW.token, NEW.worker_id, NEW.queue, NEW.behind, {NOW}); END;
CREATE TRIGGER chaos_slot_closed AFTER DELETE ON queues_slot BEGIN
  INSERT INTO chaos_log (what, token, queue, at) VALUES ('slot-', OLD.token, OLD.queue, {NOW}); END;
CREATE TRIGGER chaos_hold_closed AFTER UPDATE ON queues_run
  WHEN OLD.lease_token IS NOT NULL AND OLD.lease_token IS NOT NEW.lease_token BEGIN
  INSERT INTO chaos_log (what, run, token, state, at) VALUES ('hold-', OLD.id, OLD.lease_token, NEW.state, {NOW}); END;
CREATE TRIGGER chaos_hold_opened AFTER UPDATE ON queues_run
  WHEN NEW.lease_token IS NOT NULL AND OLD.lease_token IS NOT NEW.lease_token BEGIN
  INSERT INTO chaos_log (what, run, token, worker, queue, key, at)
    VALUES ('hold+', NEW.id, NEW.lease_token, NEW.worker_id, NEW.queue, NEW.concurrency_key, {NOW}); END;
CREATE TRIGGER chaos_effect AFTER INSERT ON queues_effectrecord WHEN NEW.job IN ('chaos.report', 'chaos.charge') BEGIN
  INSERT INTO chaos_done (key, run) VALUES (NEW.key, NEW.run_id); END;
CREATE TRIGGER chaos_done AFTER INSERT ON chaos_done BEGIN
  INSERT INTO chaos_log (what, key, run, token, state, at) VALUES
    ('done', NEW.key, NEW.run, NEW.token, (SELECT state FROM queues_run WHERE id = NEW.run), {NOW}); END
"""


def install() -> None:
    """Make the tables and the triggers in the default database. Raises DatabaseError."""
    postgres = connection.vendor == "postgresql"
    kinds = {"serial": "bigserial PRIMARY KEY", "real": "float8"}
    if not postgres:
        kinds = {"serial": "integer PRIMARY KEY AUTOINCREMENT", "real": "real"}
    with connection.cursor() as cursor:
        for statement in TABLES.format(**kinds).split(";"):
            cursor.execute(statement)
        if postgres:
            cursor.execute(POSTGRES)
            return
        for statement in SQLITE.split("END;\n"):
            cursor.execute(statement if statement.rstrip().endswith("END") else f"{statement} END")
