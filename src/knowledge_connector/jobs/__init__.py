"""Jobs on a schedule, in one process, with nothing missed and nothing run twice.

    clock, run table ─▶ schedule      pure: which due time of a job is owed now?
                           │
    config, signals ─▶ runner         looks every half minute, starts what is owed, tells listeners
                           │  a thread for each job, within a limit
                           ▼
                        carrying      one due time: the job's lease, its record, its connectors in turn
                           │  a child process for each run, because a thread cannot be killed
                           ▼
                launching ⇄ child     the run itself: the connector's lease, `Host.sync`, its reports

    events     what listeners hear, and the overview they may ask for; `log` is one of them
    units      for those who have another scheduler

What is owed follows from records alone. `jobs` in the state store says up to when a job is settled; it is written by whoever holds
the job's lease. A run carries job and due time in its own record, so a due time that was broken off goes on with what is left of it.
"""
