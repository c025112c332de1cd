"""The local door of `connector serve`: is it alive, is it ready, and how does it do.

GET /healthz   200 as long as due jobs are looked for; otherwise 503 and why. For whoever restarts the process
GET /readyz    200 if it can do its work: the state store answers and the configuration counts; otherwise 503 and why
GET /metrics   for Prometheus

Nothing here acts. It listens on the loopback interface; elsewhere it wants a token for `/metrics`.
"""
