"""When schedules fire: cron, intervals and moments (pure), what becomes of late fires (pure), and the fires."""
