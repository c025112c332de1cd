"""Tells people when something is wrong, once, and once more when it is well again.

    run table, job table, clock ──▶ troubles (what is so)  ┐
                                                           ├─▶ notices ──▶ channels ──▶ kept as told
    what each channel has been told ───────────────────────┘

The same idea as a sync: what people know is brought in step with what is so. Nothing is lost with the process, and nobody is told twice:
a notice that could not be delivered is still due at the next look.
"""
