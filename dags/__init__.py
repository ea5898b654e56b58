"""Airflow DAGs, one thin file each; their work is in `dags.steps`."""
