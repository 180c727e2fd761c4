"""The REST API: policy, one service, an answer. Errors are RFC 9457 problems; reads take a constant number of queries."""
