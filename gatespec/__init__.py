"""The executable specification: it judges any Provider API Gateway over the wire."""
